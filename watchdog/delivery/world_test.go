package delivery

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/feedwatch/feedwatch/rules"
)

// world is what people see: alerts at a pager, threads in channels. It outlives
// the process that delivers to it.
type world struct {
	mu      sync.Mutex
	seed    uint64
	tries   map[string]int     // of each op
	trouble float64            // how likely an attempt fails
	broken  map[string]bool    // destinations that refuse everything
	alerts  map[string]string  // by key: "triggered", "resolved"
	threads map[string]*thread // by destination and incident
	told    map[string]bool    // pages that reached somebody, by key
	wrong   []string
}

type thread struct {
	roots    int // made so far; the last is the live one
	live     bool
	showing  uint64
	replies  map[string]bool
	newest   int    // event
	disorder string // a reply that came after a newer one
	gaps     bool   // something here may have been given up
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
	if t := p.threads[p.target.String()+" "+op.Incident.ID]; t != nil && op.Minimal && !p.plain {
		t.gaps = true // what was given up may be sent later by one who does not know that
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
	return p.message(op)
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

func (p *place) message(op Op) (string, error) {
	name := p.target.String() + " " + op.Incident.ID
	t := p.threads[name]
	if t == nil {
		t = &thread{replies: map[string]bool{}}
		p.threads[name] = t
	}
	live := fmt.Sprintf("%s %d", name, t.roots)
	if op.Kind == Post {
		if t.live && !op.MaybeSent {
			p.complain("%s has a second root", name)
		}
		if !t.live {
			t.roots++
			t.live, t.showing = true, op.Incident.Revision
		}
		for _, page := range op.Incident.Pages {
			p.told[op.Incident.PageKey(page.N)] = true
		}
		return fmt.Sprintf("%s %d", name, t.roots), nil
	}
	if op.Ref == "" {
		p.complain("%s of %s without a root", kindWords[op.Kind], name)
	}
	if !t.live || op.Ref != live {
		return "", &Error{Class: LostTarget, Err: errors.New("message_not_found")}
	}
	if op.Kind == Update {
		t.showing = op.Incident.Revision
		return "", nil
	}
	if t.replies[op.Name] {
		if !op.MaybeSent {
			p.complain("%s has %s twice", name, op.Name)
		}
		return "", nil
	}
	if op.Event.N < t.newest && !t.gaps {
		t.disorder = fmt.Sprintf("%s has %s after e%d", name, op.Name, t.newest)
	}
	t.replies[op.Name], t.newest = true, op.Event.N
	if op.Page != nil {
		p.told[op.Incident.PageKey(op.Page.N)] = true
	}
	return "", nil
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
