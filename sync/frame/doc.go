// Package frame is the codec of protocol lockstep.v1: what clients say, read into
// plain values, and what the server says, appended to byte slices.
//
// Every text from outside passes [strict.Compact] before a field of it is looked
// at; gjson then reads it by constant paths. Unknown fields are ignored, unknown
// types come back as [Unknown]. A wrong field is an [*topics.Error] that names it.
//
// Encoding never fails and never reorders: an event is encoded once, when it is
// committed, and its bytes are what the store keeps and what every client gets.
package frame
