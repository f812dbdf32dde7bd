package main

import (
	"bytes"
	"context"
	"log/slog"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/lockstep-sync/lockstep/cmd/lockstep/internal/remote"
	"github.com/lockstep-sync/lockstep/server"
	"github.com/lockstep-sync/lockstep/store/badger"
	"github.com/lockstep-sync/lockstep/topics"
)

// patience bounds every wait of these tests for something that must happen.
const patience = 30 * time.Second

// beMain in the environment makes the test binary the program itself.
const beMain = "LOCKSTEP_TEST_MAIN"

func TestMain(m *testing.M) {
	if os.Getenv(beMain) != "" {
		main()
	}
	testscript.Main(m, map[string]func(){"lockstep": main})
}

// startServer runs a server for the length of the test and returns its URL.
func startServer(t testing.TB) string {
	t.Helper()
	h, err := build(plan{
		store:  badger.Options{Dir: t.TempDir(), Durability: badger.Async, MinFree: -1},
		server: server.Options{Authenticator: server.DevAuth{}, Limits: devLimits},
		log:    slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- h.live(ctx, door{listener, h.server.Handler()}) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("the server ended with: %v", err)
		}
	})
	return urlOf(listener)
}

// outcome is how a command ended.
type outcome struct {
	code     int
	out, err string
}

// command runs one command against the server at url.
func command(t testing.TB, url, stdin string, args ...string) outcome {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	return commandContext(ctx, url, stdin, args...)
}

func commandContext(ctx context.Context, url, stdin string, args ...string) outcome {
	var out, errs bytes.Buffer
	env := func(name string) string {
		if name == "LOCKSTEP_URL" {
			return url
		}
		return ""
	}
	code := run(ctx, console{in: strings.NewReader(stdin), out: &out, err: &errs, env: env}, args)
	return outcome{code, out.String(), errs.String()}
}

// must fails the test unless the command did what was asked.
func (o outcome) must(t testing.TB) outcome {
	t.Helper()
	if o.code != exitOK {
		t.Fatalf("exit code %d: %s", o.code, o.err)
	}
	return o
}

// dial makes a client of the server at url.
func dial(t testing.TB, url string) *remote.Client {
	t.Helper()
	client, err := remote.New(remote.Options{URL: url})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

// rowsOf are the rows of a topic, by id.
func rowsOf(t testing.TB, client *remote.Client, name topics.Name) (map[string]string, topics.Position) {
	t.Helper()
	rows := make(map[string]string)
	at, err := client.Rows(t.Context(), name, func(row remote.Row) error {
		rows[row.EntityID] = string(row.Payload)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return rows, at
}

// waitUntil waits for a condition.
func waitUntil(t testing.TB, holds func() bool) {
	t.Helper()
	look, end := time.NewTicker(2*time.Millisecond), time.After(patience)
	defer look.Stop()
	for !holds() {
		select {
		case <-look.C:
		case <-end:
			t.Fatalf("still waiting after %s", patience)
		}
	}
}
