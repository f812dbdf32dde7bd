package quakes

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/lockstep-sync/lockstep/cmd/lockstep/internal/rows"
)

// MaxFeatures bounds a file: a feed of a month has some 10,000.
const MaxFeatures = 100_000

// The statuses of a feature that matter here.
const (
	automatic = "automatic"
	reviewed  = "reviewed"
)

// Feature is one earthquake as a feed last knew it.
type Feature struct {
	ID      string
	Time    time.Time // when it happened
	Updated time.Time // when it was last revised
	Status  string
	JSON    json.RawMessage // the whole feature
}

// ReadFile reads the features of a feed's FeatureCollection, gzipped or not.
func ReadFile(r io.Reader) ([]Feature, error) {
	reader, err := rows.New(r, "features")
	if err != nil {
		return nil, err
	}
	var all []Feature
	for {
		row, err := reader.Next()
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return nil, err
		}
		if len(all) == MaxFeatures {
			return nil, fmt.Errorf("there are more than %d features", MaxFeatures)
		}
		f, err := Parse(bytes.Clone(row))
		if err != nil {
			return nil, &rows.Error{Row: reader.Count(), Err: err}
		}
		all = append(all, f)
	}
}

// Parse reads one feature, which it keeps.
func Parse(feature json.RawMessage) (Feature, error) {
	var f struct {
		ID         string `json:"id"`
		Properties struct {
			Time    int64  `json:"time"`
			Updated int64  `json:"updated"`
			Status  string `json:"status"`
		} `json:"properties"`
	}
	if err := json.Unmarshal(feature, &f); err != nil {
		return Feature{}, fmt.Errorf("is not an earthquake feature: %w", err)
	}
	p := f.Properties
	if f.ID == "" || p.Time == 0 {
		return Feature{}, errors.New("is not an earthquake feature: it lacks id or properties.time")
	}
	return Feature{ID: f.ID, Time: time.UnixMilli(p.Time), Updated: time.UnixMilli(p.Updated), Status: p.Status, JSON: feature}, nil
}

// first is the feature as it was when it was new: found by a machine and looked
// at by nobody.
func (f Feature) first() (json.RawMessage, error) {
	var feature, properties map[string]json.RawMessage
	if err := json.Unmarshal(f.JSON, &feature); err != nil {
		return nil, err
	}
	if err := json.Unmarshal(feature["properties"], &properties); err != nil {
		return nil, err
	}
	properties["status"] = json.RawMessage(`"` + automatic + `"`)
	properties["updated"] = properties["time"]
	inner, err := encode(properties)
	if err != nil {
		return nil, err
	}
	feature["properties"] = inner
	return encode(feature)
}

// encode is json.Marshal without escapes for HTML.
func encode(value any) (json.RawMessage, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(value)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}
