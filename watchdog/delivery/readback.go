package delivery

import (
	"cmp"
	"log/slog"
	"slices"
	"time"

	"github.com/feedwatch/feedwatch/rules"
	"github.com/feedwatch/feedwatch/watchdog"
	"github.com/feedwatch/feedwatch/watchdog/feed"
)

// An accepted trigger need not have become an alert: whoever can look into a
// destination compares what it shows with what it was told.

// Told is a page of an open incident that a destination of alerts confirmed.
type Told struct {
	Incident *watchdog.Incident
	Page     *watchdog.Page
	At       feed.Instant // when it confirmed it
	Covered  bool         // nobody is to be woken further for it: acknowledged, or held
}

// Told lists them for target, the oldest incident first and its pages in order.
func (d *Delivery) Told(target rules.Target) []Told {
	d.mu.Lock()
	defer d.mu.Unlock()
	dest := d.byKey[target]
	if dest == nil || dest.Notifier.Shape() != Alerts {
		return nil
	}
	var all []Told
	for _, inc := range d.known {
		p := dest.pairs[inc.ID]
		if p == nil || inc.State == watchdog.StateResolved {
			continue
		}
		for i := range inc.Pages {
			page := &inc.Pages[i]
			if !p.held.engages(page, target) || !p.held.delivered(pageName(page.N)) {
				continue
			}
			all = append(all, Told{inc, page, p.held.receipts[pageName(page.N)].At, acknowledges(inc, page)})
		}
	}
	slices.SortFunc(all, func(a, b Told) int {
		return cmp.Or(cmp.Compare(a.Incident.Opened, b.Incident.Opened), cmp.Compare(a.Incident.ID, b.Incident.ID), cmp.Compare(a.Page.N, b.Page.N))
	})
	return all
}

// Again tells target of a page once more, since it shows no alert for it. What
// was resolved or covered meanwhile stays as it is.
func (d *Delivery) Again(target rules.Target, incident string, page int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	dest, inc := d.byKey[target], d.known[incident]
	if dest == nil || inc == nil || inc.State == watchdog.StateResolved {
		return
	}
	i := slices.IndexFunc(inc.Pages, func(p watchdog.Page) bool { return p.N == page })
	if i < 0 || acknowledges(inc, &inc.Pages[i]) {
		return
	}
	p := dest.pairs[incident]
	if p == nil || !p.held.delivered(pageName(page)) {
		return
	}
	delete(p.held.receipts, pageName(page))
	delete(p.held.receipts, ackName(page)) // of the alert that is gone
	p.held.maybe[pageName(page)] = true    // it was accepted once: always a resolve at the end
	dest.plan(p, inc)
}

// Retry tries at once all that waits for target, also where it refuses us or
// refused a message for good; false: there is no such destination. A wait that it
// asked for itself holds all the same.
func (d *Delivery) Retry(target rules.Target) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	dest := d.byKey[target]
	if dest == nil {
		return false
	}
	d.log.Info("a person has a destination tried again", slog.String("notifier", target.String()))
	dest.dead, dest.deadReason = 0, ""
	d.unpark(dest)
	for id, p := range dest.pairs {
		for op, r := range p.held.receipts {
			if r.Dead != "" {
				delete(p.held.receipts, op)
			}
		}
		p.attempts, p.notUntil, p.minimal = 0, time.Time{}, ""
		if inc := d.known[id]; inc != nil {
			dest.plan(p, inc)
		}
	}
	dest.signal()
	return true
}
