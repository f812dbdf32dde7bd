// Package clientjs holds the demo page, embedded for `lockstep demo`, and the built
// client, which the server gives to pages without a build step. It is the only Go file in
// this folder, and only cmd imports it.
package clientjs

import (
	"embed"
	"io/fs"
)

//go:embed demo served/*.js
var files embed.FS

// Demo is the demo page as a file system: index.html at its root, and everything the page
// asks for beside it. It needs no build step.
func Demo() fs.FS { return sub("demo") }

// Served is the built client: client.js, an ES module, and client.iife.js, a script that
// sets the global lockstep. `npm run build:check` holds them to the sources.
func Served() fs.FS { return sub("served") }

func sub(folder string) fs.FS {
	s, err := fs.Sub(files, folder)
	if err != nil {
		panic("clientjs: " + folder + " is not embedded: " + err.Error())
	}
	return s
}
