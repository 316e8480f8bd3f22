package replay

import (
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/feedwatch/feedwatch/rules"
	"github.com/feedwatch/feedwatch/watchdog"
	"github.com/feedwatch/feedwatch/watchdog/feed"
)

// Install is the installation that a replay's incidents are of: their keys are
// never those of a real one.
const Install = "replay"

// ErrNotWatched says that no rule file names the scenario's feed.
var ErrNotWatched = errors.New("no rule file names the feed")

// Watcher is told what happens in a replay. Both may be nil.
type Watcher struct {
	// Progress is called about once for each hour of the scenario.
	Progress func(now feed.Instant)
	// Changed is called for each change of an incident, with the events that are
	// new in it. An error ends the replay.
	Changed func(inc *watchdog.Incident, events []watchdog.Event) error
}

// progressEvery is the time of the scenario between two calls of Progress.
const progressEvery = time.Hour

// Run replays a scenario under a rule set. Feeds that the set names and the
// scenario has no data for are not in its story.
func Run(s *Scenario, set *rules.Set, w Watcher) (*Result, error) {
	if _, ok := set.Feed(s.Generator.Feed); !ok {
		return nil, fmt.Errorf("%w %q", ErrNotWatched, s.Generator.Feed)
	}
	beats, err := s.Heartbeats()
	if err != nil {
		return nil, err
	}
	next, stop := iter.Pull(beats)
	defer stop()
	r := &run{
		scenario: s,
		watcher:  w,
		acks:     s.Acks,
		told:     map[string]int{},
		open:     map[string]bool{},
		result:   newResult(s, set),
	}
	// Everything is known up to now at every step, so push is never blind: its
	// bound is longer than any time between two steps.
	push := feed.Source{Name: feed.Push.Name, LagMax: 2 * SpanMax}
	r.machine = watchdog.New(watchdog.Config{Install: Install, Sources: []feed.Source{push}}, s.From, nil)
	if err := r.step(s.From, &watchdog.UseRules{Set: set}); err != nil {
		return nil, err
	}
	if err := r.all(next); err != nil {
		return nil, err
	}
	for more := true; more; {
		var flush watchdog.Flush
		flush, more = r.machine.Flush(watchdog.AllBlocks)
		r.result.keep(flush.Ledger)
	}
	return r.result, nil
}

// run is a replay under way.
type run struct {
	scenario *Scenario
	watcher  Watcher
	machine  *watchdog.Machine
	due      feed.Instant // when the machine has something to do; zero: nothing
	acks     []Acknowledgement
	told     map[string]int // events told, by incident
	open     map[string]bool
	result   *Result
}

// all steps from one instant at which something happens to the next.
func (r *run) all(next func() (feed.Heartbeat, bool)) error {
	now, said := r.scenario.From, r.scenario.From
	beat, more := next()
	var beats []feed.Heartbeat
	for now < r.scenario.Until {
		then := r.scenario.Until
		if more {
			then = min(then, beat.Arrival)
		}
		if r.due != 0 {
			then = min(then, r.due)
		}
		if len(r.acks) > 0 {
			then = min(then, r.acks[0].At)
		}
		now = max(then, now)
		beats = beats[:0]
		for more && beat.Arrival <= now {
			beats = append(beats, beat)
			beat, more = next()
		}
		if err := r.at(now, beats); err != nil {
			return err
		}
		if r.due != 0 {
			r.due = max(r.due, now+1) // bounds of deadlines are lower bounds
		}
		if r.watcher.Progress != nil && now >= said.Add(progressEvery) {
			said = now
			r.watcher.Progress(now)
		}
	}
	return nil
}

// at makes everything happen that happens at now: what arrives, then what people do.
func (r *run) at(now feed.Instant, beats []feed.Heartbeat) error {
	r.result.Heartbeats += len(beats)
	if err := r.step(now, &watchdog.Heard{Report: feed.Report{Source: feed.Push, Heartbeats: beats, KnownThrough: now}}); err != nil {
		return err
	}
	for len(r.acks) > 0 && r.acks[0].At <= now {
		ack := r.acks[0]
		r.acks = r.acks[1:]
		for _, o := range r.result.Incidents {
			if !r.open[o.Incident.ID] {
				continue
			}
			in := &watchdog.Acknowledge{ID: o.Incident.ID, By: ack.By, For: ack.For}
			if err := r.step(now, in); err != nil {
				return err
			}
			if in.Err != nil {
				return fmt.Errorf("acknowledge at %s: %w", ack.At, in.Err)
			}
		}
	}
	return nil
}

// step brings the machine to now and tells what changed.
func (r *run) step(now feed.Instant, in watchdog.Input) error {
	inputs := []watchdog.Input{in}
	for {
		out := r.machine.Step(now, inputs...)
		inputs = nil
		for _, inc := range out.Changes {
			if err := r.changed(inc); err != nil {
				return err
			}
		}
		if !out.More {
			r.due = out.Next
			return nil
		}
	}
}

func (r *run) changed(inc *watchdog.Incident) error {
	if inc.Feed != r.scenario.Generator.Feed {
		return nil
	}
	events := inc.Events[r.told[inc.ID]:]
	r.told[inc.ID] = len(inc.Events)
	r.open[inc.ID] = inc.State != watchdog.StateResolved
	r.result.changed(inc)
	if r.watcher.Changed == nil {
		return nil
	}
	return r.watcher.Changed(inc, events)
}
