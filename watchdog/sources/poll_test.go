package sources

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/feedwatch/feedwatch/watchdog/bubble"
	"github.com/feedwatch/feedwatch/watchdog/feed"
	"github.com/feedwatch/feedwatch/watchdog/said"
)

// readFunc is a Reader.
type readFunc func(ctx context.Context) (feed.Report, error)

func (f readFunc) Read(ctx context.Context) (feed.Report, error) { return f(ctx) }

func polling(jitter func() float64) Polling {
	return Polling{
		Source:   feed.Source{Name: "prom-eu", LagMax: time.Minute},
		Schedule: Schedule{Interval: 30 * time.Second, Timeout: 10 * time.Second},
		Jitter:   jitter,
		Metrics:  NewMetrics(prometheus.NewRegistry()),
	}
}

// pollFor runs Poll for d of synthetic time and gives what it reported, and when.
func pollFor(t *testing.T, d time.Duration, cfg Polling, read readFunc, log *slog.Logger) (reports []feed.Report, at []time.Duration) {
	t.Helper()
	begun := time.Now()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	sink := func(_ context.Context, r feed.Report) error {
		reports = append(reports, r)
		at = append(at, time.Since(begun))
		return nil
	}
	if err := Poll(ctx, cfg, read, sink, log); err != nil {
		t.Errorf("Poll ended with %v, want nil", err)
	}
	return reports, at
}

func equal(t *testing.T, what string, got, want any) {
	t.Helper()
	if d := diff(got, want); d != "" {
		t.Errorf("%s: %s", what, d)
	}
}

func TestPollTiming(t *testing.T) {
	good := feed.Report{KnownThrough: 1}
	for _, c := range []struct {
		name   string
		jitter func() float64
		takes  time.Duration
		want   []time.Duration
	}{
		{"at once, then every interval", nil, 0, []time.Duration{0, 30 * time.Second, time.Minute}},
		{"a slow read does not push the next", nil, 5 * time.Second, []time.Duration{5 * time.Second, 35 * time.Second, 65 * time.Second}},
		{"jitter only ever comes sooner", func() float64 { return 0.5 }, 0, []time.Duration{0, 28500 * time.Millisecond, 57 * time.Second}},
	} {
		t.Run(c.name, func(t *testing.T) {
			bubble.Test(t, func(t *testing.T) {
				read := func(context.Context) (feed.Report, error) { time.Sleep(c.takes); return good, nil }
				_, at := pollFor(t, 70*time.Second, polling(c.jitter), read, said.Log())
				equal(t, "reports at", at, c.want)
			})
		})
	}
}

func TestPollReportsFailures(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		var log strings.Builder
		cfg := polling(nil)
		n := 0
		read := func(ctx context.Context) (feed.Report, error) {
			n++
			switch n {
			case 1, 4:
				return feed.Report{Source: cfg.Source, KnownThrough: feed.Instant(n)}, nil
			case 2:
				return feed.Report{KnownThrough: 99}, errors.New("cannot reach http://prom:9090: connection\nrefused")
			default: // a read that does not end
				<-ctx.Done()
				return feed.Report{}, context.Cause(ctx)
			}
		}
		reports, _ := pollFor(t, 100*time.Second, cfg, read, slog.New(slog.NewTextHandler(said.Also(&log), nil)))
		equal(t, "reports", reports, []feed.Report{
			{Source: cfg.Source, KnownThrough: 1},
			{Source: cfg.Source, Failure: "cannot reach http://prom:9090: connection refused"},
			{Source: cfg.Source, Failure: "the read's timeout has passed"},
			{Source: cfg.Source, KnownThrough: 4},
		})
		equal(t, "log lines: one when it begins to fail, one when it is well", strings.Count(log.String(), "\n"), 2)
		want := `
			# HELP feedwatch_source_reads_total Reads of pulled sources by result: ok, failed, or lost when the engine did not take what was read.
			# TYPE feedwatch_source_reads_total counter
			feedwatch_source_reads_total{result="failed",source="prom-eu"} 2
			feedwatch_source_reads_total{result="ok",source="prom-eu"} 2
			`
		if err := testutil.CollectAndCompare(cfg.Metrics.reads, strings.NewReader(want)); err != nil {
			t.Error(err)
		}
	})
}

func TestPollStopsWithoutAFailure(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		read := func(ctx context.Context) (feed.Report, error) {
			cancel()
			<-ctx.Done()
			return feed.Report{}, ctx.Err()
		}
		sink := func(context.Context, feed.Report) error {
			t.Error("a read that stopping cut short was reported")
			return nil
		}
		if err := Poll(ctx, polling(nil), readFunc(read), sink, said.Log()); err != nil {
			t.Error(err)
		}
	})
}

func TestPollGoesOnWhenTheSinkRefuses(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 70*time.Second)
		defer cancel()
		cfg, reads := polling(nil), 0
		read := func(context.Context) (feed.Report, error) { reads++; return feed.Report{}, nil }
		sink := func(context.Context, feed.Report) error { return errors.New("the queue is full") }
		if err := Poll(ctx, cfg, readFunc(read), sink, said.Log()); err != nil {
			t.Error(err)
		}
		equal(t, "reads", reads, 3)
		equal(t, "lost", testutil.ToFloat64(cfg.Metrics.reads.WithLabelValues("prom-eu", "lost")), 3.0)
	})
}

func TestSchedule(t *testing.T) {
	for _, c := range []struct {
		name string
		in   Schedule
		want Schedule
		err  string
	}{
		{"defaults", Schedule{}, Schedule{30 * time.Second, 10 * time.Second}, ""},
		{"short interval", Schedule{Interval: 5 * time.Second}, Schedule{5 * time.Second, 5 * time.Second}, ""},
		{"too short", Schedule{Interval: time.Millisecond}, Schedule{}, "1s is the least"},
		{"negative interval", Schedule{Interval: -time.Hour}, Schedule{}, "too short"},
		{"negative timeout", Schedule{Timeout: -1}, Schedule{}, "below zero"},
		{"timeout over interval", Schedule{Interval: time.Second, Timeout: 2 * time.Second}, Schedule{}, "run into each other"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := c.in.WithDefaults()
			if c.err == "" {
				equal(t, "schedule", got, c.want)
			}
			wantError(t, err, c.err)
		})
	}
	equal(t, "lag", Schedule{Interval: 30 * time.Second, Timeout: 10 * time.Second}.LagMax(), 100*time.Second)
}
