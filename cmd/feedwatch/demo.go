package main

import (
	"context"
	"crypto/rand"
	"embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/feedwatch/feedwatch/notifiers"
	"github.com/feedwatch/feedwatch/rules"
	"github.com/feedwatch/feedwatch/watchdog/delivery"
)

//go:embed demo/*.yaml
var demoRules embed.FS

func newDemoCommand() *cobra.Command {
	var listen, level string
	var once bool
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Watch a simulated feeder break, and see who would be paged",
		Long: `Runs the service on a state file of its own, with rules in seconds instead of
minutes and a simulated feeder of 300 clients on three clusters. Within a minute
the feeder loses a cluster, then everything, then comes back with a backlog. What
would go to Slack and PagerDuty is printed here. Ctrl-C stops it and leaves
nothing behind.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return demo(cmd.Context(), cmd.OutOrStdout(), cmd.ErrOrStderr(), listen, level, once)
		},
	}
	cmd.Flags().StringVar(&listen, "listen", "127.0.0.1:8787", "address of the status page and the API")
	cmd.Flags().StringVar(&level, "log-level", "error", "debug, info, warn or error; on standard error")
	cmd.Flags().BoolVar(&once, "once", false, "stop when the story is over instead of going on")
	return cmd
}

func demo(ctx context.Context, out, errOut io.Writer, listen, level string, once bool) (err error) {
	log, err := newLogger(errOut, level)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "feedwatch-demo-")
	if err != nil {
		return fmt.Errorf("make a place for the demo's state: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	ruleDir := filepath.Join(dir, "rules")
	files, err := fs.Sub(demoRules, "demo")
	if err == nil {
		err = os.CopyFS(ruleDir, files)
	}
	if err != nil {
		return fmt.Errorf("lay out the demo's rules: %w", err)
	}
	cfg := &config{
		Install: "demo", Listen: listen, ExternalURL: "http://" + listen, Rules: ruleDir, Read: "open",
		Store: storeConfig{Path: filepath.Join(dir, "feedwatch.db")},
	}
	token := rand.Text()
	if err := os.WriteFile(filepath.Join(dir, "token"), []byte(token), 0o600); err != nil {
		return fmt.Errorf("lay out the demo's token: %w", err)
	}
	cfg.Tokens = []tokenConfig{{Name: "demo", Secret: secret{File: filepath.Join(dir, "token")}, Feeds: []string{"*"}, Roles: []string{"admin"}}}
	terminal := notifiers.NewTerminal(out, isTerminal(out))
	s, err := newService(ctx, cfg, printedHere(terminal, cfg.ExternalURL), log)
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	fmt.Fprintf(out, "feedwatch demo: 300 clients on three clusters, rules in seconds. Status page: %s   Ctrl-C stops.\nTo acknowledge there, give your name and this token: %s\n", cfg.ExternalURL, token)
	feeder := newDemoFeeder(s.engine, out, time.Now())
	feeder.once = once
	go func() {
		feeder.run(ctx)
		if once {
			stop()
		}
	}()
	return s.run(ctx)
}

// printedHere stands in for the accounts that the demo's rules name.
func printedHere(terminal *notifiers.Terminal, page string) []delivery.Destination {
	var all []delivery.Destination
	for _, t := range []rules.Target{
		{Kind: "slack", Name: "cdp-alerts"}, {Kind: "pagerduty", Name: "cdp"}, {Kind: "pagerduty", Name: "infrastructure"},
	} {
		all = append(all, delivery.Destination{
			Target:   t,
			Notifier: notifiers.NewConsole(terminal, t.String()+" (printed here)", page),
		})
	}
	return all
}
