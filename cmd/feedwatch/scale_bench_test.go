package main

import (
	"context"
	"fmt"
	"io"
	"iter"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// fill makes series over benchFeeds feeds.
func (s *benchServer) fill(series int) {
	s.sendEach(func(yield func([]byte) bool) {
		for from := 0; from < series; from += benchBatch {
			var body []byte
			for n := from; n < from+benchBatch; n++ {
				body = fmt.Appendf(body, `{"feed":"feed-%d","client":"client-%07d","labels":{"cluster":"c%d","tier":"%s","region":"r%d"}}`+"\n",
					n*benchFeeds/series, n, n%20, []string{"free", "pro", "gold"}[n%3], n%5)
			}
			if !yield(postOf("application/x-ndjson", body)) {
				return
			}
		}
	})
}

// heardAgain lets all of them be heard again and again, a request every so often.
func heardAgain(ctx context.Context, series int, every time.Duration) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		ticker := time.NewTicker(every)
		defer ticker.Stop()
		for from := 0; ; from = (from + benchBatch) % series {
			var body []byte
			for n := from; n < from+benchBatch; n++ {
				body = fmt.Appendf(body, "feed-%d client-%07d -\n", n*benchFeeds/series, n)
			}
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
			}
			if !yield(postOf("text/plain", body)) {
				return
			}
		}
	}
}

// startMany starts a server that watches benchFeeds feeds.
func startMany(b *testing.B) *benchServer {
	s := newFeedwatch(b, benchConfig, manyFeeds("1h"))
	s.start("/-/ready")
	return s
}

// BenchmarkRestart is from the start of a killed server to the end of its first
// complete evaluation.
func BenchmarkRestart(b *testing.B) {
	for _, series := range sizes() {
		b.Run(fmt.Sprint(series), func(b *testing.B) {
			s := startMany(b)
			s.fill(series)
			s.settle()
			b.ResetTimer()
			spent := time.Duration(0)
			for b.Loop() {
				b.StopTimer()
				s.kill()
				b.StartTimer()
				s.start("/-/ready")
				spent += s.cpu()
			}
			b.ReportMetric(b.Elapsed().Seconds()/float64(b.N), "s/restart")
			b.ReportMetric(spent.Seconds()/float64(b.N), "cpu-s/restart")
		})
	}
}

// BenchmarkReads is what people and Prometheus read, while 200,000 heartbeats a second
// are pushed; but for /metrics/clients, whose CPU time would be theirs.
func BenchmarkReads(b *testing.B) {
	for _, series := range sizes() {
		b.Run(fmt.Sprint(series), func(b *testing.B) {
			s := startMany(b)
			s.fill(series)
			for b.Loop() {
				for name, accept := range map[string]string{"plain": "identity", "gzip": "gzip"} {
					before := s.cpu()
					s.get("/metrics/clients", accept)
					b.ReportMetric((s.cpu() - before).Seconds(), name+"-clients-cpu-s")
				}
				ctx, cancel := context.WithCancel(b.Context())
				ended := make(chan struct{})
				go func() {
					s.sendEach(heardAgain(ctx, series, 5*time.Millisecond))
					close(ended)
				}()
				time.Sleep(time.Second)
				b.ReportMetric(float64(s.get("/metrics", "identity")), "metrics-bytes")
				for name, path := range map[string]string{
					"metrics": "/metrics", "page": "/", "feeds": "/api/v1/feeds", "clients": "/api/v1/feeds/feed-7/clients?limit=1000", "feed-page": "/feeds/feed-7",
				} {
					var took []time.Duration
					for range 200 {
						begun := time.Now()
						s.get(path, "identity")
						took = append(took, time.Since(begun))
					}
					slices.Sort(took)
					b.ReportMetric(took[100].Seconds()*1000, name+"-p50-ms")
					b.ReportMetric(took[198].Seconds()*1000, name+"-p99-ms")
				}
				cancel()
				<-ended
			}
		})
	}
}

// get reads an answer, and says how long it is.
func (s *benchServer) get(path, accept string) int64 {
	request, err := http.NewRequestWithContext(s.b.Context(), http.MethodGet, "http://"+s.address+path, strings.NewReader(""))
	if err != nil {
		s.b.Fatal(err)
	}
	request.Header.Set("Accept-Encoding", accept)
	resp, err := http.DefaultClient.Do(request)
	if err != nil {
		s.b.Fatal(err)
	}
	defer resp.Body.Close()
	n, err := io.Copy(io.Discard, resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		s.b.Fatal(path, resp.Status, err)
	}
	return n
}
