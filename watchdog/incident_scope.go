package watchdog

import (
	"slices"
	"time"
)

// scopeEvery is how often the numbers of a scope are counted anew at most.
const scopeEvery = time.Second

// refreshScope counts the scope anew and says so when it changed.
func (m *Machine) refreshScope(inc *incident) {
	if inc.Cause == CauseBlind {
		return
	}
	over := inc.trouble == 0 && inc.Scope.Silent > 0
	if inc.scopeAt.Add(scopeEvery) > m.now && inc.Revision > 0 && !over {
		return // again when it is due
	}
	inc.scopeAt, inc.moves = m.now, inc.feed.moves
	others := inc.feed.patterns(inc.Cause, inc)
	if inc.pattern.whole() && !inc.widened {
		if p := m.explain(inc.feed, others); !p.whole() && m.explains(inc, p) {
			inc.pattern = p
			m.linksMoved = true
		}
	}
	s := m.countScope(inc.feed, inc.pattern, others)
	if m.groupSilent(inc) {
		s.Silent = s.Of // nobody it covers has been heard of
	}
	if inc.trouble > inc.silent { // some cannot be seen, as after a restart: that is no recovery
		s.Silent = max(s.Silent, min(inc.Scope.Silent, s.Of))
	}
	if s.Whole() {
		s.Labels = m.labelSpread(inc.feed)
	}
	m.examples(inc, &s)
	if !equalScope(s, inc.Scope) {
		inc.Scope = s
		inc.dirty = true
	}
	if s.Silent >= inc.Worst.Silent {
		inc.Worst = s
		inc.Worst.StillArrive = nil
	}
}

// explains says that p covers nearly all that is silent in the incident's scope.
func (m *Machine) explains(inc *incident, p pattern) bool {
	s := m.countScope(inc.feed, p, nil)
	return float64(s.Silent) >= wholeShare*float64(inc.trouble)
}

// groupSilent says whether the row of a group rule that stands for the whole
// scope is silent.
func (m *Machine) groupSilent(inc *incident) bool {
	f := inc.feed
	for n := f.groups; n < len(f.rules); n++ {
		r := f.rules[n]
		if per := r.Per(); per != perFeed && per != inc.pattern.label {
			continue
		}
		value := ""
		if r.Per() != perFeed {
			value = inc.pattern.value
		}
		if id, ok := f.row(groupName(r, value)); ok {
			if f.blocks[id.block()].verdict[id.place()] == Stale && !r.Selective() {
				return true
			}
		}
	}
	return false
}

func equalScope(a, b Scope) bool {
	return a.Label == b.Label && a.Value == b.Value && a.Silent == b.Silent && a.Of == b.Of &&
		a.ElsewhereSilent == b.ElsewhereSilent && a.ElsewhereOf == b.ElsewhereOf &&
		slices.Equal(a.Oldest, b.Oldest) && slices.Equal(a.StillArrive, b.StillArrive) && slices.Equal(a.Labels, b.Labels)
}
