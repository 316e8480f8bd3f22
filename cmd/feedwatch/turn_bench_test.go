package main

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/feedwatch/feedwatch/rules"
	"github.com/feedwatch/feedwatch/watchdog"
	"github.com/feedwatch/feedwatch/watchdog/engine"
	"github.com/feedwatch/feedwatch/watchdog/feed"
	"github.com/feedwatch/feedwatch/watchdog/store"
)

// tenMillion adds the sizes that take minutes and gigabytes.
var tenMillion = flag.Bool("ten-million", false, "benchmarks of ten million series, too")

// sizes are a million, and ten million where that was asked for.
func sizes() []int {
	if *tenMillion {
		return []int{benchSeries, 10 * benchSeries}
	}
	return []int{benchSeries}
}

// benchFeeds is over how many feeds the series of a benchmark are spread.
const benchFeeds = 100

// benchEngine is an engine with a store, whose turns the benchmark makes and times.
type benchEngine struct {
	*engine.Engine
	b      *testing.B
	now    time.Time
	store  *counted
	series int
	next   int // series to hear from
	longest
}

// longest is how long turns took, and a request with the turns it waited for.
type longest struct{ turn, turnCPU, request time.Duration }

func (l *longest) report(b *testing.B) {
	b.ReportMetric(l.turnCPU.Seconds()*1000, "longest-turn-cpu-ms")
	b.ReportMetric(l.turn.Seconds()*1000, "longest-turn-ms")
	b.ReportMetric(l.request.Seconds()*1000, "longest-request-ms")
}

// counted counts the blocks that are written.
type counted struct {
	*store.SQLite
	blocks atomic.Int64
}

func (c *counted) SaveBlocks(ctx context.Context, flush watchdog.Flush) error {
	c.blocks.Add(int64(len(flush.Blocks)))
	return c.SQLite.SaveBlocks(ctx, flush)
}

type nobody struct{}

func (nobody) Apply([]*watchdog.Incident, bool) {}

func startEngine(b *testing.B, series int) *benchEngine {
	runtime.LockOSThread() // whose CPU time is a turn's
	b.Cleanup(runtime.UnlockOSThread)
	db, err := store.OpenSQLite(b.Context(), filepath.Join(b.TempDir(), "feedwatch.db"), slog.New(slog.DiscardHandler))
	if err != nil {
		b.Fatal(err)
	}
	e := &benchEngine{b: b, series: series, now: time.Now(), store: &counted{SQLite: db}}
	e.Engine, err = engine.New(b.Context(), engine.Config{
		Install: "bench", Store: e.store, Archive: db, Delivery: nobody{}, Log: slog.New(slog.DiscardHandler),
		Registerer: prometheus.NewRegistry(), Now: func() time.Time { return e.now }, HeardThrough: func(now time.Time) time.Time { return now },
	}, &watchdog.Saved{})
	if err != nil {
		b.Fatal(err)
	}
	committed := e.Commit(b.Context())
	b.Cleanup(func() {
		committed()
		_ = db.Close()
	})
	e.use(benchSet(b, "1h"))
	for range series / benchBatch {
		e.hear(0)
	}
	e.settle()
	return e
}

// settle makes turns until all is written.
func (e *benchEngine) settle() {
	for before := int64(-1); before != e.store.blocks.Load(); {
		before = e.store.blocks.Load()
		e.now = e.now.Add(10 * time.Second)
		for range 20 {
			e.Drive()
			time.Sleep(10 * time.Millisecond)
		}
	}
}

func benchSet(b *testing.B, staleAfter string) *rules.Set {
	set, err := rules.Parse([]rules.File{{Name: "a.yaml", Data: []byte(manyFeeds(staleAfter))}})
	if err != nil {
		b.Fatal(err)
	}
	return set
}

// manyFeeds are rules of benchFeeds feeds: three for clients and two for groups.
func manyFeeds(staleAfter string) string {
	var text strings.Builder
	text.WriteString("feeds:\n")
	for n := range benchFeeds {
		fmt.Fprintf(&text, `  - name: feed-%d
    retention: 7d
    escalation: nobody
    rules:
      - {name: whole-feed, per: feed, stale_after: 6d}
      - {name: clusters, per: cluster, stale_after: 6d}
      - {name: batch, stale_after: 1d, match: ['client=~"batch-.*"']}
      - {name: gold, stale_after: 2h, match: ['tier="gold"']}
      - {name: everyone, stale_after: %s}
`, n, staleAfter)
	}
	text.WriteString("escalations:\n  - name: nobody\n    steps:\n      - notify: [console/none]\n")
	return text.String()
}

// use puts rules in force.
func (e *benchEngine) use(set *rules.Set) {
	done := make(chan error, 1)
	go func() { done <- e.UseRules(e.b.Context(), set, nil) }()
	e.until(done)
}

// hear lets the next benchBatch series be heard in one request, and time pass.
func (e *benchEngine) hear(pass time.Duration) {
	e.now = e.now.Add(pass)
	beats := make([]feed.Heartbeat, benchBatch)
	for i := range beats {
		n := (e.next + i) % e.series
		key, err := feed.ParseKey(fmt.Sprint("feed-", n*benchFeeds/e.series), fmt.Sprintf("client-%07d", n))
		if err != nil {
			e.b.Fatal(err)
		}
		beats[i] = feed.Heartbeat{Key: key, Arrival: feed.At(e.now), Count: 1, Labels: benchLabels[n%len(benchLabels)]}
	}
	e.next += benchBatch
	done, begun := make(chan error, 1), time.Now()
	go func() {
		_, err := e.Submit(e.b.Context(), feed.Report{Source: feed.Push, Heartbeats: beats})
		done <- err
	}()
	e.until(done)
	e.request = max(e.request, time.Since(begun))
}

// benchLabels are those of clients, in turns.
var benchLabels = func() (all []feed.Labels) {
	for n := range 60 {
		labels, err := feed.ParseLabels(map[string]string{"cluster": fmt.Sprint("c", n%20), "tier": []string{"free", "pro", "gold"}[n%3], "region": fmt.Sprint("r", n%5)})
		if err != nil {
			panic(err)
		}
		all = append(all, labels)
	}
	return all
}()

// until makes turns until done says so, and notes the longest.
func (e *benchEngine) until(done <-chan error) {
	for {
		runtime.Gosched()
		wall, cpu := time.Now(), threadTime(e.b)
		e.Drive()
		e.turn = max(e.turn, time.Since(wall))
		e.turnCPU = max(e.turnCPU, threadTime(e.b)-cpu)
		select {
		case err := <-done:
			if err != nil {
				e.b.Fatal(err)
			}
			return
		default:
		}
	}
}

// threadTime is what this thread has spent so far.
func threadTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(rusageThread, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

const rusageThread = 1 // RUSAGE_THREAD, which package syscall does not name

// written is how many bytes this process has written to files so far.
func written(b *testing.B) (n int) {
	text, err := os.ReadFile("/proc/self/io")
	if err != nil {
		b.Fatal(err)
	}
	if _, err := fmt.Sscanf(string(text[strings.Index(string(text), "wchar:"):]), "wchar: %d", &n); err != nil {
		b.Fatal(err)
	}
	return n
}

// BenchmarkFlush hears every series once every 15 s of the engine's clock, with
// a flush every 10 s: how long the longest turn is, and what is written.
func BenchmarkFlush(b *testing.B) {
	for _, series := range sizes() {
		b.Run(fmt.Sprint(series), func(b *testing.B) {
			e := startEngine(b, series)
			turns := series / benchBatch
			e.longest = longest{}
			before, blocks, heard := written(b), e.store.blocks.Load(), 0
			for b.Loop() {
				for range turns {
					e.hear(15 * time.Second / time.Duration(turns))
				}
				heard += series
			}
			e.report(b)
			e.settle()
			b.ReportMetric(float64(written(b)-before)/float64(heard), "written-bytes/heartbeat")
			b.ReportMetric(float64(written(b)-before)/float64(e.store.blocks.Load()-blocks), "written-bytes/block")
		})
	}
}

// BenchmarkReload puts rules in force that say otherwise for most series, while
// heartbeats come one request after another.
func BenchmarkReload(b *testing.B) {
	for _, series := range sizes() {
		b.Run(fmt.Sprint(series), func(b *testing.B) {
			e := startEngine(b, series)
			sets := []*rules.Set{benchSet(b, "90m"), benchSet(b, "1h")}
			e.longest = longest{}
			before, n := threadTime(b), 0
			for b.Loop() {
				done := make(chan error, 1)
				go func() { done <- e.UseRules(b.Context(), sets[n%2], nil) }()
				for len(done) == 0 {
					e.hear(time.Millisecond)
				}
				if err := <-done; err != nil {
					b.Fatal(err)
				}
				n++
			}
			e.report(b)
			b.ReportMetric((threadTime(b)-before).Seconds()/float64(n), "cpu-s/reload")
		})
	}
}
