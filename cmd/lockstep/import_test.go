package main

import (
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/lockstep-sync/lockstep/cmd/lockstep/internal/rows"
	"github.com/lockstep-sync/lockstep/topics"
	"github.com/lockstep-sync/lockstep/topics/testdata"
)

// The whole file of earthquakes is imported, and imported again: then nothing
// changes and no event is made.
func TestImportEarthquakes(t *testing.T) {
	url := startServer(t)
	file := testdata.Path(t, testdata.Earthquakes)
	args := []string{"import", "quakes:week", file, "--id", "id", "--path", "features"}

	first := command(t, url, "", args...).must(t)
	if want := "1707 rows read: 1707 added, 0 changed, 0 unchanged, in "; !strings.HasPrefix(first.out, want) {
		t.Errorf("the first import says %q, want %q", first.out, want)
	}
	client := dial(t, url)
	got, at := rowsOf(t, client, "quakes:week")
	want := featuresOf(t, testdata.Open(t, testdata.Earthquakes))
	if len(got) != len(want) || at.Version != 1707 {
		t.Errorf("the topic has %d rows at version %d", len(got), at.Version)
	}
	for id, payload := range want {
		if !sameJSON(t, got[id], payload) {
			t.Errorf("%s is %s, want %s", id, got[id], payload)
		}
	}

	second := command(t, url, "", args...).must(t)
	if want := "1707 rows read: 0 added, 0 changed, 1707 unchanged, in "; !strings.HasPrefix(second.out, want) {
		t.Errorf("the second import says %q, want %q", second.out, want)
	}
	if after, err := client.Position(t.Context(), "quakes:week"); err != nil || after != at {
		t.Errorf("the second import moved the topic from %s to %s (%v)", at, after, err)
	}
}

// featuresOf are the features of a FeatureCollection, by id.
func featuresOf(t *testing.T, r io.Reader) map[string]string {
	t.Helper()
	reader, err := rows.New(r, "features")
	if err != nil {
		t.Fatal(err)
	}
	features := make(map[string]string)
	for {
		row, err := reader.Next()
		if errors.Is(err, io.EOF) {
			return features
		}
		if err != nil {
			t.Fatal(err)
		}
		id, err := rows.ID(row, "id")
		if err != nil {
			t.Fatal(err)
		}
		features[id] = string(row)
	}
}

func sameJSON(t *testing.T, a, b string) bool {
	t.Helper()
	if a == b {
		return true
	}
	var one, other any
	if json.Unmarshal([]byte(a), &one) != nil || json.Unmarshal([]byte(b), &other) != nil {
		return false
	}
	first, err := json.Marshal(one)
	if err != nil {
		t.Fatal(err)
	}
	second, err := json.Marshal(other)
	if err != nil {
		t.Fatal(err)
	}
	return string(first) == string(second)
}

// An import that somebody else writes beside counts its own changes only.
func TestImportCountsItsOwn(t *testing.T) {
	url := startServer(t)
	command(t, url, "", "put", "stock:1", "other", `{"n":1}`).must(t)
	var file strings.Builder
	for i := range 1000 {
		row, err := json.Marshal(map[string]int{"id": i, "n": 1})
		if err != nil {
			t.Fatal(err)
		}
		file.Write(append(row, '\n'))
	}
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for n := 2; ; n++ {
			select {
			case <-stop:
				return
			default:
				command(t, url, "", "put", "stock:1", "other", `{"n":`+string(rune('0'+n%10))+`}`)
			}
		}
	}()
	result := command(t, url, file.String(), "import", "stock:1", "-", "--id", "id").must(t)
	close(stop)
	<-stopped
	if !strings.HasPrefix(result.out, "1000 rows read: 1000 added, 0 changed, 0 unchanged") {
		t.Error(result.out)
	}
	if rows, _ := rowsOf(t, dial(t, url), topics.Name("stock:1")); len(rows) != 1001 {
		t.Errorf("there are %d rows, want 1001", len(rows))
	}
}
