package watchdog

import "github.com/feedwatch/feedwatch/watchdog/feed"

// troubled says whether a verdict of a member counts as trouble still going on.
func troubled(v Verdict) bool { return v.Opens() || v == Blind }

func (inc *incident) memberJoined(f *feedState, b *block, i int) {
	inc.countMember(b.rows[i].verdict, +1)
	if b.isGroup(i) && b.rows[i].labels == 0 && inc.pattern.whole() {
		inc.widened = true // it stands for the whole feed
	}
	inc.newestEvent = max(inc.newestEvent, b.rows[i].event)
	inc.newestArrival = max(inc.newestArrival, b.lastSeen(i))
	inc.rate += b.updateRate(i, b.lastSeen(i))
	inc.raise(f, b, i)
	inc.touched = true
}

func (inc *incident) memberChanged(f *feedState, b *block, i int, old Verdict) {
	inc.countMember(old, -1)
	inc.countMember(b.rows[i].verdict, +1)
	inc.raise(f, b, i)
	inc.touched = true
}

// raise makes the incident as severe as a member's rule, once that is in trouble
// for sure: what is only unknown after a restart is no reason to page.
func (inc *incident) raise(f *feedState, b *block, i int) {
	if r := f.ruleOf(b, i); r != nil && b.rows[i].verdict.Opens() {
		inc.Severity = max(inc.Severity, r.Severity())
		if from := r.Severities().CriticalFrom; from > 0 && (inc.criticalFrom == 0 || from < inc.criticalFrom) {
			inc.criticalFrom = from
		}
	}
}

func (inc *incident) countMember(v Verdict, n int) {
	inc.changes++
	if v.Opens() {
		inc.silent += n
	}
	if troubled(v) {
		inc.trouble += n
	}
	if !v.Well() {
		inc.unwell += n
	}
}

// followMembers notices that trouble ended, came back, or that all is well.
func (m *Machine) followMembers(inc *incident) {
	if inc.trouble > inc.Ladder.Peak {
		inc.Ladder.Peak = inc.trouble
		inc.dirty = true
	}
	switch {
	case inc.resumed && inc.silent*2 > inc.Ladder.Peak:
		m.troubleAgain(inc)
	case inc.calmSince != 0 && inc.silent > 0: // fewer than half of them
		m.forgetPaged(inc)
		m.restartLoss(inc)
	}
	switch calm := inc.calmSince != 0; {
	case !calm && inc.trouble == 0:
		m.calm(inc, m.now)
	case calm && inc.silent > 0: // what is only out of sight may be well
		m.calm(inc, 0)
	}
	if !inc.Loss.FirstAgain.IsZero() && !inc.resumed && inc.trouble*2 <= inc.Ladder.Peak {
		inc.resumed = true
		m.record(inc, Event{Kind: EventResumed, At: inc.Loss.FirstAgain})
	}
	if inc.unwell == 0 && inc.WellSince.IsZero() {
		inc.WellSince, inc.Current = m.now, inc.lastLate
		inc.CatchUp = nil
		m.record(inc, Event{Kind: EventWell})
	}
	if inc.unwell > 0 && !inc.WellSince.IsZero() {
		inc.WellSince, inc.Current = 0, 0
		inc.dirty = true
		if !inc.resumed && inc.trouble > 0 {
			m.record(inc, Event{Kind: EventStaleAgain})
		}
	}
	m.refreshState(inc)
}

// calm says since when none is in trouble; zero: some are.
func (m *Machine) calm(inc *incident, since feed.Instant) {
	inc.calmSince, inc.Calm = since, since
	inc.dirty, m.linksMoved = true, true
}

// troubleAgain: it fell silent again before it was resolved. What was lost until
// now stays lost; the clock starts anew.
func (m *Machine) troubleAgain(inc *incident) {
	m.forgetPaged(inc)
	inc.resumed, inc.Ladder.Peak = false, inc.trouble
	inc.WellSince, inc.Current = 0, 0
	inc.CatchUp = nil
	inc.drain = drain{}
	m.record(inc, Event{Kind: EventStaleAgain})
	m.restartLoss(inc)
}

// forgetPaged makes trouble that is back a growth, and so a reason to page, once
// updates had come again for longer than a flap: who was told that it resumed
// must be told that it stopped.
func (m *Machine) forgetPaged(inc *incident) {
	calm := inc.calmSince != 0 && m.now >= inc.calmSince.Add(inc.resolveAfter())
	if calm || inc.resumed && m.now >= inc.Loss.FirstAgain.Add(inc.resolveAfter()) {
		inc.Ladder.PagedFor = 0
		if inc.Ack != nil { // it was of the trouble that ended
			ack := *inc.Ack
			ack.Silent = 0
			inc.Ack = &ack
		}
	}
}
