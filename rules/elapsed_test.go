package rules

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/feedwatch/feedwatch/watchdog/feed"
)

// The clock of active hours runs as they do, and stands still otherwise.
func TestElapsedIsActiveTime(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		a, _ := drawActive(rt)
		from, to := drawInstant(rt), drawInstant(rt)
		if to < from {
			from, to = to, from
		}
		if got, want := a.Elapsed(to)-a.Elapsed(from), feed.Instant(a.Between(from, to)/time.Millisecond); got != want {
			rt.Fatalf("%s: from %s to %s it goes on by %d ms, active are %d", a, from, to, got, want)
		}
		at := a.Reads(a.Elapsed(to))
		if a.Elapsed(at) != a.Elapsed(to) || at > to || a.Elapsed(at-1) == a.Elapsed(at) {
			rt.Fatalf("%s: at %s it shows %d, and is said to do so first at %s", a, to, a.Elapsed(to), at)
		}
	})
	var always *Active
	for _, at := range []feed.Instant{0, beginOf(1999), beginOf(2026), beginOf(2300)} {
		if always.Elapsed(at) != at || always.Reads(at) != at {
			t.Errorf("always, it shows %s at %s", always.Elapsed(at), at)
		}
	}
}
