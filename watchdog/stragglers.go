package watchdog

import (
	"strconv"

	"github.com/feedwatch/feedwatch/watchdog/feed"
)

// stragglersMax is the share of an incident's worst that may be left behind when
// the rest has recovered.
const stragglersMax = 0.05

// split is what an incident hands to the one of its stragglers.
type split struct {
	at        feed.Instant
	lossSteps int
	lossBegun bool
}

// followStragglers moves the last few that are still in trouble to an incident of
// their own, once the rest has held for resolve_after: a client that has left for
// good must not keep the incident open, under which the next outage would hide.
func (m *Machine) followStragglers(inc *incident) {
	few := inc.Cause != CauseBlind && inc.unwell > 0 && inc.unwell == inc.silent &&
		float64(inc.unwell) <= stragglersMax*float64(inc.Ladder.Peak)
	switch {
	case !few:
		inc.fewSince = 0
	case inc.fewSince == 0:
		inc.fewSince = m.now
	case m.now >= inc.fewSince.Add(inc.resolveAfter()):
		m.splitOff(inc)
	}
}

func (m *Machine) splitOff(inc *incident) {
	f, left := inc.feed, inc.unwell
	waiting := f.unplaced
	f.gathered = m.now.Add(gatherFor) // who waits already waits a little longer
	f.split = split{at: m.now, lossSteps: inc.Ladder.LossSteps, lossBegun: inc.Ladder.LossBegun}
	for n, b := range f.blocks {
		for i := range b.rows {
			seq := b.rows[i].in
			if seq == inc.seq && !b.rows[i].verdict.Well() {
				b.rows[i].in = 0
				delete(f.bases, rowOf(n, i))
				inc.countMember(b.rows[i].verdict, -1)
				f.countUnplaced(b, false, b.rows[i].verdict.Opens())
				m.releaseToQuorum(f, rowOf(n, i))
			}
		}
	}
	inc.WellSince, inc.Current, inc.CatchUp = inc.fewSince, inc.lastLate, nil
	e := Event{Kind: EventSplit, Was: left}
	if f.unplaced == waiting { // none of them opens anything
		e.Note = NoteBelowQuorum
	}
	m.record(inc, e)
}

// ofStragglers gives an incident that opens for stragglers what the one before it
// had said of the same loss clock.
func (inc *incident) ofStragglers(s split) {
	inc.Ladder.LossSteps, inc.Ladder.LossBegun = s.lossSteps, s.lossBegun
}

// idsMax bounds how many ids of resolved incidents are remembered.
const idsMax = 10_000

// uniqueID is id, or id with a number where an incident had it before: a deadline
// that a resolved incident was about can open another.
func (m *Machine) uniqueID(id string) string {
	taken := func(id string) bool { return m.past.has(id) || m.byID[id] != nil }
	unique := id
	for n := 2; taken(unique); n++ {
		unique = id + "-" + strconv.Itoa(n)
	}
	return unique
}

// past remembers the ids of the newest resolved incidents.
type past struct {
	ids   map[string]bool
	order []string
}

func (p *past) add(id string) {
	if p.ids[id] {
		return
	}
	if p.ids == nil {
		p.ids = map[string]bool{}
	}
	if len(p.order) == idsMax {
		delete(p.ids, p.order[0])
		p.order = p.order[1:]
	}
	p.ids[id] = true
	p.order = append(p.order, id)
}

func (p *past) has(id string) bool { return p.ids[id] }
