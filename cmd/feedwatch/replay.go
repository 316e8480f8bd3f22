package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/spf13/cobra"

	"github.com/feedwatch/feedwatch/notifiers"
	"github.com/feedwatch/feedwatch/rules"
	"github.com/feedwatch/feedwatch/watchdog/feed"
	"github.com/feedwatch/feedwatch/watchdog/replay"
	"github.com/feedwatch/feedwatch/watchdog/report"
)

// newReplayCommand tells a past anew: whom the rules would have paged, and when.
func newReplayCommand() *cobra.Command {
	var dir, format, document string
	history := historyFlags{}
	cmd := &cobra.Command{
		Use:   "replay SCENARIO.yaml | HISTORY...",
		Short: "Replay a past: whom the rules would have paged, and when",
		Long: `Drives the rules through a past, in virtual time and with the code that pages
people, and prints whom they would have paged and when. Nobody is told.

A scenario file describes an outage. What would have been said is printed, with
the loss clock, what was lost, how the backlog drained, and the resolve; with
--report the root-cause document of it.

  feedwatch replay deploy/examples/incident-2025-11-24.yaml

Anything else is a history of heartbeats. Its pages are printed with their times,
how long after the last update the first came, the time that was left until data
was lost, and how many pages a week that is, if nobody ever acknowledges.

  feedwatch replay --rules rules november.csv.gz
  feedwatch replay --rules rules --source prom-eu --from 2026-11-01T00:00:00Z --until 2026-11-24T00:00:00Z

` + historyHelp,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if !slices.ContainsFunc(args, scenarioFile) {
				if document != "" {
					return errors.New("--report is of a scenario")
				}
				history.files = args
				return runBacktest(cmd, &history, dir, format)
			}
			if len(args) > 1 {
				return errors.New("a scenario is replayed by itself: name one .yaml file, or files of heartbeats")
			}
			if history.source != "" {
				return errors.New("a scenario and --source are both given: keep one")
			}
			if err := history.unused(cmd, "a scenario says by itself what happens"); err != nil {
				return err
			}
			if format != "text" && format != "json" {
				return fmt.Errorf("--format %q: write text or json", format)
			}
			if document != "" {
				if err := checkReportFormat("--report", document); err != nil {
					return err
				}
				if cmd.Flags().Changed("format") {
					return errors.New("--report says its own format; leave --format out")
				}
			}
			scenario, set, err := readScenario(args[0], dir)
			if err != nil {
				return err
			}
			if document != "" {
				return replayReport(cmd.OutOrStdout(), cmd.ErrOrStderr(), scenario, set, document)
			}
			return runReplay(cmd.OutOrStdout(), cmd.ErrOrStderr(), scenario, set, format)
		},
	}
	cmd.Flags().StringVar(&dir, "rules", "", "a directory of rule files (default: the scenario's, or rules)")
	cmd.Flags().StringVar(&format, "format", "text", "text or json; markdown of a history")
	cmd.Flags().StringVar(&document, "report", "", "print the root-cause document instead: markdown, html or json")
	history.add(cmd)
	return cmd
}

// readScenario reads a scenario and its rules, those of dir if it is not "".
func readScenario(path, dir string) (*replay.Scenario, *rules.Set, error) {
	data, err := readBounded(path, replay.FileBytesMax+1)
	if err != nil {
		return nil, nil, fmt.Errorf("read scenario: %w", err)
	}
	scenario, err := replay.ParseScenario(path, data)
	if err != nil {
		return nil, nil, err
	}
	if dir == "" {
		dir = relativeTo(path, scenario.Rules)
	}
	files, err := rules.LoadDir(dir)
	if err != nil {
		return nil, nil, err
	}
	set, err := rules.Parse(files)
	if err != nil {
		return nil, nil, err
	}
	if _, ok := set.Feed(scenario.Generator.Feed); !ok {
		return nil, nil, fmt.Errorf("no rule file in %s names the feed %q of %s", dir, scenario.Generator.Feed, path)
	}
	return scenario, set, nil
}

func readBounded(path string, bytesMax int64) (data []byte, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	return io.ReadAll(io.LimitReader(f, bytesMax))
}

func runReplay(out, errs io.Writer, scenario *replay.Scenario, set *rules.Set, format string) error {
	meter := newMeter(errs, scenario)
	watcher := replay.Watcher{Progress: meter.show}
	story := newStory(out, meter.clear)
	if format == "text" {
		story.begin(scenario, set)
		watcher.Changed = story.changed
	}
	result, err := replay.Run(scenario, set, watcher)
	meter.clear()
	if err != nil {
		return fmt.Errorf("replay: %w", err)
	}
	if format == "json" {
		enc := json.NewEncoder(out)
		enc.SetIndent("", "  ")
		return enc.Encode(result)
	}
	return story.end(result)
}

// replayReport prints the document of each incident of a scenario, as it is at the
// scenario's end.
func replayReport(out, errs io.Writer, scenario *replay.Scenario, set *rules.Set, format string) error {
	meter := newMeter(errs, scenario)
	result, err := replay.Run(scenario, set, replay.Watcher{Progress: meter.show})
	meter.clear()
	if err != nil {
		return fmt.Errorf("replay: %w", err)
	}
	if len(result.Incidents) == 0 {
		return errors.New("nothing happened in the scenario, so there is nothing to report")
	}
	if n := len(result.Incidents); n > 1 && format == "html" {
		return fmt.Errorf("the scenario has %d incidents, and an HTML page is of one; use --report markdown, or a scenario with one outage", n)
	}
	for i, o := range result.Incidents {
		if i > 0 && format == "markdown" {
			fmt.Fprint(out, "\n---\n\n")
		}
		r := report.New(o.Incident, o.Ledger, nil, scenario.Until, reportWords())
		if err := writeReport(out, r, format); err != nil {
			return err
		}
	}
	return nil
}

// meter shows on a terminal how far a replay has come.
type meter struct {
	out         io.Writer // nil: not a terminal
	from, until feed.Instant
	shown       bool
}

func newMeter(out io.Writer, s *replay.Scenario) *meter {
	m := &meter{from: s.From, until: s.Until}
	if isTerminal(out) {
		m.out = out
	}
	return m
}

func (m *meter) show(now feed.Instant) {
	if m.out == nil {
		return
	}
	share := 100 * int64(now-m.from) / int64(m.until-m.from)
	fmt.Fprintf(m.out, "\r\x1b[Kreplaying %s UTC, %d %%", now.Time().Format("2 Jan 15:04"), share)
	m.shown = true
}

// clear takes the line away, before anything else is written to the terminal.
func (m *meter) clear() {
	if m.shown {
		fmt.Fprint(m.out, "\r\x1b[K")
		m.shown = false
	}
}

// day is a time as the summary writes it, exact to the second where that matters.
func day(t feed.Instant) string {
	return notifiers.Day(t.Time()) + " UTC"
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return notifiers.Count(n) + " " + noun + "s"
}
