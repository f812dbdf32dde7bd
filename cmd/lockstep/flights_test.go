package main

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"io"
	"testing"

	"github.com/lockstep-sync/lockstep/cmd/lockstep/internal/remote"
	"github.com/lockstep-sync/lockstep/cmd/lockstep/internal/rows"
	"github.com/lockstep-sync/lockstep/topics"
	"github.com/lockstep-sync/lockstep/topics/testdata"
)

// board is the live board of airports: one entity per airport, which every flight
// from or to it updates.
const board topics.Name = "board:flights"

type airport struct {
	Departures int    `json:"departures"`
	Arrivals   int    `json:"arrivals"`
	Delay      int    `json:"delay"`
	Last       string `json:"last"`
}

var errAwake = errors.New("the follower has caught up")

// P10: a follower that sleeps through five thousand flights comes back with at
// most one event per airport, and then holds the board as it is.
func TestFlightsFollowerSleeps(t *testing.T) {
	url := startServer(t)
	client := dial(t, url)
	flights := readFlights(t)
	airports := make(map[string]*airport)

	fly(t, client, airports, flights[:100])
	held, asleep := rowsOf(t, client, board) // the follower has caught up, and falls asleep
	fly(t, client, airports, flights[100:])
	_, awake := rowsOf(t, client, board)
	if missed := awake.Version - asleep.Version; missed < 9_000 {
		t.Fatalf("the follower has slept through %d events only", missed)
	}

	events := make(map[string]int)
	err := client.Follow(t.Context(), remote.Following{Topic: board, After: asleep}, func(f remote.Frame) error {
		if f.Type != "events" {
			t.Errorf("the follower is sent a %s", f.Type)
		}
		for i := range f.Events {
			data, err := f.Events[i].Data()
			if err != nil {
				return err
			}
			events[data.EntityID]++
			held[data.EntityID] = string(data.Payload)
		}
		if f.At == awake && !f.More {
			return errAwake
		}
		return nil
	})
	if !errors.Is(err, errAwake) {
		t.Fatal(err)
	}
	total := 0
	for id, n := range events {
		if total += n; n != 1 {
			t.Errorf("%s came %d times", id, n)
		}
	}
	if total > len(airports) {
		t.Errorf("coming back cost %d events for %d airports", total, len(airports))
	}
	for id, want := range airports {
		if held[id] != encoded(t, want) {
			t.Errorf("%s is %s, want %s", id, held[id], encoded(t, want))
		}
	}
	if len(held) != len(airports) {
		t.Errorf("the follower holds %d airports of %d", len(held), len(airports))
	}
}

type flight struct {
	Date, Origin, Destination string
	Delay                     int
}

func readFlights(t *testing.T) []flight {
	t.Helper()
	reader, err := rows.New(testdata.Open(t, testdata.Flights), "")
	if err != nil {
		t.Fatal(err)
	}
	var all []flight
	for {
		row, err := reader.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		var f flight
		if err := json.Unmarshal(row, &f); err != nil {
			t.Fatal(err)
		}
		all = append(all, f)
	}
	if len(all) != 5_000 {
		t.Fatalf("the file has %d flights, want 5000", len(all))
	}
	return all
}

// fly updates the board by flights, in order, fifty flights to a mutation.
func fly(t *testing.T, client *remote.Client, airports map[string]*airport, flights []flight) {
	t.Helper()
	at := func(id string) *airport {
		if airports[id] == nil {
			airports[id] = &airport{}
		}
		return airports[id]
	}
	for begin := 0; begin < len(flights); begin += 50 {
		m := remote.Mutation{Topic: board, Key: rand.Text()}
		for _, f := range flights[begin:min(begin+50, len(flights))] {
			from, to := at(f.Origin), at(f.Destination)
			from.Departures++
			from.Delay += f.Delay
			from.Last = f.Date
			m.Changes = append(m.Changes, remote.Change{EntityID: f.Origin, Payload: json.RawMessage(encoded(t, from))})
			to.Arrivals++
			to.Last = f.Date
			m.Changes = append(m.Changes, remote.Change{EntityID: f.Destination, Payload: json.RawMessage(encoded(t, to))})
		}
		if _, err := client.Mutate(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
}

func encoded(t *testing.T, value any) string {
	t.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
