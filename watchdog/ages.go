package watchdog

import "github.com/feedwatch/feedwatch/watchdog/feed"

// ages are the newest and the oldest arrival of the clients of a block that had one.
type ages struct{ newest, oldest feed.Instant }

// agesNow reads the rows only where one changed: a fleet in which nothing happens
// costs nothing, however large.
func (b *block) agesNow() ages {
	if b.agesKnown {
		return b.ages
	}
	now := ages{oldest: never}
	for i := range b.rows {
		a := b.rows[i].arrival
		if a <= 0 || a <= now.newest && a >= now.oldest {
			continue
		}
		if b.rows[i].verdict != Retired && !b.isGroup(i) {
			now.newest, now.oldest = max(now.newest, a), min(now.oldest, a)
		}
	}
	b.ages, b.agesKnown = now, true
	return now
}
