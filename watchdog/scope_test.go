package watchdog

import (
	"slices"
	"testing"
	"time"
)

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
