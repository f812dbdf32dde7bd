package main

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/spf13/cobra"

	"github.com/lockstep-sync/lockstep/server"
	"github.com/lockstep-sync/lockstep/topics"
)

const tokenText = `Sign a token and print it, for trying a server out. An application signs its own, with
any JWT library: the claims are sub, tenant, exp, grants, topics and permissions.

  lockstep token --secret-file secret --sub ann --grant 'gift-list:*=read,write' --for 1h

A grant is PATTERN=ACTIONS. A pattern is a topic, one that ends with *, or * alone; {sub}
stands for the user. Actions are read, write, signal, presence and admin.`

// tokening is the token command.
type tokening struct {
	console             *console
	secretFile, keyFile string
	sub, tenant         string
	grants, topics      []string
	permissions         []string
	lifetime            time.Duration
}

func newToken(c *console) *cobra.Command {
	n := tokening{console: c}
	cmd := &cobra.Command{
		Use: "token", Short: "Sign a token", Long: tokenText, Args: args(0, 0, "nothing"),
		RunE: does(func(*cobra.Command, []string) error { return n.run() }),
	}
	f := cmd.Flags()
	f.StringVar(&n.secretFile, "secret-file", "", "the file with the secret to sign with (HS256; default $LOCKSTEP_AUTH_SECRET_FILE)")
	f.StringVar(&n.keyFile, "key-file", "", "the PEM file with the private key to sign with (RS256, ES256, EdDSA)")
	f.StringVar(&n.sub, "sub", "", "the user")
	f.StringVar(&n.tenant, "tenant", "", "the tenant (default "+string(topics.DefaultTenant)+")")
	f.StringArrayVar(&n.grants, "grant", nil, "PATTERN=ACTIONS; may be given again")
	f.StringArrayVar(&n.topics, "topic", nil, "a topic to follow without being asked; may be given again")
	f.StringArrayVar(&n.permissions, "permission", nil, "a named grant such as chat:read; may be given again")
	f.DurationVar(&n.lifetime, "for", time.Hour, "how long it lives; at most 24h")
	return cmd
}

func (n *tokening) run() error {
	if n.lifetime <= 0 || n.lifetime > server.MaxTokenLifetime {
		return usagef("--for %s must be up to %s", n.lifetime, server.MaxTokenLifetime)
	}
	if err := topics.CheckUser(n.sub); err != nil {
		return usagef("--sub: %s", topics.AsError(err).Message)
	}
	claims, err := n.claims(time.Now())
	if err != nil {
		return err
	}
	method, key, err := n.key()
	if err != nil {
		return err
	}
	token, err := jwt.NewWithClaims(method, claims).SignedString(key)
	if err != nil {
		return err
	}
	if err := tryOut(token, key); err != nil {
		return usagef("no server would take this token: it %s", topics.AsError(err).Message)
	}
	_, err = fmt.Fprintln(n.console.out, token)
	return err
}

// tryOut does with the token what a server will.
func tryOut(token string, key any) error {
	var o server.JWTOptions
	switch key := key.(type) {
	case []byte:
		o.Secrets = [][]byte{key}
	case crypto.Signer:
		o.PublicKeys = []crypto.PublicKey{key.Public()}
	}
	a, err := server.NewJWT(o)
	if err == nil {
		_, err = a.AuthenticateToken(context.Background(), token)
	}
	return err
}

func (n *tokening) claims(now time.Time) (jwt.MapClaims, error) {
	claims := jwt.MapClaims{"sub": n.sub, "iat": now.Unix(), "exp": now.Add(n.lifetime).Unix()}
	if n.tenant != "" {
		if _, err := topics.ParseTenant(n.tenant); err != nil {
			return nil, usagef("--tenant: %s", topics.AsError(err).Message)
		}
		claims["tenant"] = n.tenant
	}
	var grants []map[string]any
	for _, text := range n.grants {
		pattern, actions, ok := strings.Cut(text, "=")
		if !ok || pattern == "" || actions == "" {
			return nil, usagef("--grant %q must be PATTERN=ACTIONS, such as 'gift-list:*=read,write'", text)
		}
		grants = append(grants, map[string]any{"topics": pattern, "allow": strings.Split(actions, ",")})
	}
	for name, list := range map[string][]string{"topics": n.topics, "permissions": n.permissions} {
		if len(list) > 0 {
			claims[name] = list
		}
	}
	if len(grants) > 0 {
		claims["grants"] = grants
	}
	return claims, nil
}

// key is what to sign with, and by which algorithm.
func (n *tokening) key() (jwt.SigningMethod, any, error) {
	if n.keyFile == "" {
		n.console.settle(&n.secretFile, "LOCKSTEP_AUTH_SECRET_FILE", "")
	}
	switch {
	case n.secretFile == "" && n.keyFile == "":
		return nil, nil, usagef("name what to sign with: --secret-file or --key-file")
	case n.secretFile != "" && n.keyFile != "":
		return nil, nil, usagef("name one of --secret-file and --key-file")
	case n.secretFile != "":
		secret, err := readSecret(n.secretFile)
		if err == nil {
			_, err = server.NewJWT(server.JWTOptions{Secrets: [][]byte{secret}})
		}
		return jwt.SigningMethodHS256, secret, usage(err)
	}
	content, err := os.ReadFile(n.keyFile) //nolint:gosec // the user names it
	if err != nil {
		return nil, nil, usagef("--key-file: %w", err)
	}
	key, err := parsePrivateKey(content)
	if err != nil {
		return nil, nil, usagef("--key-file %s: %w", n.keyFile, err)
	}
	switch key := key.(type) {
	case *rsa.PrivateKey:
		return jwt.SigningMethodRS256, key, nil
	case *ecdsa.PrivateKey:
		return jwt.SigningMethodES256, key, nil
	case ed25519.PrivateKey:
		return jwt.SigningMethodEdDSA, key, nil
	}
	return nil, nil, usagef("--key-file %s: keys of the kind %T are not known here; use RSA, ECDSA P-256 or Ed25519", n.keyFile, key)
}

// readSecret is what a file holds, without the line's end that editors add.
func readSecret(path string) ([]byte, error) {
	content, err := os.ReadFile(path) //nolint:gosec // the user names it
	if err != nil {
		return nil, fmt.Errorf("--secret-file: %w", err)
	}
	return bytes.TrimSpace(content), nil
}

// parsePrivateKey reads a private key in any of the three forms that tools write.
func parsePrivateKey(text []byte) (crypto.PrivateKey, error) {
	block, _ := pem.Decode(bytes.TrimSpace(text))
	if block == nil {
		return nil, errors.New("this is no PEM file: it must hold a block BEGIN PRIVATE KEY")
	}
	switch block.Type {
	case "RSA PRIVATE KEY":
		return x509.ParsePKCS1PrivateKey(block.Bytes)
	case "EC PRIVATE KEY":
		return x509.ParseECPrivateKey(block.Bytes)
	}
	return x509.ParsePKCS8PrivateKey(block.Bytes)
}
