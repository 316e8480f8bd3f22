package watchdog

import (
	"cmp"
	"math/bits"
	"strings"

	"github.com/feedwatch/feedwatch/watchdog/feed"
)

// Limits on sources: a set of them is one bit each.
const (
	sourcesMax    = 64
	sourceSetsMax = 256
)

// sources knows up to when each source can say what did and did not arrive.
type sources struct {
	all  []source
	sets []sourceSet
}

type source struct {
	feed.Source
	known   feed.Instant
	failure string
}

// sourceSet is the sources that a series is heard through. Nothing is known of
// the series past the earliest of them; if one of them lags beyond its bound
// the series is blind.
type sourceSet struct {
	mask    uint64
	horizon feed.Instant
	blind   bool
}

func (s *sources) find(name string) int {
	for i := range s.all {
		if s.all[i].Name == name {
			return i
		}
	}
	return -1
}

// add makes src known, as known through start.
func (s *sources) add(src feed.Source, start feed.Instant) int {
	if i := s.find(src.Name); i >= 0 {
		return i
	}
	if len(s.all) == sourcesMax {
		return -1
	}
	s.all = append(s.all, source{Source: src, known: start})
	return len(s.all) - 1
}

// set interns a mask. When the sets run out it answers set 0, which is heard
// through every source: too careful, never too bold.
func (s *sources) set(mask uint64) uint8 {
	for i := range s.sets {
		if s.sets[i].mask == mask {
			return uint8(i)
		}
	}
	if len(s.sets) == sourceSetsMax {
		return 0
	}
	s.sets = append(s.sets, sourceSet{mask: mask})
	i := uint8(len(s.sets) - 1)
	s.refreshSet(&s.sets[i])
	return i
}

// refreshSet brings the horizon up to date. Horizons never run back: what was
// known stays known.
func (s *sources) refreshSet(set *sourceSet) {
	horizon := never
	for m := set.mask; m != 0; m &= m - 1 {
		horizon = min(horizon, s.all[bits.TrailingZeros64(m)].known)
	}
	if horizon != never {
		set.horizon = max(set.horizon, horizon)
	}
}

// blindAt is the instant after which the set is blind if no source in it reports.
func (s *sources) blindAt(set *sourceSet) feed.Instant {
	at := never
	for m := set.mask; m != 0; m &= m - 1 {
		src := &s.all[bits.TrailingZeros64(m)]
		at = min(at, src.known.Add(src.LagMax))
	}
	return at
}

// blindBy says whether the set is blind at now if no source in it reports until then.
func (s *sources) blindBy(set *sourceSet, now feed.Instant) bool {
	at := s.blindAt(set)
	return at != never && now > at
}

// turned says that some set is blind at now and was not when last looked at, or sees
// again.
func (s *sources) turned(now feed.Instant) bool {
	for i := range s.sets {
		if set := &s.sets[i]; s.blindBy(set, now) != set.blind {
			return true
		}
	}
	return false
}

// failing names the sources of the set that lag beyond their bound at now, and
// says why the first does.
func (s *sources) failing(set *sourceSet, now feed.Instant) (names []string, failure string) {
	for m := set.mask; m != 0; m &= m - 1 {
		src := &s.all[bits.TrailingZeros64(m)]
		if now > src.known.Add(src.LagMax) {
			names = append(names, src.Name)
			failure = cmp.Or(failure, src.failure)
		}
	}
	return names, failure
}

// sourcesSeparator stands between the names of the sources of an incident.
const sourcesSeparator = ", "

// reported says whether all sources that names lists have said something since
// start. One that is no longer configured has nothing to say.
func (s *sources) reported(names string, start feed.Instant) bool {
	for name := range strings.SplitSeq(names, sourcesSeparator) {
		if i := s.find(name); i >= 0 && s.all[i].known <= start {
			return false
		}
	}
	return true
}

// hears says that a source is among those of a set.
func (s *sources) hears(set uint8, name string) bool {
	i := s.find(name)
	return i >= 0 && s.sets[set].mask&(1<<i) != 0
}

// carrying is the set of sources that may carry the feed called name: those that
// say so, and those that say nothing.
func (s *sources) carrying(name string) uint8 {
	var mask uint64
	for i := range s.all {
		if s.all[i].Carries(name) {
			mask |= 1 << i
		}
	}
	return s.set(mask)
}
