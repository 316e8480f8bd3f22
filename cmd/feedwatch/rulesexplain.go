package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/feedwatch/feedwatch/rules"
	"github.com/feedwatch/feedwatch/watchdog"
	"github.com/feedwatch/feedwatch/watchdog/feed"
)

// explainFlags are what the command line says of a client.
type explainFlags struct {
	dir, format, at, last string
	labels                []string
	server                serverFlags
}

func newRulesExplainCommand() *cobra.Command {
	flags := explainFlags{}
	cmd := &cobra.Command{
		Use:   "explain FEED CLIENT",
		Short: "Tell which rule governs a client, and what happens when it falls silent",
		Long: `Tells which rule governs a client and why the others do not, and if nothing more
comes: when it is stale, who is told when, when data is lost, and what holds pages.

  feedwatch rules explain external-profiles acme --label tier=enterprise

The labels are those of the roster, and what --label says. Times are of --at (now)
and --last, when the last update came (at --at).

With --server labels, last update and verdict are those of a running feedwatch;
the rules are still those of the files.`,
		Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			if flags.format != "text" && flags.format != "json" {
				return fmt.Errorf("--format %q: write text or json", flags.format)
			}
			e, err := flags.explanation(cmd, args[0], args[1])
			if err != nil {
				return err
			}
			if flags.format == "json" {
				enc := json.NewEncoder(cmd.OutOrStdout())
				enc.SetIndent("", "  ")
				return enc.Encode(e)
			}
			return e.text(cmd.OutOrStdout())
		},
	}
	cmd.Flags().StringVar(&flags.dir, "rules", rulesDirDefault, "a directory of rule files, or one file")
	cmd.Flags().StringArrayVar(&flags.labels, "label", nil, "a label of the client, as tier=enterprise; may be said again")
	cmd.Flags().StringVar(&flags.at, "at", "", "when it is, as 2026-01-31T02:00:00Z (default now)")
	cmd.Flags().StringVar(&flags.last, "last", "", "when the last update came (default --at)")
	cmd.Flags().StringVar(&flags.format, "format", "text", "text or json")
	flags.server.add(cmd.Flags())
	return cmd
}

func (f *explainFlags) explanation(cmd *cobra.Command, feedName, client string) (*explanation, error) {
	set, err := loadRules([]string{f.dir}, nil)
	if err != nil {
		return nil, err
	}
	watched, ok := set.Feed(feedName)
	if !ok {
		return nil, fmt.Errorf("no feed in %s is called %q; there are %s", f.dir, feedName, feedNames(set))
	}
	if _, err := feed.ParseKey(feedName, client); err != nil {
		return nil, err
	}
	e := &explanation{Feed: feedName, Client: client, At: feed.At(time.Now()), Assumed: true}
	for _, expected := range watched.Roster() {
		if expected.Key.Client() == client {
			e.Labels = expected.Labels
		}
	}
	if cmd.Flags().Changed("server") {
		if err := e.ask(cmd.Context(), &f.server); err != nil {
			return nil, err
		}
	}
	if err := f.apply(e); err != nil {
		return nil, err
	}
	e.explain(set, watched)
	return e, nil
}

// apply puts what the command line says in place of what is known otherwise.
func (f *explainFlags) apply(e *explanation) error {
	if f.at != "" {
		at, err := instantFlag("--at", f.at)
		if err != nil {
			return err
		}
		e.At = at
	}
	if f.last != "" {
		last, err := instantFlag("--last", f.last)
		if err != nil {
			return err
		}
		e.Last, e.LastEvent = last, 0
	}
	e.Assumed = e.Last.IsZero()
	if e.Assumed {
		e.Last = e.At
	}
	if len(f.labels) == 0 {
		return nil
	}
	pairs := map[string]string{}
	maps.Copy(pairs, e.Labels.Map())
	for _, l := range f.labels {
		name, value, ok := strings.Cut(l, "=")
		if !ok {
			return fmt.Errorf("--label %q: write it as tier=enterprise", l)
		}
		pairs[name] = value
	}
	labels, err := feed.ParseLabels(pairs)
	if err != nil {
		return fmt.Errorf("--label: %w", err)
	}
	e.Labels = labels
	return nil
}

func instantFlag(flag, text string) (feed.Instant, error) {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return 0, fmt.Errorf("%s %q: write it as 2026-01-31T02:00:00Z", flag, text)
	}
	return feed.At(t), nil
}

func feedNames(set *rules.Set) string {
	const shown = 8
	var names []string
	for _, f := range set.Feeds() {
		names = append(names, f.Name())
	}
	if more := len(names) - shown; more > 0 {
		names = append(names[:shown:shown], fmt.Sprintf("%d more", more))
	}
	return strings.Join(names, ", ")
}

// ask takes labels, last update and verdict from a running feedwatch.
func (e *explanation) ask(ctx context.Context, flags *serverFlags) error {
	c, err := flags.client()
	if err != nil {
		return err
	}
	var page watchdog.ClientPage
	err = c.get(ctx, "/api/v1/feeds/"+url.PathEscape(e.Feed)+"/clients", url.Values{"client": {e.Client}}, &page)
	if err != nil {
		return err
	}
	if len(page.Clients) == 0 {
		return fmt.Errorf("%s knows no client %q of %s; leave --server out to explain one that may come", c.base.Redacted(), e.Client, e.Feed)
	}
	view := page.Clients[0]
	e.Labels, e.Last, e.LastEvent = view.Labels, view.Arrival, view.Event
	e.Live = &explainedLive{Verdict: view.Verdict, Rule: view.Rule, Deadline: view.Deadline, Incident: view.Incident, Updates: view.Updates}
	if view.Incident == "" {
		return nil
	}
	inc, err := c.byID(ctx, view.Incident)
	var gone *answerError
	switch {
	case errors.As(err, &gone): // it is over since
	case err != nil:
		return err
	default:
		e.Live.Next = inc.Next
	}
	return nil
}
