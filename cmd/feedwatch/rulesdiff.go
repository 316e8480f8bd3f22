package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/feedwatch/feedwatch/rules"
	"github.com/feedwatch/feedwatch/watchdog"
	"github.com/feedwatch/feedwatch/watchdog/feed"
)

func newRulesDiffCommand() *cobra.Command {
	var format string
	server, history := serverFlags{}, historyFlags{}
	cmd := &cobra.Command{
		Use:   "diff OLD NEW",
		Short: "Tell what an edit of rule files changes, and for which clients",
		Long: `Compares two directories of rule files: feeds, rules, deadlines and ladders that
differ, and which clients another rule governs. Clients are those of the rosters,
and with --server those that a running feedwatch knows. Maintenance is not compared.

  feedwatch rules diff main/rules rules --format markdown

With --history or --source both sets are replayed over a recorded past, and the
pages that appear, vanish or move are told too.

` + historyHelp + `

Exit status: 0 whether something differs or not, 1 a set cannot be read, or the new
one would be refused after the old one.`,
		Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			if format != "text" && format != "markdown" {
				return fmt.Errorf("--format %q: write text or markdown", format)
			}
			before, err := loadRules(args[:1], nil)
			if err != nil {
				return err
			}
			after, err := loadRules(args[1:], nil)
			if err != nil {
				return err
			}
			if err := before.CheckSuccessor(after); err != nil {
				return err
			}
			d := &ruleDiff{before: before, after: after}
			var pages *pageDiff
			if history.given() {
				if pages, err = newPageDiff(cmd, &history, before, after); err != nil {
					return err
				}
				d.live = pages.clients()
			} else if err := history.unused(cmd, historyHint); err != nil {
				return err
			}
			if cmd.Flags().Changed("server") {
				if d.live, err = server.everyone(cmd.Context(), before); err != nil {
					return err
				}
			}
			return writeRuleDiff(cmd.OutOrStdout(), d.rows(), pages, format)
		},
	}
	cmd.Flags().StringVar(&format, "format", "text", "text or markdown")
	server.add(cmd.Flags())
	history.addFiles(cmd)
	return cmd
}

// everyone are the clients that a running feedwatch knows of the feeds of a set.
func (f *serverFlags) everyone(ctx context.Context, set *rules.Set) (map[string][]rules.Expected, error) {
	c, err := f.client()
	if err != nil {
		return nil, err
	}
	all := map[string][]rules.Expected{}
	for _, f := range set.Feeds() {
		err := c.eachClient(ctx, f.Name(), func(v *watchdog.ClientView) {
			if key, err := feed.ParseKey(f.Name(), v.Client); err == nil {
				all[f.Name()] = append(all[f.Name()], rules.Expected{Key: key, Labels: v.Labels})
			}
		})
		if err != nil {
			return nil, err
		}
	}
	return all, nil
}

// ruleDiff compares two sets.
type ruleDiff struct {
	before, after *rules.Set
	live          map[string][]rules.Expected // by feed, beside the rosters
}

// diffRow is one thing that differs; "" where there is nothing on that side.
type diffRow struct{ feed, what, before, after string }

func (d *ruleDiff) rows() []diffRow {
	formerly := map[string]string{}
	d.after.Renamed(func(old, name string) bool {
		formerly[name] = old
		return true
	})
	var rows []diffRow
	for _, f := range d.after.Feeds() {
		old, ok := d.before.Feed(f.Name())
		if was := formerly[f.Name()]; !ok && was != "" {
			if old, ok = d.before.Feed(was); ok {
				rows = append(rows, diffRow{f.Name(), "name", was, f.Name()})
			}
		}
		if !ok {
			rows = append(rows, diffRow{f.Name(), "feed", "", "new"})
			continue
		}
		rows = append(rows, d.feedRows(old, f)...)
	}
	for _, f := range d.before.Feeds() {
		if reason, retired := d.after.Retired(f.Name()); retired {
			rows = append(rows, diffRow{f.Name(), "feed", "watched", "retired: " + reason})
		}
	}
	return rows
}

func (d *ruleDiff) feedRows(old, f *rules.Feed) []diffRow {
	var rows []diffRow
	add := func(what, before, after string) {
		if before != after {
			rows = append(rows, diffRow{f.Name(), what, before, after})
		}
	}
	span := func(f *rules.Feed) string {
		if f.Retention() == 0 {
			return ""
		}
		return rules.FormatDuration(f.Retention())
	}
	add("retention", span(old), span(f))
	add("depends_on", strings.Join(old.DependsOn(), ", "), strings.Join(f.DependsOn(), ", "))
	add("ignore", ignoreText(old), ignoreText(f))
	before, after := allRules(old), allRules(f)
	for _, r := range after {
		was := slices.IndexFunc(before, func(o *rules.Rule) bool { return o.Name() == r.Name() })
		if was < 0 {
			add("rule "+r.Name(), "", rulePolicy(r))
			continue
		}
		add("rule "+r.Name(), rulePolicy(before[was]), rulePolicy(r))
		add("ladder of "+r.Name(), ladderText(before[was].Escalation()), ladderText(r.Escalation()))
	}
	for _, r := range before {
		if !slices.ContainsFunc(after, func(n *rules.Rule) bool { return n.Name() == r.Name() }) {
			add("rule "+r.Name(), rulePolicy(r), "")
		}
	}
	rows = append(rows, holidayRows(f.Name(), before, after)...)
	return append(rows, d.moved(old, f)...)
}

// holidayRows are the holidays that rules lose and gain, once for all rules that share
// them.
func holidayRows(feedName string, before, after []*rules.Rule) (rows []diffRow) {
	for _, r := range after {
		was := slices.IndexFunc(before, func(o *rules.Rule) bool { return o.Name() == r.Name() })
		if was < 0 {
			continue
		}
		added, removed := r.Active().HolidaysSince(before[was].Active())
		same := slices.IndexFunc(rows, func(o diffRow) bool { return o.before == removed && o.after == added })
		switch {
		case added == "" && removed == "":
		case same >= 0:
			rows[same].what += ", " + r.Name()
		default:
			rows = append(rows, diffRow{feedName, "holidays of " + r.Name(), removed, added})
		}
	}
	return rows
}

func ignoreText(f *rules.Feed) string {
	var parts []string
	for _, i := range f.Ignores() {
		parts = append(parts, fmt.Sprintf("%s until %s: %s", i.Match(), i.Until(), i.Reason()))
	}
	return strings.Join(parts, "; ")
}

func allRules(f *rules.Feed) []*rules.Rule { return slices.Concat(f.ClientRules(), f.GroupRules()) }

// rulePolicy is all that a rule says but for its name and ladder.
func rulePolicy(r *rules.Rule) string {
	parts := []string{describe(r).About, r.Severities().String()}
	if r.Selective() {
		parts = append(parts, "for "+r.Match())
	}
	add := func(what string, d time.Duration) {
		if d != 0 {
			parts = append(parts, what+" "+rules.FormatDuration(d))
		}
	}
	add("late after", r.WarnAfter())
	add("behind by", r.LagOver())
	add("well for", r.ResolveAfter())
	add("forgotten after", r.ForgetAfter())
	if s := r.Expect(); s != nil {
		add("early by", s.Early())
	}
	if r.IdleOK() {
		parts = append(parts, "idle is ok")
	}
	return strings.Join(parts, ", ")
}

func ladderText(e *rules.Escalation) string {
	if e == nil {
		return ""
	}
	var parts []string
	for _, s := range e.Steps() {
		parts = append(parts, s.String())
	}
	return strings.Join(parts, "; ")
}

// moved are the clients that another rule governs now, by the two rules.
func (d *ruleDiff) moved(old, f *rules.Feed) []diffRow {
	type pair struct{ before, after string }
	var order []pair
	clients := map[pair][]string{}
	seen := map[string]bool{}
	for _, c := range slices.Concat(f.Roster(), old.Roster(), d.live[old.Name()]) {
		name := c.Key.Client()
		if seen[name] {
			continue
		}
		seen[name] = true
		p := pair{governor(old, name, c.Labels), governor(f, name, c.Labels)}
		if p.before == p.after {
			continue
		}
		if clients[p] == nil {
			order = append(order, p)
		}
		clients[p] = append(clients[p], name)
	}
	var rows []diffRow
	for _, p := range order {
		what := plural(len(clients[p]), "client") + ": " + strings.Join(clients[p][:min(len(clients[p]), coverageExamples)], ", ")
		if len(clients[p]) > coverageExamples {
			what += ", ..."
		}
		rows = append(rows, diffRow{f.Name(), what, p.before, p.after})
	}
	return rows
}

func governor(f *rules.Feed, client string, labels feed.Labels) string {
	if r := f.Govern(client, labels); r != nil {
		return "governed by " + r.Name()
	}
	return "governed by no rule"
}

func writeRuleDiff(out io.Writer, rows []diffRow, pages *pageDiff, format string) error {
	w := bufio.NewWriter(out) // keeps its first error until Flush
	if format == "markdown" {
		writeDiffTable(w, rows)
		if pages != nil {
			pages.markdown(w)
		}
		return w.Flush()
	}
	last := ""
	for _, r := range rows {
		if r.feed != last {
			fmt.Fprintf(w, "%s\n", r.feed)
			last = r.feed
		}
		fmt.Fprintf(w, "  %s\n", r.what)
		if r.before != "" {
			fmt.Fprintf(w, "    - %s\n", r.before)
		}
		if r.after != "" {
			fmt.Fprintf(w, "    + %s\n", r.after)
		}
	}
	if pages != nil {
		if len(rows) > 0 {
			fmt.Fprintln(w)
		}
		pages.text(w)
	}
	return w.Flush()
}

// writeDiffTable writes a table for a pull request.
func writeDiffTable(w io.Writer, rows []diffRow) {
	if len(rows) == 0 {
		fmt.Fprintln(w, "The rules say the same as before.")
		return
	}
	fmt.Fprint(w, "| feed | what | before | after |\n|---|---|---|---|\n")
	for _, r := range rows {
		fmt.Fprintf(w, "| %s | %s | %s | %s |\n", cellText.Replace(r.feed), cellText.Replace(r.what), cellText.Replace(r.before), cellText.Replace(r.after))
	}
}
