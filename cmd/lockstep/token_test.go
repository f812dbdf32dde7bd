package main

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lockstep-sync/lockstep/server"
)

// Tokens signed with each kind of private key hold for its public one.
func TestTokenKeys(t *testing.T) {
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	ecKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	_, edKey, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	ecBytes, err := x509.MarshalECPrivateKey(ecKey)
	if err != nil {
		t.Fatal(err)
	}
	edBytes, err := x509.MarshalPKCS8PrivateKey(edKey)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		private *pem.Block
		public  any
	}{
		"RSA":     {&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(rsaKey)}, rsaKey.Public()},
		"ECDSA":   {&pem.Block{Type: "EC PRIVATE KEY", Bytes: ecBytes}, ecKey.Public()},
		"Ed25519": {&pem.Block{Type: "PRIVATE KEY", Bytes: edBytes}, edKey.Public()},
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "key.pem")
			if err := os.WriteFile(file, pem.EncodeToMemory(c.private), 0o600); err != nil {
				t.Fatal(err)
			}
			o := command(t, "", "", "token", "--key-file", file, "--sub", "ann", "--grant", "a:*=read")
			o.must(t)
			a, err := server.NewJWT(server.JWTOptions{PublicKeys: []crypto.PublicKey{c.public}})
			if err != nil {
				t.Fatal(err)
			}
			id, err := a.AuthenticateToken(context.Background(), strings.TrimSpace(o.out))
			if err != nil || id.User != "ann" {
				t.Errorf("%+v, %v", id, err)
			}
		})
	}
}
