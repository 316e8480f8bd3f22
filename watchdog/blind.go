package watchdog

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/feedwatch/feedwatch/rules"
	"github.com/feedwatch/feedwatch/watchdog/feed"
)

// refreshBlindness notices sets of sources that went blind or see again.
func (m *Machine) refreshBlindness() {
	for i := range m.sources.sets {
		set := &m.sources.sets[i]
		if blind := m.sources.blindBy(set, m.now); blind != set.blind {
			set.blind = blind
			m.lookForBlindness()
		}
	}
}

// lookForBlindness has every feed find out anew whether it can be seen.
func (m *Machine) lookForBlindness() {
	for _, f := range m.order {
		f.blindDue = m.now
	}
	m.stirAll()
}

// blindDeadline is when blindness of a set is trouble for f: once it has lasted
// longer than the shortest that the feed's rules allow in their active hours, and
// than the source's own bound.
func (m *Machine) blindDeadline(f *feedState, set *sourceSet) feed.Instant {
	first := set.horizon
	for i, r := range f.rules {
		if at := r.Active().After(set.horizon, r.StaleAfter()); i == 0 || at < first {
			first = at
		}
	}
	return max(m.sources.blindAt(set)+1, first)
}

// refreshBlindIncident opens, follows and ends the incident that says that f cannot
// be seen. There is one for a feed, however many of its sources do not answer.
func (m *Machine) refreshBlindIncident(f *feedState) {
	inc := f.blindIncident()
	out := m.outOfSight(f, inc)
	f.blindDue = out.due
	switch {
	case inc == nil && len(out.sets) == 0:
		return
	case inc == nil:
		inc = m.openBlind(f, out)
	case len(out.sets) == 0:
		m.seenAgain(inc)
		return
	}
	inc.touched = inc.touched || inc.unsure || inc.trouble == 0
	inc.unsure = false
	inc.trouble, inc.unwell = 1, 1
	scope := Scope{Silent: out.clients, Of: f.watched()}
	if out.clients >= inc.Worst.Silent {
		inc.Worst = scope
	}
	if inc.Source != out.sources || inc.Failure != out.failure || inc.Scope.Silent != scope.Silent || inc.Scope.Of != scope.Of {
		inc.Source, inc.Failure, inc.Scope = out.sources, out.failure, scope
		inc.touched, inc.dirty = true, true
	}
}

// seenAgain ends the trouble of a blind incident; of one from before a restart
// only once its sources have had their say.
func (m *Machine) seenAgain(inc *incident) {
	if inc.unsure && !m.sources.reported(inc.Source, m.woken) {
		return
	}
	inc.touched = inc.touched || inc.unsure || inc.trouble > 0
	inc.unsure = false
	inc.trouble, inc.unwell = 0, 0
}

// patience is until when a blind incident from before a restart waits for its
// sources: the longest of their bounds, from the first restart after the last that
// happened to it. A crash loop does not prolong it.
func (m *Machine) patience(inc *incident) feed.Instant {
	last := inc.Opened
	if n := len(inc.Events); n > 0 {
		last = inc.Events[n-1].At
	}
	from := m.woken
	for _, r := range m.restarts {
		if r.At >= last {
			from = r.At
			break
		}
	}
	longest := time.Duration(0)
	for name := range strings.SplitSeq(inc.Source, sourcesSeparator) {
		if i := m.sources.find(name); i >= 0 {
			longest = max(longest, m.sources.all[i].LagMax)
		}
	}
	return from.Add(longest)
}

// outOfSight is what of a feed cannot be seen now, for longer than its rules allow
// or as the open incident said already.
type outOfSight struct {
	sets    []uint8
	clients int
	sources string       // names of those that do not answer
	failure string       // of the first of them that says why
	at      feed.Instant // the first deadline that passed
	due     feed.Instant // the next one
}

func (m *Machine) outOfSight(f *feedState, open *incident) outOfSight {
	out := outOfSight{at: never, due: never}
	if f.spec == nil {
		return out
	}
	var names, known []string
	if open != nil {
		known = strings.Split(open.Source, sourcesSeparator)
	}
	for _, n := range f.sets {
		set := &m.sources.sets[n]
		clients := m.heardThrough(f, n)
		if !set.blind || clients == 0 && !m.onlyExpected(f, n) {
			continue
		}
		failing, failure := m.sources.failing(set, m.now)
		said := slices.ContainsFunc(failing, func(name string) bool { return slices.Contains(known, name) })
		at := m.blindDeadline(f, set)
		if at > m.now && !said {
			out.due = min(out.due, at)
			continue
		}
		if open == nil && !m.onlyExpected(f, n) && clients <= f.silentThrough(n) {
			continue // all of them are silent, and somebody was told
		}
		out.at = min(out.at, at)
		out.sets = append(out.sets, n)
		out.clients += clients
		names = append(names, failing...)
		out.failure = cmp.Or(out.failure, failure)
	}
	slices.Sort(names)
	out.sources = strings.Join(slices.Compact(names), sourcesSeparator)
	return out
}

func (f *feedState) blindIncident() *incident {
	for _, inc := range f.incidents {
		if inc.Cause == CauseBlind {
			return inc
		}
	}
	return nil
}

// heardThrough is how many watched clients of f are heard through set n.
func (m *Machine) heardThrough(f *feedState, n uint8) int {
	if int(n) >= len(f.bySet) {
		return 0
	}
	all := 0
	for v, k := range f.bySet[n] {
		if Verdict(v) != Retired && Verdict(v) != Unwatched {
			all += k
		}
	}
	return all
}

// silentThrough is how many clients heard through set n are silent, in an incident
// that says so.
func (f *feedState) silentThrough(n uint8) int {
	silent := 0
	for _, b := range f.blocks {
		for i := range b.rows {
			v := b.rows[i].verdict
			if b.rows[i].sources == n && b.rows[i].in != 0 && v == Stale && !b.isGroup(i) {
				silent++
			}
		}
	}
	return silent
}

// onlyExpected says that no client of f was ever seen, and n is the set through
// which the feed as a whole is expected.
func (m *Machine) onlyExpected(f *feedState, n uint8) bool {
	return f.watched() == 0 && m.sources.carrying(f.name) == n
}

func (m *Machine) openBlind(f *feedState, out outOfSight) *incident {
	inc := m.start(f, CauseBlind, out.at, "\x00blind")
	inc.Anchor = out.sources
	inc.Since = never
	for _, n := range out.sets {
		inc.Since = min(inc.Since, m.sources.sets[n].horizon)
	}
	for id, b := range f.rows {
		if i := id.place(); slices.Contains(out.sets, b.rows[i].sources) {
			inc.newestArrival = max(inc.newestArrival, b.lastSeen(i))
			inc.newestEvent = max(inc.newestEvent, b.rows[i].event)
		}
	}
	m.setRule(inc, m.strictest(f))
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
