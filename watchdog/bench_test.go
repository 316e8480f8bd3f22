package watchdog

import (
	"flag"
	"fmt"
	"math/bits"
	"math/rand/v2"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"github.com/feedwatch/feedwatch/watchdog/feed"
)

const fleet = 1_000_000

var (
	// tenMillion adds the sizes that take minutes and gigabytes.
	tenMillion = flag.Bool("ten-million", false, "benchmarks of ten million series, too")
	growth     = flag.Bool("growth", false, "benchmarks of ten thousand to ten million series, a decade apart")
)

// sizes are those given, and ten million where that was asked for.
func sizes(small ...int) []int {
	if *growth {
		return []int{10_000, 100_000, fleet, 10 * fleet}
	}
	if *tenMillion {
		return append(small, 10*fleet)
	}
	return small
}

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
		}
		r.m.beats(src, nil, beats, func(int, feed.Refusal) {})
	})
	if n > 0 {
		t.Errorf("%v allocations for 100 heartbeats", n)
	}
}

// request is how many heartbeats the benchmarks hand over at once.
const request = 1000

func BenchmarkHeartbeat(b *testing.B) {
	for _, n := range sizes(fleet) {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			r, beats := fleetOf(b, n)
			benchmarkBeats(b, r, beats)
		})
	}
}

// BenchmarkHeartbeatAtRandom hears series in an order that no cache foresees, their
// names in one text, as a request has them.
func BenchmarkHeartbeatAtRandom(b *testing.B) {
	for _, n := range sizes(fleet) {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			r, beats := fleetOf(b, n)
			var text strings.Builder
			for _, i := range rand.New(rand.NewPCG(1, 2)).Perm(n) {
				text.WriteString(beats[i].Key.Client())
			}
			rest := text.String()
			for i := range beats {
				beats[i] = beatOf(rest[:len("client-0000000")], noon)
				rest = rest[len("client-0000000"):]
			}
			benchmarkBeats(b, r, beats)
		})
	}
}

// BenchmarkTableAlone is what no table can do without: to find one of n slots by a hash
// that is known already, at random, and to keep the larger of two times there.
func BenchmarkTableAlone(b *testing.B) {
	type slot struct {
		hash uint64
		at   feed.Instant
	}
	for _, n := range sizes(fleet) {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			random := rand.New(rand.NewPCG(1, 2))
			hashes := make([]uint64, n)
			for i := range hashes {
				hashes[i] = random.Uint64() | 1
			}
			slots := make([]slot, 1<<bits.Len(uint(n*3/2)))
			keep := func(h uint64, at feed.Instant) {
				for i := h >> 1 & uint64(len(slots)-1); ; i = (i + 1) & uint64(len(slots)-1) {
					if s := &slots[i]; s.hash == h || s.hash == 0 {
						s.hash, s.at = h, max(s.at, at)
						return
					}
				}
			}
			for _, h := range hashes {
				keep(h, noon)
			}
			random.Shuffle(n, func(i, k int) { hashes[i], hashes[k] = hashes[k], hashes[i] })
			from, before := 0, cpu(b)
			for b.Loop() {
				if from == n {
					from = 0
				}
				for _, h := range hashes[from : from+request] {
					keep(h, noon.Add(time.Second))
				}
				from += request
			}
			b.ReportMetric(float64((cpu(b)-before).Nanoseconds())/float64(b.N)/request, "cpu-ns/heartbeat")
		})
	}
}

func benchmarkBeats(b *testing.B, r *rig, beats []feed.Heartbeat) {
	src := r.m.sources.find(feed.Push.Name)
	b.ReportAllocs()
	from, before := 0, cpu(b)
	for b.Loop() {
		if from == len(beats) {
			from = 0
			r.m.now++
		}
		some := beats[from : from+request]
		for i := range some {
			some[i].Arrival = r.m.now
		}
		r.m.beats(src, nil, some, func(int, feed.Refusal) {})
		from += request
	}
	b.ReportMetric(float64((cpu(b)-before).Nanoseconds())/float64(b.N)/request, "cpu-ns/heartbeat")
}

// cpu is the time that this process has spent so far: others may share the machine.
func cpu(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkMemory is what a series takes with a name of 12 bytes and three labels, and
// what one garbage collection costs with so many.
func BenchmarkMemory(b *testing.B) {
	for _, n := range sizes(10_000, 100_000, fleet) {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			for b.Loop() {
				r := newRig(b, plain)
				before := heap()
				beats := make([]feed.Heartbeat, 0, request)
				for i := range n {
					beats = append(beats, beatOf(fmt.Sprintf("client-%05x", i), noon, "cluster", fmt.Sprint(i%20), "tier", fmt.Sprint(i%3), "region", fmt.Sprint(i%5)))
					if len(beats) == cap(beats) {
						r.hear(feed.Push, beats...)
						beats = beats[:0]
					}
				}
				b.ReportMetric(float64(heap()-before)/float64(n), "bytes/series")
				rows, names, slots := tableBytes(r.m.feeds["f"])
				b.ReportMetric(float64(rows)/float64(n), "bytes/series-in-rows")
				b.ReportMetric(float64(names)/float64(n), "bytes/series-in-names")
				b.ReportMetric(float64(slots)/float64(n), "bytes/series-in-slots")
				spent := cpu(b)
				runtime.GC()
				b.ReportMetric(float64((cpu(b)-spent).Microseconds())/1000, "cpu-ms/collection")
				runtime.KeepAlive(r)
			}
		})
	}
}

// tableBytes are what the parts of a feed's table that grow with its series take.
func tableBytes(f *feedState) (rows, names, slots int) {
	for _, b := range f.blocks {
		rows += cap(b.rows) * int(unsafe.Sizeof(row{}))
		names += b.names.Cap()
	}
	seen := map[*nameShard]bool{}
	for _, s := range f.names.dir {
		if !seen[s] {
			seen[s] = true
			slots += len(s.slots) * int(unsafe.Sizeof(nameSlot{}))
		}
	}
	return rows, names, slots
}

func heap() int {
	runtime.GC()
	var s runtime.MemStats
	runtime.ReadMemStats(&s)
	return int(s.HeapAlloc)
}

func BenchmarkIdleTick(b *testing.B) {
	for _, n := range sizes(fleet) {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			r, _ := fleetOf(b, n)
			b.ReportAllocs()
			for b.Loop() {
				r.now++
				r.m.Step(r.now, &Heard{Report: feed.Report{Source: feed.Push, KnownThrough: r.now}})
			}
		})
	}
}

// BenchmarkEverythingSilent is all series turning stale at once and their incident: how
// long that takes, and by how much of what the table holds the heap is higher for it.
func BenchmarkEverythingSilent(b *testing.B) {
	for _, n := range sizes(fleet) {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				b.StopTimer()
				r, _ := fleetOf(b, n)
				r.jump(10*time.Minute - time.Millisecond)
				r.now = noon.Add(10 * time.Minute)
				before := heap()
				spent := -cpu(b)
				b.StartTimer()
				r.step()
				r.now = r.now.Add(gatherFor)
				if all := r.step(); len(all) != 1 || all[0].Scope.Silent != n {
					b.Fatalf("%d changes", len(all))
				}
				b.StopTimer()
				b.ReportMetric(float64((spent+cpu(b)).Nanoseconds())/float64(n), "cpu-ns/series")
				b.ReportMetric(100*float64(heap()-before)/float64(before), "%-more-memory")
				runtime.KeepAlive(r)
				b.StartTimer()
			}
		})
	}
}
