package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/feedwatch/feedwatch/notifiers"
	"github.com/feedwatch/feedwatch/rules"
	"github.com/feedwatch/feedwatch/watchdog"
	"github.com/feedwatch/feedwatch/watchdog/replay"
)

// runBacktest replays a history under the rules in dir.
func runBacktest(cmd *cobra.Command, history *historyFlags, dir, format string) error {
	if format != "text" && format != "json" && format != "markdown" {
		return fmt.Errorf("--format %q: write text, json or markdown", format)
	}
	if !history.given() {
		return errors.New("say what to replay: a scenario (.yaml), files of heartbeats, - for standard input, or --source")
	}
	if dir == "" {
		dir = rulesDirDefault
	}
	set, err := loadRules([]string{dir}, nil)
	if err != nil {
		return err
	}
	all, err := history.run(cmd, set)
	if err != nil {
		return fmt.Errorf("replay: %w", err)
	}
	out := bufio.NewWriter(cmd.OutOrStdout()) // keeps its first error until Flush
	switch format {
	case "json":
		enc := json.NewEncoder(out)
		enc.SetIndent("", "  ")
		if err := enc.Encode(all[0]); err != nil {
			return fmt.Errorf("print the replay: %w", err)
		}
	case "markdown":
		backtestMarkdown(out, all[0], set)
	default:
		backtestText(out, all[0], set)
	}
	return out.Flush()
}

// pageLine is a page of an incident as people read it, or a run of repeats.
type pageLine struct{ at, to, why string }

// pageLines are the pages of an incident; of repeats to the same people only the
// first is told, and how many followed.
func pageLines(inc *watchdog.Incident) []pageLine {
	var all []pageLine
	for i := 0; i < len(inc.Pages); i++ {
		p := &inc.Pages[i]
		line := pageLine{day(p.At), targetList(p.Targets), strings.TrimSuffix(notifiers.Why(inc, p), ".")}
		last := i
		for p.Reason == watchdog.ReasonRepeat && last+1 < len(inc.Pages) && inc.Pages[last+1].Reason == watchdog.ReasonRepeat &&
			targetList(inc.Pages[last+1].Targets) == line.to {
			last++
		}
		if more := last - i; more > 0 {
			line.why += "; " + notifiers.Again(p.At.Time(), inc.Pages[last].At.Time(), more)
		}
		all = append(all, line)
		i = last
	}
	return all
}

// headline is what an incident was, whether it is over or not.
func headline(inc *watchdog.Incident) string {
	return strings.TrimPrefix(notifiers.Headline(inc), "Resolved: ")
}

// clocks are what people ask first of an incident that was found: how late, and
// how long data was safe still.
func clocks(o *replay.Outcome) []string {
	var all []string
	switch {
	case o.FirstPage.IsZero():
		all = append(all, "nobody would have been told")
	case o.Incident.Cause == watchdog.CauseTrickling:
		all = append(all, "first page "+notifiers.Age(o.Detection)+" after its first window began")
	case o.Incident.Since.IsZero():
		all = append(all, "never seen, first page "+day(o.FirstPage))
	default:
		all = append(all, "first page "+notifiers.Age(o.Detection)+" after the last update")
	}
	switch {
	case o.FirstPage.IsZero() || o.LossBegins.IsZero():
	case o.TimeToLoss > 0:
		all = append(all, "data loss "+notifiers.Age(o.TimeToLoss)+" later")
	default:
		all = append(all, "data was being lost already")
	}
	if !o.LostFrom.IsZero() {
		all = append(all, "lost "+day(o.LostFrom)+" to "+day(o.LostTo))
	}
	if o.Resolved.IsZero() {
		all = append(all, "still open at the end")
	} else {
		all = append(all, "over "+day(o.Resolved))
	}
	return all
}

func backtestText(w io.Writer, b *replay.Backtest, set *rules.Set) {
	fmt.Fprintf(w, "%s of %s, %s to %s; rule set %s.\nReplayed: nobody is told, and nobody acknowledges.\n",
		plural(b.Heartbeats, "heartbeat"), plural(b.Clients, "client"), day(b.From), day(b.Until), b.Rules)
	for _, o := range b.Incidents {
		inc := o.Incident
		fmt.Fprintf(w, "\n%s  %s (rule %s, %s)\n    %s\n", day(inc.Opened), headline(inc), inc.Rule, inc.Severity, strings.Join(clocks(o), "; "))
		for _, p := range pageLines(inc) {
			fmt.Fprintf(w, "    %s  %s: %s\n", p.at, p.to, p.why)
		}
	}
	fmt.Fprintln(w)
	for _, row := range backtestRows(b, set) {
		fmt.Fprintf(w, "%-24s %s\n", row[0], row[1])
	}
}

// backtestRows is a summary as rows of a name and a value.
func backtestRows(b *replay.Backtest, set *rules.Set) [][2]string {
	s := b.Summary
	var rows [][2]string
	row := func(name, value string) { rows = append(rows, [2]string{name, value}) }
	row("Incidents", notifiers.Count(s.Incidents))
	row("Pages", fmt.Sprintf("%s, %.1f a week", notifiers.Count(s.Pages), s.PagesPerWeek))
	if s.DetectionMax > 0 {
		row("First page after", notifiers.Age(s.DetectionMedian)+" in the middle, "+notifiers.Age(s.DetectionMax)+" at most, since the last update")
	}
	if s.TimeToLossMin > 0 {
		row("Time to loss at page", "at least "+notifiers.Age(s.TimeToLossMin))
	}
	if s.PagedTooLate > 0 {
		row("Paged after loss began", notifiers.Count(s.PagedTooLate))
	}
	if s.Unpaged > 0 {
		row("Nobody told", plural(s.Unpaged, "incident")+": held back, or over before the first page")
	}
	for _, c := range cautions(b, set) {
		row(c[0], c[1])
	}
	return rows
}

// cautions are what a reader of a backtest should know before they trust it.
func cautions(b *replay.Backtest, set *rules.Set) [][2]string {
	var all [][2]string
	for _, why := range slices.Sorted(maps.Keys(b.Refused)) {
		all = append(all, [2]string{"Refused", plural(b.Refused[why], "heartbeat") + " as the service does: " + strings.ReplaceAll(string(why), "_", " ")})
	}
	if len(b.Unwatched) > 0 {
		all = append(all, [2]string{"Not watched", strings.Join(b.Unwatched, ", ") + ": no rule file names it"})
	}
	if len(b.Unheard) > 0 {
		all = append(all, [2]string{"Not in the history", strings.Join(b.Unheard, ", ") + ": what their rules say is left out"})
	}
	for _, f := range set.Feeds() {
		for _, on := range f.DependsOn() {
			if slices.Contains(b.Unheard, on) && !slices.Contains(b.Unheard, f.Name()) {
				all = append(all, [2]string{"Careful", f.Name() + " depends on " + on + ", of which the history has nothing: that counts as silent, and pages may be missing"})
			}
		}
	}
	return all
}

func writeCautions(w io.Writer, all [][2]string) {
	for _, c := range all {
		fmt.Fprintf(w, "\n%s: %s\n", c[0], c[1])
	}
}

// cellText makes text safe inside a Markdown table.
var cellText = strings.NewReplacer("|", `\|`, "\n", " ", "<", "&lt;", "*", `\*`, "_", `\_`, "`", "\\`", "[", `\[`)

func backtestMarkdown(w io.Writer, b *replay.Backtest, set *rules.Set) {
	defer func() { writeCautions(w, cautions(b, set)) }()
	s := b.Summary
	fmt.Fprintf(w, "**%s, %.1f pages a week** over %s of %s, %s to %s (rule set %s)\n\n",
		plural(s.Incidents, "incident"), s.PagesPerWeek, plural(b.Heartbeats, "heartbeat"), plural(b.Clients, "client"), day(b.From), day(b.Until), b.Rules)
	if s.Incidents == 0 {
		fmt.Fprintln(w, "Nobody would have been paged.")
		return
	}
	fmt.Fprint(w, "| opened | what | rule | first page after | time to loss then | pages | over |\n|---|---|---|---|---|---|---|\n")
	for _, o := range b.Incidents {
		after, loss, over := "nobody told", "", "still open"
		switch {
		case o.FirstPage.IsZero():
		case o.Incident.Since.IsZero():
			after = "never seen"
		default:
			after = notifiers.Age(o.Detection)
		}
		switch {
		case o.FirstPage.IsZero() || o.LossBegins.IsZero():
		case o.TimeToLoss > 0:
			loss = notifiers.Age(o.TimeToLoss)
		default:
			loss = "none left"
		}
		if !o.Resolved.IsZero() {
			over = day(o.Resolved)
		}
		fmt.Fprintf(w, "| %s | %s | %s | %s | %s | %d | %s |\n", day(o.Incident.Opened), cellText.Replace(headline(o.Incident)),
			cellText.Replace(o.Incident.Rule), after, loss, o.Pages, over)
	}
}
