package rules

import "github.com/feedwatch/feedwatch/watchdog/feed"

// stretch is when a finding holds that depends on the time, from From on and before
// To; zero: it always does. The parser has no clock.
type stretch struct{ from, to feed.Instant }

// addTimed is add for what holds for a time.
func (f *Findings) addTimed(at spot, check Check, message, hint string, from, to feed.Instant) {
	n := len(f.All)
	f.add(at, check, message, hint)
	if len(f.All) > n {
		f.All[n].when = stretch{from, to}
	}
}

// holds says that a finding holds at t.
func (f *Finding) holds(t feed.Instant) bool {
	return f.when == stretch{} || f.when.from <= t && t < f.when.to
}

// WarningsAt are Warnings with those that hold at t alone.
func (s *Set) WarningsAt(t feed.Instant) *Findings {
	found := &Findings{Files: s.files}
	for _, w := range s.warnings {
		if w.holds(t) {
			found.All = append(found.All, w)
		}
	}
	return found
}

// always are the findings that hold at any time.
func always(all []Finding) (kept []Finding) {
	for _, f := range all {
		if f.when == (stretch{}) {
			kept = append(kept, f)
		}
	}
	return kept
}
