// Package clientjs holds the demo page, embedded for `lockstep demo`. It is the only Go
// file in this folder, and only cmd imports it.
package clientjs

import (
	"embed"
	"io/fs"
)

//go:embed demo
var files embed.FS

// Demo is the demo page as a file system: index.html at its root, and everything the page
// asks for beside it. It needs no build step.
func Demo() fs.FS {
	demo, err := fs.Sub(files, "demo")
	if err != nil {
		panic("clientjs: the demo page is not embedded: " + err.Error())
	}
	return demo
}
