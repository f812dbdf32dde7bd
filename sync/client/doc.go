// Package client is the client's side of lockstep.v1 as pure state machines: they
// take frames and return what to do, and have no socket, goroutine or clock. Tests
// script them; followers and, later, the Go client put a connection around them.
package client
