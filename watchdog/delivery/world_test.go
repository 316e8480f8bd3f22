package delivery

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"maps"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"github.com/feedwatch/feedwatch/rules"
)

// world is what people see: alerts at a pager, threads in channels. It outlives
// the process that delivers to it.
type world struct {
	mu      sync.Mutex
	seed    uint64
	tries   map[string]int         // of each op
	trouble float64                // how likely an attempt fails
	broken  map[string]bool        // destinations that refuse everything
	alerts  map[string]string      // by key: "triggered", "resolved"
	threads map[string]*seenThread // by destination and incident
	byRef   map[string]*seenThread
	roots   map[string]int  // in how many an incident was told, by destination and incident
	told    map[string]bool // pages that reached somebody, by key
	wrong   []string
}

// seenThread is a root message with its replies.
type seenThread struct {
	ref      string
	live     bool
	showing  map[string]uint64 // revision in the root, by incident that the thread tells of
	replies  map[string]bool   // by op
	newest   map[string]int    // event, by incident
	disorder map[string]string // a reply that came after a newer one, by incident
	gaps     bool              // something here may have been given up
}

func (w *world) complain(format string, args ...any) {
	w.wrong = append(w.wrong, fmt.Sprintf(format, args...))
}

// place is one destination of a world.
type place struct {
	*world
	target rules.Target
	shape  Shape
	plain  bool // accepts every payload
}

func (p *place) Shape() Shape { return p.shape }

// Deliver fails at random; an ambiguous failure may have arrived.
func (p *place) Deliver(_ context.Context, op Op) (string, error) {
	p.mu.Lock()
	dice := p.dice(op)
	class, arrives := p.draw(op, dice)
	var ref string
	var err error
	if arrives {
		ref, err = p.arrive(op)
	}
	if err == nil && class != nil {
		err = &Error{Class: *class, Err: errors.New("drawn")}
	}
	takes := time.Duration(dice.Int64N(int64(3 * time.Second)))
	p.mu.Unlock()
	time.Sleep(takes)
	return ref, err
}

// dice are the same for the same attempt, whoever else is under way.
func (p *place) dice(op Op) *rand.Rand {
	name := p.target.String() + kindWords[op.Kind] + op.ID()
	p.tries[name]++
	hash := fnv.New64a()
	fmt.Fprint(hash, name, p.tries[name])
	return rand.New(rand.NewPCG(p.seed, hash.Sum64()))
}

// draw decides what becomes of an attempt; no class: it is accepted.
func (p *place) draw(op Op, dice *rand.Rand) (*Class, bool) {
	class := Refused
	if p.broken[p.target.String()] {
		return &class, false
	}
	if dice.Float64() >= p.trouble {
		return nil, true
	}
	for _, t := range []*seenThread{p.threads[p.name(op)], p.byRef[op.Ref]} {
		if t != nil && op.Minimal && !p.plain {
			t.gaps = true // what was given up may be sent later by one who does not know that
		}
	}
	class = []Class{Ambiguous, Ambiguous, NotSent, RateLimited, BadPayload, Refused}[dice.IntN(6)]
	if class == BadPayload && (p.plain || op.Minimal && op.Kind == Resolve) {
		class = Ambiguous
	}
	return &class, class == Ambiguous && dice.IntN(2) == 0
}

func (p *place) arrive(op Op) (string, error) {
	if p.shape == Alerts {
		p.alert(op)
		return "", nil
	}
	switch op.Kind {
	case Post:
		return p.post(op)
	case Update:
		return "", p.update(op)
	default:
		return "", p.reply(op)
	}
}

func (p *place) alert(op Op) {
	key := op.Incident.PageKey(op.Page.N)
	switch op.Kind {
	case Trigger:
		if p.alerts[key] == "resolved" {
			p.complain("%s triggered after its resolve", key)
		}
		p.alerts[key], p.told[key] = "triggered", true
	case Resolve:
		p.alerts[key] = "resolved"
	}
}

func (p *place) name(op Op) string { return p.target.String() + " " + op.Incident.ID }

func (p *place) post(op Op) (string, error) {
	t := p.threads[p.name(op)]
	if t != nil && t.live && !op.MaybeSent {
		p.complain("%s has a second root", p.name(op))
	}
	if t == nil || !t.live || !strings.HasPrefix(t.ref, p.name(op)+" ") { // each is found by its own name
		p.roots[p.name(op)]++
		t = &seenThread{
			ref: fmt.Sprintf("%s %d", p.name(op), p.roots[p.name(op)]), live: true,
			showing: map[string]uint64{}, replies: map[string]bool{}, newest: map[string]int{}, disorder: map[string]string{},
		}
		if old := p.threads[p.name(op)]; old != nil { // what was said below a root that is gone was said
			t.replies, t.newest, t.disorder = maps.Clone(old.replies), maps.Clone(old.newest), maps.Clone(old.disorder)
		}
		p.byRef[t.ref], p.threads[p.name(op)] = t, t
		for _, other := range op.With {
			if old := p.threads[p.name(other)]; old != nil && old.live {
				p.complain("%s is told in a second root", p.name(other))
			}
			p.roots[p.name(other)]++
			p.threads[p.name(other)] = t
		}
	} else {
		for _, other := range op.With {
			if p.threads[p.name(other)] != t {
				p.complain("%s is told by an edit alone", p.name(other))
			}
		}
	}
	for _, one := range append([]Op{op}, op.With...) {
		t.showing[one.Incident.ID] = one.Incident.Revision
		for _, page := range one.Incident.Pages {
			p.told[one.Incident.PageKey(page.N)] = true
		}
	}
	return t.ref, nil
}

func (p *place) update(op Op) error {
	t := p.byRef[op.Ref]
	if t == nil || !t.live {
		return &Error{Class: LostTarget, Err: errors.New("message_not_found")}
	}
	shown := map[string]bool{}
	for _, one := range append([]Op{op}, op.With...) {
		t.showing[one.Incident.ID] = one.Incident.Revision
		shown[one.Incident.ID] = true
	}
	for id, revision := range t.showing { // what is only told below may have come while this one was under way
		if revision > 0 && !shown[id] && !t.gaps {
			p.complain("the root %s does not tell of %s any more", t.ref, id)
		}
	}
	return nil
}

func (p *place) reply(op Op) error {
	if op.Ref == "" {
		p.complain("%s of %s without a root", kindWords[op.Kind], p.name(op))
	}
	t := p.byRef[op.Ref]
	if t == nil || !t.live {
		return &Error{Class: LostTarget, Err: errors.New("message_not_found")}
	}
	lead := t.replies[op.ID()]
	for i, one := range append([]Op{op}, op.With...) {
		if i > 0 && (one.MaybeSent != op.MaybeSent || op.MaybeSent && t.replies[one.ID()] != lead) {
			p.complain("%s goes along, and what is found by another's name does not tell it", one.ID())
		}
		p.event(t, one)
	}
	return nil
}

// event is what a reply says of one incident.
func (p *place) event(t *seenThread, op Op) {
	id := op.Incident.ID
	if _, ok := t.showing[id]; !ok && !op.Joins && !t.gaps {
		p.complain("%s is a reply in a thread that does not tell of it", op.ID())
	}
	if anew := op.Joins && p.threads[p.name(op)] != t; t.replies[op.ID()] && !anew {
		if !op.MaybeSent {
			p.complain("%s has %s twice", p.name(op), op.Name)
		}
		return
	}
	if op.Joins {
		if p.threads[p.name(op)] != t {
			p.roots[p.name(op)]++
		}
		p.threads[p.name(op)] = t
		if _, ok := t.showing[id]; !ok { // an update of the root may have come before
			t.showing[id] = 0
		}
	}
	if op.Event.N < t.newest[id] && !t.gaps && !op.Joins {
		t.disorder[id] = fmt.Sprintf("%s has %s after e%d", p.name(op), op.Name, t.newest[id])
	}
	t.replies[op.ID()], t.newest[id] = true, op.Event.N
	if op.Page != nil {
		p.told[op.Incident.PageKey(op.Page.N)] = true
	}
}

// deleteRoot is a person who deletes a message.
func (w *world) deleteRoot(name string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if t := w.threads[name]; t != nil {
		t.live = false
	}
}

func (w *world) set(trouble float64, broken ...rules.Target) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.trouble, w.broken = trouble, map[string]bool{}
	for _, t := range broken {
		w.broken[t.String()] = true
	}
}
