package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

const (
	causes           = 1_000 // feeds, each with its own silence
	causesEach       = 1_000 // clients of each
	causesStaleAfter = 40 * time.Second
	// causesReceivers are as many as take a page of each feed without a limit of ours
	// on what one of them is sent in a minute.
	causesReceivers = 5
)

// severities of the feeds, in turns.
var severities = []string{"info", "warning", "error", "critical"}

// causesRules are a thousand feeds, each of one severity and told to one receiver.
func causesRules() string {
	var text strings.Builder
	text.WriteString("feeds:\n")
	for i := range causes {
		fmt.Fprintf(&text, "  - {name: feed-%04d, retention: 7d, escalation: e%d, rules: [{name: whole, per: feed, stale_after: 6d}, {name: all, stale_after: %s, severity: %s}]}\n",
			i, i/len(severities)%causesReceivers, causesStaleAfter, severities[i%len(severities)])
	}
	text.WriteString("escalations:\n")
	for i := range causesReceivers {
		fmt.Fprintf(&text, "  - {name: e%d, steps: [{notify: [webhook/r%d]}]}\n", i, i)
	}
	return text.String()
}

// received is a page as it came in.
type received struct {
	severity int
	at       time.Time
}

// receiver is a webhook's other end.
type receiver struct {
	mu  sync.Mutex
	got []received
}

func (r *receiver) ServeHTTP(_ http.ResponseWriter, req *http.Request) {
	at := time.Now()
	var m struct {
		Incident struct {
			Severity string `json:"severity"`
		} `json:"incident"`
	}
	_ = json.NewDecoder(req.Body).Decode(&m)
	severity := slices.Index(severities, m.Incident.Severity)
	if severity < 0 {
		panic("a page without a severity")
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.got = append(r.got, received{severity, at})
}

// BenchmarkThousandCauses is a thousand feeds of a thousand clients that fall silent
// at one instant: how long after their deadline the incidents are seen, and the first
// and the last page come in. Inversions are pages that came after a milder one at the
// same receiver, in a hundred.
func BenchmarkThousandCauses(b *testing.B) {
	for b.Loop() {
		receivers := make([]*receiver, causesReceivers)
		hooks := ""
		for i := range receivers {
			receivers[i] = &receiver{}
			server := httptest.NewServer(receivers[i])
			b.Cleanup(server.Close)
			hooks += fmt.Sprintf("    - {name: r%d, url: %q}\n", i, server.URL)
		}
		s := newFeedwatch(b, strings.Replace(benchConfig, "  console:\n    - {name: none}\n", "  webhook:\n"+hooks, 1), causesRules())
		s.start("/-/ready")
		begun := time.Now()
		s.send(causesHeartbeats(begun))
		deadline := begun.Truncate(time.Millisecond).Add(causesStaleAfter)
		if time.Now().After(deadline) {
			b.Fatalf("the heartbeats took %s", time.Since(begun))
		}
		time.Sleep(time.Until(deadline))
		all, inverted := []time.Duration{}, 0
		for len(all) < causes && time.Since(deadline) < time.Minute {
			time.Sleep(10 * time.Millisecond)
			all, inverted = tally(receivers, deadline)
		}
		if len(all) < causes {
			b.Fatalf("%d pages came within a minute", len(all))
		}
		b.ReportMetric(s.seenWithin(b, 1), "seen-within-1s")
		b.ReportMetric(all[0].Seconds(), "s-to-first-page")
		b.ReportMetric(all[len(all)/2].Seconds(), "s-to-half")
		b.ReportMetric(all[len(all)-1].Seconds(), "s-to-last-page")
		b.ReportMetric(100*float64(inverted)/causes, "%-inversions")
		s.kill()
	}
}

// tally is when each page came in, in order, and how many came after a milder one.
func tally(receivers []*receiver, deadline time.Time) (all []time.Duration, inverted int) {
	for _, r := range receivers {
		r.mu.Lock()
		mildest := len(severities)
		for _, one := range r.got {
			all = append(all, one.at.Sub(deadline))
			if one.severity > mildest {
				inverted++
			}
			mildest = min(mildest, one.severity)
		}
		r.mu.Unlock()
	}
	slices.Sort(all)
	return all, inverted
}

// causesHeartbeats are requests with one heartbeat of each client, all of one instant.
func causesHeartbeats(at time.Time) [][]byte {
	var requests [][]byte
	for i := range causes {
		var body []byte
		for n := range causesEach {
			body = fmt.Appendf(body, "feed-%04d client-%07d %d\n", i, n, at.UnixMilli())
		}
		requests = append(requests, postOf("text/plain", body))
	}
	return requests
}

var lagLine = regexp.MustCompile(`(?m)^feedwatch_evaluation_lag_seconds_bucket\{le="(\S+)"\} (\d+)`)

// seenWithin is how many incidents were seen within so many seconds of their deadline.
func (s *benchServer) seenWithin(b *testing.B, seconds float64) float64 {
	for _, line := range lagLine.FindAllStringSubmatch(s.said("/metrics"), -1) {
		if le, err := strconv.ParseFloat(line[1], 64); err == nil && le == seconds {
			n, _ := strconv.ParseFloat(line[2], 64)
			return n
		}
	}
	b.Fatal("no histogram of the lag")
	return 0
}
