package watchdog

import (
	"math"
	"time"

	"github.com/feedwatch/feedwatch/rules"
	"github.com/feedwatch/feedwatch/watchdog/feed"
)

const (
	// countBuckets is how many buckets of time the window of min_updates has. They lie
	// alike for all rows, and a window is judged where a bucket ends: it is exactly as
	// long as the rule says, and what becomes a trickle at once is found at one instant.
	countBuckets = 8
	// countSlots are kept: a source may lag behind the newest arrival by the others.
	countSlots = 12
)

// counts are how many updates came to one row of late. Only rows have them whose rule
// has min_updates.
type counts struct {
	from   feed.Instant // since when all that came is counted
	since  feed.Instant // since when too few come; zero: enough do
	newest uint32       // the bucket of the row's last arrival
	// slots are the newest buckets, by their number modulo countSlots: 0 where nothing
	// arrived, else one more than the updates that did.
	slots [countSlots]uint32
}

// restart forgets what was counted. What came before from is not known.
func (c *counts) restart(newest uint32, from feed.Instant) {
	*c = counts{from: from, since: c.since, newest: newest}
}

// add counts n updates in a bucket; one that is older than all that is kept is too old
// to matter.
func (c *counts) add(bucket, n uint32) {
	if bucket > c.newest {
		for k := range min(bucket-c.newest, countSlots) {
			c.slots[(bucket-k)%countSlots] = 0
		}
		c.newest = bucket
	}
	if c.newest-bucket >= countSlots {
		return
	}
	slot := &c.slots[bucket%countSlots]
	sum := uint64(max(*slot, 1)) + uint64(n)
	*slot = uint32(min(sum, math.MaxUint32))
}

// slot is what add left of a bucket.
func (c *counts) slot(bucket uint32) uint32 {
	if bucket > c.newest || c.newest-bucket >= countSlots {
		return 0
	}
	return c.slots[bucket%countSlots]
}

// keeps says that all of the window is kept that ends where bucket begins.
func (c *counts) keeps(bucket uint32) bool {
	return c.newest <= bucket || c.newest-bucket < countSlots-countBuckets
}

// came is how many updates came in the window that ends where bucket begins.
func (c *counts) came(bucket uint32) (sum uint64) {
	for n := bucket - countBuckets; n != bucket; n++ {
		sum += uint64(max(c.slot(n), 1) - 1)
	}
	return sum
}

// countClock numbers the buckets of a rule with min_updates, in the time that it
// counts.
type countClock struct {
	hours *rules.Active
	width feed.Instant
}

func countClockOf(r *rules.Rule) countClock {
	per := feed.Instant(r.MinUpdates().Per / time.Millisecond)
	return countClock{r.Counts(), (per + countBuckets - 1) / countBuckets}
}

func (k countClock) bucket(t feed.Instant) uint32 { return uint32(k.hours.Elapsed(t) / k.width) }

// begins is when a bucket does.
func (k countClock) begins(bucket uint32) feed.Instant {
	return k.hours.Reads(feed.Instant(bucket) * k.width)
}

// whole is where the first window ends that begins at t or later.
func (k countClock) whole(t feed.Instant) uint32 {
	return uint32((k.hours.Elapsed(t)+k.width-1)/k.width) + countBuckets
}

// settled is when the first window is over that begins at t or later.
func (k countClock) settled(t feed.Instant) feed.Instant { return k.begins(k.whole(t)) }

// countsOf are the counts of a row that has arrived. Those that another clock made, of
// a rule that was, of hours that were edited, or before the clock was set back, begin
// anew: by this one the last arrival would lie in another bucket.
func (m *Machine) countsOf(f *feedState, id rowID, k countClock) *counts {
	b, i := f.blocks[id.block()], id.place()
	if b.counts == nil {
		b.counts = make([]counts, blockRows)
	}
	c := &b.counts[i]
	if last := k.bucket(b.rows[i].arrival); b.rows[i].arrival > 0 && c.newest != last {
		c.restart(last, m.now)
		b.marksChanged = true
		f.wake(id, m.now)
	}
	return c
}

// forgetCounts lets go of what was counted for a row whose rule counts nothing.
func (f *feedState) forgetCounts(b *block, i int) {
	if r := f.ruleOf(b, i); b.counts != nil && (r == nil || r.MinUpdates().IsZero()) {
		b.counts[i] = counts{}
	}
}

// countBeat counts updates for a client and for its groups. A source that is read gives
// the same arrival until there is another, so there only another is one more.
func (m *Machine) countBeat(f *feedState, id rowID, src int, n uint32, arrival feed.Instant) {
	b, i := f.blocks[id.block()], id.place()
	if arrival <= b.lastSeen(i) && m.sources.all[src].Name != feed.Push.Name {
		return
	}
	m.countRow(f, id, n, arrival)
	for _, g := range m.groupRows[b.rows[i].groups] {
		m.countRow(f, g, n, arrival)
	}
}

// countRow counts updates for one row, before it is told of the arrival. One that comes
// past its deadline ends a silence: that had its own incident, and what did not come
// meanwhile is no trickle, so the window begins anew.
func (m *Machine) countRow(f *feedState, id rowID, n uint32, arrival feed.Instant) {
	b, i := f.blocks[id.block()], id.place()
	r := f.ruleOf(b, i)
	if r == nil || r.MinUpdates().IsZero() {
		return
	}
	k := countClockOf(r)
	c, before := m.countsOf(f, id, k), b.lastSeen(i)
	switch deadline := r.Deadline(before); {
	case before.IsZero() || b.rows[i].verdict == Retired:
		*c = counts{from: arrival, newest: k.bucket(arrival)}
	case !deadline.IsZero() && arrival > deadline:
		c.from = arrival
	}
	c.add(k.bucket(arrival), n)
	b.marksChanged = true
	if horizon := m.sources.sets[b.rows[i].sources].horizon; arrival < horizon {
		f.wake(id, horizon) // it came late, to a window that was judged already
	}
}

// mergedCounts lets the counts of a group know of an arrival that it takes over from a
// client that came to it: what that brought was counted elsewhere.
func (m *Machine) mergedCounts(f *feedState, g rowID, arrival feed.Instant) {
	b, i := f.blocks[g.block()], g.place()
	if r := f.ruleOf(b, i); r != nil && !r.MinUpdates().IsZero() {
		if b.rows[i].arrival > 0 {
			k := countClockOf(r)
			m.countsOf(f, g, k).add(k.bucket(arrival), 0)
		}
	}
}
