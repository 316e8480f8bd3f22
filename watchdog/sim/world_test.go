package sim

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/feedwatch/feedwatch/rules"
	"github.com/feedwatch/feedwatch/watchdog"
	"github.com/feedwatch/feedwatch/watchdog/delivery"
)

// world is what people see. It outlives the processes that tell it.
type world struct {
	*sim
	pagers   map[string]*pager
	channels map[string]*channel
	pages    map[string]*told // by page key
	// Incidents of which something was told that no commit took before a crash.
	forgotten map[string]bool
	swallowed map[string]bool // page keys that a pager took in its own maintenance
}

// told is one page as it reached people.
type told struct {
	incident string
	reason   watchdog.Reason
	step     int
	first    time.Time // when somebody was told; true time
}

func newWorld(s *sim) *world {
	w := &world{sim: s, pagers: map[string]*pager{}, channels: map[string]*channel{}, pages: map[string]*told{}, forgotten: map[string]bool{}, swallowed: map[string]bool{}}
	for _, name := range targets {
		if target, _ := rules.ParseTarget(name); target.Kind == "slack" {
			w.channels[name] = &channel{roots: map[string]*root{}, messages: map[string]*message{}, byName: map[string]*message{}}
		} else {
			w.pagers[name] = &pager{alerts: map[string][]*alert{}}
		}
	}
	return w
}

// destinations are the notifiers of one process, with the limits of production.
func (w *world) destinations(g *gate) []delivery.Destination {
	var all []delivery.Destination
	for _, name := range targets {
		target, err := rules.ParseTarget(name)
		if err != nil {
			panic(err)
		}
		d := delivery.Destination{Target: target, Notifier: &notifier{world: w, gate: g, name: name}}
		if target.Kind == "slack" {
			d.Limits = delivery.Limits{SendEvery: time.Second, UpdatesPerMinute: 40, UpdateEvery: 5 * time.Second}
		} else {
			d.Limits = delivery.Limits{SendsPerMinute: 100}
		}
		all = append(all, d)
	}
	return all
}

// notifier is one destination as one process reaches it.
type notifier struct {
	*world
	gate *gate
	name string
}

// Shape is that of the real one.
func (n *notifier) Shape() delivery.Shape {
	if n.pagers[n.name] != nil {
		return delivery.Alerts
	}
	return delivery.Thread
}

// Deliver fails as the mishaps of the time say; what fails ambiguously may have arrived.
func (n *notifier) Deliver(ctx context.Context, op delivery.Op) (ref string, err error) {
	id := n.name + " " + op.ID()
	fate := n.fate(id, op)
	err = n.gate.pass(ctx, "send "+id, fate.takes, func() error {
		n.mu.Lock()
		defer n.mu.Unlock()
		if fate.class == nil || fate.arrives {
			var refused error
			if ref, refused = n.arrive(op); refused != nil {
				return refused
			}
		}
		if fate.class != nil {
			return &delivery.Error{Class: *fate.class, Err: errors.New("drawn")}
		}
		return nil
	})
	return ref, err
}

// fate is what becomes of one attempt.
type fate struct {
	takes   time.Duration
	class   *delivery.Class
	arrives bool
}

func (n *notifier) fate(id string, op delivery.Op) fate {
	n.mu.Lock()
	defer n.mu.Unlock()
	dice := n.roll("send", id)
	f := fate{takes: time.Duration(dice.Int64N(int64(time.Second)))}
	if slow := n.trouble["slow "+n.name]; slow > 0 {
		f.takes = time.Duration(dice.Float64() * slow * float64(time.Second))
	}
	class := delivery.Refused
	switch {
	case n.trouble["refused "+n.name] > 0:
	case dice.Float64() >= n.trouble["trouble "+n.name]:
		return f
	default:
		class = []delivery.Class{
			delivery.Ambiguous, delivery.Ambiguous, delivery.NotSent, delivery.RateLimited, delivery.BadPayload, delivery.Refused,
		}[dice.IntN(6)]
		if class == delivery.BadPayload && op.Minimal {
			class = delivery.Ambiguous // the shortest form is always taken
		}
		f.arrives = class == delivery.Ambiguous && dice.IntN(2) == 0
	}
	f.class = &class
	n.stats.failures++
	return f
}

func (w *world) complain(format string, args ...any) { w.wrong(format, args...) }

// arrive is what the real one does with what it takes. The caller holds the lock.
func (n *notifier) arrive(op delivery.Op) (ref string, err error) {
	n.stats.sends++
	if p := n.pagers[n.name]; p != nil {
		return "", n.page(p, op)
	}
	return n.post(n.channels[n.name], op)
}

// tell notes that a page has reached somebody.
func (w *world) tell(op *delivery.Op, page *watchdog.Page) {
	key := op.Incident.PageKey(page.N)
	t := w.pages[key]
	if t == nil {
		t = &told{incident: op.Incident.ID, reason: page.Reason, step: page.Step, first: w.clock.truth()}
		w.pages[key] = t
		w.stats.pages++
		if !w.durable(op.Incident.ID, page.N) && !w.profile().store {
			w.complain("%s is told before it is durable", key)
		}
		w.note("told: %s %s (%s)", key, page.Reason, op.Target)
		w.wakePerson(op.Incident, key)
	}
	if t.reason != page.Reason || t.step != page.Step {
		w.complain("%s was told as %s, step %d, and now means %s, step %d", key, t.reason, t.step, page.Reason, page.Step)
	}
}

// pager is PagerDuty: an event is accepted at once and worked off soon after, in
// order.
type pager struct {
	alerts map[string][]*alert // by dedup key; the last is the live one
	recent []time.Time         // accepted events, for the limit
}

type alert struct {
	incident string
	resolved bool
	dropped  bool // its resolve was accepted and lost: it stays open, and nobody can know
}

const pagerPerMinute = 120

func (n *notifier) page(p *pager, op delivery.Op) error {
	now := n.clock.truth()
	for len(p.recent) > 0 && now.Sub(p.recent[0]) >= time.Minute {
		p.recent = p.recent[1:]
	}
	if len(p.recent) >= pagerPerMinute {
		return &delivery.Error{Class: delivery.RateLimited, RetryAfter: 10 * time.Second, Err: errors.New("too many events")}
	}
	p.recent = append(p.recent, now)
	key := op.Incident.PageKey(op.Page.N)
	all := p.alerts[key]
	open := len(all) > 0 && !all[len(all)-1].resolved
	switch op.Kind {
	case delivery.Trigger:
		if op.Incident.State == watchdog.StateResolved {
			n.complain("%s is triggered for what is resolved", key)
		}
		if n.trouble["swallows "+n.name] > 0 && !open {
			if !n.swallowed[key] {
				n.stats.swallowed++
			}
			n.swallowed[key] = true // a maintenance of its own: accepted, and nobody is rung
			return nil
		}
		n.tell(&op, op.Page)
		switch {
		case open: // it rings nobody again
		case len(all) > 0 && !n.forgotten[op.Incident.ID]:
			n.complain("%s at %s was triggered after its resolve", key, n.name)
		default:
			p.alerts[key] = append(all, &alert{incident: op.Incident.ID})
			n.stats.rings++
		}
	case delivery.Resolve:
		if open && n.trouble["drops "+n.name] > 0 {
			n.stats.dropped++
			all[len(all)-1].dropped = true
		}
		if open {
			all[len(all)-1].resolved = true
		} // else it is dropped, as the real one does
		if len(all) == 0 {
			p.alerts[key] = []*alert{} // nothing to see
		}
	case delivery.Acknowledge:
		if op.Incident.Ack == nil && op.Incident.Hold == nil {
			n.complain("%s is acknowledged, and nobody is on it", key)
		}
	default:
		n.complain("%s got an op of kind %d", n.name, op.Kind)
	}
	return nil
}

// channel is one of Slack's.
type channel struct {
	roots    map[string]*root    // by incident
	messages map[string]*message // by ref
	byName   map[string]*message // by the op that posted it
	last     time.Time
}

// root is what a channel holds of one incident: its own message, or that of a digest.
type root struct {
	message  *message
	revision uint64
	state    watchdog.State
	replies  map[string]bool
	newest   int
}

// message is one at the top of a channel.
type message struct {
	ref  string
	live bool
	of   map[string]bool // incidents that it tells of, in itself or below
}

func (n *notifier) post(c *channel, op delivery.Op) (string, error) {
	now := n.clock.truth()
	if op.Kind != delivery.Update {
		if now.Sub(c.last) < 500*time.Millisecond {
			return "", &delivery.Error{Class: delivery.RateLimited, RetryAfter: time.Second, Err: errors.New("ratelimited")}
		}
		c.last = now
	}
	if op.Kind == delivery.Post {
		return n.postRoot(c, op)
	}
	m := c.messages[op.Ref]
	if m == nil || !m.live {
		return "", &delivery.Error{Class: delivery.LostTarget, Err: errors.New("message_not_found")}
	}
	shown := map[string]bool{}
	for i, one := range append([]delivery.Op{op}, op.With...) {
		r := c.root(one.Incident.ID)
		shown[one.Incident.ID] = true
		switch {
		case op.Kind == delivery.Update:
			r.revision, r.state = one.Incident.Revision, one.Incident.State
		case i > 0 && one.MaybeSent != op.MaybeSent:
			n.complain("%s: %s goes along in a reply, and may have been sent before", n.name, one.ID())
		default:
			n.reply(m, r, one)
		}
	}
	for id := range m.of {
		if op.Kind == delivery.Update && !shown[id] && !n.over(id) && !n.forgotten[id] {
			n.complain("%s: the message of %s tells nothing of %s any more", n.name, op.Incident.ID, id)
		}
	}
	return "", nil
}

// over says that the incident is resolved, so a restart may have let go of it.
func (w *world) over(id string) bool {
	l := w.watch.lives[id]
	return l == nil || l.last.State == watchdog.StateResolved
}

// reply is what a thread hears of one incident.
func (n *notifier) reply(m *message, r *root, op delivery.Op) {
	id := op.Incident.ID
	if op.Page != nil {
		n.tell(&op, op.Page)
	}
	if op.Joins && !m.of[id] {
		m.of[id], r.message = true, m
		n.stats.joined++
	} else if r.message != m && !n.forgotten[id] && !n.profile().notifiers {
		n.complain("%s: %s is a reply where nobody was told of it", n.name, op.ID())
	}
	if r.replies[op.Name] && !op.MaybeSent && !n.forgotten[id] {
		n.complain("%s has %s of %s twice", n.name, op.Name, id)
	}
	if !r.replies[op.Name] && op.Event.N < r.newest && !n.profile().notifiers && !n.forgotten[id] {
		n.complain("%s has %s of %s after e%d", n.name, op.Name, id, r.newest)
	}
	r.replies[op.Name], r.newest = true, max(r.newest, op.Event.N)
}

func (c *channel) root(id string) *root {
	if c.roots[id] == nil {
		c.roots[id] = &root{replies: map[string]bool{}}
	}
	return c.roots[id]
}

// postRoot is a message of one incident, or of several. One that may have been
// posted before is found by the name of the incident that leads.
func (n *notifier) postRoot(c *channel, op delivery.Op) (string, error) {
	all := append([]delivery.Op{op}, op.With...)
	m := c.byName[op.ID()]
	if m == nil || !m.live || !op.MaybeSent {
		m = &message{ref: fmt.Sprintf("%s %d", op.Incident.ID, len(c.messages)), live: true, of: map[string]bool{}}
		c.messages[m.ref], c.byName[op.ID()] = m, m
		for _, one := range all {
			if r := c.root(one.Incident.ID); r.message != nil && r.message.live && !n.forgotten[one.Incident.ID] {
				n.complain("%s has a second message for %s", n.name, one.Incident.ID)
			}
			c.root(one.Incident.ID).message = m
			m.of[one.Incident.ID] = true
		}
		if len(all) > 1 {
			n.stats.digests++
		}
	}
	for _, one := range all {
		r := c.root(one.Incident.ID)
		r.revision, r.state = one.Incident.Revision, one.Incident.State
		if r.message != m && !n.forgotten[one.Incident.ID] {
			n.complain("%s: %s is told by an edit alone", n.name, one.Incident.ID)
		}
		for i := range one.Incident.Pages {
			n.tell(&one, &one.Incident.Pages[i])
		}
	}
	return m.ref, nil
}
