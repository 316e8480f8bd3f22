package watchdog

import (
	"fmt"
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
