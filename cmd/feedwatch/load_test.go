package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/feedwatch/feedwatch/watchdog/feed"
)

// loaded is a server that takes heartbeats as feedwatch does, and counts them.
type loaded struct {
	mu    sync.Mutex
	taken map[string]int // by client
	busy  int            // how many requests are turned away before
}

func (s *loaded) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.busy > 0 {
		s.busy--
		w.WriteHeader(http.StatusServiceUnavailable)
		fmt.Fprint(w, `{"error":"the heartbeats were not taken"}`)
		return
	}
	b := feed.NewBatch()
	b.Reset(feed.At(time.Now()))
	if r.Header.Get("Content-Type") == "text/plain" {
		err = b.ParseLines(body)
	} else {
		err = b.ParseNDJSON(body)
	}
	if err != nil || b.Refused > 0 {
		http.Error(w, fmt.Sprint(err, b.Errors), http.StatusBadRequest)
		return
	}
	for i := range b.Heartbeats {
		s.taken[b.Heartbeats[i].Key.Client()]++
	}
	w.WriteHeader(http.StatusAccepted)
	fmt.Fprintf(w, `{"accepted":%d}`, len(b.Heartbeats))
}

// runLoad runs `feedwatch load` against a server of its own.
func runLoad(t *testing.T, s *loaded, args ...string) (string, error) {
	t.Helper()
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	cmd := newLoadCommand()
	cmd.SilenceErrors, cmd.SilenceUsage = true, true
	var out strings.Builder
	cmd.SetOut(&out)
	cmd.SetErr(io.Discard)
	cmd.SetArgs(append(args, "--server", server.URL))
	err := cmd.ExecuteContext(context.Background())
	return out.String(), err
}

func TestLoadSendsEachClientOnce(t *testing.T) {
	for _, format := range []string{"text", "ndjson"} {
		t.Run(format, func(t *testing.T) {
			s := &loaded{taken: map[string]int{}, busy: 2}
			out, err := runLoad(t, s, "--series", "2500", "--duration", "0", "--format", format, "--connections", "1")
			if err != nil {
				t.Fatal(err)
			}
			want := "500 heartbeats taken" // two requests of a thousand were turned away
			if len(s.taken) != 500 || !strings.HasPrefix(out, want) || !strings.Contains(out, "2000 refused") {
				t.Errorf("%d clients were heard, and it says %q, want %s", len(s.taken), out, want)
			}
		})
	}
}

func TestLoadKeepsItsRate(t *testing.T) {
	s := &loaded{taken: map[string]int{}}
	begun := time.Now()
	if _, err := runLoad(t, s, "--series", "10", "--batch", "10", "--rate", "1000", "--duration", "200ms"); err != nil {
		t.Fatal(err)
	}
	most := int(time.Since(begun)/(10*time.Millisecond)) + 1
	if n := s.taken["client-0000000"]; n < 1 || n > most {
		t.Errorf("the first client was sent %d times, want at most %d at that rate", n, most)
	}
}

func TestLoadSaysWhatIsWrong(t *testing.T) {
	for name, args := range map[string][]string{
		"--series 0: write a number from 1 to":   {"--series", "0"},
		"--format \"csv\": write text or ndjson": {"--format", "csv"},
		"--batch 100000: write a number from 1":  {"--batch", "100000"},
		"--rate -1: write how many":              {"--rate", "-1"},
	} {
		if _, err := runLoad(t, &loaded{}, args...); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%v: %v, want %q", args, err, name)
		}
	}
	out, err := runLoad(t, &loaded{busy: 1 << 30}, "--series", "1", "--duration", "50ms")
	if err == nil || !strings.Contains(err.Error(), "nothing was taken: ") {
		t.Errorf("a server that takes nothing: %v\n%s", err, out)
	}
}
