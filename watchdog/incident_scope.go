package watchdog

import (
	"slices"
	"time"

	"github.com/feedwatch/feedwatch/rules"
	"github.com/feedwatch/feedwatch/watchdog/feed"
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
	f := inc.feed
	inc.scopeAt, inc.moves, inc.counted = m.now, f.moves, inc.changes
	s := f.countScope(inc)
	if f.groupSilent(inc) {
		s.Silent = s.Of // nobody it covers has been heard of
	}
	if inc.trouble > inc.silent { // some cannot be seen, as after a restart: that is no recovery
		s.Silent = max(s.Silent, min(inc.Scope.Silent, s.Of))
	}
	if s.Whole() {
		s.Spread = f.labels.spread()
	} else {
		s.Same = f.alike(inc)
	}
	f.examples(inc, &s)
	rising := rules.Severities{Base: inc.Severity, CriticalFrom: inc.criticalFrom}
	if severity := rising.At(s.Silent, s.Of+s.ElsewhereOf); severity > inc.Severity {
		inc.Severity, inc.dirty = severity, true
	}
	if !equalScope(s, inc.Scope) {
		inc.Scope = s
		inc.dirty = true
	}
	if s.Silent >= inc.Worst.Silent {
		inc.Worst = s
		inc.Worst.StillArrive = nil
	}
}

// alike are the other labels with the extent of the incident's; searched anew
// only when clients or their labels changed.
func (f *feedState) alike(inc *incident) []feed.Labels {
	if inc.alikeTo == inc.pattern && inc.alikeAt == f.labels.shape {
		return inc.alike
	}
	inc.alikeTo, inc.alikeAt, inc.alike = inc.pattern, f.labels.shape, nil
	if e, ok := f.labels.extent(inc.pattern); ok {
		for _, same := range f.labels.same(e) {
			inc.alike = append(inc.alike, f.labels.patternOf(same).Labels)
		}
	}
	return inc.alike
}

// groupSilent says whether the row of a group rule that stands for the whole
// scope, or for more, is silent, or what comes to all of it a trickle.
func (f *feedState) groupSilent(inc *incident) bool {
	for _, r := range f.rules[f.groups:] {
		value := ""
		if r.Per() != perFeed {
			if value = inc.pattern.Get(r.Per()); value == "" {
				continue
			}
		}
		if id, ok := f.row(groupName(r, value)); ok {
			v := f.blocks[id.block()].rows[id.place()].verdict
			if (v == Stale || v == Trickling && inc.Cause == CauseTrickling) && !r.Selective() {
				return true
			}
		}
	}
	return false
}

func equalScope(a, b Scope) bool {
	return a.Labels == b.Labels && a.Silent == b.Silent && a.Of == b.Of &&
		a.ElsewhereSilent == b.ElsewhereSilent && a.ElsewhereOf == b.ElsewhereOf &&
		slices.Equal(a.Same, b.Same) && slices.Equal(a.Oldest, b.Oldest) &&
		slices.Equal(a.StillArrive, b.StillArrive) && slices.Equal(a.Spread, b.Spread)
}
