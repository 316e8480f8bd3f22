package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/feedwatch/feedwatch/notifiers"
	"github.com/feedwatch/feedwatch/rules"
	"github.com/feedwatch/feedwatch/watchdog"
	"github.com/feedwatch/feedwatch/watchdog/feed"
)

func newRulesCoverageCommand() *cobra.Command {
	var dir, format string
	server, history := serverFlags{}, historyFlags{}
	cmd := &cobra.Command{
		Use:   "coverage",
		Short: "Tell what no rule watches, and which rules watch nothing",
		Long: `Holds rule files against the feeds and clients that a running feedwatch knows, or
with --history or --source against those of a recorded past:

  feeds and clients that send, and no rule watches
  clients that are ignored, until when and why
  clients of a roster that were never seen
  rules that govern no client, and rules that never opened an incident

The rules are those of the files, so that an edit can be tried before it is in
force. Exit status: 0 all is watched, 1 a feed or a client is not.

` + historyHelp,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if format != "text" && format != "json" {
				return fmt.Errorf("--format %q: write text or json", format)
			}
			set, err := loadRules([]string{dir}, nil)
			if err != nil {
				return err
			}
			c, err := findCoverage(cmd, &server, &history, set)
			if err != nil {
				return err
			}
			if format == "json" {
				enc := json.NewEncoder(cmd.OutOrStdout())
				enc.SetIndent("", "  ")
				err = enc.Encode(c)
			} else {
				err = c.text(cmd.OutOrStdout())
			}
			if err == nil && len(c.Feeds)+len(c.Clients) > 0 {
				err = &exit{status: statusErrors}
			}
			return err
		},
	}
	cmd.Flags().StringVar(&dir, "rules", rulesDirDefault, "a directory of rule files, or one file")
	cmd.Flags().StringVar(&format, "format", "text", "text or json")
	server.add(cmd.Flags())
	history.addFiles(cmd)
	return cmd
}

func findCoverage(cmd *cobra.Command, server *serverFlags, history *historyFlags, set *rules.Set) (*coverage, error) {
	if history.given() {
		if cmd.Flags().Changed("server") {
			return nil, errors.New("--server and a history are both given: keep one")
		}
		return historyCoverage(cmd, history, set)
	}
	if err := history.unused(cmd, historyHint); err != nil {
		return nil, err
	}
	client, err := server.client()
	if err != nil {
		return nil, err
	}
	return client.coverage(cmd.Context(), set)
}

// coverage is what rules watch of what there is.
type coverage struct {
	Known     int            `json:"clients"`            // that are known
	Feeds     []coveredFeed  `json:"feeds_unwatched"`    // that send, and stand in no file
	Clients   []coveredFeed  `json:"clients_unwatched"`  // that no client rule fits
	Ignored   []ignoredFeed  `json:"clients_ignored"`    // for a time
	Unseen    []coveredFeed  `json:"clients_never_seen"` // of a roster
	Idle      []coveredRules `json:"rules_without_clients"`
	Silent    []coveredRules `json:"rules_without_incidents"`
	Incidents int            `json:"incidents"` // that are remembered

	feeds []knownFeed
}

// coveredFeed is some clients of a feed.
type coveredFeed struct {
	Feed     string   `json:"feed"`
	Count    int      `json:"count"`
	Of       int      `json:"of"`
	Examples []string `json:"examples,omitempty"`
}

// ignoredFeed is some clients of a feed that one entry of ignore says are not watched.
type ignoredFeed struct {
	coveredFeed
	Until  feed.Instant `json:"until"`
	Reason string       `json:"reason"`
	At     string       `json:"at"`
}

type coveredRules struct {
	Feed string `json:"feed"`
	Rule string `json:"rule"`
	At   string `json:"at"`
}

const coverageExamples = 5

func (f *coveredFeed) add(client string) {
	f.Count++
	if len(f.Examples) < coverageExamples {
		f.Examples = append(f.Examples, client)
	}
}

// coverage asks for every feed, client and incident.
func (c *client) coverage(ctx context.Context, set *rules.Set) (*coverage, error) {
	var known struct{ Feeds []knownFeed }
	if err := c.get(ctx, "/api/v1/feeds", nil, &known); err != nil {
		return nil, err
	}
	var past struct{ Incidents []*watchdog.Incident }
	if err := c.get(ctx, "/api/v1/incidents", nil, &past); err != nil {
		return nil, err
	}
	fired := map[string]bool{}
	for _, inc := range past.Incidents {
		fired[inc.Feed+"\n"+inc.Rule] = true
	}
	out := newCoverage(known.Feeds, len(past.Incidents))
	return out, out.cover(set, func(name string, r *rules.Rule) bool { return fired[name+"\n"+r.Name()] }, func(name string, do func(*watchdog.ClientView)) error {
		return c.eachClient(ctx, name, do)
	})
}

// historyCoverage is the same of a recorded past.
func historyCoverage(cmd *cobra.Command, history *historyFlags, set *rules.Set) (*coverage, error) {
	plan, err := history.plan(set)
	if err != nil {
		return nil, err
	}
	plan.Fired = true
	all, err := history.replay(cmd, plan)
	if err != nil {
		return nil, fmt.Errorf("replay: %w", err)
	}
	var known []knownFeed
	for _, f := range all[0].Feeds() {
		known = append(known, knownFeed{f.Name, f.Clients})
	}
	out := newCoverage(known, len(all[0].Incidents))
	return out, out.cover(set, all[0].Fired, func(name string, do func(*watchdog.ClientView)) error {
		for v := range all[0].ClientsOf(name) {
			do(v)
		}
		return nil
	})
}

// knownFeed is a feed that clients were heard or are expected of.
type knownFeed struct {
	Name    string
	Clients int
}

// eachOf gives do every client that is known of a feed.
type eachOf func(feed string, do func(*watchdog.ClientView)) error

func newCoverage(known []knownFeed, incidents int) *coverage {
	return &coverage{
		Feeds: []coveredFeed{}, Clients: []coveredFeed{}, Ignored: []ignoredFeed{}, Unseen: []coveredFeed{}, Idle: []coveredRules{}, Silent: []coveredRules{},
		Incidents: incidents, feeds: known,
	}
}

// cover holds a set against what is known of feeds, clients and the past.
func (c *coverage) cover(set *rules.Set, fired func(feed string, r *rules.Rule) bool, clients eachOf) error {
	for _, v := range c.feeds {
		c.Known += v.Clients
		if _, watched := set.Feed(v.Name); !watched && v.Clients > 0 {
			c.Feeds = append(c.Feeds, coveredFeed{Feed: v.Name, Count: v.Clients, Of: v.Clients})
		}
	}
	for _, f := range set.Feeds() {
		governs, err := coverFeed(f, c, clients)
		if err != nil {
			return err
		}
		for _, r := range allRules(f) {
			rule := coveredRules{f.Name(), r.Name(), r.Pos().String()}
			switch {
			case !governs[r]:
				c.Idle = append(c.Idle, rule)
			case !fired(f.Name(), r) && !r.Implied():
				c.Silent = append(c.Silent, rule)
			}
		}
	}
	return nil
}

// coverFeed reads the clients of one feed, and says which of its rules have any.
func coverFeed(f *rules.Feed, out *coverage, clients eachOf) (map[*rules.Rule]bool, error) {
	governs, now := map[*rules.Rule]bool{}, feed.At(time.Now())
	ignored := map[*rules.Ignore]*ignoredFeed{}
	for _, i := range f.Ignores() {
		ignored[i] = &ignoredFeed{coveredFeed{Feed: f.Name()}, i.Until(), i.Reason(), i.Pos().String()}
	}
	unwatched, unseen, seen := coveredFeed{Feed: f.Name()}, coveredFeed{Feed: f.Name(), Of: len(f.Roster())}, map[string]bool{}
	err := clients(f.Name(), func(v *watchdog.ClientView) {
		unwatched.Of++
		seen[v.Client] = !v.Arrival.IsZero()
		r := f.Govern(v.Client, v.Labels)
		if r != nil {
			governs[r] = true
		}
		if by := f.Ignored(v.Client, v.Labels, now); by != nil {
			ignored[by].add(v.Client)
		} else if r == nil {
			unwatched.add(v.Client)
		}
		for _, r := range f.GroupsOf(v.Client, v.Labels) {
			governs[r] = true
		}
	})
	if err != nil {
		return nil, err
	}
	for _, expected := range f.Roster() {
		if client := expected.Key.Client(); !seen[client] {
			unseen.add(client)
		}
	}
	for _, i := range f.Ignores() {
		if some := ignored[i]; some.Count > 0 {
			some.Of = unwatched.Of
			out.Ignored = append(out.Ignored, *some)
		}
	}
	if unwatched.Count > 0 {
		out.Clients = append(out.Clients, unwatched)
	}
	if unseen.Count > 0 {
		out.Unseen = append(out.Unseen, unseen)
	}
	return governs, nil
}

// text writes it for people: what is not watched first.
func (c *coverage) text(out io.Writer) error {
	w := bufio.NewWriter(out) // keeps its first error until Flush
	feeds := func(title string, all []coveredFeed) {
		if len(all) > 0 {
			fmt.Fprintf(w, "%s\n", title)
		}
		for _, f := range all {
			examples := strings.Join(f.Examples, ", ")
			if more := f.Count - len(f.Examples); more > 0 && examples != "" {
				examples += ", ..."
			}
			fmt.Fprintf(w, "  %s: %s of %s", f.Feed, notifiers.Count(f.Count), plural(f.Of, "client"))
			if examples != "" {
				fmt.Fprintf(w, ": %s", examples)
			}
			fmt.Fprintln(w)
		}
	}
	list := func(title string, all []coveredRules) {
		if len(all) > 0 {
			fmt.Fprintf(w, "%s\n", title)
		}
		for _, r := range all {
			fmt.Fprintf(w, "  %s: %q (%s)\n", r.Feed, r.Rule, r.At)
		}
	}
	feeds("Feeds that no rule file names:", c.Feeds)
	feeds("Clients that no rule fits:", c.Clients)
	if len(c.Ignored) > 0 {
		fmt.Fprintln(w, "Clients that are ignored:")
	}
	for _, i := range c.Ignored {
		fmt.Fprintf(w, "  %s: %s of %s until %s UTC (%s): %s\n", i.Feed, notifiers.Count(i.Count), plural(i.Of, "client"), notifiers.Day(i.Until.Time()), i.At, i.Reason)
	}
	feeds("Clients of the roster that were never seen:", c.Unseen)
	list("Rules that have no client:", c.Idle)
	list(fmt.Sprintf("Rules without an incident, of the %s remembered:", notifiers.Count(c.Incidents)), c.Silent)
	if len(c.Feeds)+len(c.Clients)+len(c.Ignored) == 0 {
		fmt.Fprintf(w, "All of %s are watched.\n", plural(c.Known, "client"))
	}
	return w.Flush()
}
