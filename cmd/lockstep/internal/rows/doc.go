// Package rows reads the rows of a JSON file one at a time: of an array, of
// values one after the other (NDJSON), or of an array inside an object, such as
// the features of a GeoJSON FeatureCollection. Gzip is recognized by its first
// bytes.
//
// What a reader may rely on:
//
//   - Memory depends on the largest row, which is bounded, never on the file.
//   - Every row has passed [strict.Compact]: it is compact and means the same to
//     every parser.
//   - A file that ends in the middle is an error, also when its last row was whole.
package rows
