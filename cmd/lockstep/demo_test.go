package main

import (
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/lockstep-sync/lockstep/topics/testdata"
)

// The demo in a process of its own: it says what it plays, plays it at the speed
// it is told, and ends cleanly, with nothing left behind.
func TestDemo(t *testing.T) {
	file := testdata.Path(t, testdata.Earthquakes)
	p := start(t, "demo", "--listen", "127.0.0.1:0", "--quakes", file, "--speed", "0")
	var info demoInfo
	ask(t, http.MethodGet, p.url+"/demo/info", "", http.StatusOK, &info)
	if q := info.Quakes; q.Topic != quakesTopic || q.Source != "file" || q.Name != "earthquakes.geojson" || q.Count != 1707 || info.Gifts.Topic != giftsTopic {
		t.Errorf("info is %+v", info)
	}
	if info.Speed != 0 || info.Done {
		t.Errorf("a demo that stands still says %+v", info)
	}

	ask(t, http.MethodPost, p.url+"/demo/speed", `{"speed":1000000}`, http.StatusOK, &info)
	waitUntil(t, func() bool {
		ask(t, http.MethodGet, p.url+"/demo/info", "", http.StatusOK, &info)
		return info.Done
	})
	if info.Replayed != 1707 || info.Events <= 1707 || info.Speed != 1_000_000 {
		t.Errorf("at the end info is %+v", info)
	}
	client := dial(t, p.url)
	got, before := rowsOf(t, client, quakesTopic)
	want := featuresOf(t, testdata.Open(t, testdata.Earthquakes))
	if len(got) != len(want) {
		t.Errorf("the week ends with %d rows, want %d", len(got), len(want))
	}
	for id, payload := range want { // P7
		if !sameJSON(t, got[id], payload) {
			t.Errorf("%s ends as %s, want %s", id, got[id], payload)
		}
	}
	if gifts, _ := rowsOf(t, client, giftsTopic); len(gifts) != 4 {
		t.Errorf("the list has %d gifts, want 4", len(gifts))
	}

	ask(t, http.MethodPost, p.url+"/demo/restart", "", http.StatusOK, &info)
	waitUntil(t, func() bool {
		ask(t, http.MethodGet, p.url+"/demo/info", "", http.StatusOK, &info)
		return info.Done
	})
	if _, after := rowsOf(t, client, quakesTopic); after.Epoch == before.Epoch || after.Version != before.Version {
		t.Errorf("a restart went from %s to %s", before, after)
	}

	code, took := p.interrupt(syscall.SIGINT)
	if code != exitOK || took > 10*time.Second || p.said.Len() > 0 {
		t.Errorf("Ctrl-C: code %d after %s: %s", code, took, p.said.String())
	}
	left, err := os.ReadDir(p.temp)
	if err != nil || len(left) != 0 {
		t.Errorf("the demo left %v behind (%v)", left, err)
	}
}

// What the page, or another page, must not do; of a demo that has no file.
func TestDemoRefuses(t *testing.T) {
	p := start(t, "demo", "--listen", "127.0.0.1:0", "--speed", "0")
	var info demoInfo
	ask(t, http.MethodGet, p.url+"/demo/info", "", http.StatusOK, &info)
	if info.Quakes.Source != "generated" || info.Quakes.Count < 1_000 {
		t.Errorf("without a file info is %+v", info)
	}
	for name, tc := range map[string]struct {
		method, path, body string
		header             http.Header
		status             int
	}{
		"no speed":                {http.MethodPost, "/demo/speed", `{}`, nil, http.StatusBadRequest},
		"no JSON":                 {http.MethodPost, "/demo/speed", `fast`, nil, http.StatusBadRequest},
		"a negative speed":        {http.MethodPost, "/demo/speed", `{"speed":-1}`, nil, http.StatusBadRequest},
		"a page of another site":  {http.MethodPost, "/demo/restart", ``, http.Header{"Origin": {"https://elsewhere.example"}}, http.StatusForbidden},
		"another name for itself": {http.MethodGet, "/demo/info", ``, http.Header{"Host": {"elsewhere.example"}}, http.StatusForbidden},
		"no such file":            {http.MethodGet, "/nowhere.js", ``, nil, http.StatusNotFound},
		"the page":                {http.MethodGet, "/", ``, nil, http.StatusOK},
		"the server's health":     {http.MethodGet, "/readyz", ``, nil, http.StatusOK},
	} {
		t.Run(name, func(t *testing.T) {
			request := newRequest(t, tc.method, p.url+tc.path, tc.body)
			maps.Copy(request.Header, tc.header)
			request.Host = tc.header.Get("Host")
			if got := answer(t, request, nil); got != tc.status {
				t.Errorf("status %d, want %d", got, tc.status)
			}
		})
	}
	// A second demo finds another port.
	other := start(t, "demo", "--listen", strings.TrimPrefix(p.url, "http://"), "--speed", "0")
	if other.url == p.url {
		t.Error("two demos say that they are at one address")
	}
	for _, each := range []*process{p, other} {
		if code, _ := each.interrupt(syscall.SIGTERM); code != exitOK {
			t.Errorf("code %d: %s", code, each.said.String())
		}
	}
}

func ask(t *testing.T, method, url, body string, status int, into any) {
	t.Helper()
	if got := answer(t, newRequest(t, method, url, body), into); got != status {
		t.Fatalf("%s %s: status %d, want %d", method, url, got, status)
	}
}

func newRequest(t *testing.T, method, url, body string) *http.Request {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	return request
}

func answer(t *testing.T, request *http.Request, into any) int {
	t.Helper()
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	if into != nil {
		if err := json.Unmarshal(text, into); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
	}
	return response.StatusCode
}
