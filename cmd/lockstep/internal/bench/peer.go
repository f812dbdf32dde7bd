//go:build linux

package bench

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
)

// peer is a server to compare with, as a command.
type peer struct{ command []string }

// preparePeers sees to it that the peers can be started: their packages installed,
// as their lock files say, and nats-server compiled.
func (b *bench) preparePeers(ctx context.Context) (map[string]peer, error) {
	if b.Peers == "" {
		return nil, nil
	}
	dir, err := filepath.Abs(b.Peers)
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(filepath.Join(dir, "package.json")); err != nil {
		return nil, fmt.Errorf("%s is not the folder of the peers: %w", b.Peers, err)
	}
	if _, err := os.Stat(filepath.Join(dir, "node_modules")); errors.Is(err, fs.ErrNotExist) {
		if err := prepare(ctx, dir, "npm", "ci", "--no-audit", "--no-fund"); err != nil {
			return nil, err
		}
	}
	binary := filepath.Join(dir, "bin", "jetstream")
	if err := prepare(ctx, dir, "go", "build", "-o", binary, "."); err != nil {
		return nil, err
	}
	return map[string]peer{
		bareWS: {[]string{"node", filepath.Join(dir, "ws.mjs")}},
		socket: {[]string{"node", filepath.Join(dir, "socketio.mjs")}},
		stream: {[]string{binary}},
	}, nil
}

func prepare(ctx context.Context, dir, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s in %s: %w: %s", name, dir, err, lastLines(out))
	}
	return nil
}
