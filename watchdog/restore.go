package watchdog

import (
	"slices"
	"strings"

	"github.com/feedwatch/feedwatch/rules"
	"github.com/feedwatch/feedwatch/watchdog/feed"
)

// restore fills the table and the incidents from what was saved. Verdicts are
// not saved: they follow from the watermarks once rules are put in force.
func (m *Machine) restore(saved *Saved) {
	m.ahead = saved.ahead(m.now)
	if saved.Through > m.now.Add(setBackToldFrom) {
		m.tellOfRewind(m.now+m.ahead, m.now)
	}
	m.restarts = setBack(saved.Restarts, m.ahead, m.now)
	images := slices.Clone(saved.Blocks)
	slices.SortFunc(images, func(a, b BlockImage) int {
		if c := strings.Compare(a.Feed, b.Feed); c != 0 {
			return c
		}
		return a.Index - b.Index
	})
	for len(images) > 0 {
		name, n := images[0].Feed, 1
		for n < len(images) && images[n].Feed == name {
			n++
		}
		m.restoreFeed(name, images[:n])
		images = images[n:]
	}
	for _, s := range saved.Silences {
		if s.Until > m.now {
			if s.From <= m.now+m.ahead {
				s.From = min(s.From, m.now) // it holds already
			}
			m.silence(s)
		}
	}
	for _, inc := range saved.Incidents {
		if inc.State == StateResolved {
			m.past.add(inc.ID)
			continue
		}
		m.restoreIncident(inc)
	}
}

// notAhead moves a saved stamp with the clock that made it. One that is still of
// the future would hide a silence until it is past. A little ahead is the clock of
// a source, and counts as now; such a row is expected from now on otherwise.
func (m *Machine) notAhead(arrival feed.Instant) feed.Instant {
	if arrival < 0 { // minus the instant since when it is expected
		return -m.notAhead(-arrival)
	}
	arrival -= min(arrival, m.ahead)
	if arrival <= m.now.Add(feed.ClockSkewMax) {
		return min(arrival, m.now)
	}
	m.trouble["saved stamps"] = "saved updates are stamped in the future, as if this clock had been set back: their series are expected from now on"
	return -m.now
}

// restoreIncident takes an open incident back. Its members find it again when
// rules are in force: see rejoin.
func (m *Machine) restoreIncident(saved *Incident) {
	f := m.feeds[saved.Feed]
	if f == nil {
		f = m.addFeed(saved.Feed)
	}
	m.bySeq++
	inc := &incident{Incident: *saved, seq: m.bySeq, feed: f, due: never}
	inc.setBack(m.ahead, m.now)
	inc.pattern = pattern{saved.Scope.Labels}
	inc.calmSince = inc.Calm
	for i := range saved.Events { // which of the two was last
		switch saved.Events[i].Kind {
		case EventResumed:
			inc.resumed = true
		case EventStaleAgain:
			inc.resumed = false
		}
	}
	inc.restored = true
	if saved.Cause == CauseBlind && saved.State != StateRecovering {
		inc.unsure, inc.trouble, inc.unwell = true, 1, 1
	}
	m.incidents[inc.seq], m.byID[inc.ID] = inc, inc
	f.incidents = append(f.incidents, inc)
}

// rejoin gives restored incidents their members back: every row whose deadline
// had passed when we came up, and every row still behind, joins the incident
// that covers it. It runs once, when the first rules are in force.
func (m *Machine) rejoin(f *feedState) {
	if !slices.ContainsFunc(f.incidents, func(inc *incident) bool { return inc.restored }) {
		return
	}
	for id, b := range f.rows {
		i := id.place()
		if r := f.ruleOf(b, i); b.rows[i].in == 0 && b.rows[i].verdict != Retired {
			m.rejoinRow(f, id, b, i, r)
		}
	}
	for _, inc := range f.incidents {
		if inc.restored && inc.Cause != CauseBlind {
			m.keepFromEmpty(f, inc)
		}
		inc.restored, inc.touched = false, true
		m.linksMoved = true
	}
}

func (m *Machine) rejoinRow(f *feedState, id rowID, b *block, i int, r *rules.Rule) {
	if r == nil {
		m.rejoinRuleless(f, id, b, i)
		return
	}
	held := b.rows[i].verdict == Late && b.isOverdue(i) // in an incident it is stale, however few they are
	overdue := b.rows[i].verdict == Stale || b.rows[i].verdict == Blind || held
	trickling := b.rows[i].verdict == Trickling
	behind := !overdue && !trickling && b.rows[i].event != 0 && !b.isGroup(i) && r.Active().Between(b.rows[i].event, b.lastSeen(i)) > r.LagOver()
	if !overdue && !behind && !trickling {
		return
	}
	inc := m.rejoins(f, b, i, behind || trickling)
	if inc == nil {
		return
	}
	if behind {
		f.tracks[id] = (*track)(nil).beat(b.rows[i].arrival, b.rows[i].event, 0, 0, 0, r, true)
		m.rejudge(f, id)
	}
	m.join(f, b, i, inc)
	if held {
		m.rejudge(f, id)
	}
}

// rejoinRuleless keeps an incident open whose rules were removed while it was:
// a row that it covers and that has not been heard since holds it.
func (m *Machine) rejoinRuleless(f *feedState, id rowID, b *block, i int) {
	if f.spec != nil || b.isGroup(i) {
		return
	}
	if inc := m.rejoins(f, b, i, false); inc != nil && b.lastSeen(i) < inc.Opened && inc.State != StateRecovering {
		m.setVerdict(f, b, i, Stale)
		m.join(f, b, i, inc)
	}
}

// rejoins is the restored incident that covers the row, of several the one with
// the most labels, or one that it began itself. A row that arrives, behind or too
// seldom, belongs to one that was being worked off, or was about that.
func (m *Machine) rejoins(f *feedState, b *block, i int, arrives bool) *incident {
	var best *incident
	labels := pattern{f.labelsOf(b, i)}
	for _, inc := range f.incidents {
		if !inc.restored || inc.Cause == CauseBlind || best != nil && !inc.suits(best, causeOf(b.rows[i].verdict)) {
			continue
		}
		if arrives && inc.Cause == CauseSilent && inc.Loss.FirstAgain.IsZero() {
			continue
		}
		if inc.pattern.covers(labels.Labels) || b.isGroup(i) && !labels.whole() && f.within(labels, inc.pattern) {
			best = inc
		}
	}
	if best == nil || best.pattern.whole() {
		if own := f.opened(CauseSilent, b, i); own != nil && own.restored {
			return own
		}
	}
	return best
}

// suits says that the incident is a better one than other for a row in trouble for
// cause: it says more of it, or as much and what is wrong.
func (inc *incident) suits(other *incident, cause Cause) bool {
	if n := inc.pattern.len() - other.pattern.len(); n != 0 {
		return n > 0
	}
	trickles := func(c Cause) bool { return c == CauseTrickling }
	return other.Cause != inc.Cause && trickles(inc.Cause) == trickles(cause) && trickles(other.Cause) != trickles(cause)
}

// keepFromEmpty gives an incident that found no member the row of the feed as a
// whole, as one nobody has seen yet: nothing resolves without an update.
func (m *Machine) keepFromEmpty(f *feedState, inc *incident) {
	if inc.unwell > 0 || inc.State == StateRecovering {
		return
	}
	for n := f.groups; n < len(f.rules); n++ {
		id, ok := f.row(groupName(f.rules[n], ""))
		if !ok || f.blocks[id.block()].rows[id.place()].in != 0 {
			continue
		}
		b, i := f.blocks[id.block()], id.place()
		m.setVerdict(f, b, i, Blind)
		f.wake(id, m.started.Add(min(f.rules[n].StaleAfter(), graceMax)))
		m.join(f, b, i, inc)
		return
	}
}
