package prometheus

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/feedwatch/feedwatch/watchdog/feed"
	"github.com/feedwatch/feedwatch/watchdog/sources"
	"github.com/feedwatch/feedwatch/watchdog/sources/sourcetest"
)

// patience is how long a real Prometheus may take for anything: it runs beside
// all other tests, and what it does is waited for, not timed.
const patience = 2 * time.Minute

// readUntil reads until done is content, and fails when Prometheus ends or
// patience does.
func readUntil(t *testing.T, r *sourcetest.Prometheus, s *Source, done func(feed.Report, error) bool) (feed.Report, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		report, err := s.Read(ctx)
		if done(report, err) {
			return report, err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("after %v: %v, %+v", patience, err, report)
		case <-r.Exited:
			t.Fatalf("prometheus ended: %s", r.Output)
		}
	}
}

func TestRealPrometheus(t *testing.T) {
	var gone atomic.Bool
	target := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; version=0.0.4")
		if gone.Load() {
			return
		}
		_, _ = io.WriteString(w, `
arrivals{stream="external-profiles",client="acme",cluster="fsn1"} 1763942400.25
arrivals{stream="external-profiles",client="zen",cluster="hel1"} 1763942401
arrivals{stream="consent",client="acme",cluster="hel1"} 1763942402
arrivals{stream="consent",client="new",cluster="hel1"} 0
events{stream="external-profiles",client="acme",cluster="fsn1"} 1763942300
`)
	})
	r := sourcetest.StartPrometheus(t, target[len("http://"):], 200*time.Millisecond)
	cfg := Config{
		Name: "prom-eu", URL: r.URL,
		Query:      "max by (stream, client, cluster) (arrivals)",
		EventQuery: "max by (stream, client, cluster) (events)",
		Mapping:    sources.Mapping{FeedLabel: "stream", Labels: map[string]string{"cluster": "cluster"}},
		ScrapeLag:  time.Second,
	}
	begun := time.Now()
	report, _ := readUntil(t, r, source(t, cfg), func(_ feed.Report, err error) bool { return err == nil })
	checkReal(t, report)
	if known := report.KnownThrough.Time(); known.Before(begun.Add(-2*time.Second)) || known.After(time.Now()) {
		t.Errorf("known through %v, read after %v", known, begun)
	}

	for query, words := range map[string]string{
		"arrivals[5m]":     "query yields a matrix",
		"time()":           "query yields a scalar",
		"max by (client (": "does not understand query: ",
		"absent_from_here": "query yields no series",
		"arrivals * 1000":  "divide it by 1000",
		"-arrivals":        "is it an age?",
		"sum(arrivals)":    "the feed's name is empty",
	} {
		wrong := cfg
		wrong.Query = query
		_, err := source(t, wrong).Read(t.Context())
		sourcetest.WantError(t, err, words)
	}
	wrong := cfg
	wrong.EventQuery = "events * 1000"
	_, err := source(t, wrong).Read(t.Context())
	sourcetest.WantError(t, err, "values of event_query", "divide it by 1000")

	gone.Store(true)
	_, err = readUntil(t, r, source(t, cfg), func(_ feed.Report, err error) bool { return err != nil })
	sourcetest.WantError(t, err, "query yields no series")
	r.Stop()
	_, err = source(t, cfg).Read(t.Context())
	sourcetest.WantError(t, err, "cannot reach "+r.URL+": connection refused")
}

func checkReal(t *testing.T, report feed.Report) {
	t.Helper()
	got := map[string]string{}
	for _, h := range report.Heartbeats {
		got[h.Key.String()] = fmt.Sprintf("%d %d %s", h.Arrival, h.Event, h.Labels)
	}
	want := map[string]string{
		"external-profiles/acme": "1763942400250 1763942300000 cluster=fsn1",
		"external-profiles/zen":  "1763942401000 0 cluster=hel1",
		"consent/acme":           "1763942402000 0 cluster=hel1",
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
}
