package delivery

import "time"

// alongMax is how many events one reply tells at most.
const alongMax = 20

// batch is one reply of several incidents.
type batch struct{ names map[*pair]string }

// along is what an attempt at op does for others that share the thread: the root
// tells of all of them, and what several have to say is one reply. What may have
// arrived before goes alone, for it is looked for by its name.
func (d *Delivery) along(dest *destination, p *pair, op *Op, now time.Time) []Op {
	switch {
	case !op.Shared:
		return nil
	case op.ofRoot():
		return dest.inRoot(p, op)
	case op.Kind != Reply || op.Minimal:
		return nil
	}
	before := p.sent
	if op.MaybeSent && (before == nil || before.names[p] != op.Name) {
		return nil
	}
	b := &batch{names: map[*pair]string{p: op.Name}}
	var with []Op
	for _, q := range p.thread.others(p) {
		if len(with) == alongMax-1 {
			break
		}
		if q.flying || q.unsaved > 0 || len(q.ops) == 0 || q.ops[0].Kind != Reply || q.minimal != "" {
			continue
		}
		next := &q.ops[0]
		switch maybe := next.MaybeSent || q.held.maybe[next.Name]; {
		case op.MaybeSent: // what went together is found together
			if !maybe || q.sent != before || before.names[q] != next.Name {
				continue
			}
		case maybe || q.notUntil.After(now) || rank(next) != rank(op):
			continue
		}
		q.sent, b.names[q] = b, next.Name
		with = append(with, d.depart(q))
	}
	p.sent = b
	return with
}

// inRoot is what a root tells besides the incident of p.
func (dest *destination) inRoot(p *pair, op *Op) []Op {
	var with []Op
	for _, q := range p.thread.others(p) {
		if op.Kind == Post && !q.listed {
			continue
		}
		other := Op{Kind: op.Kind, Name: rootName, Target: dest.Target, Incident: q.incident, Now: op.Now, MaybeSent: op.MaybeSent}
		if page, _ := q.held.engaging(q.incident, dest.Target); page != nil {
			other.InsteadOf = q.held.insteadOf(page, dest.Target)
		}
		with = append(with, other)
	}
	return with
}
