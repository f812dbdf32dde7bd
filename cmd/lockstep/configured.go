package main

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/lockstep-sync/lockstep/cmd/lockstep/internal/config"
	"github.com/lockstep-sync/lockstep/server"
)

const configText = `Read the settings as serve would, from the file --config and from the environment, and say
what is set and what is wrong. Nothing is started. Secrets are not shown.`

// defaultConfig is the file that is read where it lies in the working directory.
const defaultConfig = "lockstep.yaml"

// configured is what the commands have in common that read settings.
type configured struct {
	console *console
	file    string // empty: none was named, and none was found
}

func (n *configured) flag(cmd *cobra.Command) {
	cmd.Flags().StringVar(&n.file, "config", "", "the file with the settings (default $LOCKSTEP_CONFIG, or "+defaultConfig+" where there is one)")
}

// read reads the file and the environment.
func (n *configured) read() (*config.Config, error) {
	n.console.settle(&n.file, "LOCKSTEP_CONFIG", "")
	if n.file == "" && config.Exists(defaultConfig) {
		n.file = defaultConfig
	}
	c := config.New()
	if n.file != "" {
		if err := c.ReadFile(n.file); err != nil {
			return nil, usage(err)
		}
	}
	return c, usage(c.ReadEnvironment(n.console.env))
}

// checkConfig finds what settings have wrong together, and makes what checks tokens.
func checkConfig(c *config.Config) (server.Authenticator, error) {
	faults := []error{c.Check()}
	if c.Dev {
		faults = append(faults, checkLoopback("--listen", c.Listen), checkLoopback("--admin-listen", c.AdminListen))
	}
	auth, err := c.Authenticator()
	if err := errors.Join(append(faults, err)...); err != nil {
		return nil, usage(err)
	}
	return auth, nil
}

func newConfig(c *console) *cobra.Command {
	cmd := &cobra.Command{
		Use: "config", Short: "Look at the settings of a server", Args: args(0, 0, "nothing"),
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	n := configured{console: c}
	asJSON := false
	check := &cobra.Command{
		Use: "check", Short: "Say what is set and what is wrong", Long: configText, Args: args(0, 0, "nothing"),
		RunE: does(func(*cobra.Command, []string) error { return n.check(asJSON) }),
	}
	n.flag(check)
	check.Flags().BoolVar(&asJSON, "json", false, "print the settings as JSON")
	cmd.AddCommand(check)
	return cmd
}

func (n *configured) check(asJSON bool) error {
	c, err := n.read()
	if err != nil {
		return err
	}
	if asJSON {
		set := make(map[string]string)
		for _, line := range c.Lines() {
			set[line.Path] = line.Value
		}
		if err := json.NewEncoder(n.console.out).Encode(set); err != nil {
			return err
		}
	} else {
		for _, line := range c.Lines() {
			fmt.Fprintf(n.console.out, "%s: %s\n", line.Path, line.Value)
		}
	}
	if _, err := checkConfig(c); err != nil {
		return err
	}
	if !asJSON {
		fmt.Fprintln(n.console.out, "all is well")
	}
	return nil
}
