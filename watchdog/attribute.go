package watchdog

import (
	"cmp"
	"encoding/hex"
	"hash/fnv"
	"iter"
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
var causes = [...]Cause{CauseSilent, CauseFrozen, CauseBehind, CauseTrickling}

// attribute finds the causes of the rows in trouble that belong to no incident,
// and opens an incident for each.
func (m *Machine) attribute(f *feedState) {
	for _, cause := range causes {
		m.placeGroups(f, cause)
		if m.placeCovered(f, cause) {
			m.explain(f, cause)
		}
	}
}

func causeOf(v Verdict) Cause {
	switch v {
	case Frozen:
		return CauseFrozen
	case FallingBehind:
		return CauseBehind
	case Trickling:
		return CauseTrickling
	default:
		return CauseSilent
	}
}

// recast gives an incident of which nobody has been told yet the cause that its
// series have now: while its page was held all of them may have begun to arrive
// again with an event time that stands still, and "silent" would be wrong. Where
// another incident is open for that, it ends in it, and recast says so.
func (m *Machine) recast(inc *incident) (ended bool) {
	cause, ok := inc.causeNow()
	if !ok || cause == inc.Cause || inc.Cause == CauseBlind {
		return false
	}
	for _, other := range inc.feed.incidents {
		if other != inc && !other.done() && other.Cause == cause && (other.pattern.whole() || other.pattern == inc.pattern) {
			m.finish(inc, "", "it goes on in "+other.ID)
			return true
		}
	}
	inc.Cause = cause
	m.measureTrickle(inc)
	m.setRule(inc, inc.rule)
	inc.runLoss()
	return false
}

// causeNow is the cause that the incident's series in trouble have, its own if any
// of them has that; false when none is in trouble.
func (inc *incident) causeNow() (Cause, bool) {
	found := map[Cause]bool{}
	for _, b := range inc.feed.blocks {
		for i := range b.rows {
			if v := b.rows[i].verdict; v.Opens() && b.rows[i].in == inc.seq {
				cause := causeOf(v)
				if cause == inc.Cause {
					return cause, true
				}
				found[cause] = true
			}
		}
	}
	for _, cause := range causes {
		if found[cause] {
			return cause, true
		}
	}
	return "", false
}

// unplacedRows are the rows in trouble for cause without an incident.
func (f *feedState) unplacedRows(cause Cause) iter.Seq2[rowID, *block] {
	return func(yield func(rowID, *block) bool) {
		for n, b := range f.blocks {
			if b.unassigned == 0 {
				continue
			}
			for i := range b.rows {
				v := b.rows[i].verdict
				if v.Opens() && b.rows[i].in == 0 && causeOf(v) == cause && !yield(rowOf(n, i), b) {
					return
				}
			}
		}
	}
}

// placeCovered joins each unplaced row to an open incident that covers it, and
// says whether some are left.
func (m *Machine) placeCovered(f *feedState, cause Cause) bool {
	if f.oldest(cause) == nil { // what is left is all there is: one row says so
		for range f.unplacedRows(cause) {
			return true
		}
		return false
	}
	open := f.covers(cause)
	known := map[labelsID]*incident{}
	left := false
	for id, b := range f.unplacedRows(cause) {
		i := id.place()
		inc, seen := known[b.rows[i].labels]
		if !seen {
			inc = f.covering(open, b.rows[i].labels)
			known[b.rows[i].labels] = inc
		}
		if inc == nil || inc.pattern.whole() {
			if own := f.opened(cause, b, i); own != nil {
				inc = own
			} else if inc != nil && b.isGroup(i) && b.rows[i].labels != 0 && inc.unexplained() {
				inc = nil // it says outright what is silent
			}
		}
		if inc == nil {
			left = true
			continue
		}
		m.join(f, b, i, inc)
	}
	return left
}

// cover is an open incident with what it covers.
type cover struct {
	inc    *incident
	extent extent
}

// covers are the open incidents of a cause, those with the most labels first: a
// more specific one takes its series before a wider one, the whole feed is last.
func (f *feedState) covers(cause Cause) []cover {
	var open []cover
	for _, inc := range f.incidents {
		if inc.Cause != cause || inc.done() {
			continue
		}
		if e, ok := f.labels.extent(inc.pattern); ok {
			open = append(open, cover{inc, e})
		}
	}
	slices.SortStableFunc(open, func(a, b cover) int { return cmp.Compare(len(b.extent), len(a.extent)) })
	return open
}

func (f *feedState) covering(open []cover, id labelsID) *incident {
	for _, c := range open {
		if f.labels.covers(c.extent, id) {
			return c.inc
		}
	}
	return nil
}

// opened is the open incident that a row began with its present silence: whatever
// labels came to explain that since, the row has no other, and two may not share
// an id.
func (f *feedState) opened(cause Cause, b *block, i int) *incident {
	r := f.ruleOf(b, i)
	for _, inc := range f.incidents {
		if inc.Cause == cause && !inc.done() && r != nil && inc.Anchor == displayName(b.client(i)) && inc.Opened == r.Deadline(b.reference(i)) {
			return inc
		}
	}
	return nil
}

// placeGroups handles rows of group rules first: they say outright what is
// silent, the feed or one label value, so the clients follow them.
func (m *Machine) placeGroups(f *feedState, cause Cause) {
	var groups []rowID
	for id, b := range f.unplacedRows(cause) {
		if b.isGroup(id.place()) {
			groups = append(groups, id)
		}
	}
	slices.SortFunc(groups, func(x, y rowID) int {
		return cmp.Or(cmp.Compare(f.groupPattern(x).String(), f.groupPattern(y).String()), cmp.Compare(x, y))
	})
	for _, id := range groups {
		p := f.groupPattern(id)
		inc := m.groupIncident(f, cause, p)
		if inc == nil {
			anchor, _ := m.anchor(f, cause, p, nil) // id at least
			inc = m.open(f, cause, p, anchor)
			m.setRule(inc, f.ruleOf(f.blocks[id.block()], id.place()))
			if cause == CauseTrickling {
				inc.measure(id)
			}
			m.takeFromUnexplained(inc)
		}
		m.join(f, f.blocks[id.block()], id.place(), inc)
	}
}

// groupPattern is what a group row stands for.
func (f *feedState) groupPattern(id rowID) pattern {
	return pattern{f.labelsOf(f.blocks[id.block()], id.place())}
}

// groupIncident is the open incident that what a group row says belongs to.
func (m *Machine) groupIncident(f *feedState, cause Cause, p pattern) *incident {
	if p.whole() {
		inc := f.unexplained(cause)
		if inc == nil {
			inc = f.oldest(cause)
		}
		if inc != nil {
			m.widen(inc)
		}
		return inc
	}
	for _, c := range f.covers(cause) {
		if c.inc.pattern == p || c.inc.widened || !c.inc.unexplained() && f.within(p, c.inc.pattern) {
			return c.inc
		}
	}
	return m.rescoped(f, cause, p)
}

// within says that a covers some clients, and b all of those.
func (f *feedState) within(a, b pattern) bool {
	ae, ok := f.labels.extent(a)
	be, both := f.labels.extent(b)
	return ok && both && f.labels.nested(ae, be)
}

func (f *feedState) oldest(cause Cause) *incident {
	for _, inc := range f.incidents {
		if inc.Cause == cause {
			return inc
		}
	}
	return nil
}

func (f *feedState) clientName(id rowID) string { return f.blocks[id.block()].client(id.place()) }

// incidentID is fixed at opening: the deadline, and a hash of the anchor series.
func incidentID(opened feed.Instant, feedName, anchor string) string {
	h := fnv.New64a()
	h.Write([]byte(feedName + "\x00" + anchor))
	return strconv.FormatInt(int64(opened), 10) + "-" + hex.EncodeToString(h.Sum(nil))
}
