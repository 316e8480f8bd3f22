package watchdog

import (
	"math"
	"time"

	"github.com/feedwatch/feedwatch/watchdog/feed"
)

// rateOver is the time over which the rate of a series is averaged, so that day
// and night weigh alike.
const rateOver = 24 * time.Hour

// countUpdates moves the average rate of a series, in updates a second: an
// exponentially weighted moving average over rateOver, in the form that needs no
// exponential, r' = (r + n/T) / (1 + dt/T). In a steady state it is n/dt.
func (b *block) countUpdates(i int, n uint32, before, arrival feed.Instant) {
	if before <= 0 {
		b.rows[i].since = uint32(int64(arrival) / 1000)
		b.namesChanged = true
		return
	}
	over := float32(rateOver.Seconds())
	dt := float32(arrival-before) / 1000
	b.rows[i].rate = (b.rows[i].rate + float32(n)/over) / (1 + dt/over)
}

// updateRate is the rate of a series at its arrival then, in updates a second; 0
// where it is not known. The average began at nothing when the series was first seen, and what it
// lacks for that is put back.
func (b *block) updateRate(i int, then feed.Instant) float64 {
	age := float64(int64(then)/1000 - int64(b.rows[i].since))
	if b.rows[i].since == 0 || age <= 0 || b.rows[i].rate <= 0 {
		return 0
	}
	return float64(b.rows[i].rate) / (1 - math.Exp(-age/rateOver.Seconds()))
}
