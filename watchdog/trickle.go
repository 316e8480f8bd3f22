package watchdog

import (
	"cmp"
	"slices"
	"time"

	"github.com/feedwatch/feedwatch/rules"
	"github.com/feedwatch/feedwatch/watchdog/feed"
)

// Trickle is what an incident about a trickle is measured by.
type Trickle struct {
	Row     string        `json:"row"`      // the first client or group to which too few came
	Came    int           `json:"came"`     // how many updates, when it opened
	AtLeast int           `json:"at_least"` // how many its rule asks for
	Per     time.Duration `json:"per_ns"`
	From    feed.Instant  `json:"from"` // when the window began in which they came
}

// underCount is the verdict of a row that is well by its deadline, once its updates are
// counted, and when that is to be done again. Too few in a window at whose end updates
// still arrive are a trickle: where none do any more, silence is what is found. Enough
// in a window end it; of one that was not seen whole nothing is said, and what holds
// goes on.
func (m *Machine) underCount(f *feedState, id rowID, r *rules.Rule, horizon feed.Instant, v Verdict, due feed.Instant) (Verdict, feed.Instant) {
	if _, behind := f.tracks[id].verdict(r); behind || v != Fresh && v != Late {
		return v, due
	}
	b, i := f.blocks[id.block()], id.place()
	k := countClockOf(r)
	c := m.countsOf(f, id, k)
	end := k.bucket(horizon)
	need, whole := m.countNeeded(c, k, r.MinUpdates().Count, end, b.rows[i].sources)
	was := c.since
	switch {
	case max(c.came(end), c.came(end+1)) >= need:
		c.since = 0
	case c.since.IsZero() && whole && c.slot(end-1) != 0:
		if next := r.Counts().Next(horizon); next > horizon {
			return v, min(due, next) // outside of active hours nothing opens
		}
		c.since = max(k.begins(end), f.ruled, r.Counts().Began(horizon))
	}
	b.marksChanged = b.marksChanged || c.since != was
	if !c.since.IsZero() {
		return Trickling, min(due, k.begins(end+1))
	}
	return v, min(due, k.begins(m.nextShort(c, k, r.MinUpdates().Count, end)))
}

// countNeeded is how many updates the window that ends where a bucket begins is asked
// for: less by the share of it in which they could not be heard, for that is not known
// to have been empty. It is not whole where that is more than half, where it begins
// before all that came was counted, or where a part of it is no longer kept.
func (m *Machine) countNeeded(c *counts, k countClock, count int, end uint32, set uint8) (need uint64, whole bool) {
	need = uint64(count)
	if end < k.whole(c.from) || !c.keeps(end) {
		return need, false
	}
	unheard := m.unheard(set, k, k.begins(end-countBuckets), k.begins(end))
	if window := k.width * countBuckets; unheard > 0 {
		if 2*unheard > window {
			return need, false
		}
		need = need * uint64(window-unheard) / uint64(window)
	}
	return need, true
}

// nextShort is where the first window after that one ends to which too few have come so
// far. It takes no notice of whether anything arrives then: it may, by then.
func (m *Machine) nextShort(c *counts, k countClock, count int, end uint32) uint32 {
	next := max(end+1, k.whole(c.from))
	for c.came(next) >= uint64(count) {
		next++
	}
	return next
}

// unheard is how much of a time it was in which updates to a set of sources were not
// heard: we did not run, or a source did not answer.
func (m *Machine) unheard(set uint8, k countClock, from, to feed.Instant) (sum feed.Instant) {
	var gaps []Restart
	for _, all := range [...][]Restart{m.restarts, m.unread} {
		for _, r := range all {
			if r.At > from && r.Through < to && (r.Source == "" || m.sources.hears(set, r.Source)) {
				gaps = append(gaps, r)
			}
		}
	}
	slices.SortFunc(gaps, func(a, b Restart) int { return cmp.Compare(b.At, a.At) })
	for _, gap := range gaps { // from the last back, each as far as it was not counted yet
		if begin, end := max(gap.Through, from), min(gap.At, to); begin < end {
			sum += k.hours.Elapsed(end) - k.hours.Elapsed(begin)
			to = begin
		}
	}
	return sum
}

// unreadMax bounds how many times are remembered in which a source did not answer.
const unreadMax = 64

// noteUnread remembers that a source that is read did not answer for longer than its
// bound: of all that arrived meanwhile it tells the last.
func (m *Machine) noteUnread(s *source, known feed.Instant) {
	if s.Name == feed.Push.Name || known <= s.known.Add(s.LagMax) {
		return
	}
	if len(m.unread) == unreadMax {
		m.unread = slices.Delete(m.unread, 0, 1)
	}
	m.unread = append(m.unread, Restart{At: known, Through: s.known, Source: s.Name})
}

// rewindCounts begins all counts anew: their buckets are of the time as it was.
func (m *Machine) rewindCounts(f *feedState, by feed.Instant) {
	for _, b := range f.blocks {
		for i := range b.counts {
			if c := &b.counts[i]; c.newest != 0 {
				c.restart(0, m.now) // and by countsOf
				back(by, &c.since)
			}
		}
	}
}

// measureTrickle says by what an incident about a trickle is measured: its anchor, or
// the first of its rows to which too few come.
func (m *Machine) measureTrickle(inc *incident) {
	inc.Trickle = nil
	if inc.Cause != CauseTrickling {
		return
	}
	f := inc.feed
	var first rowID
	began := never
	look := func(id rowID, b *block, i int) {
		if b.rows[i].verdict != Trickling || b.counts == nil {
			return
		}
		since := b.counts[i].since
		if displayName(b.client(i)) == inc.Anchor {
			since = 0
		}
		if since < began {
			first, began = id, since
		}
	}
	if id, ok := f.row(inc.Anchor); ok {
		look(id, f.blocks[id.block()], id.place())
	}
	if began != 0 {
		f.membersOf(inc, look)
	}
	if began != never {
		inc.measure(first)
	}
}

// measure takes the measure of a row.
func (inc *incident) measure(id rowID) {
	b, i := inc.feed.blocks[id.block()], id.place()
	r := inc.feed.ruleOf(b, i)
	if r == nil || r.MinUpdates().IsZero() || b.counts == nil {
		return
	}
	c, k, want := &b.counts[i], countClockOf(r), r.MinUpdates()
	inc.Trickle = &Trickle{
		Row: displayName(b.client(i)), Came: int(c.came(k.bucket(c.since))), AtLeast: want.Count, Per: want.Per,
		From: k.begins(k.bucket(c.since) - countBuckets),
	}
}

// askFor takes over what the rule that governs the incident asks for. How many came was
// counted by the one before.
func (inc *incident) askFor(r *rules.Rule) {
	if inc.Cause != CauseTrickling || r.MinUpdates().IsZero() {
		return
	}
	inc.Allowed = r.MinUpdates().Per
	if t := inc.Trickle; t != nil && (t.AtLeast != r.MinUpdates().Count || t.Per != r.MinUpdates().Per) {
		asked := *t
		asked.AtLeast, asked.Per, asked.Came = r.MinUpdates().Count, r.MinUpdates().Per, -1
		inc.Trickle, inc.dirty = &asked, true
	}
}

// UpdatesView is how many updates came to a client, of those that its rule asks for.
type UpdatesView struct {
	Came    int           `json:"came"` // since From
	From    feed.Instant  `json:"from"` // the last window that may yet be enough began then, or it was first counted
	AtLeast int           `json:"at_least"`
	Per     time.Duration `json:"per_ns"`
	Since   feed.Instant  `json:"too_few_since,omitzero"` // since when it trickles
}

// updatesView is of the window that ends with the bucket that is now filled.
func (m *Machine) updatesView(f *feedState, b *block, i int) *UpdatesView {
	r := f.ruleOf(b, i)
	if r == nil || r.MinUpdates().IsZero() || b.counts == nil || b.counts[i].newest == 0 {
		return nil
	}
	c, k, want := &b.counts[i], countClockOf(r), r.MinUpdates()
	end := k.bucket(m.now) + 1
	return &UpdatesView{
		Came: int(c.came(end)), From: max(c.from, k.begins(end-countBuckets)),
		AtLeast: want.Count, Per: want.Per, Since: c.since,
	}
}

// countsBy is the rule by which an incident is about a trickle; nil where it is not.
func (inc *incident) countsBy() *rules.Rule {
	if inc.Cause != CauseTrickling || inc.rule == nil || inc.rule.MinUpdates().IsZero() {
		return nil
	}
	return inc.rule
}

// followTrickleLoss looks at the clock of an incident about a trickle when its members
// were counted.
func (m *Machine) followTrickleLoss(inc *incident) {
	if inc.Cause == CauseTrickling && inc.scopeAt == m.now {
		inc.runTrickleLoss()
	}
}

// runTrickleLoss runs the clock of what an incident about a trickle holds and that has
// stopped altogether: it begins to be lost at its last update + retention.
func (inc *incident) runTrickleLoss() {
	l := &inc.Loss
	start, byArrival := never, false
	inc.feed.membersOf(inc, func(_ rowID, b *block, i int) {
		own, arrived := b.rows[i].event, false
		if own.IsZero() {
			own, arrived = b.reference(i), true
		}
		if b.rows[i].verdict == Stale && own < start {
			start, byArrival = own, arrived
		}
	})
	begins := feed.Instant(0)
	if start != never && l.Retention > 0 {
		begins = start.Add(l.Retention)
		l.Start, l.ByArrival = start, byArrival
	}
	if begins != l.Begins {
		l.Begins, inc.dirty = begins, true
	}
}

// writeTrickle writes down what may be lost of a trickle that lasted longer than the
// queue keeps an update, when it ends. Whether more was made than came nobody knows
// here, so all of it is at risk.
func (m *Machine) writeTrickle(inc *incident) {
	l, over := &inc.Loss, m.now
	if !inc.WellSince.IsZero() {
		over = inc.WellSince
	}
	if inc.Cause != CauseTrickling || inc.Trickle == nil || l.Retention == 0 {
		return
	}
	from, to := inc.Trickle.From, over.Add(-l.Retention)
	if to <= from {
		return
	}
	if l.LostFrom.IsZero() {
		l.LostFrom = from
	}
	l.LostFrom, l.LostTo, l.AtRisk, l.ByArrival = min(l.LostFrom, from), max(l.LostTo, to), true, true
	for id, b := range inc.feed.rows {
		i := id.place()
		if b.rows[i].in != inc.seq || b.isGroup(i) || inc.lost[id] {
			continue
		}
		if l.Clients++; l.Clients <= LedgerRowsMax {
			m.ledger = append(m.ledger, LedgerRow{
				Incident: inc.ID, Feed: inc.feed.name, Client: b.client(i),
				From: from, To: to, ByArrival: true, AtRisk: true, Updates: -1,
			})
		}
	}
}
