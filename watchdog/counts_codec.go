package watchdog

import (
	"encoding/binary"
	"math"

	"github.com/feedwatch/feedwatch/watchdog/feed"
)

// appendCounts writes the counts of all rows of a block, if any has some. Of a row
// without, a zero stands there; of others the newest bucket, since when they count,
// since when too few come, which of the slots are not empty, and those.
func appendCounts(out []byte, b *block) []byte {
	if b.counts == nil {
		return out
	}
	for i := range b.rows {
		c := &b.counts[i]
		out = binary.AppendUvarint(out, uint64(c.newest))
		if c.newest == 0 {
			continue
		}
		out = binary.AppendUvarint(binary.AppendUvarint(out, uint64(c.from)), uint64(c.since))
		used := uint64(0)
		for n, slot := range c.slots {
			if slot != 0 {
				used |= 1 << n
			}
		}
		out = binary.AppendUvarint(out, used)
		for _, slot := range c.slots {
			if slot != 0 {
				out = binary.AppendUvarint(out, uint64(slot))
			}
		}
	}
	return out
}

// readCounts reads what appendCounts wrote; a feedwatch that counted nothing wrote none.
func (d *decoder) readCounts(r *reader) {
	if len(r.data) == 0 || r.err != nil {
		return
	}
	d.counts = append(d.counts[:0], make([]counts, len(d.rows))...)
	for i := range d.rows {
		c := &d.counts[i]
		if c.newest = uint32(r.count(math.MaxUint32)); c.newest == 0 {
			continue
		}
		c.from, c.since = feed.Instant(r.count(math.MaxInt64)), feed.Instant(r.count(math.MaxInt64))
		used := r.count(1<<countSlots - 1)
		for n := range c.slots {
			if used&(1<<n) != 0 {
				c.slots[n] = uint32(r.count(math.MaxUint32))
			}
		}
		d.rows[i].counts = c
	}
}

// restoreCounts gives a row back what was counted. Whether that is by the clock of its
// rule is found once it has one; if our own was set back meanwhile it is not.
func (m *Machine) restoreCounts(b *block, i int, saved counts) {
	if b.counts == nil {
		b.counts = make([]counts, blockRows)
	}
	back(m.ahead, &saved.since)
	saved.from, saved.since = min(saved.from, m.now), min(saved.since, m.now)
	if m.ahead > 0 {
		saved.restart(0, m.now)
	}
	b.counts[i] = saved
}
