package delivery

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/feedwatch/feedwatch/watchdog"
	"github.com/feedwatch/feedwatch/watchdog/feed"
)

const (
	// attemptMax bounds one attempt, whatever a notifier does.
	attemptMax = 30 * time.Second

	frozenMin     = time.Second
	frozenMax     = 10 * time.Minute
	frozenDefault = 30 * time.Second // a 429 that does not say how long

	backOffMin = time.Second
	backOffMax = 5 * time.Minute

	probeEvery = 5 * time.Minute
	probeAlone = 15 * time.Second // while no destination works
)

// attempt is one call of the notifier, and what came of it. It is not cut short
// by a stop: what was begun is worth knowing.
func (d *Delivery) attempt(ctx context.Context, dest *destination, op Op) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), attemptMax)
	defer cancel()
	begun := time.Now()
	ref, err := deliver(ctx, dest.Notifier, op)
	took := time.Since(begun)
	d.mu.Lock()
	defer d.mu.Unlock()
	name := dest.Target.String()
	d.metrics.took.WithLabelValues(name).Observe(took.Seconds())
	dest.inFlight--
	if err == nil {
		d.metrics.results.WithLabelValues(name, "ok").Inc()
	} else {
		d.metrics.results.WithLabelValues(name, classOf(err).Class.String()).Inc()
	}
	d.land(dest, op, ref, err)
	for _, other := range op.With {
		if op.Kind == Reply {
			d.land(dest, other, ref, err)
			continue
		}
		if q := dest.pairs[other.Incident.ID]; q != nil { // what the root came to is theirs as well
			dest.plan(q, q.incident)
			d.failoverAll(q.incident)
			d.forget(q.incident)
		}
	}
}

// land is after an attempt, for one of the ops that it was about.
func (d *Delivery) land(dest *destination, op Op, ref string, err error) {
	p := dest.pairs[op.Incident.ID]
	p.flying, p.held.flying = false, ""
	if op.ofRoot() && p.thread != nil {
		p.thread.flying = false
	}
	if err == nil {
		d.succeed(dest, p, op, ref)
	} else {
		d.fail(dest, p, op, err)
	}
	dest.plan(p, p.incident)
	d.failoverAll(p.incident)
	d.forget(p.incident)
}

// classOf is what an error means; one of no class is ambiguous.
func classOf(err error) *Error {
	var known *Error
	if errors.As(err, &known) {
		return known
	}
	return &Error{Class: Ambiguous, Err: err}
}

// deliver takes a notifier's panic as an attempt that may have arrived: what is
// wrong with one destination must not stop the pages of the others.
func deliver(ctx context.Context, n Notifier, op Op) (ref string, err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("the notifier panicked: %v", cause)
		}
	}()
	return n.Deliver(ctx, op)
}

func (d *Delivery) succeed(dest *destination, p *pair, op Op, ref string) {
	d.unpark(dest)
	p.unsent = false
	for _, other := range dest.busy { // it can be reached again
		if other.unsent {
			other.unsent, other.notUntil = false, time.Time{}
		}
	}
	dest.lastSuccess, dest.lastError, dest.failingSince = feed.At(d.wall()), "", 0
	p.attempts, p.notUntil, p.minimal = 0, time.Time{}, ""
	t := p.thread
	if op.Kind == Update {
		ref = op.Ref
		if t == nil || t.ref != ref {
			return // the root is gone by now
		}
	}
	d.receipt(p, op, ref, "")
	switch {
	case t == nil:
	case op.Kind == Post:
		d.posted(dest, t, &op, ref)
	default:
		for _, q := range t.pairs {
			q.lost = 0
		}
		if op.Kind == Update {
			d.shows(t, &op)
		}
	}
}

// shows is after the root of a thread was updated: it shows all of them as they
// were then.
func (d *Delivery) shows(t *thread, op *Op) {
	for _, other := range op.With {
		q := t.pairs[other.Incident.ID]
		if q == nil {
			continue
		}
		if r, ok := q.held.receipts[rootName]; !ok || r.Revision != other.Incident.Revision {
			d.receipt(q, other, t.ref, "")
		}
	}
}

func (d *Delivery) receipt(p *pair, op Op, ref, dead string) {
	r := watchdog.Receipt{
		Target: op.Target, Incident: op.Incident.ID, Op: op.Name, Ref: ref,
		Revision: op.Incident.Revision, At: feed.At(d.wall()), Dead: dead,
	}
	if op.Kind == Post && op.MaybeSent {
		r.Revision = 0 // what was adopted may show an older picture: an update follows
	}
	p.held.receipts[op.Name] = r
	d.journal.save(r, nil)
}

// fail does what the class of the error asks for.
func (d *Delivery) fail(dest *destination, p *pair, op Op, err error) {
	class, retryAfter := classOf(err).Class, classOf(err).RetryAfter
	name, now := dest.Target.String(), time.Now()
	dest.lastError = err.Error()
	if dest.failingSince.IsZero() {
		dest.failingSince = feed.At(d.wall())
	}
	d.log.Warn("not delivered", slog.String("notifier", name), slog.String("incident", op.Incident.ID),
		slog.String("op", op.Name), slog.String("class", class.String()), slog.Any("error", err))
	switch class {
	case RateLimited:
		if retryAfter == 0 {
			retryAfter = frozenDefault
		}
		dest.frozenUntil = latest(dest.frozenUntil, now.Add(min(max(retryAfter, frozenMin), frozenMax)))
	case BadPayload:
		d.unpark(dest) // it reads what we send
		if op.Minimal {
			d.bury(dest, p, op, err)
			return
		}
		p.minimal = op.Name
	case Refused:
		d.backOff(p, op.Name, now)
		d.park(dest, err, now)
	case Partial:
		d.tellPartly(dest, p, op, err)
	case LostTarget:
		if op.Kind != Update && op.Kind != Reply { // nothing of ours to lose: as good as refused
			d.backOff(p, op.Name, now)
			d.park(dest, err, now)
			return
		}
		if p.thread != nil && p.thread.ref == op.Ref { // else it was found to be gone before
			d.lose(dest, p.thread, now)
		}
	case NotSent:
		p.unsent = true
		d.backOff(p, op.Name, now)
	default:
		p.held.maybe[op.Name] = true
		d.backOff(p, op.Name, now)
	}
}

// backOff makes the op of that name wait 1 s to 5 min, doubling, with full
// jitter. It never gives up.
func (d *Delivery) backOff(p *pair, name string, now time.Time) {
	longest := min(backOffMin<<min(p.attempts, 10), backOffMax)
	p.tried = name
	p.attempts++
	p.notUntil = now.Add(backOffMin/2 + time.Duration(d.rand.Int64N(int64(longest))))
}

// tellPartly takes what some were told as told: a repeat would tell them twice. It
// is said like a message that was refused for good.
func (d *Delivery) tellPartly(dest *destination, p *pair, op Op, err error) {
	d.unpark(dest)
	d.log.Error("not everybody was told: the destination refuses some of its recipients",
		slog.String("notifier", dest.Target.String()), slog.String("incident", op.Incident.ID), slog.String("op", op.Name), slog.Any("error", err))
	d.metrics.dead.WithLabelValues(dest.Target.String()).Inc()
	dest.dead++
	dest.deadReason = err.Error()
	dest.lastSuccess = feed.At(d.wall())
	p.attempts, p.notUntil, p.minimal, p.unsent = 0, time.Time{}, "", false
	d.receipt(p, op, "", "")
}

// bury gives an op up: even its shortest form was refused.
func (d *Delivery) bury(dest *destination, p *pair, op Op, err error) {
	d.log.Error("given up: the destination refuses the message in its shortest form",
		slog.String("notifier", dest.Target.String()), slog.String("incident", op.Incident.ID), slog.String("op", op.Name), slog.Any("error", err))
	d.metrics.dead.WithLabelValues(dest.Target.String()).Inc()
	dest.dead++
	dest.deadReason = err.Error()
	p.minimal = ""
	if op.Kind == Update { // the message is there all the same: the next picture may be accepted
		if p.thread != nil && p.thread.ref == op.Ref {
			d.receipt(p, op, op.Ref, "")
			d.shows(p.thread, &op)
		}
		return
	}
	d.receipt(p, op, "", err.Error())
	if op.Kind == Post && p.thread != nil {
		d.buryThread(dest, p.thread, op, err)
	}
}

// buryThread gives up the root of a thread for all whom it was to tell of.
func (d *Delivery) buryThread(dest *destination, t *thread, op Op, err error) {
	dest.close(t)
	for _, q := range t.others(nil) {
		q.thread, q.listed = nil, false
		if q != t.lead {
			op.Incident = q.incident
			d.receipt(q, op, "", err.Error())
			dest.plan(q, q.incident)
			d.failoverAll(q.incident)
		}
	}
}

func (d *Delivery) unpark(dest *destination) {
	if dest.parked == "" {
		return
	}
	d.log.Info("the destination works again", slog.String("notifier", dest.Target.String()))
	dest.parked = ""
	d.metrics.parked.WithLabelValues(dest.Target.String()).Set(0)
	for _, inc := range d.known { // pages that nobody could be told until now
		d.failoverAll(inc)
	}
}

// park stops trying a destination that cannot work as it is configured, but for
// a probe with the op itself every 5 min. Its pages go to others.
func (d *Delivery) park(dest *destination, err error, now time.Time) {
	if dest.parked == "" {
		d.log.Error("the destination refuses us: mend its token or settings; pages go to others meanwhile",
			slog.String("notifier", dest.Target.String()), slog.Any("error", err))
		d.metrics.parked.WithLabelValues(dest.Target.String()).Set(1)
	}
	dest.parked = err.Error()
	dest.probeAt = now.Add(d.probeIn())
	if d.alone() {
		for _, other := range d.dests { // they were to wait longer, while somebody else was told
			if soon := now.Add(probeAlone); other.probeAt.After(soon) {
				other.probeAt = soon
			}
			other.signal()
		}
	}
	for _, inc := range d.known {
		d.failoverAll(inc)
	}
}

// alone says that no destination works: nobody is told of anything.
func (d *Delivery) alone() bool {
	return !slices.ContainsFunc(d.dests, func(dest *destination) bool { return dest.parked == "" })
}

// probeIn is how long a parked destination is left alone.
func (d *Delivery) probeIn() time.Duration {
	if d.alone() {
		return probeAlone
	}
	return probeEvery
}
