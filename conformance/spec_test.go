package conformance_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/lockstep-sync/lockstep/conformance"
	"github.com/lockstep-sync/lockstep/topics"
)

// rules reads the rules of SPEC.md: their ids, and whether they are planned.
func rules(t *testing.T) map[string]bool {
	t.Helper()
	text, err := fs.ReadFile(conformance.Files, "SPEC.md")
	if err != nil {
		t.Fatal(err)
	}
	planned := make(map[string]bool)
	next := make(map[string]int)
	for _, m := range regexp.MustCompile(`(?m)^\*\*([A-Z])-(\d+)\*\*( \*planned\*)?`).FindAllStringSubmatch(string(text), -1) {
		next[m[1]]++
		if m[2] != fmt.Sprint(next[m[1]]) {
			t.Errorf("%s-%s stands where %s-%d should", m[1], m[2], m[1], next[m[1]])
		}
		planned[m[1]+"-"+m[2]] = m[3] != ""
	}
	if len(planned) < 100 {
		t.Fatalf("SPEC.md has %d rules; is it read rightly?", len(planned))
	}
	return planned
}

// Every rule has its proofs, every proof exists, and a rule that has proofs is not
// merely planned.
func TestRulesAreProved(t *testing.T) {
	var proofs map[string][]string
	if err := conformance.Read("proofs.json", &proofs); err != nil {
		t.Fatal(err)
	}
	planned := rules(t)
	for _, id := range slices.Sorted(maps.Keys(planned)) {
		if planned[id] != (len(proofs[id]) == 0) {
			t.Errorf("%s: planned is %t, and its proofs are %v", id, planned[id], proofs[id])
		}
	}
	for id, list := range proofs {
		if _, known := planned[id]; !known {
			t.Errorf("%s is proved and is no rule", id)
		}
		for _, proof := range list {
			if err := checkProof(id, proof); err != nil {
				t.Errorf("%s: %v", id, err)
			}
		}
	}
}

// checkProof reports whether a proof is there: "file_test.go:TestName" of this
// repository, "file.test.ts:what the test is called", or a file of this folder, which a
// test here plays.
func checkProof(id, proof string) error {
	file, test, isTest := strings.Cut(proof, ":")
	if !isTest {
		text, err := fs.ReadFile(conformance.Files, proof)
		if err == nil && strings.Contains(string(text), `"rules": ["`) && !strings.Contains(string(text), `"`+id+`"`) {
			return fmt.Errorf("nothing in %s says that it shows the rule", proof)
		}
		return err
	}
	text, err := os.ReadFile(path.Join("..", file))
	if err != nil {
		return err
	}
	head := "func " + test + "("
	if strings.HasSuffix(file, ".ts") {
		head = `test("` + test + `", `
	}
	if !strings.Contains(string(text), head) {
		return fmt.Errorf("%s has no %s", file, test)
	}
	return nil
}

// What names the rules that it shows names rules that exist, and is among their proofs.
func TestCasesNameRules(t *testing.T) {
	var proofs map[string][]string
	if err := conformance.Read("proofs.json", &proofs); err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{"protocol/conversations.json", "vectors/outbox.json"} {
		text, err := fs.ReadFile(conformance.Files, file)
		if err != nil {
			t.Fatal(err)
		}
		lists := regexp.MustCompile(`"rules": \[([^\]]*)\]`).FindAllStringSubmatch(string(text), -1)
		if len(lists) == 0 {
			t.Errorf("%s names no rules", file)
		}
		for _, list := range lists {
			for quoted := range strings.SplitSeq(list[1], ", ") {
				if id := strings.Trim(quoted, `"`); !slices.Contains(proofs[id], file) {
					t.Errorf("%s shows %q, and is not among its proofs", file, id)
				}
			}
		}
	}
}

// Every part of the schemas that names a rule names one that exists, and the codes
// are those of the table.
func TestSchemasNameRules(t *testing.T) {
	known := rules(t)
	for name, text := range schemaTexts(t) {
		named := regexp.MustCompile(`"x-rule": "([^"]*)"`).FindAllStringSubmatch(text, -1)
		for _, m := range named {
			if _, ok := known[m[1]]; !ok {
				t.Errorf("%s names %s, which is no rule", name, m[1])
			}
		}
		if len(named) == 0 {
			t.Errorf("%s names no rule", name)
		}
	}
	var words struct {
		Defs struct {
			Code struct{ Enum []topics.Code }
		} `json:"$defs"`
	}
	if err := json.Unmarshal([]byte(schemaTexts(t)["schemas/words.json"]), &words); err != nil {
		t.Fatal(err)
	}
	slices.Sort(words.Defs.Code.Enum)
	if want := slices.Sorted(maps.Keys(topics.Codes())); !slices.Equal(words.Defs.Code.Enum, want) {
		t.Errorf("the schemas' codes are\n%v\nwant\n%v", words.Defs.Code.Enum, want)
	}
}

// The wire does not change unnoticed: the schemas are pinned to the protocol's
// version. A change that old clients and servers cannot see past is a new version;
// any other is written into CHANGELOG.md, and the hash here is renewed.
func TestSchemasArePinned(t *testing.T) {
	var pin struct{ About, Protocol, Schemas string }
	if err := conformance.Read("protocol.json", &pin); err != nil {
		t.Fatal(err)
	}
	texts, h := schemaTexts(t), sha256.New()
	for _, name := range slices.Sorted(maps.Keys(texts)) {
		fmt.Fprintf(h, "%s %s\n", name, meaningOf(t, texts[name]))
	}
	if got := "sha256:" + hex.EncodeToString(h.Sum(nil)); got != pin.Schemas || pin.Protocol != "lockstep.v1" {
		t.Errorf("the schemas of %s have changed: their hash is %s, and protocol.json has %s", pin.Protocol, got, pin.Schemas)
	}
}

// meaningOf is a schema without what is only for people.
func meaningOf(t *testing.T, text string) string {
	t.Helper()
	var v any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatal(err)
	}
	strip(v)
	return strings.TrimSpace(asText(t, v))
}

func strip(v any) {
	switch v := v.(type) {
	case []any:
		for _, item := range v {
			strip(item)
		}
	case map[string]any:
		for _, word := range []string{"title", "description", "x-rule"} {
			if _, prose := v[word].(string); prose {
				delete(v, word)
			}
		}
		for _, item := range v {
			strip(item)
		}
	}
}

func schemaTexts(t *testing.T) map[string]string {
	t.Helper()
	texts := make(map[string]string)
	err := fs.WalkDir(conformance.Files, "schemas", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := fs.ReadFile(conformance.Files, name)
		texts[name] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return texts
}
