// Command lockstep runs a server, a demo, and the commands that speak to a server.
//
// It is the only place that knows all parts by name and puts them together. Every
// command ends with one of these codes:
//
//	0  it did what was asked
//	1  the server said no, or the work failed
//	2  the command line, or the input, is wrong
//	3  the server cannot be reached
package main
