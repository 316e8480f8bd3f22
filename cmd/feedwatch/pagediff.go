package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/feedwatch/feedwatch/notifiers"
	"github.com/feedwatch/feedwatch/rules"
	"github.com/feedwatch/feedwatch/watchdog"
	"github.com/feedwatch/feedwatch/watchdog/feed"
	"github.com/feedwatch/feedwatch/watchdog/replay"
)

// pageRowsMax bounds the table of pages: a comment on a pull request has its limit.
const pageRowsMax = 200

// pageDiff is what two sets make of one history.
type pageDiff struct {
	before, after *replay.Backtest
	set           *rules.Set // after
	replay.Comparison
}

func newPageDiff(cmd *cobra.Command, history *historyFlags, before, after *rules.Set) (*pageDiff, error) {
	all, err := history.run(cmd, before, after)
	if err != nil {
		return nil, fmt.Errorf("replay: %w", err)
	}
	return &pageDiff{all[0], all[1], after, replay.Compare(all[0], all[1])}, nil
}

// clients are those that the history has, by feed.
func (d *pageDiff) clients() map[string][]rules.Expected {
	all := map[string][]rules.Expected{}
	for _, f := range d.before.Feeds() {
		for v := range d.before.ClientsOf(f.Name) {
			if key, err := feed.ParseKey(f.Name, v.Client); err == nil {
				all[f.Name] = append(all[f.Name], rules.Expected{Key: key, Labels: v.Labels})
			}
		}
	}
	return all
}

// pageRow is a change as people read it; in runs of repeats that change alike only
// the first is a row.
type pageRow struct {
	sign, what    string // "+", "-", "~"
	before, after string
	more          int
}

func (d *pageDiff) rows() []pageRow {
	var rows []pageRow
	for i := range d.Changes {
		c := &d.Changes[i]
		p, row := c.Before, pageRow{sign: "-"}
		switch {
		case c.Before == nil:
			p, row.sign = c.After, "+"
		case c.After != nil:
			row.sign = "~"
		}
		if n := len(rows); n > 0 && i > 0 && repeats(&d.Changes[i-1], c) && rows[n-1].sign == row.sign {
			rows[n-1].more++
			continue
		}
		row.what = p.Incident.Feed + ", " + reasonWord(p.Page.Reason)
		if p.Page.Scope != (watchdog.Scope{}).String() {
			row.what += ", " + p.Page.Scope
		}
		row.before, row.after = pageCell(c.Before), pageCell(c.After)
		rows = append(rows, row)
	}
	return rows
}

// repeats says that both changes are of repeats within the same incidents.
func repeats(a, b *replay.Change) bool {
	same := func(p, q *replay.Paged) bool {
		if p == nil || q == nil {
			return p == q
		}
		return p.Incident.ID == q.Incident.ID && p.Page.Reason == watchdog.ReasonRepeat && q.Page.Reason == watchdog.ReasonRepeat
	}
	return same(a.Before, b.Before) && same(a.After, b.After)
}

func reasonWord(r watchdog.Reason) string { return strings.ReplaceAll(string(r), "_", " ") }

func pageCell(p *replay.Paged) string {
	if p == nil {
		return ""
	}
	rule := p.Incident.Rule
	if rule == "" {
		rule = "no rule"
	}
	return day(p.Page.At) + " by " + rule + " to " + targetList(p.Page.Targets)
}

func (d *pageDiff) summary() string {
	appear, vanish, move := d.Counts()
	return fmt.Sprintf("%s before, %s after (%.1f and %.1f a week): %s appear, %s vanish, %s move, %s stay",
		plural(d.before.Summary.Pages, "page"), notifiers.Count(d.after.Summary.Pages), d.before.Summary.PagesPerWeek, d.after.Summary.PagesPerWeek,
		notifiers.Count(appear), notifiers.Count(vanish), notifiers.Count(move), notifiers.Count(d.Same))
}

// over is what was replayed.
func (d *pageDiff) over() string {
	return fmt.Sprintf("Over %s of %s, %s to %s", plural(d.before.Heartbeats, "heartbeat"), plural(d.before.Clients, "client"), day(d.before.From), day(d.before.Until))
}

func (d *pageDiff) text(w io.Writer) {
	fmt.Fprintf(w, "%s: %s.\n", d.over(), d.summary())
	rows := d.rows()
	for _, r := range rows[:min(len(rows), pageRowsMax)] {
		fmt.Fprintf(w, "%s %s%s\n", r.sign, r.what, moreRepeats(r.more))
		if r.before != "" {
			fmt.Fprintf(w, "    - %s\n", r.before)
		}
		if r.after != "" {
			fmt.Fprintf(w, "    + %s\n", r.after)
		}
	}
	if more := len(rows) - pageRowsMax; more > 0 {
		fmt.Fprintf(w, "... and %s more\n", notifiers.Count(more))
	}
	writeCautions(w, cautions(d.after, d.set))
}

func (d *pageDiff) markdown(w io.Writer) {
	fmt.Fprintf(w, "\n**%s**\n\n%s.\n", d.summary(), d.over())
	rows := d.rows()
	if len(rows) > 0 {
		fmt.Fprint(w, "\n| | page | before | after |\n|---|---|---|---|\n")
	}
	for _, r := range rows[:min(len(rows), pageRowsMax)] {
		sign := map[string]string{"+": "appears", "-": "vanishes", "~": "moves"}[r.sign]
		fmt.Fprintf(w, "| %s | %s | %s | %s |\n", sign, cellText.Replace(r.what+moreRepeats(r.more)), cellText.Replace(r.before), cellText.Replace(r.after))
	}
	if more := len(rows) - pageRowsMax; more > 0 {
		fmt.Fprintf(w, "\n%s more are not shown.\n", notifiers.Count(more))
	}
	writeCautions(w, cautions(d.after, d.set))
}

func moreRepeats(n int) string {
	if n == 0 {
		return ""
	}
	return ", and " + plural(n, "repeat")
}
