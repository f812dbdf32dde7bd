package main

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/lockstep-sync/lockstep/cmd/lockstep/internal/remote"
	"github.com/lockstep-sync/lockstep/topics"
)

// badLine stands between client and server: it cuts the line before a request
// arrives, after it has arrived, or in the middle of the answer.
type badLine struct {
	target string
	cuts   int // of ten requests

	mu     sync.Mutex
	random *rand.Rand
	cut    int // how often it has
}

func startBadLine(t *testing.T, target string, cuts int) (*badLine, string) {
	t.Helper()
	l := &badLine{target: target, cuts: cuts, random: rand.New(rand.NewPCG(4, 2))}
	s := httptest.NewServer(l)
	t.Cleanup(s.Close)
	return l, s.URL
}

// fate is how a request fares: 0 to 2 are cuts.
func (l *badLine) fate() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.random.IntN(10) >= l.cuts {
		return 3
	}
	l.cut++
	return l.random.IntN(3)
}

func (l *badLine) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	fate := l.fate()
	if fate == 0 {
		panic(http.ErrAbortHandler)
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	request, err := http.NewRequestWithContext(r.Context(), r.Method, l.target+r.URL.RequestURI(), strings.NewReader(string(body)))
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	request.Header = r.Header
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil || fate == 1 {
		panic(http.ErrAbortHandler)
	}
	maps.Copy(w.Header(), response.Header)
	w.WriteHeader(response.StatusCode)
	if fate == 2 {
		_, _ = w.Write(text[:len(text)/2])
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}
	_, _ = w.Write(text)
}

// P3: an import over a line that keeps breaking writes every row once.
func TestImportOverBadLine(t *testing.T) {
	url := startServer(t)
	line, broken := startBadLine(t, url, 3)
	const rows = 3_000
	var file strings.Builder
	for i := range rows {
		fmt.Fprintf(&file, "{\"id\":\"r%d\",\"n\":%d}\n", i, i)
	}
	// The very first request is not tried again: it tells a wrong URL from a bad line.
	o := command(t, broken, file.String(), "import", "stock:1", "-", "--id", "id")
	for range 10 {
		if o.code != exitUnreachable {
			break
		}
		o = command(t, broken, file.String(), "import", "stock:1", "-", "--id", "id")
	}
	o.must(t)
	if want := "3000 rows read: 3000 added, 0 changed, 0 unchanged"; !strings.HasPrefix(o.out, want) {
		t.Errorf("got %q, want %q", o.out, want)
	}
	got, at := rowsOf(t, dial(t, url), "stock:1")
	if len(got) != rows || at.Version != rows {
		t.Errorf("there are %d rows at version %d, want %d", len(got), at.Version, rows)
	}
	if line.cut < 5 {
		t.Errorf("the line was cut %d times only", line.cut)
	}
}

// P5: a follower over a line that keeps breaking gets every event once, in order.
func TestFollowOverBadLine(t *testing.T) {
	url := startServer(t)
	line, broken := startBadLine(t, url, 6)
	client := dial(t, url)
	at, err := client.Position(t.Context(), "stock:1")
	if err != nil {
		t.Fatal(err)
	}
	const events = 400
	go func() {
		for n := range events {
			_, err := client.Mutate(t.Context(), remote.Mutation{
				Topic: "stock:1", Key: fmt.Sprint("k", n), Changes: []remote.Change{{EntityID: "e", Payload: fmt.Appendf(nil, `{"n":%d}`, n)}},
			})
			if err != nil {
				t.Error(err)
				return
			}
		}
	}()
	last, enough := topics.Version(0), errors.New("all are here")
	from := remote.Following{Topic: "stock:1", After: at, Every: true, Known: true}
	err = dial(t, broken).Follow(t.Context(), from, func(f remote.Frame) error {
		for i := range f.Events {
			if f.Events[i].Version != last+1 {
				t.Errorf("version %d follows %d", f.Events[i].Version, last)
			}
			last = f.Events[i].Version
		}
		if last == events {
			return enough
		}
		return nil
	})
	if !errors.Is(err, enough) {
		t.Fatal(err)
	}
	if line.cut == 0 {
		t.Error("the line was never cut")
	}
}
