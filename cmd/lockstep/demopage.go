package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"strings"

	"github.com/lockstep-sync/lockstep/clientjs"
	"github.com/lockstep-sync/lockstep/cmd/lockstep/internal/replay"
	statesync "github.com/lockstep-sync/lockstep/sync"
	"github.com/lockstep-sync/lockstep/topics"
)

// The topics that the page shows.
const (
	quakesTopic topics.Name = "quakes:week"
	giftsTopic  topics.Name = "gift-list:demo"
)

// demoPage serves the page, and the few calls that steer the replay.
type demoPage struct {
	player *replay.Player
	feed   *quakeFeed
	host   http.Handler // the server, for everything else
}

func (p *demoPage) handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/", http.FileServerFS(clientjs.Demo()))
	mux.HandleFunc("GET /demo/info", p.info)
	// Pages of other sites must not steer the replay.
	own := http.NewCrossOriginProtection()
	mux.Handle("POST /demo/speed", own.Handler(http.HandlerFunc(p.speed)))
	mux.Handle("POST /demo/restart", own.Handler(http.HandlerFunc(p.restart)))
	for _, path := range []string{"/v1/", "/ws/", "/healthz", "/readyz"} {
		mux.Handle(path, p.host)
	}
	return onlyLoopback(withScripts(mux))
}

// onlyLoopback refuses requests for other hosts' names, which can be made to
// resolve to this machine.
func onlyLoopback(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host := r.Host
		if name, _, err := net.SplitHostPort(host); err == nil {
			host = name
		}
		if !isLoopback(strings.Trim(host, "[]")) {
			http.Error(w, "the demo answers on loopback names only", http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// demoInfo is what the page asks for.
type demoInfo struct {
	Quakes struct {
		Topic  topics.Name `json:"topic"`
		Source string      `json:"source"`
		Name   string      `json:"name"`
		Count  int         `json:"count"`
	} `json:"quakes"`
	Gifts struct {
		Topic topics.Name `json:"topic"`
	} `json:"gifts"`
	Speed    float64 `json:"speed"`
	Replayed int     `json:"replayed"` // earthquakes that have appeared
	Events   int     `json:"events"`   // written, revisions included
	Done     bool    `json:"done"`
}

func (p *demoPage) info(w http.ResponseWriter, _ *http.Request) {
	at := p.player.Progress()
	info := demoInfo{Speed: at.Speed, Events: at.Replayed, Done: at.Done}
	info.Quakes.Topic, info.Gifts.Topic = quakesTopic, giftsTopic
	info.Quakes.Source, info.Quakes.Name, info.Quakes.Count = p.feed.source, p.feed.name, p.feed.count
	for i := range p.feed.entries[:at.Replayed] {
		if p.feed.entries[i].Event == "" {
			info.Replayed++
		}
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_ = json.NewEncoder(w).Encode(info) // a page that is gone needs no answer
}

// maxAsk bounds what the page sends.
const maxAsk = 4 << 10

func (p *demoPage) speed(w http.ResponseWriter, r *http.Request) {
	var ask struct {
		Speed *float64 `json:"speed"`
	}
	err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxAsk)).Decode(&ask)
	if err != nil || ask.Speed == nil {
		http.Error(w, `send {"speed": seconds of history per second}`, http.StatusBadRequest)
		return
	}
	if err := p.player.SetSpeed(*ask.Speed); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	p.info(w, r)
}

func (p *demoPage) restart(w http.ResponseWriter, r *http.Request) {
	p.player.Restart()
	p.info(w, r)
}

// seedGifts puts a few gifts on the list.
func seedGifts(ctx context.Context, engine *statesync.Engine) error {
	m := topics.Mutation{Topic: giftsTopic}
	for i, gift := range []struct{ title, by, claimer string }{
		{"A wind-up radio", "alice", ""},
		{"Walking boots, size 42", "bob", ""},
		{"The atlas with the volcanoes", "alice", "bob"},
		{"A kite", "bob", ""},
	} {
		payload := fmt.Appendf(nil, `{"title":%q,"added_by":%q}`, gift.title, gift.by)
		if gift.claimer != "" {
			payload = fmt.Appendf(nil, `{"title":%q,"added_by":%q,"claimed_by":%q}`, gift.title, gift.by, gift.claimer)
		}
		// The page sorts by id, and those it makes are greater.
		m.Changes = append(m.Changes, topics.Change{EntityID: fmt.Sprintf("g0%d", i+1), Payload: payload})
	}
	answer, err := engine.Mutate(ctx, demoIdentity, m)
	switch {
	case err != nil:
		return err
	case answer.Reject != nil:
		return fmt.Errorf("writing the gifts: %w", answer.Reject)
	}
	return nil
}
