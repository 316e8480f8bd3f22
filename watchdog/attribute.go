package watchdog

import (
	"cmp"
	"encoding/hex"
	"hash/fnv"
	"slices"
	"strconv"
	"time"

	"github.com/feedwatch/feedwatch/watchdog/feed"
)

// gatherFor is how long rows in trouble that no open incident covers wait for
// others with the same cause. Updates of one batch are milliseconds apart, and so
// are their deadlines: without the wait the first page would name the first of
// them alone, and a second page would follow for the rest.
const gatherFor = 200 * time.Millisecond

// place gives rows in trouble that belong to no incident one: where an open one
// shares their cause at once, else after gatherFor.
func (m *Machine) place(f *feedState) {
	switch {
	case f.gathered > m.now:
		return
	case f.gathered.IsZero():
		if f.unplaced == 0 || !m.placeOpen(f) {
			return
		}
		f.gathered = m.now.Add(gatherFor)
	default:
		m.attribute(f)
		f.gathered = 0
	}
}

// placeOpen joins each unplaced row to an open incident that covers it, and says
// whether some are left.
func (m *Machine) placeOpen(f *feedState) (left bool) {
	for _, cause := range causes {
		left = m.placeCovered(f, cause) || left
	}
	return left
}

// causes are those that rows in trouble have.
var causes = [...]Cause{CauseSilent, CauseFrozen, CauseBehind}

// attribute finds the causes of the rows in trouble that belong to no incident,
// and opens an incident for each.
func (m *Machine) attribute(f *feedState) {
	for _, cause := range causes {
		m.placeGroups(f, cause)
		for n := 1; m.placeCovered(f, cause); n++ {
			if n < causesMax {
				m.openFor(f, cause)
			} else {
				m.openRest(f, cause)
			}
		}
	}
}

// causesMax bounds how many new incidents one look at a feed may find; the last
// covers whatever is left.
const causesMax = 4

func causeOf(v Verdict) Cause {
	switch v {
	case Frozen:
		return CauseFrozen
	case FallingBehind:
		return CauseBehind
	default:
		return CauseSilent
	}
}

// unplacedRows yields the rows in trouble for cause without an incident.
func (f *feedState) unplacedRows(cause Cause, yield func(rowID, *block, int)) {
	for n, b := range f.blocks {
		if b.unassigned == 0 {
			continue
		}
		for i, v := range b.verdict {
			if v.Opens() && b.in[i] == 0 && causeOf(v) == cause {
				yield(rowOf(n, i), b, i)
			}
		}
	}
}

// placeGroups handles rows of group rules first: they say outright what is
// silent, the feed or one label value, so the clients follow them.
func (m *Machine) placeGroups(f *feedState, cause Cause) {
	var groups []rowID
	f.unplacedRows(cause, func(id rowID, b *block, i int) {
		if isGroup(b.client[i]) {
			groups = append(groups, id)
		}
	})
	slices.SortFunc(groups, func(x, y rowID) int {
		return cmp.Or(cmp.Compare(m.groupPattern(f, x).label, m.groupPattern(f, y).label), cmp.Compare(x, y))
	})
	for _, id := range groups {
		p := m.groupPattern(f, id)
		inc := f.incidentFor(cause, p)
		if inc == nil && p.whole() {
			if inc = f.oldest(cause); inc != nil {
				m.widen(inc)
			}
		}
		if inc == nil {
			anchor, _ := m.anchor(f, cause, p) // id at least
			inc = m.open(f, cause, p, anchor)
			m.setRule(inc, f.ruleOf(f.blocks[id.block()], id.place()))
			inc.widened = p.whole()
		}
		m.join(f, f.blocks[id.block()], id.place(), inc)
	}
}

// groupPattern is what a group row stands for.
func (m *Machine) groupPattern(f *feedState, id rowID) pattern {
	b, i := f.blocks[id.block()], id.place()
	for name, value := range m.labels.of(b.labels[i]).All() {
		return pattern{name, value}
	}
	return pattern{}
}

// incidentFor is the open incident of that cause whose scope is p or the whole.
func (f *feedState) incidentFor(cause Cause, p pattern) *incident {
	for _, inc := range f.incidents {
		if inc.Cause == cause && (inc.pattern == p || inc.pattern.whole()) {
			return inc
		}
	}
	return nil
}

func (f *feedState) oldest(cause Cause) *incident {
	for _, inc := range f.incidents {
		if inc.Cause == cause {
			return inc
		}
	}
	return nil
}

// patterns are the label values that open incidents of that cause explain,
// without that of but.
func (f *feedState) patterns(cause Cause, but *incident) []pattern {
	var all []pattern
	for _, inc := range f.incidents {
		if inc.Cause == cause && inc != but && !inc.pattern.whole() {
			all = append(all, inc.pattern)
		}
	}
	return all
}

// placeCovered joins each unplaced row to an open incident that covers it, and
// says whether some are left.
func (m *Machine) placeCovered(f *feedState, cause Cause) bool {
	known := map[labelsID]*incident{}
	left := false
	f.unplacedRows(cause, func(_ rowID, b *block, i int) {
		inc, seen := known[b.labels[i]]
		if !seen {
			inc = m.covering(f, cause, m.labels.of(b.labels[i]))
			known[b.labels[i]] = inc
		}
		if inc == nil {
			left = true
			return
		}
		m.join(f, b, i, inc)
	})
	return left
}

// covering is the incident a client with those labels belongs to: one that names
// its label value, or else one of the whole feed.
func (m *Machine) covering(f *feedState, cause Cause, labels feed.Labels) *incident {
	var whole *incident
	for _, inc := range f.incidents {
		switch {
		case inc.Cause != cause:
		case inc.pattern.whole():
			if whole == nil {
				whole = inc
			}
		case inc.pattern.covers(labels):
			return inc
		}
	}
	return whole
}

// wholeShare is the share of a feed from which trouble that no label value
// explains is trouble of the whole feed.
const wholeShare = 0.9

// openFor opens an incident for the cause that explains the unplaced rows best,
// or widens the oldest to the whole feed where that is what has happened.
func (m *Machine) openFor(f *feedState, cause Cause) {
	p := m.explain(f, f.patterns(cause, nil))
	if p.whole() {
		if inc := f.oldest(cause); inc != nil && float64(m.silent(f)) >= wholeShare*float64(f.watched()) {
			m.widen(inc)
			return
		}
	}
	anchor, found := m.anchor(f, cause, p)
	if !found { // the best pattern covers other rows: these have a cause of their own
		p = pattern{}
		if anchor, found = m.anchor(f, cause, p); !found {
			return
		}
	}
	m.open(f, cause, p, anchor)
}

// openRest opens an incident of the whole feed for the unplaced rows: after that
// none is left.
func (m *Machine) openRest(f *feedState, cause Cause) {
	if anchor, found := m.anchor(f, cause, pattern{}); found {
		m.open(f, cause, pattern{}, anchor).widened = true
	}
}

func (m *Machine) silent(f *feedState) int {
	return f.clients[Stale] + f.clients[Frozen] + f.clients[FallingBehind]
}

// anchor is the unplaced row that p covers with the smallest (deadline, key).
func (m *Machine) anchor(f *feedState, cause Cause, p pattern) (best rowID, found bool) {
	var bestStamp feed.Instant
	f.unplacedRows(cause, func(id rowID, b *block, i int) {
		if !p.covers(m.labels.of(b.labels[i])) {
			return
		}
		stamp := m.stamp(f, id)
		if !found || stamp < bestStamp || stamp == bestStamp && b.client[i] < f.clientName(best) {
			best, bestStamp, found = id, stamp, true
		}
	})
	return best, found
}

func (f *feedState) clientName(id rowID) string { return f.blocks[id.block()].client[id.place()] }

// incidentID is fixed at opening: the deadline, and a hash of the anchor series.
func incidentID(opened feed.Instant, feedName, anchor string) string {
	h := fnv.New64a()
	h.Write([]byte(feedName + "\x00" + anchor))
	return strconv.FormatInt(int64(opened), 10) + "-" + hex.EncodeToString(h.Sum(nil))
}
