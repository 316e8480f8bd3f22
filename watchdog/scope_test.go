package watchdog

import (
	"math"
	"slices"
	"testing"
	"time"
)

func TestLLR(t *testing.T) {
	for _, c := range []struct {
		p, all tally
		want   float64
	}{
		// 10 of 10 against 0 of 20: -(10 ln(1/3) + 20 ln(2/3)).
		{tally{10, 10}, tally{30, 10}, 19.0954},
		// 5 of 10 against 5 of 90: -6.9315 - 19.3104 + 32.5083.
		{tally{10, 5}, tally{100, 10}, 6.2664},
		{tally{10, 1}, tally{100, 10}, 0}, // no worse than the rest
		{tally{10, 0}, tally{100, 10}, 0},
		{tally{100, 10}, tally{100, 10}, 0}, // nothing else to compare with
	} {
		if got := llr(c.p, c.all); math.Abs(got-c.want) > 0.001 {
			t.Errorf("llr(%+v, %+v) = %.4f, want %.4f", c.p, c.all, got, c.want)
		}
	}
}

// TestScope: which clients fall silent when, and how people are told of it.
func TestScope(t *testing.T) {
	for _, c := range []struct {
		name   string
		silent map[string]time.Duration // cluster -> its last update
		want   []string
	}{
		{"one cluster", map[string]time.Duration{"a": 0}, []string{"silent cluster=a 20/20"}},
		{"everything", map[string]time.Duration{"a": 0, "b": 0, "c": 0, "d": 0}, []string{"silent all clients 80/80"}},
		{"two clusters", map[string]time.Duration{"a": 0, "b": 0}, []string{"silent cluster=a 20/20", "silent cluster=b 20/20"}},
		{
			"a cluster, then everything",
			map[string]time.Duration{"a": 0, "b": 4 * time.Minute, "c": 4 * time.Minute, "d": 4 * time.Minute},
			[]string{"silent all clients 80/80"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t, plain)
			for now := time.Duration(0); now <= 20*time.Minute; now += time.Minute {
				r.to(now)
				for _, cluster := range []string{"a", "b", "c", "d"} {
					if last, stops := c.silent[cluster]; !stops || now <= last {
						r.beat(cluster, 20, "cluster", cluster)
					}
				}
				checkInvariants(t, r.m)
			}
			got := scopesOf(r.open())
			slices.Sort(got)
			if !slices.Equal(got, c.want) {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}
