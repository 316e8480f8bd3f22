package replay

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/feedwatch/feedwatch/rules"
	"github.com/feedwatch/feedwatch/watchdog"
	"github.com/feedwatch/feedwatch/watchdog/feed"
)

// IncidentsMax bounds what a backtest keeps. Rules that open more are no rules to
// read about one by one.
const IncidentsMax = 100_000

// ReorderMax bounds how far out of order a history may be.
const ReorderMax = time.Hour

// ErrEmpty says that a history has nothing in it, or nothing in the span asked for.
var ErrEmpty = errors.New("the history has no heartbeat")

// Plan says what to backtest.
type Plan struct {
	Sets        []*rules.Set
	From, Until feed.Instant  // zero: from the first heartbeat, until the last
	Reorder     time.Duration // how much later than a newer one a heartbeat may stand
	// Fired asks for which rules fired: a look at every client of a feed for each change
	// of its incidents, until each rule has.
	Fired bool
	// Progress is told now and then how far it is; nil: nobody.
	Progress func(now feed.Instant, heartbeats int)
}

// progressBeats is how many heartbeats lie between two calls of Progress.
const progressBeats = 1 << 18

// Run replays a history under each of the sets, in one reading.
func (p Plan) Run(ctx context.Context, h History) ([]*Backtest, error) {
	b := &backtest{plan: p, before: map[feed.Key]feed.Heartbeat{}}
	b.window = newWindow(int(p.Reorder/time.Second), b.second)
	for {
		beats, err := h.Next(ctx)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		if past, err := b.take(beats); err != nil {
			return nil, err
		} else if past {
			break
		}
	}
	if err := b.window.flush(); err != nil {
		return nil, err
	}
	return b.results()
}

// backtest is one under way.
type backtest struct {
	plan       Plan
	window     *window
	lanes      []*lane // one for each set, from the first heartbeat on
	heartbeats int
	before     map[feed.Key]feed.Heartbeat // the newest of each series before From: what was known then
	newest     feed.Instant
	said       int
}

// take puts heartbeats into the window; past says that the rest is later than
// what was asked for.
func (b *backtest) take(beats []feed.Heartbeat) (past bool, err error) {
	for i := range beats {
		h := &beats[i]
		if h.Arrival < b.plan.From {
			if h.Arrival > b.before[h.Key].Arrival {
				b.before[h.Key] = *h
			}
			continue
		}
		if b.plan.Until != 0 && h.Arrival > b.plan.Until {
			if h.Arrival > b.plan.Until.Add(b.plan.Reorder) {
				return true, nil
			}
			continue
		}
		b.newest = max(b.newest, h.Arrival)
		b.heartbeats++
		if err := b.window.add(h); err != nil {
			return false, err
		}
	}
	if b.plan.Progress != nil && b.heartbeats-b.said >= progressBeats {
		b.said = b.heartbeats
		b.plan.Progress(b.newest, b.heartbeats)
	}
	return false, nil
}

// second gives every set what arrived in a second.
func (b *backtest) second(s second, beats []feed.Heartbeat) error {
	if b.lanes == nil {
		first := beats[0].Arrival
		for i := range beats {
			first = min(first, beats[i].Arrival)
		}
		if err := b.begin(first); err != nil {
			return err
		}
	}
	for _, l := range b.lanes {
		if err := l.second(s, beats); err != nil {
			return err
		}
	}
	return nil
}

// begin puts the sets in force, at From or else at the first heartbeat.
func (b *backtest) begin(first feed.Instant) error {
	if b.plan.From != 0 {
		first = b.plan.From
	}
	known := slices.SortedFunc(maps.Values(b.before), func(a, b feed.Heartbeat) int {
		return cmp.Or(strings.Compare(a.Key.Feed(), b.Key.Feed()), strings.Compare(a.Key.Client(), b.Key.Client()))
	})
	b.before = nil
	for _, set := range b.plan.Sets {
		l := newLane(set, first)
		if b.plan.Fired {
			l.fired = newFired(l)
		}
		if err := l.begin(known); err != nil {
			return err
		}
		b.lanes = append(b.lanes, l)
	}
	return nil
}

func (b *backtest) results() ([]*Backtest, error) {
	if b.lanes == nil {
		if len(b.before) == 0 || b.plan.Until == 0 {
			return nil, ErrEmpty
		}
		if err := b.begin(b.plan.From); err != nil {
			return nil, err
		}
	}
	until := b.plan.Until
	if until.IsZero() {
		until = b.newest
	}
	all := make([]*Backtest, 0, len(b.lanes))
	for _, l := range b.lanes {
		if err := l.until(until); err != nil {
			return nil, err
		}
		r := l.result(until)
		r.Heartbeats, r.Late = b.heartbeats, b.window.late
		if r.Late > 0 {
			r.LateFirst = fmt.Sprintf("%s at %s", b.window.lateKey, b.window.lateAt)
		}
		all = append(all, r)
	}
	return all, nil
}

// lane is one set at work.
type lane struct {
	set      *rules.Set
	machine  *watchdog.Machine
	from     feed.Instant
	now, due feed.Instant // due: when the machine has something to do; zero: nothing
	flushed  feed.Instant
	order    []*Outcome
	byID     map[string]*Outcome
	refused  map[feed.Refusal]int
	fired    *fired // nil: nobody asks
}

// flushEvery is how often the machine's ledger, which nobody reads here, is let go of.
const flushEvery = 24 * time.Hour

func newLane(set *rules.Set, from feed.Instant) *lane {
	push := feed.Source{Name: feed.Push.Name, LagMax: 10 * SpanMax} // everything is known up to now: never blind
	return &lane{
		set: set, from: from, now: from, flushed: from, byID: map[string]*Outcome{}, refused: map[feed.Refusal]int{},
		machine: watchdog.New(watchdog.Config{Install: Install, Sources: []feed.Source{push}}, from, nil),
	}
}

// begin puts the set in force; known is what was heard before.
func (l *lane) begin(known []feed.Heartbeat) error {
	if err := l.step(l.from, &watchdog.UseRules{Set: l.set}); err != nil {
		return err
	}
	return l.heard(l.from, known)
}

// second is a turn with what arrived in s, after those for what fell due before.
func (l *lane) second(s second, beats []feed.Heartbeat) error {
	if err := l.until(s.end() - millis); err != nil {
		return err
	}
	return l.heard(s.end(), beats)
}

// until is every turn before t in which something falls due, and one at t.
func (l *lane) until(t feed.Instant) error {
	for l.due != 0 && l.due <= t {
		if err := l.heard(min(max(secondOf(l.due), secondOf(l.now)+1).end(), t), nil); err != nil {
			return err
		}
		if l.now >= t {
			break
		}
	}
	return nil
}

func (l *lane) heard(now feed.Instant, beats []feed.Heartbeat) error {
	in := &watchdog.Heard{Report: feed.Report{Source: feed.Push, Heartbeats: beats, KnownThrough: now}}
	if err := l.step(now, in); err != nil {
		return err
	}
	for _, why := range in.Refused {
		if why != feed.Accepted {
			l.refused[why]++
		}
	}
	if now >= l.flushed.Add(flushEvery) {
		l.flushed = now
		for more := true; more; {
			_, more = l.machine.Flush(watchdog.AllBlocks)
		}
	}
	return nil
}

func (l *lane) step(now feed.Instant, in watchdog.Input) error {
	inputs := []watchdog.Input{in}
	for more := true; more; {
		out := l.machine.Step(now, inputs...)
		inputs, more = nil, out.More
		l.now, l.due = max(l.now, now), out.Next
		for _, inc := range out.Changes {
			o := l.byID[inc.ID]
			if o == nil {
				if len(l.order) == IncidentsMax {
					return fmt.Errorf("more than %d incidents by %s: the rules open far too many, or the span is too long; set until to an earlier time", IncidentsMax, now)
				}
				o = &Outcome{}
				l.byID[inc.ID] = o
				l.order = append(l.order, o)
			}
			o.take(inc)
			if l.fired != nil {
				l.fired.changed(inc)
			}
		}
	}
	return nil
}

// clients yields every client that q asks for.
func (l *lane) clients(q watchdog.ClientQuery) iter.Seq[*watchdog.ClientView] {
	return func(yield func(*watchdog.ClientView) bool) {
		q.Limit = watchdog.ClientPageMax
		for more := true; more; {
			page, _ := l.machine.Clients(q)
			for i := range page.Clients {
				if !yield(&page.Clients[i]) {
					return
				}
			}
			q.Cursor, more = page.Next, page.Next != 0
		}
	}
}
