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
	p := dest.pairs[op.Incident.ID]
	p.flying, p.held.flying = false, ""
	dest.inFlight--
	if err == nil {
		d.metrics.results.WithLabelValues(name, "ok").Inc()
		d.succeed(dest, p, op, ref)
	} else {
		d.fail(dest, p, op, err)
	}
	dest.plan(p, p.incident)
	d.failoverAll(p.incident)
	d.forget(p.incident)
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
	if op.Kind == Update || op.Kind == Reply {
		p.lost = 0
	}
	if op.Kind == Update {
		ref = op.Ref
	}
	d.receipt(p, op, ref, "")
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
	class, retryAfter := Ambiguous, time.Duration(0)
	var known *Error
	if errors.As(err, &known) {
		class, retryAfter = known.Class, known.RetryAfter
	}
	name, now := dest.Target.String(), time.Now()
	d.metrics.results.WithLabelValues(name, class.String()).Inc()
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
		delete(p.held.receipts, rootName)
		delete(p.held.maybe, rootName)
		if p.lost > 0 { // the root made anew is gone as well: no loop of making and losing it
			p.attempts = p.lost - 1
			d.backOff(p, rootName, now)
		}
		p.lost++
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
		d.receipt(p, op, op.Ref, "")
		return
	}
	d.receipt(p, op, "", err.Error())
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
