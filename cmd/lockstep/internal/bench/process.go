//go:build linux

package bench

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"
	"time"
)

// closing is how long a server may take to end after it was asked to.
const closing = 10 * time.Second

// served is a server process.
type served struct {
	cmd     *exec.Cmd
	Address string `json:"address"`
	said    bytes.Buffer
}

// serve starts a server and waits until it says where it is: one line of JSON on
// its standard output. It is killed when ctx ends.
func serve(ctx context.Context, on []int, env []string, command ...string) (*served, error) {
	s := &served{cmd: exec.CommandContext(ctx, command[0], command[1:]...)} //nolint:gosec // our own commands
	s.cmd.Env = append(os.Environ(), env...)
	s.cmd.Stderr = &s.said
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := onCores(on, s.cmd.Start); err != nil {
		return nil, fmt.Errorf("starting %s: %w", command[0], err)
	}
	text, err := bufio.NewReader(out).ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(text, s)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("the server %v did not say where it is: %w", command, err), s.stop())
	}
	return s, nil
}

// stop ends the server in order, or else at once.
func (s *served) stop() error {
	kill := time.AfterFunc(closing, func() { _ = s.cmd.Process.Kill() })
	defer kill.Stop()
	_ = s.cmd.Process.Signal(syscall.SIGTERM) // it may have ended
	err := s.cmd.Wait()
	var exit *exec.ExitError
	if errors.As(err, &exit) && !exit.Exited() {
		return nil // it ended by the signal, or was too slow: it was only a load
	}
	if err != nil {
		return fmt.Errorf("%w: %s", err, lastLines(s.said.Bytes()))
	}
	return nil
}

func lastLines(b []byte) []byte { return b[max(0, len(b)-2000):] }

// load runs a load process for one job.
func load(ctx context.Context, on []int, job Job, command ...string) (Result, error) {
	text, err := json.Marshal(job)
	if err != nil {
		return Result{}, err
	}
	cmd := exec.CommandContext(ctx, command[0], command[1:]...) //nolint:gosec // likewise
	cmd.Stdin = bytes.NewReader(text)
	var out, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &said
	if err := onCores(on, cmd.Start); err != nil {
		return Result{}, fmt.Errorf("starting the load: %w", err)
	}
	if err := cmd.Wait(); err != nil {
		return Result{}, fmt.Errorf("the load: %w: %s", err, lastLines(said.Bytes()))
	}
	var r Result
	if err := json.NewDecoder(io.Reader(&out)).Decode(&r); err != nil {
		return Result{}, fmt.Errorf("the load's result: %w", err)
	}
	return r, nil
}
