package watchdog

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/feedwatch/feedwatch/watchdog/feed"
)

var countedRules = strings.Replace(plain, "{name: clients, stale_after: 10m}", "{name: clients, stale_after: 10m, min_updates: {count: 10, per: 1h}}", 1)

// BenchmarkHeartbeatCounted is a heartbeat where the rule has min_updates.
func BenchmarkHeartbeatCounted(b *testing.B) {
	r, beats := fleetOf(b, fleet)
	r.step(&UseRules{Set: parse(b, countedRules)})
	benchmarkBeats(b, r, beats)
}

// BenchmarkMemoryCounted is what a series takes where its rule has min_updates, and
// what of it is saved.
func BenchmarkMemoryCounted(b *testing.B) {
	for _, n := range sizes(10_000, fleet) {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			for b.Loop() {
				r, beats := newRig(b, countedRules), make([]feed.Heartbeat, n)
				for i := range beats {
					beats[i] = beatOf(fmt.Sprintf("client-%05x", i), noon, "cluster", fmt.Sprint(i%20), "tier", fmt.Sprint(i%3), "region", fmt.Sprint(i%5))
				}
				before := heap()
				for minute := range 60 {
					r.now = noon.Add(time.Duration(minute) * time.Minute)
					for i := range beats {
						beats[i].Arrival = r.now
					}
					r.hear(feed.Push, beats...)
				}
				b.ReportMetric(float64(heap()-before)/float64(n), "bytes/series")
				saved := 0
				for _, block := range r.m.feeds["f"].blocks {
					saved += len(encodeMarks(block))
				}
				b.ReportMetric(float64(saved)/float64(n), "saved-bytes/series")
				runtime.KeepAlive(r)
				runtime.KeepAlive(beats)
			}
		})
	}
}

// BenchmarkWindowsEnd is the end of a bucket where all have brought too few: each row is
// looked at, and one incident opens.
func BenchmarkWindowsEnd(b *testing.B) {
	for b.Loop() {
		b.StopTimer()
		r, beats := fleetOf(b, fleet)
		r.step(&UseRules{Set: parse(b, strings.Replace(countedRules, "stale_after: 10m", "stale_after: 1h", 1))})
		for _, at := range []time.Duration{50 * time.Minute, 67 * time.Minute} {
			r.now = noon.Add(at)
			for i := range beats {
				beats[i].Arrival = r.now
			}
			r.hear(feed.Push, beats...)
		}
		r.now = noon.Add(time.Hour + 8*time.Minute)
		b.StartTimer()
		r.step()
		b.StopTimer()
		if f := r.m.feeds["f"]; f.clients[Trickling] != fleet {
			b.Fatalf("%d are trickling", f.clients[Trickling])
		}
		b.StartTimer()
	}
}
