package watchdog

import (
	"github.com/feedwatch/feedwatch/watchdog/feed"
)

const (
	// causesMax bounds how many causes one look at a feed may find; the rest waits,
	// as trouble that no label explains, for the next look.
	causesMax = 4
	// wholeShare is the share that counts as nearly all: of what an incident holds,
	// for labels to become its scope; of what no label explains, for the whole feed
	// to.
	wholeShare = 0.9
)

// scanOf looks at the client rows that no open incident of that cause explains.
func (f *feedState) scanOf(cause Cause) *scan {
	s := newScan(&f.labels)
	for _, c := range f.covers(cause) {
		if len(c.extent) > 0 {
			s.takeOut(c.extent)
		}
	}
	return s
}

// explain finds what the unplaced rows have in common and opens an incident for
// each cause, and one of the whole feed for what is left. No incident of the whole
// feed is open.
func (m *Machine) explain(f *feedState, cause Cause) {
	s := f.scanOf(cause)
	for id, b := range f.unplacedRows(cause) {
		if i := id.place(); !b.isGroup(i) {
			s.hear(b.rows[i].labels, 1)
		}
	}
	for range causesMax {
		e, ok := s.next()
		if !ok {
			break
		}
		s.takeOut(e)
		p := f.labels.patternOf(e)
		if inc := m.rescoped(f, cause, p); inc == nil {
			anchor, _ := m.anchor(f, cause, p, nil) // what scores is silent
			m.open(f, cause, p, anchor)
		}
		if !m.placeCovered(f, cause) {
			return
		}
	}
	m.openRest(f, cause, s.all)
	m.placeCovered(f, cause)
}

// openRest finds an incident for unplaced rows that no label explains: where
// nearly all is silent that no incident covers, the whole feed is.
func (m *Machine) openRest(f *feedState, cause Cause, rest tally) {
	if inc := f.oldest(cause); inc != nil && float64(rest.silent) >= wholeShare*float64(rest.of) {
		m.widen(inc)
		return
	}
	if anchor, found := m.anchor(f, cause, pattern{}, nil); found {
		m.open(f, cause, pattern{}, anchor)
	}
}

// unexplained says that the incident holds trouble that no label explains so far.
func (inc *incident) unexplained() bool {
	return inc.Cause != CauseBlind && inc.pattern.whole() && !inc.widened
}

func (f *feedState) unexplained(cause Cause) *incident {
	for _, inc := range f.incidents {
		if inc.Cause == cause && inc.unexplained() && !inc.done() {
			return inc
		}
	}
	return nil
}

// reconsider looks whether labels have come to explain what an incident without
// any holds. Where they explain nearly all they become its scope; else what they
// explain becomes an incident of its own, for two causes are two incidents. What
// somebody is on already is not taken apart.
func (m *Machine) reconsider(f *feedState) {
	for _, cause := range causes {
		inc := f.unexplained(cause)
		if inc == nil || inc.restored || inc.scopeAt.Add(scopeEvery) > m.now {
			continue
		}
		if again := inc.spared && !inc.attended(); inc.considered == inc.changes && !again {
			continue
		}
		inc.considered, inc.spared = inc.changes, false
		whole := float64(inc.trouble) >= wholeShare*float64(inc.Ladder.Peak) // what is left of more keeps its scope
		if inc.trouble == inc.silent && whole {                              // and none of them in its grace after a restart
			m.takeApart(f, inc)
		}
	}
}

// attended says that somebody is on the incident as it is, all of it.
func (inc *incident) attended() bool { return inc.Ack != nil && inc.silent <= inc.Ack.Silent }

func (m *Machine) takeApart(f *feedState, rest *incident) {
	s := f.scanOf(rest.Cause)
	f.membersOf(rest, func(_ rowID, b *block, i int) {
		if !b.isGroup(i) {
			s.hear(b.rows[i].labels, 1)
		}
	})
	for range causesMax {
		e, ok := s.next()
		if !ok {
			return
		}
		s.takeOut(e)
		p := f.labels.patternOf(e)
		if f.mostly(rest, p) {
			m.rescope(rest, p)
			return
		}
		if rest.attended() {
			rest.spared = true
			return
		}
		inc := m.rescoped(f, rest.Cause, p)
		if inc == nil {
			anchor, found := m.anchor(f, rest.Cause, p, rest)
			if !found {
				return
			}
			inc = m.open(f, rest.Cause, p, anchor)
		}
		m.takeFromUnexplained(inc)
	}
}

// membersOf yields the rows of an incident that are in trouble.
func (f *feedState) membersOf(inc *incident, yield func(rowID, *block, int)) {
	for n, b := range f.blocks {
		for i := range b.rows {
			seq := b.rows[i].in
			if seq == inc.seq && b.rows[i].verdict.Opens() {
				yield(rowOf(n, i), b, i)
			}
		}
	}
}

// mostly says that p covers nearly all that is silent in an incident.
func (f *feedState) mostly(inc *incident, p pattern) bool {
	e, ok := f.labels.extent(p)
	if !ok {
		return false
	}
	n := 0
	f.membersOf(inc, func(_ rowID, b *block, i int) {
		if f.labels.covers(e, b.rows[i].labels) {
			n++
		}
	})
	return n > 0 && float64(n) >= wholeShare*float64(inc.trouble)
}

// rescoped is the open incident whose scope becomes p because p is the same cause
// better known: it explains what that held without labels, or covers all of it and
// more. Nil: the cause is new.
func (m *Machine) rescoped(f *feedState, cause Cause, p pattern) *incident {
	if inc := f.unexplained(cause); inc != nil && f.mostly(inc, p) {
		m.rescope(inc, p)
		return inc
	}
	for _, inc := range f.incidents {
		if inc.Cause == cause && !inc.pattern.whole() && f.within(inc.pattern, p) {
			m.rescope(inc, p)
			return inc
		}
	}
	return nil
}

// rescope gives the incident another scope; its id stays.
func (m *Machine) rescope(inc *incident, p pattern) {
	m.linksMoved = true
	inc.pattern = p
	inc.Worst = Scope{}
	inc.touched = true
	inc.scopeAt = 0
}

// takeFromUnexplained moves what inc covers to it from the incident that held it
// without labels.
func (m *Machine) takeFromUnexplained(inc *incident) {
	f := inc.feed
	rest := f.unexplained(inc.Cause)
	e, ok := f.labels.extent(inc.pattern)
	if !ok || rest == nil || rest == inc {
		return
	}
	f.membersOf(rest, func(_ rowID, b *block, i int) {
		if f.labels.covers(e, b.rows[i].labels) {
			rest.countMember(b.rows[i].verdict, -1)
			rest.rate -= b.updateRate(i, b.lastSeen(i))
			b.rows[i].in = inc.seq
			m.joined(f, b, i, inc)
		}
	})
	rest.Ladder.Peak, rest.Worst = rest.trouble, Scope{}
	rest.Ladder.PagedFor = min(rest.Ladder.PagedFor, rest.silent)
	rest.touched = true
	rest.scopeAt = 0
}

// anchor is the row that p covers with the smallest (deadline, key): of the
// unplaced ones, or of the members of from but for its own anchor.
func (m *Machine) anchor(f *feedState, cause Cause, p pattern, from *incident) (best rowID, found bool) {
	e, ok := f.labels.extent(p)
	if !ok {
		return 0, false
	}
	var bestStamp feed.Instant
	try := func(id rowID, b *block, i int) {
		if !f.labels.covers(e, b.rows[i].labels) {
			return
		}
		stamp := m.stamp(f, id)
		if !found || stamp < bestStamp || stamp == bestStamp && b.client(i) < f.clientName(best) {
			best, bestStamp, found = id, stamp, true
		}
	}
	if from == nil {
		for id, b := range f.unplacedRows(cause) {
			try(id, b, id.place())
		}
		return best, found
	}
	f.membersOf(from, func(id rowID, b *block, i int) {
		if displayName(b.client(i)) != from.Anchor {
			try(id, b, i)
		}
	})
	return best, found
}
