package watchdog

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/feedwatch/feedwatch/watchdog/feed"
)

// trickleRecount says from all that was ever heard of one client whether too few come: it
// keeps every heartbeat, and no bucket.
type trickleRecount struct {
	stale, per, width time.Duration
	count             int
	beats             []feed.Heartbeat
	last, from        feed.Instant
	since             feed.Instant
	down              []Restart // when nothing was heard
}

func (c *trickleRecount) came(from, to feed.Instant) (n int) {
	for _, hb := range c.beats {
		if from <= hb.Arrival && hb.Arrival < to {
			n += int(hb.Count)
		}
	}
	return n
}

func (c *trickleRecount) arrived(from, to feed.Instant) bool {
	for _, hb := range c.beats {
		if from <= hb.Arrival && hb.Arrival < to {
			return true
		}
	}
	return false
}

// hear takes a heartbeat; known is up to when all is known.
func (c *trickleRecount) hear(hb feed.Heartbeat, known feed.Instant) {
	if c.last.IsZero() || hb.Arrival > c.last.Add(c.stale) {
		c.from = hb.Arrival
	}
	c.beats, c.last = append(c.beats, hb), max(c.last, hb.Arrival)
	c.look(known)
}

// look judges the window that ended last.
func (c *trickleRecount) look(known feed.Instant) {
	if c.last.IsZero() || known >= c.last.Add(c.stale) {
		return // it is silent
	}
	width := feed.Instant(c.width / time.Millisecond)
	end := known / width * width
	begin := end.Add(-c.per)
	need, unheard := c.count, c.unheard(begin, end)
	whole := begin >= c.from && 2*unheard <= c.per
	if whole {
		need = int(int64(c.count) * int64(c.per-unheard) / int64(c.per))
	}
	switch {
	case c.came(begin, end) >= need, c.came(begin+width, end+width) >= need:
		c.since = 0
	case c.since == 0 && whole && c.arrived(end-width, end):
		c.since = end
		if n := len(c.down); n > 0 {
			c.since = max(end, c.down[n-1].At)
		}
	}
}

// unheard is how much of a time we were down.
func (c *trickleRecount) unheard(from, to feed.Instant) (sum time.Duration) {
	for _, d := range c.down {
		sum += max(0, min(to, d.At).Sub(max(from, d.Through)))
	}
	return sum
}

// A client trickles exactly when a recount of all that it sent says so, however much
// it sends at once, late, or not at all; and then, unless it was silent before, an incident
// about that is open as of the end of the window.
func TestATrickleIsWhatARecountSays(t *testing.T) {
	trickles, crashes := 0, 0
	rapid.Check(t, func(rt *rapid.T) {
		count := rapid.IntRange(1, 30).Draw(rt, "count")
		yaml := strings.Replace(trickleRules, "count: 10", fmt.Sprint("count: ", count), 1)
		r := newRig(t, yaml)
		naive := &trickleRecount{stale: 20 * time.Minute, per: 40 * time.Minute, width: 5 * time.Minute, count: count}
		seldom := 1
		for n := range 200 {
			r.now = r.now.Add(time.Duration(rapid.IntRange(20, 100).Draw(rt, "seconds")) * time.Second)
			if rapid.IntRange(0, 200).Draw(rt, "crash") == 200 {
				down := time.Duration(rapid.SampledFrom([]int{1, 4, 15, 25, 200}).Draw(rt, "down")) * time.Minute
				naive.down = append(naive.down, Restart{Through: r.m.now, At: r.now.Add(down)})
				r.restartAfter(yaml, down)
				crashes++
			}
			naive.look(r.now) // known-through comes with the step
			r.step()
			if n%40 == 0 {
				seldom = rapid.SampledFrom([]int{1, 2, 5, 8, 30}).Draw(rt, "one in")
			}
			if rapid.IntRange(1, seldom).Draw(rt, "turn") > 1 {
				continue
			}
			hb := beatOf("a1", r.now.Add(-time.Duration(rapid.SampledFrom([]int{0, 0, 0, 10, 200, 900, 4000}).Draw(rt, "ago"))*time.Second))
			hb.Count = rapid.SampledFrom([]uint32{1, 1, 1, 2, 7}).Draw(rt, "updates")
			naive.hear(hb, r.now)
			r.hear(feed.Push, hb)
			r.step()
			checkTrickle(rt, r, naive)
			if naive.since != 0 {
				trickles++
			}
		}
		checkInvariants(rt2tb{t, rt}, r.m)
	})
	if trickles == 0 || crashes == 0 {
		t.Errorf("trickling %d times, %d crashes", trickles, crashes)
	}
}

func checkTrickle(t *rapid.T, r *rig, naive *trickleRecount) {
	f := r.m.feeds["f"]
	id, _ := f.row("a1")
	b, i := f.blocks[id.block()], id.place()
	silent := r.now >= naive.last.Add(naive.stale)
	if v := b.rows[i].verdict; !silent && (v == Trickling) != (naive.since != 0) {
		t.Fatalf("at %s it is %s, by a recount it trickles since %s: %+v", r.now.Sub(noon), v, naive.since, b.counts[i])
	}
	if b.rows[i].verdict != Trickling {
		return
	}
	inc := r.m.incidents[b.rows[i].in]
	if inc == nil && f.gathered > r.now {
		return // it waits for others
	}
	if inc == nil || inc.Cause == CauseTrickling && inc.Opened > naive.since && len(inc.Events) == 1 {
		t.Fatalf("at %s it trickles since %s in %+v", r.now.Sub(noon), naive.since, inc)
	}
}
