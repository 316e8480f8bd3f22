package main

import (
	"bufio"
	"fmt"
	"io"
	"slices"

	"github.com/feedwatch/feedwatch/notifiers"
	"github.com/feedwatch/feedwatch/rules"
	"github.com/feedwatch/feedwatch/watchdog"
	"github.com/feedwatch/feedwatch/watchdog/feed"
	"github.com/feedwatch/feedwatch/watchdog/replay"
)

// story prints a replay as people read it, in the words that would have been sent.
type story struct {
	out    *bufio.Writer
	before func()            // called before something is printed
	again  map[string]*again // by incident
	last   string            // the incident that the last line was of
}

// again is a run of pages that only repeat the one before.
type again struct {
	inc   *watchdog.Incident
	first feed.Instant
	last  watchdog.Page
	more  int // after the first, not printed
}

func newStory(out io.Writer, before func()) *story {
	return &story{out: bufio.NewWriter(out), before: before, again: map[string]*again{}}
}

func (s *story) begin(sc *replay.Scenario, set *rules.Set) {
	if sc.Title != "" {
		s.printf("%s\n", notifiers.Clean(sc.Title, rules.TextBytesMax))
	}
	s.printf("%s of %s, %s to %s; rule set %s.\nReplayed: nobody is told.\n",
		plural(sc.Generator.Clients, "client"), sc.Generator.Feed, day(sc.From), day(sc.Until), set.Version())
}

func (s *story) printf(format string, args ...any) {
	s.before()
	fmt.Fprintf(s.out, format, args...) // the writer keeps its first error until Flush
}

// changed prints what is new in an incident.
func (s *story) changed(inc *watchdog.Incident, events []watchdog.Event) error {
	for i := range events {
		e := &events[i]
		if e.Kind == watchdog.EventOpened {
			s.opened(inc, e)
		}
		if !s.repeats(inc, e) {
			s.flushAgain(inc.ID)
			s.event(inc, e)
		}
	}
	return s.out.Flush()
}

// opened prints what the first message would have said.
func (s *story) opened(inc *watchdog.Incident, e *watchdog.Event) {
	s.printf("\n%s  %s (%s)\n", day(e.At), notifiers.Headline(inc), inc.Severity)
	for _, f := range notifiers.Facts(inc, e.At.Time()) {
		s.printf("    %-15s %s\n", f.Name, f.Text)
	}
	s.printf("\n")
	s.last = inc.ID
}

func (s *story) event(inc *watchdog.Incident, e *watchdog.Event) {
	if s.last != inc.ID {
		s.printf("\nAgain of %s, open since %s\n\n", inc.Feed, day(inc.Opened))
		s.last = inc.ID
	}
	for _, line := range notifiers.EventLines(inc, e) {
		s.printf("    %s\n", line)
	}
}

// repeats says that e only repeats the page before, and was counted.
func (s *story) repeats(inc *watchdog.Incident, e *watchdog.Event) bool {
	if e.Kind != watchdog.EventPaged || e.Page < 1 || e.Page > len(inc.Pages) {
		return false
	}
	page := inc.Pages[e.Page-1]
	if page.Reason != watchdog.ReasonRepeat {
		return false
	}
	a := s.again[inc.ID]
	if a == nil || !slices.Equal(a.last.Targets, page.Targets) {
		s.flushAgain(inc.ID)
		s.again[inc.ID] = &again{inc: inc, first: page.At, last: page}
		s.event(inc, e)
		return true
	}
	a.last = page
	a.more++
	return true
}

// flushAgain prints what a run of repeats came to.
func (s *story) flushAgain(id string) {
	a := s.again[id]
	if a == nil {
		return
	}
	delete(s.again, id)
	if a.more > 0 {
		s.printf("    ... %s\n", notifiers.Again(a.first.Time(), a.last.At.Time(), a.more))
	}
}

// end prints the figures that a review asks for.
func (s *story) end(r *replay.Result) error {
	for _, o := range r.Incidents {
		s.flushAgain(o.Incident.ID)
	}
	s.printf("\n%s replayed, %s.\n", plural(r.Heartbeats, "heartbeat"), plural(len(r.Incidents), "incident"))
	if len(r.Incidents) == 0 {
		s.printf("Nobody would have been paged.\n")
	}
	for _, o := range r.Incidents {
		s.printf("\n%s\n", notifiers.Headline(o.Incident))
		for _, row := range summary(o) {
			s.printf("  %-21s %s\n", row[0], row[1])
		}
	}
	if err := s.out.Flush(); err != nil {
		return fmt.Errorf("print the replay: %w", err)
	}
	return nil
}

// summary is an outcome as rows of a name and a value.
func summary(o *replay.Outcome) [][2]string {
	var rows [][2]string
	row := func(name, value string) { rows = append(rows, [2]string{name, value}) }
	if o.FirstPage.IsZero() {
		row("First page", "none: nobody would have been told")
	} else {
		row("First page", day(o.FirstPage)+", "+notifiers.Duration(o.Detection)+" after the last update")
	}
	switch {
	case o.LossBegins.IsZero():
	case o.TimeToLoss > 0:
		row("Data loss begins", day(o.LossBegins)+", "+notifiers.Duration(o.TimeToLoss)+" after the first page")
	default:
		row("Data loss begins", day(o.LossBegins)+", before the first page")
	}
	if o.LostFrom.IsZero() {
		row("Lost", "nothing that is known of")
	} else {
		row("Lost", day(o.LostFrom)+" to "+day(o.LostTo)+" ("+notifiers.Duration(o.LostTo.Sub(o.LostFrom))+")")
	}
	until := func(name string, t feed.Instant) {
		if t.IsZero() {
			row(name, "not within the scenario")
			return
		}
		row(name, day(t))
	}
	until("Updates arrive again", o.Resumed)
	until("Current again", o.Current)
	until("Resolved", o.Resolved)
	row("Pages", notifiers.Count(o.Pages))
	return rows
}
