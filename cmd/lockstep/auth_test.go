package main

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// A server with a secret lets in who shows a token, for what its grants allow.
func TestServeWithTokens(t *testing.T) {
	dir := t.TempDir()
	secret := filepath.Join(dir, "secret")
	if err := os.WriteFile(secret, []byte("a secret of at least thirty-two bytes\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	settings := filepath.Join(dir, "lockstep.yaml")
	if err := os.WriteFile(settings, []byte("auth:\n  secret_file: "+secret+"\ndrain:\n  window: 10ms\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	server := start(t, "serve", "--config", settings, "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", "--data", filepath.Join(dir, "data"))
	token := func(args ...string) string {
		t.Helper()
		return strings.TrimSpace(command(t, "", "", append([]string{"token", "--secret-file", secret, "--sub", "ann"}, args...)...).must(t).out)
	}
	writer, reader := token("--grant", "gift-list:*=read,write"), token("--grant", "gift-list:1=read")
	for name, tc := range map[string]struct {
		code  int
		token string
		args  []string
		want  string
	}{
		"a writer writes":        {exitOK, writer, []string{"put", "gift-list:1", "a", `{}`}, ""},
		"but not everywhere":     {exitFailed, writer, []string{"put", "task:1", "a", `{}`}, "forbidden: topic task:1 needs the grant \"write\", which you do not have"},
		"a reader does not":      {exitFailed, reader, []string{"put", "gift-list:1", "b", `{}`}, "ask for a token with a grant for this topic"},
		"a reader reads":         {exitOK, reader, []string{"get", "gift-list:1"}, ""},
		"nobody comes without":   {exitFailed, "", []string{"get", "gift-list:1"}, "name a token with --token or LOCKSTEP_TOKEN"},
		"nor as who they say":    {exitFailed, "", []string{"get", "gift-list:1", "--user", "ann"}, "unauthorized"},
		"nor with another's":     {exitFailed, reader[:len(reader)-8] + "AAAAAAAA", []string{"get", "gift-list:1"}, "unauthorized: token has a signature"},
		"nor to another tenant":  {exitOK, token("--tenant", "other", "--grant", "*=read"), []string{"get", "gift-list:1"}, ""},
		"an import with a token": {exitOK, writer, []string{"import", "gift-list:2", "-", "--id", "id"}, ""},
	} {
		o := command(t, server.url, "", append(tc.args, "--token", tc.token)...)
		if o.code != tc.code || !strings.Contains(o.err, tc.want) {
			t.Errorf("%s: code %d: %s", name, o.code, o.err)
		}
		if strings.HasPrefix(name, "nor to") && o.out != "" {
			t.Errorf("%s: %s", name, o.out)
		}
	}
	if code, _ := server.interrupt(syscall.SIGTERM); code != exitOK {
		t.Errorf("code %d: %s", code, server.said.String())
	}
}
