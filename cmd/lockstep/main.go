package main

import (
	"context"
	"io"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// The first signal ends the work in order. From then on signals do again what
	// they do by default, so that the second one ends the process at once.
	context.AfterFunc(ctx, stop)
	console := console{in: os.Stdin, out: os.Stdout, err: os.Stderr, env: os.Getenv}
	code := run(ctx, console, os.Args[1:])
	stop()
	os.Exit(code)
}

// console is what a command reads and writes.
type console struct {
	in       io.Reader
	out, err io.Writer
	env      func(string) string
}

// run is the whole program: it returns the exit code.
func run(ctx context.Context, c console, args []string) int {
	root := newRoot(&c) //nolint:contextcheck // ExecuteContext hands it on
	root.SetArgs(args)
	return c.finish(root.ExecuteContext(ctx))
}
