package delivery

import (
	"fmt"
	"slices"

	"github.com/feedwatch/feedwatch/rules"
	"github.com/feedwatch/feedwatch/watchdog"
	"github.com/feedwatch/feedwatch/watchdog/feed"
)

// rootName is the op of a thread's first message; its updates share the name,
// and its receipt says which revision the message shows.
const rootName = "root"

func eventName(n int) string   { return fmt.Sprintf("e%d", n) }
func pageName(n int) string    { return fmt.Sprintf("p%d", n) }
func ackName(n int) string     { return fmt.Sprintf("p%d/ack", n) }
func resolveName(n int) string { return fmt.Sprintf("p%d/resolve", n) }

// failoverName is no op: its receipt says that the destination takes page n in
// the place of the destination in Ref. It is journaled before anything is sent
// for it, so that a restart knows whom else to resolve.
func failoverName(n int) string { return fmt.Sprintf("p%d/failover", n) }

// held is what one destination is known to hold of one incident, and what it may
// hold although nobody knows.
type held struct {
	receipts map[string]watchdog.Receipt // by op name
	maybe    map[string]bool             // an attempt ended without saying whether it arrived
	flying   string                      // the op whose attempt is under way
	earlier  earlier
}

// earlier says what a process before this one may have sent without leaving a
// receipt: whatever the restored picture asked for, and whatever happened before
// this process started (that may have been sent before it was durable).
type earlier struct {
	started       feed.Instant
	pages, events int // how many the restored picture had; 0 when nothing was restored
}

func (e earlier) page(p *watchdog.Page) bool   { return p.N <= e.pages || p.At < e.started }
func (e earlier) event(v *watchdog.Event) bool { return v.N <= e.events || v.At < e.started }

func (h *held) receipt(name string) (watchdog.Receipt, bool) {
	r, ok := h.receipts[name]
	return r, ok
}

// root is the message that tells the incident here: one that was posted with it, or
// one that it came to, since or after that was lost.
func (h *held) root() (watchdog.Receipt, bool) {
	r, posted := h.receipts[rootName]
	j, joined := h.receipts[joinedName]
	if joined && (!posted || j.Ref != r.Ref && j.At > r.At) {
		j.Revision = 0 // the root did not show it then
		return j, true
	}
	return r, posted
}

// joined says that the incident came to a root that was there.
func (h *held) joined() bool {
	j, joined := h.receipts[joinedName]
	root, _ := h.root()
	return joined && root.Ref == j.Ref
}

// settled says that name needs no further attempt: delivered, or given up.
func (h *held) settled(name string) bool {
	_, ok := h.receipts[name]
	return ok
}

// delivered says that the destination confirmed name.
func (h *held) delivered(name string) bool {
	r, ok := h.receipts[name]
	return ok && r.Dead == ""
}

// dead says that name was given up.
func (h *held) dead(name string) bool { return h.receipts[name].Dead != "" }

// touched says that the destination was told anything of a drill that is over, or may
// have been: also by a process before this one, if that ended in the middle of it.
func (h *held) touched(in *watchdog.Incident) bool {
	lately := h.earlier.pages > 0 && h.earlier.started.Sub(in.Resolved) < attemptMax
	return len(h.receipts) > 0 || len(h.maybe) > 0 || h.flying != "" || lately
}

// engages says that p is to be told at target: p lists it, or it took over.
func (h *held) engages(p *watchdog.Page, target rules.Target) bool {
	return slices.Contains(p.Targets, target) || h.settled(failoverName(p.N))
}

// insteadOf is whose place target takes for p; zero where p lists target.
func (h *held) insteadOf(p *watchdog.Page, target rules.Target) rules.Target {
	r, ok := h.receipt(failoverName(p.N))
	if !ok || slices.Contains(p.Targets, target) {
		return rules.Target{}
	}
	instead, err := rules.ParseTarget(r.Ref)
	if err != nil {
		return rules.Target{}
	}
	return instead
}

// engaging is the first page that target tells, with the number of its event in
// the timeline; nil when target has no part in the incident.
func (h *held) engaging(in *watchdog.Incident, target rules.Target) (page *watchdog.Page, event int) {
	for i := range in.Pages {
		if p := &in.Pages[i]; h.engages(p, target) {
			return p, pageEvent(in, p)
		}
	}
	return nil, 0
}

// pageEvent is the number of the event that tells page p. A timeline without it
// is told from the last event that is not after the page.
func pageEvent(in *watchdog.Incident, p *watchdog.Page) int {
	last := 0
	for i := range in.Events {
		e := &in.Events[i]
		if e.Kind == watchdog.EventPaged && e.Page == p.N {
			return e.N
		}
		if e.At <= p.At {
			last = e.N
		}
	}
	return last
}

// plan lists what is still to be brought about at target, in the order in which
// it has to happen. Pure: the same incident and the same holdings give the same.
func plan(in *watchdog.Incident, target rules.Target, shape Shape, h *held) []Op {
	if in.Cause == watchdog.CauseDrill && in.State == watchdog.StateResolved && shape != Alerts && !h.touched(in) {
		return nil // whoever has not heard of a drill need not hear that it is over
	}
	switch shape {
	case Thread:
		return planThread(in, target, h)
	case Alerts:
		return planAlerts(in, target, h)
	case Stream:
		return planStream(in, target, h)
	}
	return nil
}

// planThread: one root that shows the present state, a reply for each event after
// the engaging one, and the root's update last: it tells nothing that the replies
// do not, so it waits for them.
func planThread(in *watchdog.Incident, target rules.Target, h *held) []Op {
	page, from := h.engaging(in, target)
	if page == nil || h.dead(rootName) {
		return nil
	}
	var ops []Op
	root, posted := h.root()
	if !posted {
		ops = append(ops, Op{
			Kind: Post, Name: rootName, Target: target, Incident: in,
			MaybeSent: h.maybe[rootName] || h.earlier.page(page), InsteadOf: h.insteadOf(page, target),
		})
	}
	joins := 0
	if h.joined() { // what engages it is a reply as well
		joins, from = from, from-1
	}
	for i := range in.Events {
		e := &in.Events[i]
		if e.N <= from || h.settled(eventName(e.N)) {
			continue
		}
		op := tell(Reply, in, target, e, h)
		op.Ref, op.Joins = root.Ref, e.N == joins
		ops = append(ops, op)
	}
	if posted && root.Revision != in.Revision {
		ops = append(ops, Op{Kind: Update, Name: rootName, Target: target, Incident: in, Ref: root.Ref})
	}
	return ops
}

// planStream: every event from the engaging one on, in order.
func planStream(in *watchdog.Incident, target rules.Target, h *held) []Op {
	page, from := h.engaging(in, target)
	if page == nil {
		return nil
	}
	var ops []Op
	for i := range in.Events {
		e := &in.Events[i]
		if e.N >= from && !h.settled(eventName(e.N)) {
			ops = append(ops, tell(Tell, in, target, e, h))
		}
	}
	return ops
}

func tell(kind OpKind, in *watchdog.Incident, target rules.Target, e *watchdog.Event, h *held) Op {
	op := Op{Kind: kind, Name: eventName(e.N), Target: target, Incident: in, Event: e}
	op.MaybeSent = h.maybe[op.Name] || h.earlier.event(e)
	if e.Kind == watchdog.EventPaged {
		for i := range in.Pages {
			if p := &in.Pages[i]; p.N == e.Page {
				op.Page = p
				op.InsteadOf = h.insteadOf(p, target)
			}
		}
	}
	return op
}

// planAlerts: every page is an alert of its own. An acknowledgement covers the
// pages up to its time only: a later one is a new reason to wake someone, and
// goes first: one that cannot be passed on holds up no page. Once
// the incident is resolved nothing is triggered any more, and all that the
// destination holds or may hold is resolved, also what it refused as a bad
// payload (an attempt before that may have arrived).
func planAlerts(in *watchdog.Incident, target rules.Target, h *held) []Op {
	var ops, acks []Op
	for i := range in.Pages {
		p := &in.Pages[i]
		if !h.engages(p, target) || h.settled(resolveName(p.N)) {
			continue
		}
		trigger, ack := pageName(p.N), ackName(p.N)
		op := Op{Target: target, Incident: in, Page: p, InsteadOf: h.insteadOf(p, target)}
		switch {
		case in.State == watchdog.StateResolved:
			may := h.maybe[trigger] || h.flying == trigger || h.earlier.page(p)
			if !h.settled(trigger) && !may {
				continue
			}
			op.Kind, op.Name = Resolve, resolveName(p.N)
			op.MaybeSent = h.maybe[op.Name]
			ops = append(ops, op)
		case !h.settled(trigger):
			op.Kind, op.Name = Trigger, trigger
			op.MaybeSent = h.maybe[trigger] || h.earlier.page(p)
			ops = append(ops, op)
		}
		if in.State != watchdog.StateResolved && acknowledges(in, p) && !h.dead(trigger) && !h.settled(ack) {
			op.Kind, op.Name, op.MaybeSent = Acknowledge, ack, h.maybe[ack]
			acks = append(acks, op)
		}
	}
	return append(ops, acks...)
}

// acknowledges says that nobody is to be woken further for the page: a person
// took it on, or something holds the incident since. PagerDuty would go on with a
// ladder of its own otherwise; what is still in trouble then is a page of its own.
// A hold holds no page about data loss.
func acknowledges(in *watchdog.Incident, p *watchdog.Page) bool {
	if in.Ack != nil && p.At <= in.Ack.At {
		return true
	}
	loss := p.Loss()
	return in.Hold != nil && p.At <= in.Hold.Since && !loss
}

// messageName is the op whose message tells page p, which engages target.
func messageName(in *watchdog.Incident, p *watchdog.Page, target rules.Target, shape Shape, h *held) string {
	switch shape {
	case Alerts:
		return pageName(p.N)
	case Thread:
		_, from := h.engaging(in, target)
		if h.joined() { // the page that engages is a reply then
			from--
		}
		if pageEvent(in, p) <= from {
			return rootName
		}
	case Stream:
	}
	return eventName(pageEvent(in, p))
}

// tellsPage says that page p, which engages target, has reached it.
func tellsPage(in *watchdog.Incident, p *watchdog.Page, target rules.Target, shape Shape, h *held) bool {
	if root, posted := h.root(); shape == Thread && (!posted || root.Dead != "") {
		return false
	}
	name := messageName(in, p, target, shape, h)
	return name == rootName || h.delivered(name)
}

// losesPage says that page p was given up at this destination.
func losesPage(in *watchdog.Incident, p *watchdog.Page, shape Shape, h *held) bool {
	switch shape {
	case Thread:
		return h.dead(rootName) || h.dead(eventName(pageEvent(in, p)))
	case Alerts:
		return h.dead(pageName(p.N))
	case Stream:
		return h.dead(eventName(pageEvent(in, p)))
	}
	return false
}
