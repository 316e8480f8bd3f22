package ruletest

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/feedwatch/feedwatch/rules"
	"github.com/feedwatch/feedwatch/watchdog"
	"github.com/feedwatch/feedwatch/watchdog/feed"
)

// Install is the installation that a test's incidents are of: their keys are never
// those of a real one.
const Install = "ruletest"

// Difference is one way in which what happened is not what was expected.
type Difference struct {
	Line int    // of the expectation, in the file of tests
	Text string // one or more lines
}

// Run runs a test under a rule set. The error says that it cannot be run.
func (t *Test) Run(set *rules.Set) ([]Difference, error) {
	r, err := t.play(set)
	if err != nil {
		return nil, err
	}
	return r.differences, nil
}

// play runs a test to its end.
func (t *Test) play(set *rules.Set) (*run, error) {
	for _, s := range t.Series {
		if _, ok := set.Feed(s.Feed); !ok {
			return nil, fmt.Errorf("no rule file names the feed %q", s.Feed)
		}
	}
	if _, ok := set.Feed(t.Feed); !ok {
		return nil, fmt.Errorf("no rule file names the feed %q", t.Feed)
	}
	r := &run{test: t, paged: map[string]int{}, resolved: map[string]bool{}, open: map[string]bool{}}
	// Everything is known up to now at every step, so push is never blind.
	push := feed.Source{Name: feed.Push.Name, LagMax: 2 * SpanMax}
	r.machine = watchdog.New(watchdog.Config{Install: Install, Sources: []feed.Source{push}}, t.From, nil)
	r.step(t.From, &watchdog.UseRules{Set: set})
	if err := r.all(); err != nil {
		return nil, err
	}
	return r, nil
}

// run is a test under way.
type run struct {
	test        *Test
	machine     *watchdog.Machine
	due         feed.Instant    // when the machine has something to do; zero: nothing
	paged       map[string]int  // pages seen, by incident
	resolved    map[string]bool // by incident
	open        map[string]bool
	order       []string // of incidents, by opening
	pages       []Page
	resolves    []Resolve
	differences []Difference
}

// all steps from one instant at which something happens to the next.
func (r *run) all() error {
	t := r.test
	acks := t.Acks
	verdicts := slices.Clone(t.Verdicts)
	slices.SortStableFunc(verdicts, func(a, b Verdict) int { return cmp.Compare(a.At, b.At) })
	place := 0 // of the series
	places := 0
	for _, s := range t.Series {
		places = max(places, len(s.Beats))
	}
	for now := t.From; ; {
		var beats []feed.Heartbeat
		if place < places && now == r.at(place) {
			beats = r.beats(place, now)
			place++
		}
		r.step(now, &watchdog.Heard{Report: feed.Report{Source: feed.Push, Heartbeats: beats, KnownThrough: now}})
		for ; len(acks) > 0 && t.From.Add(acks[0].At) <= now; acks = acks[1:] {
			if err := r.acknowledge(now, acks[0]); err != nil {
				return err
			}
		}
		for ; len(verdicts) > 0 && t.From.Add(verdicts[0].At) <= now; verdicts = verdicts[1:] {
			r.check(verdicts[0])
		}
		if now >= t.Until {
			break
		}
		next := t.Until
		if place < places {
			next = min(next, r.at(place))
		}
		if r.due != 0 {
			next = min(next, max(r.due, now+1)) // bounds of deadlines are lower bounds
		}
		if len(acks) > 0 {
			next = min(next, t.From.Add(acks[0].At))
		}
		if len(verdicts) > 0 {
			next = min(next, t.From.Add(verdicts[0].At))
		}
		now = max(next, now+1)
	}
	r.compare()
	return nil
}

func (r *run) at(place int) feed.Instant {
	return r.test.From.Add(time.Duration(place) * r.test.Interval)
}

func (r *run) beats(place int, now feed.Instant) []feed.Heartbeat {
	var all []feed.Heartbeat
	for i := range r.test.Series {
		s := &r.test.Series[i]
		if place >= len(s.Beats) || !s.Beats[place] {
			continue
		}
		for _, client := range s.Clients {
			key, err := feed.ParseKey(s.Feed, client)
			if err != nil {
				continue // refused when the file was read
			}
			beat := feed.Heartbeat{Key: key, Arrival: now, Count: max(s.Updates, 1), Labels: s.Labels}
			if s.Lag > 0 {
				beat.Event = now.Add(-s.Lag)
			}
			all = append(all, beat)
		}
	}
	return all
}

func (r *run) acknowledge(now feed.Instant, ack Ack) error {
	for _, id := range r.order {
		if !r.open[id] {
			continue
		}
		in := &watchdog.Acknowledge{ID: id, By: ack.By, For: ack.For}
		if r.step(now, in); in.Err != nil {
			return fmt.Errorf("acknowledge at %s: %w", rules.FormatDuration(ack.At), in.Err)
		}
	}
	return nil
}

// step brings the machine to now and notes what changed.
func (r *run) step(now feed.Instant, in watchdog.Input) {
	inputs := []watchdog.Input{in}
	for more := true; more; {
		out := r.machine.Step(now, inputs...)
		inputs, more = nil, out.More
		for _, inc := range out.Changes {
			r.changed(inc)
		}
		r.due = out.Next
	}
}

func (r *run) changed(inc *watchdog.Incident) {
	if _, known := r.open[inc.ID]; !known {
		r.order = append(r.order, inc.ID)
	}
	r.open[inc.ID] = inc.State != watchdog.StateResolved
	for _, p := range inc.Pages[r.paged[inc.ID]:] {
		r.pages = append(r.pages, Page{At: r.since(p.At), Feed: inc.Feed, To: p.Targets, Reason: p.Reason, Scope: p.Scope})
	}
	r.paged[inc.ID] = len(inc.Pages)
	if inc.State == watchdog.StateResolved && !r.resolved[inc.ID] {
		r.resolved[inc.ID] = true
		r.resolves = append(r.resolves, Resolve{At: r.since(inc.Resolved), Feed: inc.Feed, Scope: inc.Worst.String()})
	}
}

// since is how long after the beginning something happened, to the second: the
// machine waits some milliseconds for what has one cause.
func (r *run) since(t feed.Instant) time.Duration { return t.Sub(r.test.From).Round(time.Second) }

func (r *run) check(v Verdict) {
	if v.Client == "" {
		r.checkFeed(v)
		return
	}
	page, _ := r.machine.Clients(watchdog.ClientQuery{Feed: v.Feed, Client: v.Client, Any: true})
	if len(page.Clients) == 0 {
		r.differ(v, fmt.Sprintf("client %s is not known", v.Client))
		return
	}
	got := page.Clients[0]
	if got.Verdict == v.Want {
		return
	}
	why := "no rule governs it"
	if got.Rule != "" {
		why = fmt.Sprintf("rule %q", got.Rule)
	}
	if !got.Arrival.IsZero() {
		why += ", last update at " + rules.FormatDuration(r.since(got.Arrival))
	}
	r.differ(v, fmt.Sprintf("client %s is %s (%s)", v.Client, got.Verdict, why))
}

func (r *run) checkFeed(v Verdict) {
	for _, view := range r.machine.Feeds() {
		if view.Name == v.Feed {
			if view.Verdict != v.Want {
				r.differ(v, fmt.Sprintf("feed %s is %s", v.Feed, view.Verdict))
			}
			return
		}
	}
	r.differ(v, fmt.Sprintf("feed %s is not known", v.Feed))
}

func (r *run) differ(v Verdict, got string) {
	r.differences = append(r.differences, Difference{v.Line, fmt.Sprintf("at %s: %s, want %s", rules.FormatDuration(v.At), got, v.Want)})
}
