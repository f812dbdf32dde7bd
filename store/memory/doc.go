// Package memory is the store's contract in its plainest form: maps, slices and a
// copy-on-write tree. It keeps nothing across a restart of the process, starts no
// goroutine and reads only the clock it is given, so it runs in fake time.
//
// It promises every rule of package store, with one reading of durable: a commit
// survives [Store.Reopen], which is how tests restart a server.
package memory
