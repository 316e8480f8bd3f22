package watchdog

import (
	"strings"

	"github.com/feedwatch/feedwatch/watchdog/feed"
)

// beats takes heartbeats from source src, within the sender's quota, and calls refused for each that is not
// taken whole. Late, repeated and out-of-order ones are fine: watermarks merge by max.
func (m *Machine) beats(src int, quota *feed.Quota, all []feed.Heartbeat, refused func(i int, why feed.Refusal)) {
	var rows [findAhead]rowID
	for from := 0; from < len(all); {
		run := runOf(all[from:])
		f := m.feeds[run[0].Key.Feed()]
		if f == nil {
			run, rows[0] = run[:1], noRow // it makes the feed
		} else {
			m.stir(f)
			f.names.findEach(run, &rows)
		}
		for i := range run {
			if why := m.beat(src, quota, f, rows[i], &run[i]); why != feed.Accepted {
				refused(from+i, why)
			}
		}
		from += len(run)
	}
}

// runOf is the first heartbeats of all: those of one feed, at most findAhead.
func runOf(all []feed.Heartbeat) []feed.Heartbeat {
	n, name := 1, all[0].Key.Feed()
	for n < min(len(all), findAhead) && all[n].Key.Feed() == name {
		n++
	}
	return all[:n]
}

// beat takes one heartbeat of feed f, nil where that is not known yet. id is its row,
// or noRow if it had none before the run that it came in.
func (m *Machine) beat(src int, quota *feed.Quota, f *feedState, id rowID, hb *feed.Heartbeat) feed.Refusal {
	limit := m.now.Add(feed.ClockSkewMax)
	if hb.Arrival > limit {
		return feed.FutureArrival
	}
	refusal, event := feed.Accepted, hb.Event
	if event > limit {
		refusal, event = feed.FutureEvent, 0
	}
	if f == nil {
		if len(m.order) >= m.cfg.FeedsMax {
			return feed.TooManyFeeds
		}
		if why := m.noRoom(quota); why != feed.Accepted {
			return why
		}
		f = m.addFeed(strings.Clone(hb.Key.Feed())) // it may be a part of a whole request
	}
	known := id != noRow
	if !known {
		id, known = f.row(hb.Key.Client())
	}
	if !known {
		if why := m.noRoom(quota); why != feed.Accepted {
			return why
		}
		id = m.addClient(f, hb.Key.Client(), hb.Labels, 1<<src)
	} else if !hb.Labels.IsZero() {
		m.relabel(f, id, hb.Labels)
	}
	b, i := f.blocks[id.block()], id.place()
	if hb.Count == 0 {
		if r := f.ruleOf(b, i); r == nil || !r.IdleOK() {
			return refusal // the feeder lives; that says nothing of the feed
		}
	}
	arrival := min(hb.Arrival, m.now) // within the skew: now
	if before := b.lastSeen(i); arrival > before && (before <= 0 || b.rows[i].in == 0 && f.tracks[id] == nil) {
		b.countUpdates(i, hb.Count, before, arrival)
	}
	if f.counting {
		m.countBeat(f, id, src, hb.Count, arrival)
	}
	m.hear(f, id, src, arrival, event)
	for _, g := range m.groupRows[b.rows[i].groups] {
		m.hear(f, g, src, arrival, event)
	}
	return refusal
}

// hear moves the watermarks of one row, of a client or of a group.
func (m *Machine) hear(f *feedState, id rowID, src int, arrival, event feed.Instant) {
	b, i := f.blocks[id.block()], id.place()
	m.hearThrough(f, b, i, src)
	known := marks{seen: b.lastSeen(i), reference: b.reference(i), event: b.rows[i].event}
	before := known.seen
	if arrival <= before && event <= b.rows[i].event {
		return // a repeat, or older than what is known: erases nothing
	}
	b.marksChanged, b.agesKnown = true, false
	was, stood := b.rows[i].verdict, b.rows[i].in != 0 && f.tracks[id].stands()
	if arrival > before && b.rows[i].in != 0 && troubled(was) && !b.isGroup(i) {
		f.keepBase(id, known.event)
	}
	if arrival > before {
		b.rows[i].arrival = arrival
	}
	if event != 0 && arrival > before && !b.isGroup(i) {
		m.follow(f, id, arrival, event, before)
	}
	b.rows[i].event = max(b.rows[i].event, event)
	if arrival <= before {
		if b.isOverdue(i) {
			m.rejudge(f, id) // its loss may be nearer by event time than by arrival
		}
		return
	}
	if was == Retired {
		m.setVerdict(f, b, i, Unwatched) // it came back
	}
	switch {
	case b.rows[i].rule == ignoredRule:
		m.rejudge(f, id)
	case f.ruleOf(b, i) == nil: // its rule was removed while it was in trouble
		m.setVerdict(f, b, i, Unwatched)
	case was != Fresh || f.tracks[id] != nil:
		m.rejudge(f, id)
	}
	if inc := m.owing(f, id, was, arrival, before); inc != nil {
		m.noteResumption(f, id, inc, arrival, event, known)
	}
	if seq := b.rows[i].in; seq != 0 {
		inc := m.incidents[seq]
		if f.tracks[id] != nil && event != 0 {
			inc.drain.heard(arrival, event)
		}
		if troubled(was) && !b.rows[i].verdict.Opens() || behindAt(f, b, i, arrival, event) {
			inc.lastLate = max(inc.lastLate, arrival)
		}
		inc.arrived(arrival, event, before, was, b.rows[i].verdict)
		switch {
		case b.isGroup(i):
			if readAgain(was, b.rows[i].verdict) {
				m.owe(f, id, inc, arrival)
			}
		case readAgain(was, b.rows[i].verdict), stood && !f.tracks[id].stands():
			m.noteResumption(f, id, inc, arrival, event, known)
		default:
			m.noteFirstUpdates(f, id, arrival, event)
		}
	}
}

// readAgain says that an arrival was the first after a time in which the queue was
// not read: nothing came, or one and the same update again and again.
func readAgain(was, is Verdict) bool {
	switch was {
	case Frozen:
		return is != Frozen
	case Stale, Blind:
		return !is.Opens() || is == Trickling
	default:
		return false
	}
}

// behindAt says that an update of a client arrived later than its rule allows.
func behindAt(f *feedState, b *block, i int, arrival, event feed.Instant) bool {
	r := f.ruleOf(b, i)
	return r != nil && event != 0 && !b.isGroup(i) && r.Active().Between(event, arrival) > r.LagOver()
}

// hearThrough keeps which sources a row is heard through. A row never seen
// drops what it was expected through for what it was heard through.
func (m *Machine) hearThrough(f *feedState, b *block, i, src int) {
	mask := m.sources.sets[b.rows[i].sources].mask
	want := mask | 1<<src
	if b.rows[i].arrival < 0 {
		want = 1 << src
	}
	if want == mask {
		return
	}
	if m.sources.sets[b.rows[i].sources].blind {
		f.blindDue = m.now // it may have been the last that was not seen
	}
	f.count(b, i, -1)
	b.rows[i].sources = m.sources.set(want)
	f.count(b, i, +1)
	f.useSet(b.rows[i].sources)
	b.namesChanged = true
}

// follow starts, keeps or ends the track of a series' event time.
func (m *Machine) follow(f *feedState, id rowID, arrival, event, before feed.Instant) {
	b, i := f.blocks[id.block()], id.place()
	r := f.ruleOf(b, i)
	if r == nil {
		return
	}
	t := f.tracks[id]
	resumed := b.rows[i].verdict.Opens() || b.rows[i].in != 0
	base, kept := f.bases[id]
	if !kept {
		base = b.rows[i].event
	}
	next := t.beat(arrival, event, before, b.rows[i].event, base, r, resumed)
	switch {
	case next == nil && t != nil:
		delete(f.tracks, id)
	case next != nil && t == nil:
		f.tracks[id] = next
	}
}
