package prometheus

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/feedwatch/feedwatch/watchdog/feed"
	"github.com/feedwatch/feedwatch/watchdog/sources"
)

// patience is how long a real Prometheus may take for anything: it runs beside
// all other tests, and what it does is waited for, not timed.
const patience = 2 * time.Minute

// realServer is a running Prometheus that scrapes one target.
type realServer struct {
	url     string
	process *os.Process
	exited  chan struct{}
	output  *bytes.Buffer // complete once exited is closed
}

// startReal starts the prometheus found on PATH.
func startReal(t *testing.T, target string) *realServer {
	t.Helper()
	binary, err := exec.LookPath("prometheus")
	if err != nil {
		t.Fatal("this test runs a real Prometheus and finds none on PATH: install it (on Debian: apt-get install prometheus)")
	}
	dir := t.TempDir()
	configFile := filepath.Join(dir, "prometheus.yml")
	scrape := fmt.Sprintf("scrape_configs:\n- job_name: feeder\n  scrape_interval: 200ms\n  scrape_timeout: 200ms\n  static_configs:\n  - targets: [%q]\n", target)
	if err := os.WriteFile(configFile, []byte(scrape), 0o600); err != nil {
		t.Fatal(err)
	}
	address := freeAddress(t)
	r := &realServer{url: "http://" + address, exited: make(chan struct{}), output: new(bytes.Buffer)}
	command := exec.Command(binary, "--config.file="+configFile, "--storage.tsdb.path="+filepath.Join(dir, "data"), "--web.listen-address="+address)
	command.Stdout, command.Stderr = r.output, r.output
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	r.process = command.Process
	go func() {
		_ = command.Wait() // killed, or its output says why
		close(r.exited)
	}()
	t.Cleanup(r.stop)
	return r
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return address
}

func (r *realServer) stop() {
	_ = r.process.Kill() // it may have ended
	<-r.exited
}

// readUntil reads until done is content, and fails when Prometheus ends or
// patience does.
func (r *realServer) readUntil(t *testing.T, s *Source, done func(feed.Report, error) bool) (feed.Report, error) {
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
		case <-r.exited:
			t.Fatalf("prometheus ended: %s", r.output)
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
	r := startReal(t, target[len("http://"):])
	cfg := Config{
		Name: "prom-eu", URL: r.url,
		Query:      "max by (stream, client, cluster) (arrivals)",
		EventQuery: "max by (stream, client, cluster) (events)",
		Mapping:    sources.Mapping{FeedLabel: "stream", Labels: map[string]string{"cluster": "cluster"}},
		ScrapeLag:  time.Second,
	}
	begun := time.Now()
	report, _ := r.readUntil(t, source(t, cfg), func(_ feed.Report, err error) bool { return err == nil })
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
		wantError(t, err, words)
	}
	wrong := cfg
	wrong.EventQuery = "events * 1000"
	_, err := source(t, wrong).Read(t.Context())
	wantError(t, err, "values of event_query", "divide it by 1000")

	gone.Store(true)
	_, err = r.readUntil(t, source(t, cfg), func(_ feed.Report, err error) bool { return err != nil })
	wantError(t, err, "query yields no series")
	r.stop()
	_, err = source(t, cfg).Read(t.Context())
	wantError(t, err, "cannot reach "+r.url+": connection refused")
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
