package pagerduty

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/feedwatch/feedwatch/rules"
	"github.com/feedwatch/feedwatch/watchdog"
	"github.com/feedwatch/feedwatch/watchdog/delivery"
	"github.com/feedwatch/feedwatch/watchdog/feed"
)

const (
	lookEvery  = time.Minute
	lookFirst  = 5 * time.Second
	lookWithin = 50 * time.Second
	// restWaitMin and restWaitMax bound how long a 429 keeps us away; PagerDuty's
	// limits are per minute. A token that is refused is tried again after refusedWait.
	restWaitMin = time.Second
	restWaitMax = 10 * time.Minute
	refusedWait = 5 * time.Minute
	// settleIn is how long an accepted event may take to show.
	settleIn = 2 * time.Minute
	// againMax is the longest wait between two triggers of one page that does not
	// show, so that it is there within minutes of the end of a maintenance window.
	againMax = 5 * time.Minute
	// What one look may ask and mend at most; the rest is for the next.
	keysMax    = 60
	triggerMax = 30
	resolveMax = 10
)

// What is sent again, as metrics call it.
const (
	sentTrigger = "trigger"
	sentResolve = "resolve"
)

// Outbox is what was told to a destination, and tells it again.
type Outbox interface {
	Told(target rules.Target) []delivery.Told
	Again(target rules.Target, incident string, page int)
}

// Poller looks each minute, while anything is open, what PagerDuty holds of what
// it was told. It is the backstop of the webhooks, and finds what those cannot
// tell: a trigger or a resolve that a maintenance window swallowed, and alerts
// that are open for nothing.
type Poller struct {
	target   rules.Target
	reader   *Reader
	notifier *Notifier
	outbox   Outbox
	desk     *Desk

	// Owned by whoever looks.
	clean   bool             // nothing of ours was open at the last look
	waits   time.Time        // until then we are not to ask
	again   map[string]retry // pages that did not show, by key
	handled map[string]bool  // pages that were found resolved, or not at all, and judged, by key
	begin   int              // where the keys to ask about go on

	mu      sync.Mutex
	failing string
}

type retry struct {
	times int
	next  time.Time
}

// NewPoller makes one for a notifier.
func NewPoller(target rules.Target, n *Notifier, r *Reader, outbox Outbox, desk *Desk) *Poller {
	desk.Metrics.announce(target.String())
	return &Poller{
		target: target, reader: r, notifier: n, outbox: outbox, desk: desk,
		again: map[string]retry{}, handled: map[string]bool{},
	}
}

// Failing is why PagerDuty cannot be looked into; "" while it can.
func (p *Poller) Failing() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.failing
}

// Target is the notifier that is looked after.
func (p *Poller) Target() rules.Target { return p.target }

// Run looks until ctx ends. The first look is soon, whatever is open here: alerts
// may have stayed open there.
func (p *Poller) Run(ctx context.Context) error {
	timer := time.NewTimer(lookFirst)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-timer.C:
		}
		p.Look(ctx)
		timer.Reset(lookEvery)
	}
}

// Look compares once, if there is anything to compare.
func (p *Poller) Look(ctx context.Context) {
	told := p.outbox.Told(p.target)
	now := p.desk.Now()
	if len(told) == 0 && p.clean || now.Before(p.waits) {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, lookWithin)
	defer cancel()
	p.report(ctx, p.compare(ctx, told, now), now)
}

// report says what came of a look.
func (p *Poller) report(ctx context.Context, err error, now time.Time) {
	name := p.target.String()
	var failed *delivery.Error
	result, text := "ok", ""
	switch {
	case err == nil:
	case errors.As(err, &failed):
		result, text = failed.Class.String(), failed.Error()
		switch failed.Class {
		case delivery.RateLimited:
			wait := failed.RetryAfter
			if wait == 0 {
				wait = lookEvery
			}
			p.waits = now.Add(min(max(wait, restWaitMin), restWaitMax))
		case delivery.Refused:
			p.waits = now.Add(refusedWait)
		}
	default:
		result, text = "keeper", err.Error()
	}
	p.desk.Metrics.looks.WithLabelValues(name, result).Inc()
	p.mu.Lock()
	was := p.failing
	p.failing = text
	p.mu.Unlock()
	if text != "" && was == "" && ctx.Err() == nil {
		p.desk.Log.Warn("PagerDuty cannot be looked into: what is decided there may not be heard", slog.String("notifier", name), slog.Any("error", err))
	}
}

// compare brings both sides together.
func (p *Poller) compare(ctx context.Context, told []delivery.Told, now time.Time) error {
	open, whole, err := p.reader.open(ctx)
	if err != nil {
		return err
	}
	shown := map[string]bool{}
	ours, resolves := 0, 0
	for i := range open {
		s := &open[i]
		id, _, ok := parseKey(p.desk.Install, s.key)
		if !ok {
			continue
		}
		ours++
		shown[s.key] = true
		delete(p.again, s.key)
		if s.status == "acknowledged" && !s.acked.at.IsZero() {
			if _, err := p.desk.take(ctx, s.acked); err != nil {
				return err
			}
		}
		if resolves < resolveMax {
			sent, err := p.resolveOrphan(ctx, s, id, now)
			if err != nil {
				return err
			}
			if sent {
				resolves++
			}
		}
	}
	p.clean = whole && ours == 0
	return p.missing(ctx, told, shown, now)
}

// resolveOrphan resolves an alert that is open for an incident that is over here,
// or of which nothing is known.
func (p *Poller) resolveOrphan(ctx context.Context, s *seen, id string, now time.Time) (sent bool, err error) {
	if now.Sub(s.created) < settleIn {
		return false, nil
	}
	inc, err := p.desk.Keeper.Find(ctx, id)
	switch {
	case err != nil:
		return false, err
	case inc != nil && (inc.State != watchdog.StateResolved || feed.At(now).Sub(inc.Resolved) < settleIn):
		return false, nil
	}
	p.desk.Log.Warn("an alert is open in PagerDuty for nothing: it is resolved", slog.String("notifier", p.target.String()), slog.String("key", s.key))
	p.desk.Metrics.mended.WithLabelValues(p.target.String(), sentResolve).Inc()
	return true, p.notifier.ResolveKey(ctx, s.key)
}

// missing looks after what was told and is not open there.
func (p *Poller) missing(ctx context.Context, told []delivery.Told, shown map[string]bool, now time.Time) error {
	p.forget(told)
	asked, triggered := 0, 0
	for i := range told {
		at := (p.begin + i) % len(told)
		t := told[at]
		key := t.Incident.PageKey(t.Page.N)
		newest := at+1 == len(told) || told[at+1].Incident != t.Incident
		if shown[key] || feed.At(now).Sub(t.At) < settleIn || !newest && p.handled[key] {
			continue
		}
		if asked == keysMax {
			p.begin = at
			return nil
		}
		asked++
		s, err := p.reader.newest(ctx, key)
		if err != nil {
			return err
		}
		covered, err := p.judge(ctx, s)
		if err != nil {
			return err
		}
		if s == nil || s.status == "resolved" {
			p.handled[key] = true
		}
		// Of several pages that do not show, the newest is reason enough to wake someone.
		if newest && !covered && !t.Covered && triggered < triggerMax && p.due(key, now) {
			triggered++
			p.desk.Log.Warn("a page does not show in PagerDuty: it is sent again", slog.String("notifier", p.target.String()), slog.String("key", key))
			p.desk.Metrics.mended.WithLabelValues(p.target.String(), sentTrigger).Inc()
			p.outbox.Again(p.target, t.Incident.ID, t.Page.N)
		}
	}
	p.begin = 0
	return nil
}

// judge says that the alert is there all the same, or that a person ended it.
func (p *Poller) judge(ctx context.Context, s *seen) (covered bool, err error) {
	switch {
	case s == nil:
		return false, nil
	case s.merged:
		return true, nil
	case s.status == "triggered", s.status == "acknowledged":
		if s.acked.at.IsZero() {
			return true, nil
		}
		_, err := p.desk.take(ctx, s.acked)
		return true, err
	}
	became, err := p.desk.take(ctx, s.changed)
	return became == tookResolve, err
}

// due says that a page may be triggered again, and when it may be next.
func (p *Poller) due(key string, now time.Time) bool {
	r := p.again[key]
	if now.Before(r.next) {
		return false
	}
	p.again[key] = retry{r.times + 1, now.Add(min(settleIn<<min(r.times, 3), againMax))}
	return true
}

// forget lets go of what is about pages that are over.
func (p *Poller) forget(told []delivery.Told) {
	live := make(map[string]bool, len(told))
	for _, t := range told {
		live[t.Incident.PageKey(t.Page.N)] = true
	}
	for key := range p.again {
		if !live[key] {
			delete(p.again, key)
		}
	}
	for key := range p.handled {
		if !live[key] {
			delete(p.handled, key)
		}
	}
}
