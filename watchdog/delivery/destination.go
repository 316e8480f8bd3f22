package delivery

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"github.com/feedwatch/feedwatch/rules"
	"github.com/feedwatch/feedwatch/watchdog"
	"github.com/feedwatch/feedwatch/watchdog/feed"
)

// inFlightMax is how many attempts one destination has under way at once, each
// of another incident.
const inFlightMax = 4

// destination is one notifier with what it is to hold and how it is doing.
type destination struct {
	Destination
	pairs    map[string]*pair   // by incident
	busy     map[string]*pair   // of these, those with ops
	waiting  int                // all their ops
	threads  map[string]*thread // by the ref of their root
	storm    *thread            // in which new incidents are told while they come in such numbers
	news     pace               // new incidents
	sends    pace
	updates  pace
	inFlight int
	wake     chan struct{}

	frozenUntil time.Time // rate limited
	parked      string    // why it is not tried but for probes; "" when it works
	probeAt     time.Time

	dead         int
	deadReason   string
	lastSuccess  feed.Instant
	lastError    string
	failingSince feed.Instant
}

// pair is one incident at one destination.
type pair struct {
	incident *watchdog.Incident
	held     held
	thread   *thread // that it is told in; nil before that is decided
	listed   bool    // it is told in the root, and not below it
	came     bool    // it was counted as new
	ops      []Op    // still to be done, in order: only the first may be attempted
	flying   bool
	tried    string // the op that the next two are about
	attempts int    // failed ones in a row
	notUntil time.Time
	unsent   bool   // the last failure was NotSent
	lost     int    // how often in a row the root was gone
	minimal  string // the op whose full form was refused
	unsaved  int    // decisions that the journal does not have yet
	sent     *batch // the reply of several in which its first op was tried last
}

func newDestination(c Destination) *destination {
	return &destination{
		Destination: c,
		pairs:       map[string]*pair{},
		busy:        map[string]*pair{},
		threads:     map[string]*thread{},
		news:        newPace(stormMin, 0),
		sends:       newPace(c.Limits.SendsPerMinute, c.Limits.SendEvery),
		updates:     newPace(c.Limits.UpdatesPerMinute, 0),
		wake:        make(chan struct{}, 1),
	}
}

func (dest *destination) pair(inc *watchdog.Incident, started feed.Instant) *pair {
	p := dest.pairs[inc.ID]
	if p == nil {
		p = &pair{incident: inc, held: held{
			receipts: map[string]watchdog.Receipt{}, maybe: map[string]bool{}, earlier: earlier{started: started},
		}}
		dest.pairs[inc.ID] = p
	}
	return p
}

// plan derives the ops of a pair anew. A back-off is of one op: a page does not
// wait because an update before it failed, and worth a try at once.
func (dest *destination) plan(p *pair, inc *watchdog.Incident) {
	if len(inc.Pages) > len(p.incident.Pages) || inc.State == watchdog.StateResolved && p.incident.State != inc.State {
		p.notUntil = time.Time{}
	}
	p.incident = inc
	dest.setOps(p, plan(inc, dest.Target, dest.Notifier.Shape(), &p.held))
	if len(p.ops) == 0 || p.ops[0].Name != p.tried {
		p.tried, p.attempts, p.notUntil = "", 0, time.Time{}
	}
	if !p.came && p.fresh() {
		p.came = true
		if p.incident.Cause != watchdog.CauseDrill { // drills are no storm
			dest.news.took(time.Now())
		}
	}
	dest.signal()
}

func (dest *destination) signal() {
	select {
	case dest.wake <- struct{}{}:
	default:
	}
}

// setOps is the only one who sets a pair's ops.
func (dest *destination) setOps(p *pair, ops []Op) {
	dest.waiting += len(ops) - len(p.ops)
	p.ops = ops
	if len(ops) > 0 {
		dest.busy[p.incident.ID] = p
		return
	}
	delete(dest.busy, p.incident.ID)
	p.unsent = false
}

// drop forgets an incident.
func (dest *destination) drop(id string) {
	if p := dest.pairs[id]; p != nil {
		dest.setOps(p, nil)
		dest.leave(p)
		delete(dest.pairs, id)
	}
}

// rank orders ops: what wakes or releases people first, then what tells them
// more, then what refreshes, and a drill last; the severe before the mild, the old
// before the new.
func rank(op *Op) int {
	switch {
	case op.Incident.Cause == watchdog.CauseDrill:
		return 3
	case op.Kind == Reply && op.pages():
		return 0
	case op.Kind == Post || op.Kind == Trigger || op.Kind == Resolve || op.Kind == Tell:
		return 0
	case op.Kind == Reply || op.Kind == Acknowledge:
		return 1
	default:
		return 2
	}
}

func before(a, b *pair) int {
	return cmp.Or(
		cmp.Compare(rank(&a.ops[0]), rank(&b.ops[0])),
		cmp.Compare(b.severity(), a.severity()),
		byAge(a, b),
	)
}

// byAge orders the old before the new.
func byAge(a, b *pair) int {
	return cmp.Or(cmp.Compare(a.incident.Opened, b.incident.Opened), cmp.Compare(a.incident.ID, b.incident.ID))
}

// next is the pair whose first op may be attempted at now, or when to look again
// (zero: when something changes).
func (dest *destination) next(now time.Time) (*pair, time.Time) {
	if dest.inFlight >= inFlightMax {
		return nil, time.Time{}
	}
	if dest.frozenUntil.After(now) {
		return nil, dest.frozenUntil
	}
	if dest.parked != "" && dest.inFlight > 0 {
		return nil, time.Time{} // one probe at a time
	}
	if dest.parked != "" && dest.probeAt.After(now) {
		return nil, dest.probeAt
	}
	var best *pair
	var again time.Time
	for _, p := range dest.busy {
		if p.flying || p.unsaved > 0 || p.awaits() || p.thread != nil && p.thread.flying && p.ops[0].ofRoot() {
			continue
		}
		if at := dest.allowed(p); at.After(now) {
			if again.IsZero() || at.Before(again) {
				again = at
			}
			continue
		}
		if best == nil || dest.before(p, best) < 0 {
			best = p
		}
	}
	return best, again
}

// before orders two pairs that may both be attempted. Who probes takes turns: the
// destination may refuse one op only, and that must not hold up all others.
func (dest *destination) before(a, b *pair) int {
	if dest.parked != "" && a.attempts != b.attempts {
		return cmp.Compare(a.attempts, b.attempts)
	}
	return before(a, b)
}

// allowed is when the first op of p may be attempted, by its own back-off and by
// the limits. A part of a minute's sends is kept for resolves and what is critical.
func (dest *destination) allowed(p *pair) time.Time {
	op := &p.ops[0]
	at := p.notUntil
	if op.Kind == Update {
		if p.thread != nil {
			at = latest(at, p.thread.updated.Add(dest.Limits.UpdateEvery))
		}
		return latest(at, dest.updates.earliest(0))
	}
	keep := dest.sends.reserve()
	if op.Kind == Resolve || p.severity() == rules.Critical && op.Incident.Cause != watchdog.CauseDrill {
		keep = 0
	}
	return latest(at, dest.sends.earliest(keep))
}

func latest(times ...time.Time) time.Time {
	return slices.MaxFunc(times, func(a, b time.Time) int { return a.Compare(b) })
}

// serve attempts what is due at one destination until ctx ends.
func (d *Delivery) serve(ctx context.Context, dest *destination) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	var attempts sync.WaitGroup
	defer attempts.Wait()
	for {
		select {
		case <-ctx.Done():
			return
		case <-dest.wake: // by what ends an attempt as well
		case <-timer.C:
		}
		for ctx.Err() == nil {
			op, again, ok := d.start(dest, time.Now())
			if !ok {
				if !again.IsZero() {
					timer.Reset(time.Until(again))
				}
				break
			}
			attempts.Go(func() { d.attempt(ctx, dest, op) })
		}
	}
}

// start takes the next op for an attempt.
func (d *Delivery) start(dest *destination, now time.Time) (op Op, again time.Time, ok bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.metrics.pending.WithLabelValues(dest.Target.String()).Set(float64(dest.waiting))
	p, again := dest.next(now)
	for p != nil && p.ops[0].Kind == Post && !d.gather(dest, p, now) {
		p, again = dest.next(now)
	}
	if p == nil {
		return Op{}, again, false
	}
	op = d.depart(p)
	op.With = d.along(dest, p, &op, now)
	dest.inFlight++
	if dest.parked != "" {
		dest.probeAt = now.Add(d.probeIn()) // whatever comes of this one
	}
	if op.Kind == Update {
		dest.updates.took(now)
		p.thread.updated = now
	} else {
		dest.sends.took(now)
	}
	return op, time.Time{}, true
}

// depart is the first op of p, which is under way from now on.
func (d *Delivery) depart(p *pair) Op {
	op := p.ops[0]
	op.Now = feed.At(d.wall())
	op.Minimal = p.minimal == op.Name
	op.MaybeSent = op.MaybeSent || p.held.maybe[op.Name]
	p.flying, p.held.flying = true, op.Name
	if t := p.thread; t != nil {
		op.Shared = len(t.pairs) > 1
		op.Lead = t.lead.incident
		t.flying = t.flying || op.ofRoot()
	}
	return op
}
