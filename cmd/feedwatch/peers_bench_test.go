package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

var (
	peers       = flag.String("peers", "", "the folder of prometheus and victoria-metrics, to run them beside feedwatch")
	peersSeries = flag.Int("peers-series", 1_000_000, "how many series they watch; a multiple of 10,000")
)

const (
	peersFeeds   = 1_000
	peersBeat    = 15 * time.Second // of each series
	peersTargets = 10               // that Prometheus scrapes
	peersWarmUp  = 3 * peersBeat
	peersMeasure = time.Minute
)

// BenchmarkPeers runs what users would pick instead beside feedwatch, one after the
// other on the same machine, with the same series.
func BenchmarkPeers(b *testing.B) {
	if *peers == "" {
		return // make bench-peers builds them
	}
	b.Run("steady", func(b *testing.B) {
		for b.Loop() {
			ours, theirs, bare := steadyFeedwatch(b), steadyPrometheus(b), steadyBare(b)
			b.ReportMetric(ours.cpu, "cpu-s/minute-feedwatch")
			b.ReportMetric(bare.cpu, "cpu-s/minute-bare")
			b.ReportMetric(theirs.cpu, "cpu-s/minute-prometheus")
			b.ReportMetric(theirs.cpu/ours.cpu, "times-cpu")
			b.ReportMetric(ours.resident, "MB-feedwatch")
			b.ReportMetric(theirs.resident, "MB-prometheus")
			b.ReportMetric(theirs.resident/ours.resident, "times-memory")
			b.ReportMetric(theirs.known, "series-prometheus")
			b.ReportMetric(theirs.missed, "evaluations-missed-prometheus")
		}
	})
	b.Run("ingest", func(b *testing.B) {
		for b.Loop() {
			ours := startFeedwatch(b)
			a := ours.rate(requests("text/plain", textLine, *peersSeries, benchBatch))
			ours.kill()
			theirs := startVictoriaMetrics(b)
			z := theirs.rate(importRequests())
			theirs.kill()
			b.ReportMetric(a, "heartbeats/cpu-s-feedwatch")
			b.ReportMetric(z, "heartbeats/cpu-s-victoriametrics")
			b.ReportMetric(a/z, "times")
		}
	})
}

// rate is how many heartbeats a second of the server's CPU time takes, once it knows
// all of the series.
func (s *benchServer) rate(all [][]byte) float64 {
	s.send(all)
	const times = 3
	before := s.cpu()
	for range times {
		s.send(all)
	}
	return float64(times*len(all)*benchBatch) / (s.cpu() - before).Seconds()
}

// steady is what a server costs while nothing is stale.
type steady struct {
	cpu      float64 // seconds a minute
	resident float64 // MB, in the middle of the measurement and at its end, the mean
	missed   float64 // evaluations that it had no time for
	known    float64 // series at the end: what it had no time to scrape is missing
}

// measure lets the server warm up, then looks at it for a while.
func (s *benchServer) measure() (m steady) {
	time.Sleep(peersWarmUp)
	begun, before := time.Now(), s.cpu()
	time.Sleep(peersMeasure / 2)
	m.resident = s.resident() / 2
	time.Sleep(peersMeasure / 2)
	m.resident += s.resident() / 2
	m.cpu = (s.cpu() - before).Seconds() / time.Since(begun).Minutes()
	return m
}

// resident is the memory of the process, in MB.
func (s *benchServer) resident() float64 {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.process.Process.Pid))
	if err != nil {
		s.b.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(status), "VmRSS:")
	kilobytes, err := strconv.ParseFloat(strings.Fields(rest)[0], 64)
	if err != nil {
		s.b.Fatal(err)
	}
	return kilobytes / 1024
}

// peersRules watch a thousand feeds.
func peersRules() string {
	var text strings.Builder
	text.WriteString("feeds:\n")
	for i := range peersFeeds {
		fmt.Fprintf(&text, "  - {name: feed-%04d, retention: 7d, escalation: nobody, rules: [{name: everyone, stale_after: 60s}]}\n", i)
	}
	return text.String() + "escalations:\n  - {name: nobody, steps: [{notify: [console/none]}]}\n"
}

// steadyFeedwatch watches the series of a thousand feeds.
func steadyFeedwatch(b *testing.B) steady {
	s := newFeedwatch(b, benchConfig, peersRules())
	s.start("/-/ready")
	defer s.kill()
	return s.beatEvenly()
}

// steadyBare is sent the same, and does nothing with it.
func steadyBare(b *testing.B) steady {
	s := startBare(b)
	defer s.kill()
	return s.beatEvenly()
}

// beatEvenly sends a heartbeat of each series in every peersBeat, a thousand a request,
// evenly, and measures meanwhile.
func (s *benchServer) beatEvenly() steady {
	var all [][]byte
	each := *peersSeries / peersFeeds
	for from := 0; from < *peersSeries; from += benchBatch {
		var body []byte
		for i := from; i < from+benchBatch; i++ {
			body = fmt.Appendf(body, "feed-%04d client-%07d -\n", i/each, i)
		}
		all = append(all, postOf("text/plain", body))
	}
	done, sent := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(sent)
		ticker := time.NewTicker(peersBeat / time.Duration(len(all)))
		defer ticker.Stop()
		next := make(chan []byte)
		go func() {
			defer close(next)
			for i := 0; ; i++ {
				select {
				case <-ticker.C:
					next <- all[i%len(all)]
				case <-done:
					return
				}
			}
		}()
		s.sendFrom(next)
	}()
	m := s.measure()
	close(done)
	<-sent
	return m
}

// steadyPrometheus scrapes the same series and evaluates a rule as often as they beat.
func steadyPrometheus(b *testing.B) steady {
	dir := b.TempDir()
	targets, stop := exporter(b)
	defer stop()
	for name, text := range map[string]string{
		"prometheus.yml": fmt.Sprintf("global: {scrape_interval: %s, scrape_timeout: %s, evaluation_interval: %s}\nrule_files: [rules.yml]\nscrape_configs:\n  - job_name: feeds\n    static_configs: [%s]\n",
			peersBeat, peersBeat, peersBeat, strings.Join(targets, ", ")),
		"rules.yml": "groups:\n  - name: stale\n    rules:\n      - {alert: Stale, expr: time() - feed_last_update_timestamp_seconds > 60}\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			b.Fatal(err)
		}
	}
	s := &benchServer{b: b, dir: dir, address: freeAddress(b)}
	s.args = []string{
		filepath.Join(*peers, "prometheus"), "--config.file=" + filepath.Join(dir, "prometheus.yml"), "--log.level=error",
		"--storage.tsdb.path=" + filepath.Join(dir, "data"), "--web.listen-address=" + s.address,
	}
	s.start("/-/ready")
	defer s.kill()
	m := s.measure()
	var counted struct {
		Data struct{ Result []struct{ Value [2]any } }
	}
	if err := json.Unmarshal([]byte(s.said("/api/v1/query?query=count(feed_last_update_timestamp_seconds)")), &counted); err != nil || len(counted.Data.Result) == 0 {
		b.Fatalf("Prometheus has scraped nothing: %v", err)
	}
	m.known, _ = strconv.ParseFloat(fmt.Sprint(counted.Data.Result[0].Value[1]), 64)
	for line := range strings.Lines(s.said("/metrics")) {
		if words := strings.Fields(line); strings.HasPrefix(line, "prometheus_rule_group_iterations_missed_total{") {
			m.missed, _ = strconv.ParseFloat(words[len(words)-1], 64)
		}
	}
	return m
}

// said is what the server says at a path.
func (s *benchServer) said(path string) string {
	resp, err := http.Get("http://" + s.address + path)
	if err != nil {
		s.b.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		s.b.Fatal(err)
	}
	return string(text)
}

// exporter serves the time of each series' last update: now, on as many pages as
// there are targets.
func exporter(b *testing.B) (targets []string, stop func()) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	each, of := *peersSeries/peersTargets, *peersSeries/peersFeeds
	mux := http.NewServeMux()
	server := &http.Server{Handler: mux}
	for t := range peersTargets {
		targets = append(targets, fmt.Sprintf("{targets: [%q], labels: {__metrics_path__: /%d}}", l.Addr(), t))
		var page []byte
		var times []int // where in the page they are; their digits are as many for a long time
		for i := t * each; i < (t+1)*each; i++ {
			page = fmt.Appendf(page, "feed_last_update_timestamp_seconds{feed=\"feed-%04d\",client=\"client-%07d\"} ", i/of, i)
			times = append(times, len(page))
			page = fmt.Appendf(page, "%d\n", time.Now().Unix())
		}
		mux.HandleFunc(fmt.Sprintf("/%d", t), func(w http.ResponseWriter, _ *http.Request) {
			now := strconv.FormatInt(time.Now().Unix(), 10)
			for _, at := range times {
				copy(page[at:], now)
			}
			w.Header().Set("Content-Type", "text/plain; version=0.0.4")
			_, _ = w.Write(page)
		})
	}
	go func() { _ = server.Serve(l) }()
	return targets, func() { _ = server.Close() }
}

func startVictoriaMetrics(b *testing.B) *benchServer {
	s := &benchServer{b: b, dir: b.TempDir(), address: freeAddress(b)}
	s.args = []string{
		filepath.Join(*peers, "victoria-metrics"), "-storageDataPath=" + filepath.Join(s.dir, "data"),
		"-httpListenAddr=" + s.address, "-loggerLevel=ERROR",
	}
	s.start("/health")
	return s
}

// importRequests are those of feedwatch's benchmark in VictoriaMetrics' form.
func importRequests() [][]byte {
	var all [][]byte
	now := time.Now().Unix()
	for from := 0; from < *peersSeries; from += benchBatch {
		var body []byte
		for i := from; i < from+benchBatch; i++ {
			body = fmt.Appendf(body, "feed_last_update_timestamp_seconds{feed=\"load-test\",client=\"client-%07d\"} %d\n", i, now)
		}
		all = append(all, fmt.Appendf(nil, "POST /api/v1/import/prometheus HTTP/1.1\r\nHost: bench\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n%s", len(body), body))
	}
	return all
}
