package main

import (
	"crypto/sha256"
	"encoding/base64"
	"io/fs"
	"net/http"

	"github.com/lockstep-sync/lockstep/clientjs"
)

// withScripts answers GET /client.js and GET /client.iife.js with the built client, and
// leaves the rest to next. Pages of every origin may read them: they hold no secrets.
func withScripts(next http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/", next)
	for _, name := range []string{"client.js", "client.iife.js"} {
		body, err := fs.ReadFile(clientjs.Served(), name)
		if err != nil {
			panic("the client is not embedded: " + err.Error())
		}
		sum := sha256.Sum256(body)
		tag := `"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`
		mux.HandleFunc("GET /"+name, func(w http.ResponseWriter, r *http.Request) {
			h := w.Header()
			h.Set("Content-Type", "text/javascript; charset=utf-8")
			h.Set("Cache-Control", "no-cache") // asked for again, and then not sent again
			h.Set("ETag", tag)
			h.Set("Access-Control-Allow-Origin", "*")
			h.Set("X-Content-Type-Options", "nosniff")
			if r.Header.Get("If-None-Match") == tag {
				w.WriteHeader(http.StatusNotModified)
				return
			}
			_, _ = w.Write(body) // a page that is gone needs no answer
		})
	}
	return mux
}
