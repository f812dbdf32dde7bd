package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"syscall"
)

// Where things are when nobody says.
const (
	defaultListen = "127.0.0.1:7001"
	defaultAdmin  = "127.0.0.1:7002"
	defaultData   = "./lockstep-data"
)

// checkLoopback refuses an address that others than this machine can reach. A
// server that believes everybody must not listen there.
func checkLoopback(flag, address string) error {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return usagef("%s %q must be host:port, such as %s", flag, address, defaultListen)
	}
	if isLoopback(host) {
		return nil
	}
	return usagef("%s %s can be reached from other machines, and without tokens everybody could read and change everything; name a loopback address such as %s", flag, address, defaultListen)
}

func isLoopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}

// listen opens a listener, and names the flag where it cannot.
func listen(ctx context.Context, flag, address string) (net.Listener, error) {
	var config net.ListenConfig
	l, err := config.Listen(ctx, "tcp", address)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("%s is in use by another program; name another address with %s: %w", address, flag, err)
	}
	if err != nil {
		return nil, usagef("%s %s: %w", flag, address, err)
	}
	return l, nil
}

// listenOrNear opens a listener, or one at a free port where the address is in use.
func listenOrNear(ctx context.Context, flag, address string) (l net.Listener, moved bool, err error) {
	l, err = listen(ctx, flag, address)
	if !errors.Is(err, syscall.EADDRINUSE) {
		return l, false, err
	}
	host, _, splitErr := net.SplitHostPort(address)
	if splitErr != nil {
		return nil, false, err
	}
	l, err = listen(ctx, flag, net.JoinHostPort(host, "0"))
	return l, true, err
}

func urlOf(l net.Listener) string { return "http://" + l.Addr().String() }
