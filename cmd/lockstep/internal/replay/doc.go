// Package replay plays a recorded history into a topic: every entry at its own
// time, at a speed that can be changed while it plays.
//
// What to write when is decided by [Tape], which is pure: it has no clock and
// writes nothing. [Player] asks it, writes through the engine, and waits.
package replay
