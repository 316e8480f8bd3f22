package watchdog

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"
	"time"

	"github.com/feedwatch/feedwatch/watchdog/feed"
)

const fleet = 1_000_000

// fleetOf is a rig with n clients on 20 clusters, all heard at noon.
func fleetOf(tb testing.TB, n int) (*rig, []feed.Heartbeat) {
	tb.Helper()
	r := newRig(tb, plain)
	beats := make([]feed.Heartbeat, n)
	for i := range beats {
		beats[i] = beatOf(fmt.Sprintf("client-%07d", i), noon, "cluster", fmt.Sprint(i%20))
	}
	r.hear(feed.Push, beats...)
	return r, beats
}

func TestAHeartbeatOfAFreshSeriesAllocatesNothing(t *testing.T) {
	r, beats := fleetOf(t, 100)
	src := r.m.sources.find(feed.Push.Name)
	n := testing.AllocsPerRun(100, func() {
		r.m.now++
		for i := range beats {
			beats[i].Arrival = r.m.now
			r.m.beat(src, &beats[i])
		}
	})
	if n > 0 {
		t.Errorf("%v allocations for 100 heartbeats", n)
	}
}

func BenchmarkHeartbeat(b *testing.B) {
	r, beats := fleetOf(b, fleet)
	src := r.m.sources.find(feed.Push.Name)
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		if i == fleet {
			i = 0
			r.m.now++
		}
		beats[i].Arrival = r.m.now
		r.m.beat(src, &beats[i])
		i++
	}
}

// BenchmarkHeartbeatAtRandom hears series in an order that no cache foresees.
func BenchmarkHeartbeatAtRandom(b *testing.B) {
	r, beats := fleetOf(b, fleet)
	src := r.m.sources.find(feed.Push.Name)
	order := rand.New(rand.NewPCG(1, 2)).Perm(fleet)
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		if i == fleet {
			i = 0
			r.m.now++
		}
		hb := &beats[order[i]]
		hb.Arrival = r.m.now
		r.m.beat(src, hb)
		i++
	}
}

// BenchmarkMemory is what a series takes with a name of 12 bytes and three labels.
func BenchmarkMemory(b *testing.B) {
	for _, n := range []int{10_000, 100_000, fleet} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			for b.Loop() {
				r := newRig(b, plain)
				before := heap()
				for i := range n {
					r.hear(feed.Push, beatOf(fmt.Sprintf("client-%05x", i), noon, "cluster", fmt.Sprint(i%20), "tier", fmt.Sprint(i%3), "region", fmt.Sprint(i%5)))
				}
				b.ReportMetric(float64(heap()-before)/float64(n), "bytes/series")
				runtime.KeepAlive(r)
			}
		})
	}
}

func heap() int {
	runtime.GC()
	var s runtime.MemStats
	runtime.ReadMemStats(&s)
	return int(s.HeapAlloc)
}

func BenchmarkIdleTick(b *testing.B) {
	r, _ := fleetOf(b, fleet)
	b.ReportAllocs()
	for b.Loop() {
		r.now++
		r.m.Step(r.now, &Heard{Report: feed.Report{Source: feed.Push, KnownThrough: r.now}})
	}
}

// BenchmarkEverythingSilent is a million series turning stale and their incident.
func BenchmarkEverythingSilent(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		b.StopTimer()
		r, _ := fleetOf(b, fleet)
		r.jump(10*time.Minute - time.Millisecond)
		r.now = noon.Add(10 * time.Minute)
		b.StartTimer()
		r.step()
		r.now = r.now.Add(gatherFor)
		if all := r.step(); len(all) != 1 || all[0].Scope.Silent != fleet {
			b.Fatalf("%d changes", len(all))
		}
	}
}
