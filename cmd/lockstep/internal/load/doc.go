// Package load writes the rows of a file into a topic.
//
// What a caller may rely on:
//
//   - Rows are written in the order of the file where it matters: two rows with
//     one id never race each other.
//   - Every batch is one mutation under its own key, so a retry is not a second
//     change (P3), and a batch is written as a whole or not at all (P4).
//   - Running it again changes nothing: the engine makes no event for a row that
//     is as it was.
//   - Memory holds a few batches, however long the file is (P9).
package load
