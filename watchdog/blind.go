package watchdog

import (
	"time"

	"github.com/feedwatch/feedwatch/rules"

	"github.com/feedwatch/feedwatch/watchdog/feed"
)

// refreshBlindness notices sets of sources that went blind or see again.
func (m *Machine) refreshBlindness() {
	for i := range m.sources.sets {
		set := &m.sources.sets[i]
		at := m.sources.blindAt(set)
		blind := at != never && m.now > at
		if blind == set.blind {
			continue
		}
		set.blind = blind
		for _, f := range m.order {
			f.blindDue = m.now
		}
	}
}

// blindDeadline is when blindness of a set is trouble for f: once it has lasted
// longer than the feed's shortest stale_after, and than the source's own bound.
func (m *Machine) blindDeadline(f *feedState, set *sourceSet) feed.Instant {
	shortest := time.Duration(0)
	for _, r := range f.rules {
		if shortest == 0 || r.StaleAfter() < shortest {
			shortest = r.StaleAfter()
		}
	}
	return max(m.sources.blindAt(set)+1, set.horizon.Add(shortest))
}

// refreshBlindIncidents opens and ends the incidents that say "cannot see".
func (m *Machine) refreshBlindIncidents(f *feedState) {
	f.blindDue = never
	blind := map[string]bool{}
	if f.spec != nil {
		for _, n := range f.sets {
			m.refreshBlindSet(f, n, blind)
		}
	}
	for _, inc := range f.incidents {
		if inc.unsure && !blind[inc.Source] && !m.sources.reported(inc.Source, m.woken) {
			continue
		}
		inc.touched = inc.touched || inc.unsure
		inc.unsure = false
		if inc.Cause == CauseBlind && !blind[inc.Source] && inc.trouble > 0 {
			inc.trouble, inc.unwell = 0, 0
			inc.touched = true
		}
	}
}

func (m *Machine) refreshBlindSet(f *feedState, n uint8, blind map[string]bool) {
	set := &m.sources.sets[n]
	clients := m.heardThrough(f, n)
	if !set.blind || clients == 0 && !m.onlyExpected(f, n) {
		return
	}
	names, failure := m.sources.failing(set, m.now)
	blind[names] = true
	inc := f.blindIncident(names)
	if inc == nil {
		at := m.blindDeadline(f, set)
		if at > m.now {
			f.blindDue = min(f.blindDue, at)
			return
		}
		inc = m.openBlind(f, n, at, names)
	}
	if inc.trouble == 0 {
		inc.trouble, inc.unwell = 1, 1
		inc.touched = true
	}
	all := f.watched()
	scope := Scope{Silent: clients, Of: all}
	if clients >= inc.Worst.Silent {
		inc.Worst = scope
	}
	if inc.Failure != failure || inc.Scope.Silent != clients || inc.Scope.Of != all {
		inc.Failure, inc.Scope = failure, scope
		inc.touched, inc.dirty = true, true
	}
}

func (f *feedState) blindIncident(source string) *incident {
	for _, inc := range f.incidents {
		if inc.Cause == CauseBlind && inc.Source == source {
			return inc
		}
	}
	return nil
}

// heardThrough is how many watched clients of f are heard through set n.
func (m *Machine) heardThrough(f *feedState, n uint8) int {
	c := f.bySet[n]
	if c == nil {
		return 0
	}
	all := 0
	for v, k := range c {
		if Verdict(v) != Retired && Verdict(v) != Unwatched {
			all += k
		}
	}
	return all
}

// onlyExpected says that no client of f was ever seen, and n is the set through
// which the feed as a whole is expected.
func (m *Machine) onlyExpected(f *feedState, n uint8) bool {
	return f.watched() == 0 && m.sources.carrying(f.name) == n
}

func (m *Machine) openBlind(f *feedState, n uint8, at feed.Instant, names string) *incident {
	inc := m.start(f, CauseBlind, at, "\x00blind\x00"+names)
	inc.Anchor = names
	inc.Source = names
	inc.trouble, inc.unwell = 1, 1
	for id, b := range f.rows {
		if i := id.place(); b.sources[i] == n {
			inc.newestArrival = max(inc.newestArrival, b.lastSeen(i))
			inc.newestEvent = max(inc.newestEvent, b.event[i])
		}
	}
	m.setRule(inc, m.strictest(f))
	inc.Since = m.sources.sets[n].horizon
	return inc
}

// strictest lends a blind incident its severity and times: the whole-feed rule
// where there is one, else the first.
func (m *Machine) strictest(f *feedState) *rules.Rule {
	for _, r := range f.rules {
		if r.Per() == perFeed {
			return r
		}
	}
	if len(f.rules) == 0 {
		return nil
	}
	return f.rules[0]
}
