package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

const (
	// fleetLine has three labels of few values: 20 clusters, 3 tiers, 5 regions.
	fleetLine = `{"feed":"load-test","client":"client-%07d","labels":{"cluster":"c%d","tier":"t%d","region":"r%d"}}` + "\n"
	probes    = 60 // small feeds that fall silent one after another
	aDay      = 24 * time.Hour
	probeGap  = 330 * time.Millisecond // so that no two are found in one turn

	probeLine   = "probe-%02d client-%02d %d\n"
	stampedLine = "load-test client-%07d %d\n"
	fleetRules  = "feeds:\n" + `  - name: load-test
    escalation: all
    rules: [{name: everyone, stale_after: %dms}]
`
	probeRules = `  - name: probe-%02d
    escalation: all
    rules: [{name: everyone, stale_after: %dms}]
`
	fleetLadder = "escalations:\n  - {name: all, steps: [{notify: [webhook/bench]}]}\n"
)

// BenchmarkFleet is one server that watches n series: what memory it takes, what it does
// while nothing happens, how long after their deadlines pages for others leave, and what
// happens once all n fall silent at one instant.
func BenchmarkFleet(b *testing.B) {
	for _, n := range sizes() {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			for b.Loop() {
				f := startFleet(b, n)
				f.measureMemory()
				f.measureIdle()
				f.measureProbes()
				f.measureSilence()
				f.kill()
			}
		})
	}
}

// fleetServer is a server that watches a fleet, and where its pages go.
type fleetServer struct {
	*benchServer
	n     int
	bare  int // bytes resident before any series
	pages chan page
	// probeAfter is how long after its last update a probe is silent.
	probeAfter func(i int) time.Duration
}

// page is a request to the webhook: the feed that it is about, and when it came.
type page struct {
	feed string
	at   time.Time
}

func startFleet(b *testing.B, n int) *fleetServer {
	f := &fleetServer{n: n, pages: make(chan page, 10*probes)}
	hook := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		at := time.Now()
		var said struct{ Feed string }
		if err := json.NewDecoder(r.Body).Decode(&said); err != nil {
			b.Error(err)
		}
		f.pages <- page{said.Feed, at}
	}))
	b.Cleanup(hook.Close)
	config := strings.Replace(benchConfig, "  console:\n    - {name: none}\n", "  webhook:\n    - {name: bench, url: \""+hook.URL+"\"}\n", 1)
	f.benchServer = newFeedwatch(b, config, fleetRulesOf(aDay, func(int) time.Duration { return aDay }))
	f.start("/-/ready")
	f.bare = f.memory("VmRSS")
	for from := 0; from < n; from += benchSeries {
		f.send(fleetRequests(from, min(from+benchSeries, n)))
	}
	return f
}

// fleetRulesOf are the rules under which the fleet, and each probe, is silent so long
// after its last update.
func fleetRulesOf(fleet time.Duration, probe func(i int) time.Duration) string {
	var text strings.Builder
	fmt.Fprintf(&text, fleetRules, fleet.Milliseconds())
	for i := range probes {
		fmt.Fprintf(&text, probeRules, i, probe(i).Milliseconds())
	}
	return text.String() + fleetLadder
}

func fleetRequests(from, to int) [][]byte {
	var all [][]byte
	for ; from < to; from += benchBatch {
		var body []byte
		for i := from; i < from+benchBatch; i++ {
			body = fmt.Appendf(body, fleetLine, i, i%20, i%3, i%5)
		}
		all = append(all, postOf("application/x-ndjson", body))
	}
	return all
}

// memory reads a line of /proc/PID/status, in bytes.
func (s *benchServer) memory(line string) int {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.process.Process.Pid))
	if err != nil {
		s.b.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), line+":")
	kib, err := strconv.Atoi(strings.Fields(rest)[0])
	if err != nil {
		s.b.Fatal(err)
	}
	return kib << 10
}

// measureMemory is what the series take once all of them are on disk and were heard
// again, and the most that the server took until then.
func (f *fleetServer) measureMemory() {
	f.settle()
	f.hearAll(time.Now().UnixMilli())
	f.settle()
	f.b.ReportMetric(float64(f.memory("VmRSS")-f.bare)/float64(f.n), "bytes/series")
	f.b.ReportMetric(float64(f.memory("VmHWM")-f.bare)/float64(f.n), "bytes/series-most")
}

// settle waits until the server has nothing left to do: a flush begins within 10 s.
func (s *benchServer) settle() {
	for range 60 {
		before := s.cpu()
		time.Sleep(12 * time.Second)
		if s.cpu()-before < time.Second/2 {
			return
		}
	}
	s.b.Fatal("the server does not come to rest")
}

func (f *fleetServer) measureIdle() { f.b.ReportMetric(f.idle(), "cpu-ms/idle-second") }

// idle is what a second costs in which nothing comes, in ms of CPU time.
func (f *fleetServer) idle() float64 {
	const seconds = 10
	before := f.cpu()
	time.Sleep(seconds * time.Second)
	return float64((f.cpu() - before).Milliseconds()) / seconds
}

// measureProbes lets small feeds fall silent one after another, at instants that are
// known, and compares when their pages come.
func (f *fleetServer) measureProbes() {
	heard := time.Now()
	for i := range probes {
		var body []byte
		for client := range 20 {
			body = fmt.Appendf(body, probeLine, i, client, heard.UnixMilli())
		}
		f.send([][]byte{postOf("text/plain", body)})
	}
	heard = time.UnixMilli(heard.UnixMilli())
	first := time.Since(heard) + 15*time.Second
	f.probeAfter = func(i int) time.Duration { return first + time.Duration(i)*probeGap }
	f.b.ReportMetric(f.use(fleetRulesOf(aDay, f.probeAfter)).Seconds(), "s/reload")
	var late []time.Duration
	for range probes {
		p := f.nextPage()
		i, err := strconv.Atoi(strings.TrimPrefix(p.feed, "probe-"))
		if err != nil {
			f.b.Fatalf("a page for %s", p.feed)
		}
		late = append(late, p.at.Sub(heard.Add(f.probeAfter(i))))
	}
	slices.Sort(late)
	f.b.ReportMetric(late[probes/2].Seconds(), "s/page-p50")
	f.b.ReportMetric(late[probes-1].Seconds(), "s/page-last-of-"+strconv.Itoa(probes))
}

func (f *fleetServer) nextPage() page {
	select {
	case p := <-f.pages:
		return p
	case <-time.After(5 * time.Minute):
		f.b.Fatal("no page has come for 5 minutes")
		return page{}
	}
}

// measureSilence has all series heard at one instant, and then a rule under which they
// are silent some time after it came in force.
func (f *fleetServer) measureSilence() {
	heard := time.Now().UnixMilli()
	f.hearAll(heard)
	f.settle()
	deadline := time.Now().Add(30 * time.Second)
	f.use(fleetRulesOf(time.Duration(deadline.UnixMilli()-heard)*time.Millisecond, f.probeAfter))
	time.Sleep(time.Until(deadline.Add(-2 * time.Second)))
	resident := f.memory("VmRSS")
	if err := os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", f.process.Process.Pid), []byte("5"), 0); err != nil { // the high water mark
		f.b.Fatal(err)
	}
	over := make(chan struct{})
	slowest := make(chan time.Duration)
	go func() { slowest <- f.ingestUntil(over) }()
	p := f.nextPage()
	if p.feed != "load-test" {
		f.b.Errorf("a page for %s", p.feed)
	}
	time.Sleep(5 * time.Second)
	close(over)
	f.b.ReportMetric(p.at.Sub(deadline).Seconds(), "s/page-for-all")
	f.b.ReportMetric((<-slowest).Seconds(), "s/slowest-ingest")
	f.b.ReportMetric(100*float64(f.memory("VmHWM")-resident)/float64(resident), "%-more-memory")
	f.b.ReportMetric(f.idle(), "cpu-ms/silent-second")
	if more := len(f.pages); more > 0 {
		f.b.Errorf("%d more pages", more)
	}
}

// hearAll has all series heard at one instant.
func (f *fleetServer) hearAll(at int64) {
	for from := 0; from < f.n; from += benchSeries { // a part at a time: the requests take memory, too
		f.send(stampedRequests(from, min(from+benchSeries, f.n), at))
	}
}

func stampedRequests(from, to int, at int64) [][]byte {
	var all [][]byte
	for ; from < to; from += benchBatch {
		var body []byte
		for i := from; i < from+benchBatch; i++ {
			body = fmt.Appendf(body, stampedLine, i, at)
		}
		all = append(all, postOf("text/plain", body))
	}
	return all
}

// use has other rules read, and is how long it was until they were in force.
func (f *fleetServer) use(rules string) time.Duration {
	if err := os.WriteFile(filepath.Join(f.dir, "rules", "a.yaml"), []byte(rules), 0o600); err != nil {
		f.b.Fatal(err)
	}
	begun := time.Now()
	request, err := http.NewRequest(http.MethodPost, "http://"+f.address+"/-/reload", nil)
	if err != nil {
		f.b.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+benchToken)
	resp, err := http.DefaultClient.Do(request)
	if err != nil {
		f.b.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode >= http.StatusMultipleChoices {
		f.b.Fatal(resp.Status)
	}
	return time.Since(begun)
}

// ingestUntil goes on sending heartbeats of a feed that is not in trouble, and is the
// longest that one request took.
func (f *fleetServer) ingestUntil(over <-chan struct{}) (slowest time.Duration) {
	one := [][]byte{postOf("text/plain", []byte("other client -\n"))}
	for {
		select {
		case <-over:
			return slowest
		default:
		}
		begun := time.Now()
		f.send(one)
		slowest = max(slowest, time.Since(begun))
		time.Sleep(10 * time.Millisecond)
	}
}
