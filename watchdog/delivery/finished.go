package delivery

import (
	"slices"

	"github.com/feedwatch/feedwatch/watchdog"
)

// finishedMax is how many finished incidents are remembered.
const finishedMax = 10_000

// finished remembers which incidents were resolved and delivered everywhere, so
// that a late picture of one (the store was away, and commits it only now) is not
// told all over again.
type finished struct {
	ids  map[string]bool
	ring []string
	next int
}

func (f *finished) has(id string) bool { return f.ids[id] }

func (f *finished) add(id string) {
	if f.ids == nil {
		f.ids = map[string]bool{}
	}
	f.ids[id] = true
	if len(f.ring) < finishedMax {
		f.ring = append(f.ring, id)
		return
	}
	delete(f.ids, f.ring[f.next])
	f.ring[f.next] = id
	f.next = (f.next + 1) % finishedMax
}

// forget lets go of an incident that is resolved and delivered everywhere, and with
// it of those that shared its threads: until the last of them is, the root still
// tells of all.
func (d *Delivery) forget(inc *watchdog.Incident) {
	if !d.over(inc) {
		return
	}
	done := map[*thread]bool{}
	waited := []*watchdog.Incident{inc}
	for _, dest := range d.dests {
		if p := dest.pairs[inc.ID]; p != nil && p.thread != nil && d.done(p.thread, done) {
			for _, q := range p.thread.pairs {
				waited = append(waited, q.incident)
			}
		}
	}
	for _, other := range waited {
		if d.free(other, done) {
			d.drop(other)
		}
	}
}

// free says that all who share a thread with inc are over.
func (d *Delivery) free(inc *watchdog.Incident, done map[*thread]bool) bool {
	return !slices.ContainsFunc(d.dests, func(dest *destination) bool {
		p := dest.pairs[inc.ID]
		return p != nil && p.thread != nil && !d.done(p.thread, done)
	})
}

// done says that all whom a thread tells of are over, as it was when first asked.
func (d *Delivery) done(t *thread, memo map[*thread]bool) bool {
	all, known := memo[t]
	if !known {
		all = true
		for _, q := range t.pairs {
			if all = d.over(q.incident); !all {
				break
			}
		}
		memo[t] = all
	}
	return all
}

// over says that an incident is resolved and delivered everywhere.
func (d *Delivery) over(inc *watchdog.Incident) bool {
	if inc.State != watchdog.StateResolved {
		return false
	}
	return !slices.ContainsFunc(d.dests, func(dest *destination) bool {
		p := dest.pairs[inc.ID]
		return p != nil && (len(p.ops) > 0 || p.flying)
	})
}

func (d *Delivery) drop(inc *watchdog.Incident) {
	for _, dest := range d.dests {
		dest.drop(inc.ID)
	}
	delete(d.known, inc.ID)
	d.ended.add(inc.ID)
}
