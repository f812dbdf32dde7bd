package main

import (
	"github.com/spf13/cobra"

	"github.com/lockstep-sync/lockstep/cmd/lockstep/internal/remote"
	"github.com/lockstep-sync/lockstep/topics"
)

const defaultURL = "http://" + defaultListen

// connection is how a command reaches a server.
type connection struct {
	console *console
	options remote.Options
}

// flags adds the flags that every command has that speaks to a server.
func (n *connection) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&n.options.URL, "url", "", "the server (default $LOCKSTEP_URL, or "+defaultURL+")")
	f.StringVar(&n.options.Token, "token", "", "the token to show it (default $LOCKSTEP_TOKEN)")
	f.StringVar(&n.options.User, "user", "", "who to be, for a server with --dev (default $LOCKSTEP_USER)")
	f.StringVar(&n.options.Tenant, "tenant", "", "the tenant, for a server with --dev (default $LOCKSTEP_TENANT)")
}

// client makes the client that the flags and the environment ask for.
func (n *connection) client() (*remote.Client, error) {
	o := n.options
	n.console.settle(&o.URL, "LOCKSTEP_URL", defaultURL)
	n.console.settle(&o.Token, "LOCKSTEP_TOKEN", "")
	n.console.settle(&o.User, "LOCKSTEP_USER", "")
	n.console.settle(&o.Tenant, "LOCKSTEP_TENANT", "")
	client, err := remote.New(o)
	return client, usage(err)
}

// topicOf reads a topic's name from the command line, where a wrong one is noticed
// before anybody is asked.
func topicOf(arg string) (topics.Name, error) {
	name, err := topics.ParseName(arg)
	return name, usage(err)
}

func entityOf(arg string) (string, error) {
	return arg, usage(topics.CheckEntityID(arg))
}
