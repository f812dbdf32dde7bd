// Package config is everything that can be set of a server: read from a YAML file
// and from the environment.
//
// What a caller may rely on:
//
//   - One table says which settings there are. The file, the environment and what
//     is printed all come from it, so none knows more than another.
//   - A setting auth.secret stands in the file as that path and in the environment
//     as LOCKSTEP_AUTH_SECRET. The environment wins over the file, and a flag over
//     both.
//   - What is unknown, given twice or malformed is an error that says where it
//     stands, by line and column, and what would be right.
package config
