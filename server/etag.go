package server

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/lockstep-sync/lockstep/topics"
)

// etag is the strong entity tag of s.
func etag(s string) string { return `"` + s + `"` }

func versionTag(v topics.Version) string { return strconv.FormatUint(uint64(v), 10) }

// notModified answers 304 when the client holds tag already.
func (x *exchange) notModified(tag string) bool {
	held := false
	for _, t := range tags(x.r.Header.Values("If-None-Match")) {
		held = held || t == "*" || strings.TrimPrefix(t, "W/") == etag(tag)
	}
	if held {
		x.w.Header().Set("ETag", etag(tag))
		x.w.WriteHeader(http.StatusNotModified)
	}
	return held
}

// tags are the entity tags of a header. Ours hold no comma, so that one that does
// is nobody's.
func tags(lines []string) []string {
	var list []string
	for _, line := range lines {
		for t := range strings.SplitSeq(line, ",") {
			if t = strings.TrimSpace(t); t != "" {
				list = append(list, t)
			}
		}
	}
	return list
}

// expectation reads what If-Match and If-None-Match demand of an entity: the
// version in its ETag, or with "If-None-Match: *" that there is none.
func (x *exchange) expectation() (*topics.Expect, error) {
	match, none := tags(x.r.Header.Values("If-Match")), tags(x.r.Header.Values("If-None-Match"))
	switch {
	case len(match)+len(none) == 0:
		return nil, nil //nolint:nilnil // no header, no expectation
	case len(match) > 0 && len(none) > 0:
		return nil, topics.Errorf(topics.CodeInvalid, "If-None-Match", "cannot stand beside If-Match; send one of them")
	case len(none) == 1 && none[0] == "*":
		return &topics.Expect{Version: 0}, nil
	case len(none) > 0:
		return nil, topics.Errorf(topics.CodeInvalid, "If-None-Match", "must be * on a change: the entity must not exist")
	case len(match) > 1:
		return nil, topics.Errorf(topics.CodeInvalid, "If-Match", "must be one entity tag, such as \"42\"")
	}
	text, ok := unquote(match[0])
	version, err := topics.ParseVersion(text)
	if !ok || err != nil || version == 0 {
		return nil, topics.Errorf(topics.CodeInvalid, "If-Match", "%s must be the version in quotes that an ETag of the entity gave, such as \"42\"", clip(match[0]))
	}
	return &topics.Expect{Version: version}, nil
}

func unquote(tag string) (string, bool) {
	if len(tag) < 2 || tag[0] != '"' || tag[len(tag)-1] != '"' {
		return "", false
	}
	return tag[1 : len(tag)-1], true
}
