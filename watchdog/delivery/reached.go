package delivery

import (
	"cmp"
	"slices"

	"github.com/feedwatch/feedwatch/rules"
	"github.com/feedwatch/feedwatch/watchdog"
	"github.com/feedwatch/feedwatch/watchdog/feed"
)

// Reached is how far a page has come at a destination.
type Reached struct {
	Told bool
	At   feed.Instant // when it was accepted
	// What the destination calls the message, and what we do (Op.ID).
	Ref, Op  string
	Hopeless bool   // it will not be told as things are: refused, or given up
	Why      string // it was not told yet, as far as that is known
}

// Reached says how far page n of an incident that is not over has come at target.
func (d *Delivery) Reached(target rules.Target, incident string, n int) Reached {
	d.mu.Lock()
	defer d.mu.Unlock()
	dest, inc := d.byKey[target], d.known[incident]
	if dest == nil {
		return Reached{Hopeless: true, Why: "no such notifier is configured"}
	}
	if inc == nil {
		return Reached{}
	}
	i := slices.IndexFunc(inc.Pages, func(p watchdog.Page) bool { return p.N == n })
	p := dest.pairs[incident]
	if i < 0 || p == nil {
		return Reached{}
	}
	page, shape := &inc.Pages[i], dest.Notifier.Shape()
	name := messageName(inc, page, target, shape, &p.held)
	r := p.held.receipts[name]
	switch {
	case tellsPage(inc, page, target, shape, &p.held):
		return Reached{Told: true, At: r.At, Ref: r.Ref, Op: Op{Incident: inc, Name: name}.ID()}
	case losesPage(inc, page, shape, &p.held):
		return Reached{Hopeless: true, Why: r.Dead}
	case dest.parked != "":
		return Reached{Hopeless: true, Why: dest.parked}
	}
	return Reached{Why: cmp.Or(dest.lastError, "it was not sent yet")}
}
