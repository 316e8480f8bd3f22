package api

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/feedwatch/feedwatch/watchdog/feed"
)

// deafEngine takes all and keeps nothing.
type deafEngine struct{ *fakeEngine }

func (deafEngine) Submit(context.Context, feed.Report) ([]feed.Refusal, error) { return nil, nil }

// blankAnswer is a ResponseWriter that keeps only the code.
type blankAnswer struct {
	header http.Header
	code   int
}

func (w *blankAnswer) Header() http.Header            { return w.header }
func (w *blankAnswer) Write(text []byte) (int, error) { return len(text), nil }
func (w *blankAnswer) WriteHeader(code int)           { w.code = code }

// A request may allocate, a heartbeat in it may not. Six hundred more take a few
// allocations at most: when the pool lost a batch, as it may, that grows anew.
func TestARequestAllocatesNothingForEachHeartbeat(t *testing.T) {
	r := newRig(t)
	r.api.cfg.Ingest = deafEngine{r.engine}
	lines := map[string]string{
		"text/plain":           "consent client-%04d 1763942400000\n",
		"application/x-ndjson": `{"feed":"consent","client":"client-%04d","labels":{"cluster":"fsn1"}}` + "\n",
	}
	for kind, line := range lines {
		t.Run(kind, func(t *testing.T) {
			few, many := r.allocations(t, kind, line, 200), r.allocations(t, kind, line, 800)
			if many-few > 20 || few > 60 {
				t.Errorf("%v allocations for 200 heartbeats, %v for 800", few, many)
			}
		})
	}
}

// allocations is how many a request of n heartbeats makes.
func (r *rig) allocations(t *testing.T, kind, line string, n int) float64 {
	t.Helper()
	var body []byte
	for i := range n {
		body = fmt.Appendf(body, line, i)
	}
	req := httptest.NewRequest(http.MethodPost, heartbeatsPath, nil)
	req.Header.Set("Authorization", "Bearer "+pushSecret)
	req.Header.Set("Content-Type", kind)
	text := bytes.NewReader(body)
	req.Body = io.NopCloser(text)
	w := &blankAnswer{header: http.Header{}}
	return testing.AllocsPerRun(50, func() {
		text.Reset(body)
		r.api.ServeHTTP(w, req)
		if w.code != http.StatusAccepted {
			t.Fatalf("answered %d", w.code)
		}
	})
}
