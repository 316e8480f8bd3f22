package watchdog

import (
	"slices"

	"github.com/feedwatch/feedwatch/rules"
	"github.com/feedwatch/feedwatch/watchdog/feed"
)

// ignore is the verdict of a row that the rule files say is not watched: it opens
// nothing, and leaves the incident that it is in as one who left the roster does. Once
// that is over it is watched as if it had just been bound.
func (m *Machine) ignore(f *feedState, id rowID) {
	b, i := f.blocks[id.block()], id.place()
	by := f.spec.Ignored(b.client(i), f.labelsOf(b, i), m.now)
	if by == nil {
		m.bind(f, id)
		return
	}
	b.rows[i].due = never
	f.wake(id, by.Until())
	if b.rows[i].verdict == Retired {
		return // and stays so at its end, until it comes back
	}
	if inc := m.incidents[b.rows[i].in]; inc != nil && troubled(b.rows[i].verdict) {
		inc.ignored++
		f.owed[id] = inc
	}
	delete(f.tracks, id)
	m.setVerdict(f, b, i, Unwatched)
}

// ignoredAnew says that a client is not watched, and its row does not know: the clock was
// set back to before the end of that.
func (m *Machine) ignoredAnew(f *feedState, b *block, i int) bool {
	return f.spec != nil && len(f.spec.Ignores()) > 0 && !b.isGroup(i) && b.rows[i].rule != ignoredRule &&
		f.spec.Ignored(b.client(i), f.labelsOf(b, i), m.now) != nil
}

// enrolled says that a client row counts as a member of its groups: one that is not
// watched makes no group silent.
func (b *block) enrolled(i int) bool {
	return b.rows[i].verdict != Retired && b.rows[i].rule != ignoredRule
}

// ignoredBefore is when a row that was not watched came to be watched again; zero for
// one that always was.
func (f *feedState) ignoredBefore(b *block, i int, now feed.Instant) feed.Instant {
	if f.spec == nil || len(f.spec.Ignores()) == 0 {
		return 0
	}
	return f.spec.IgnoredBefore(b.client(i), f.labelsOf(b, i), now)
}

// peopledSince is when a group row got its first member of those that it has now;
// zero where one was never ignored.
func (m *Machine) peopledSince(f *feedState, group rowID) feed.Instant {
	if f.spec == nil || len(f.spec.Ignores()) == 0 {
		return 0
	}
	first := never
	for id, b := range f.rows {
		if i := id.place(); !b.isGroup(i) && b.enrolled(i) && slices.Contains(m.groupRows[b.rows[i].groups], group) {
			if first = min(first, f.ignoredBefore(b, i, m.now)); first == 0 {
				return 0
			}
		}
	}
	if first == never {
		return 0
	}
	return first
}

// againSince is when a row, or the first member of a group, came to be watched again;
// zero where none was ignored.
func (m *Machine) againSince(f *feedState, id rowID) feed.Instant {
	if b, i := f.blocks[id.block()], id.place(); !b.isGroup(i) {
		return f.ignoredBefore(b, i, m.now)
	}
	return m.peopledSince(f, id)
}

// afterIgnore lets a row that came to be watched again outside of its active hours, and
// is overdue already, wait for them.
func (m *Machine) afterIgnore(f *feedState, id rowID, r *rules.Rule, horizon feed.Instant, v Verdict, due feed.Instant) (Verdict, feed.Instant) {
	if v != Stale || r.Active() == nil || f.blocks[id.block()].rows[id.place()].in != 0 {
		return v, due
	}
	if begin := r.Active().Next(m.againSince(f, id)); horizon < begin {
		return Late, begin
	}
	return v, due
}

// sayIgnored writes into the timeline that members are no longer watched.
func (m *Machine) sayIgnored(inc *incident) {
	if inc.ignored > 0 {
		m.record(inc, Event{Kind: EventIgnored, Was: inc.ignored})
		inc.ignored = 0
	}
}
