// Command peers runs a nats-server with a JetStream stream that is synced before
// every acknowledgement: a yardstick for lockstep bench.
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run() error {
	s, err := server.NewServer(&server.Options{
		Host: "127.0.0.1", Port: server.RANDOM_PORT, NoLog: true, NoSigs: true,
		JetStream: true, StoreDir: filepath.Join(os.Getenv("BENCH_DIR"), "jetstream"), SyncAlways: true,
	})
	if err != nil {
		return err
	}
	s.Start()
	if !s.ReadyForConnections(10 * time.Second) {
		return errors.New("nats-server does not start")
	}
	address, ok := s.Addr().(*net.TCPAddr)
	if !ok {
		return errors.New("nats-server has no address")
	}
	if err := makeStream(address.String()); err != nil {
		return err
	}
	if err := json.NewEncoder(os.Stdout).Encode(map[string]string{"address": address.String()}); err != nil {
		return err
	}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM)
	<-stop
	s.Shutdown()
	return nil
}

// makeStream asks for a stream of everything that the load publishes, in NATS's own
// protocol.
func makeStream(address string) error {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return err
	}
	defer conn.Close()
	const config = `{"name":"BENCH","subjects":["bench.>"],"storage":"file","num_replicas":1,"retention":"limits"}`
	fmt.Fprintf(conn, "CONNECT {\"verbose\":false}\r\nSUB made 1\r\nPUB $JS.API.STREAM.CREATE.BENCH made %d\r\n%s\r\n", len(config), config)
	lines := bufio.NewScanner(conn)
	for lines.Scan() {
		switch text := lines.Text(); {
		case strings.Contains(text, `"error"`):
			return errors.New(text)
		case strings.Contains(text, `"did_create":true`):
			return nil
		}
	}
	return lines.Err()
}
