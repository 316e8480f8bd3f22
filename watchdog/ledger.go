package watchdog

import (
	"slices"
	"time"

	"github.com/feedwatch/feedwatch/watchdog/feed"
)

// LedgerRow says of one client what it lost in one incident: the updates made in
// [From, To] were deleted unread. It is written when its updates come again, and
// again while the first of them show more. A client that comes back and falls
// silent again has a row for each time, told apart by From.
type LedgerRow struct {
	Incident  string       `json:"incident"` // Incident.ID
	Feed      string       `json:"feed"`
	Client    string       `json:"client"`
	From      feed.Instant `json:"from"`
	To        feed.Instant `json:"to"`
	ByArrival bool         `json:"by_arrival"` // From is an arrival: the client has no event times
	AtRisk    bool         `json:"at_risk"`    // its first event time after, or its rate before, says otherwise: the wider is given
	Updates   float64      `json:"updates"`    // how many, estimated from the rate before; -1: not known
}

// LedgerTotal is what one client lost over several incidents.
type LedgerTotal struct {
	Client    string        `json:"client"`
	Incidents int           `json:"incidents"`
	Lost      time.Duration `json:"lost_ns"` // the lengths of the lost intervals together
	Updates   float64       `json:"updates"` // estimated, of the incidents where the rate was known
	Unknown   int           `json:"unknown"` // incidents where it was not
	AtRisk    bool          `json:"at_risk"` // an interval among them is at risk
}

// LedgerRowsMax bounds the rows of one incident. Past it Loss.Clients goes on
// counting.
const LedgerRowsMax = 1_000_000

// marks are what is known of a row.
type marks struct {
	seen      feed.Instant // its last arrival; zero: none
	reference feed.Instant // what its deadline counts from
	event     feed.Instant // its highest event time; zero: none
}

// resumption is a series whose updates have just come again after a silence in
// which it lost some, until the first window has shown its oldest.
type resumption struct {
	incident *incident
	row      LedgerRow
	again    feed.Instant // its first arrival
	event    feed.Instant // the smallest event time since; zero: none
	rate     float64      // updates a second before
	doubt    bool         // it may have been silent before the others: row.From is the wider
}

// noteResumption writes down what a client lost, at the arrival that ends its
// silence, or the standstill of its event time; was is what was known of it until
// then. Who was overdue already when the incident's silence began was silent by
// itself, and has lost what was made since its own last update; who was never
// seen, what was made since it was expected. Who was due by its usual rate alone
// may have lost as much.
func (m *Machine) noteResumption(f *feedState, id rowID, inc *incident, arrival, event feed.Instant, was marks) {
	l := inc.tally()
	if l.Retention == 0 || l.Start.IsZero() {
		return
	}
	b, i := f.blocks[id.block()], id.place()
	start, byArrival := was.event, l.ByArrival
	if start.IsZero() {
		start, byArrival = was.reference, true
	}
	rate, doubt := b.updateRate(i, was.reference), false
	if r := f.ruleOf(b, i); !was.seen.IsZero() && (r == nil || r.Deadline(start) >= l.Start) {
		if doubt = rate > 0 && l.Start.Sub(start).Seconds()*rate > 1; !doubt {
			start = max(l.Start, start)
		}
	}
	if arrival.Add(-l.Retention) <= start {
		return // the queue still held all of it
	}
	r := &resumption{
		incident: inc, again: arrival, event: event, rate: rate, doubt: doubt,
		row: LedgerRow{Incident: inc.ID, Feed: f.name, Client: b.client(i), From: start, ByArrival: byArrival},
	}
	f.resumed[id] = r
	if !inc.lost[id] {
		if inc.lost == nil {
			inc.lost = map[rowID]bool{}
		}
		inc.lost[id] = true
		l.Clients++
	}
	m.writeRow(r)
}

// tally is what a row counts towards: the loss of the incident, or a copy of it once
// that is over, for nobody is told of it again.
func (inc *incident) tally() *Loss {
	if !inc.done() {
		return &inc.Loss
	}
	l := inc.Loss
	return &l
}

// owe remembers who of a group that is heard again at arrival has lost updates and
// comes back later, maybe after the incident is over. A client whose own rule
// allows more than the retention is no member when its feed falls silent, or is
// well again by an edit.
func (m *Machine) owe(f *feedState, group rowID, inc *incident, arrival feed.Instant) {
	l := &inc.Loss
	kept := arrival.Add(-l.Retention)
	if inc.Cause != CauseSilent || l.Retention == 0 || kept <= l.Start {
		return
	}
	for id, b := range f.rows {
		i := id.place()
		well := b.rows[i].in == 0 || b.rows[i].in == inc.seq && !troubled(b.rows[i].verdict)
		if well && b.rows[i].arrival > 0 && b.rows[i].arrival < kept && b.rows[i].verdict != Retired &&
			slices.Contains(m.groupRows[b.rows[i].groups], group) && f.owed[id] == nil {
			f.owed[id] = inc
		}
	}
}

// owing is the incident in which a client that is heard again at arrival lost
// updates, though it was not in trouble itself: it was forgotten in it, or its
// group was silent in it for longer than the queue holds; nil for all others.
func (m *Machine) owing(f *feedState, id rowID, was Verdict, arrival, before feed.Instant) *incident {
	b, i := f.blocks[id.block()], id.place()
	if inc := f.owed[id]; inc != nil {
		delete(f.owed, id)
		if b.rows[i].in == 0 || b.rows[i].in == inc.seq && !troubled(was) {
			return inc
		}
		return nil // it fell silent itself since: it is a member like others
	}
	if f.spec == nil || arrival.Sub(before) <= f.spec.Retention() || f.spec.Retention() == 0 ||
		troubled(was) || before == 0 || b.isGroup(i) {
		return nil
	}
	if inc := m.incidents[b.rows[i].in]; inc != nil && inc.Cause == CauseSilent {
		return inc
	}
	for _, g := range m.groupRows[b.rows[i].groups] {
		if inc := m.incidents[f.blocks[g.block()].rows[g.place()].in]; inc != nil && inc.Cause == CauseSilent {
			return inc
		}
	}
	return nil
}

// noteFirstUpdates lets arrivals of the first window correct what was written.
func (m *Machine) noteFirstUpdates(f *feedState, id rowID, arrival, event feed.Instant) {
	r := f.resumed[id]
	if r == nil {
		return
	}
	if arrival >= r.again.Add(r.incident.window()) {
		delete(f.resumed, id)
		return
	}
	if !event.IsZero() && (r.event.IsZero() || event < r.event) {
		r.event = event
		m.writeRow(r)
	}
}

// writeRow computes the lost interval of a row and hands it to the next Flush.
//
// The queue was read again at t1, the first arrival among the incident's series,
// so [start, t1 - R] is gone. Where the first event time seen again says otherwise
// by more than the series' usual gap, the wider is given and marked.
func (m *Machine) writeRow(r *resumption) {
	l, row := r.incident.tally(), &r.row
	t1 := r.again
	if !l.FirstAgain.IsZero() && l.FirstAgain < t1 {
		t1 = l.FirstAgain
	}
	before := max(row.Updates, 0)
	row.To, row.AtRisk = t1.Add(-l.Retention), r.doubt
	usual := usualGap(r.rate)
	switch seen := r.event; {
	case seen.IsZero() && r.again.Sub(t1) > usual:
		row.To, row.AtRisk = r.again.Add(-l.Retention), true
	case seen.IsZero():
	case seen.Sub(row.To) > usual:
		row.To, row.AtRisk = seen, true
	case row.To.Sub(seen) > usual:
		row.AtRisk = true
	}
	row.To = max(row.To, row.From)
	row.Updates = -1
	if r.rate > 0 {
		row.Updates = r.rate * row.To.Sub(row.From).Seconds()
	}
	if row.To > row.From { // a part that came back later than the rest has lost more
		if l.LostFrom.IsZero() {
			l.LostFrom = row.From
		}
		l.LostFrom, l.LostTo = min(l.LostFrom, row.From), max(l.LostTo, row.To)
	}
	l.Updates += max(row.Updates, 0) - before
	l.AtRisk = l.AtRisk || row.AtRisk
	r.incident.touched, r.incident.dirty = true, true
	if l.Clients <= LedgerRowsMax {
		m.ledger = append(m.ledger, *row)
	}
}

// lostBehind keeps what is lost while falling behind past the retention: of the
// updates that old only those are read that the queue has not yet deleted.
func (m *Machine) lostBehind(inc *incident, up *CatchUp) {
	l := &inc.Loss
	if l.Retention == 0 || up.Lag < l.Retention {
		return
	}
	if l.LostFrom.IsZero() {
		l.LostFrom = up.Event
	}
	l.LostTo = max(l.LostTo, m.now.Add(-l.Retention))
	l.AtRisk = true
	inc.dirty = true
}

// writeBehind writes the rows of an incident that fell behind past the retention,
// when it ends: all its members lost a part of the same interval.
func (m *Machine) writeBehind(inc *incident) {
	l := &inc.Loss
	if inc.Cause != CauseBehind || l.LostFrom.IsZero() {
		return
	}
	for id, b := range inc.feed.rows {
		i := id.place()
		if b.rows[i].in != inc.seq || b.isGroup(i) {
			continue
		}
		if l.Clients++; l.Clients <= LedgerRowsMax {
			m.ledger = append(m.ledger, LedgerRow{
				Incident: inc.ID, Feed: inc.feed.name, Client: b.client(i),
				From: l.LostFrom, To: l.LostTo, ByArrival: l.ByArrival, AtRisk: true, Updates: -1,
			})
		}
	}
}
