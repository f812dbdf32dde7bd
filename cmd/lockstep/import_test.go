package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"strconv"
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

// An import that is cut off is run again, and ends as if it had never been.
func TestImportCutOff(t *testing.T) {
	url := startServer(t)
	var file strings.Builder
	const rows = 5_000
	for i := range rows {
		file.WriteString(`{"id":` + strconv.Itoa(i) + `,"filler":"` + strings.Repeat("x", 300) + "\"}\n")
	}
	ctx, cancel := context.WithCancel(t.Context())
	client := dial(t, url)
	cut := &cutting{r: strings.NewReader(file.String()), after: int64(file.Len() / 2), then: cancel}
	c := console{in: cut, out: io.Discard, err: io.Discard, env: func(string) string { return "" }}
	if code := run(ctx, c, []string{"import", "stock:1", "-", "--id", "id", "--url", url}); code == exitOK {
		t.Fatal("the import was not cut off")
	}
	if _, at := rowsOf(t, client, "stock:1"); at.Version == 0 || at.Version >= rows {
		t.Fatalf("%d rows were written before the cut", at.Version)
	}
	o := command(t, url, file.String(), "import", "stock:1", "-", "--id", "id").must(t)
	if !strings.HasPrefix(o.out, "5000 rows read: ") || !strings.Contains(o.out, " 0 changed") {
		t.Error(o.out)
	}
	got, at := rowsOf(t, client, "stock:1")
	if len(got) != rows || at.Version != rows {
		t.Errorf("there are %d rows at version %d, want %d", len(got), at.Version, rows)
	}
}

// cutting ends something once so many bytes were read.
type cutting struct {
	r     io.Reader
	after int64
	then  func()
}

func (c *cutting) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	if c.after -= int64(n); c.after <= 0 {
		c.then()
	}
	return n, err
}
