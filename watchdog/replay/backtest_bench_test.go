package replay_test

import (
	"bufio"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/feedwatch/feedwatch/rules"
	"github.com/feedwatch/feedwatch/watchdog/replay"
)

// 30 days of the fleet below are 86,400,000 lines:
//
//	go test ./watchdog/replay -run - -bench Backtest -benchtime 1x -history-lines 86400000
var historyLines = flag.Int("history-lines", 1_000_000, "how long the history of the benchmark is")

const (
	benchClients = 10_000
	benchEvery   = 5 * time.Minute
	benchRules   = `feeds:
  - name: external-profiles
    retention: 7d
    escalation: on-call
    rules:
      - {name: whole-feed, per: feed, stale_after: 5m, severity: critical}
      - {name: enterprise, match: ['client=~"client-0000.*"'], stale_after: 11m, severity: critical}
      - {name: everyone, stale_after: 30m, warn_after: 15m, lag_over: 1h}
escalations:
  - {name: on-call, steps: [{notify: [slack/alerts]}, {after: 10m, notify: [pagerduty/cdp], repeat: 1h}]}
`
)

// writeHistory writes lines of a fleet in which each client updates every 5
// minutes, and one client in a thousand leaves out an hour each day.
func writeHistory(tb testing.TB, lines int) (path string) {
	tb.Helper()
	path = filepath.Join(tb.TempDir(), "history.txt")
	f, err := os.Create(path)
	if err != nil {
		tb.Fatal(err)
	}
	w := bufio.NewWriterSize(f, 1<<20)
	names := make([]string, benchClients)
	for i := range names {
		names[i] = fmt.Sprintf("external-profiles client-%05d ", i)
	}
	start := time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC).UnixMilli()
	var line []byte
	for n, round := 0, int64(0); n < lines; round++ {
		for i := 0; i < benchClients && n < lines; i++ {
			at := start + round*benchEvery.Milliseconds() + int64(i)*benchEvery.Milliseconds()/benchClients
			if hours := round / 12; i%1000 == 7 && hours%24 == int64(i/1000) {
				continue
			}
			line = append(append(line[:0], names[i]...), strconv.FormatInt(at, 10)...)
			line = append(append(line, ' '), strconv.FormatInt(at-1500, 10)...)
			_, _ = w.Write(append(line, '\n')) // Flush has the error
			n++
		}
	}
	if err := w.Flush(); err != nil {
		tb.Fatal(err)
	}
	if err := f.Close(); err != nil {
		tb.Fatal(err)
	}
	return path
}

func BenchmarkBacktest(b *testing.B) {
	path := writeHistory(b, *historyLines)
	set := ruleSetOf(b, benchRules)
	b.ReportAllocs()
	for b.Loop() {
		f, err := os.Open(path)
		if err != nil {
			b.Fatal(err)
		}
		h, err := replay.Open(b.Context(), []replay.Recording{{Name: path, Reader: f}}, false)
		if err != nil {
			b.Fatal(err)
		}
		plan := replay.Plan{Sets: []*rules.Set{set}, Reorder: 10 * time.Second}
		all, err := plan.Run(b.Context(), h)
		if err != nil || all[0].Heartbeats != *historyLines {
			b.Fatal(err)
		}
		h.Close()
		if err := f.Close(); err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(all[0].Summary.Incidents), "incidents")
	}
	b.ReportMetric(float64(*historyLines)*float64(b.N)/b.Elapsed().Seconds(), "lines/s")
}
