package main

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/feedwatch/feedwatch/watchdog"
	"github.com/feedwatch/feedwatch/watchdog/feed"
)

const coveredFiles = `feeds:
  - name: profiles
    unmatched: ignore
    escalation: on-call
    roster: [acme, globex]
    ignore: [{match: ['client="idle"'], reason: closed, until: 2999-01-01}]
    rules:
      - {name: big, match: ['tier="enterprise"'], stale_after: 5m}
      - {name: batch, match: ['client=~"batch-.*"'], stale_after: 5m}
      - {name: clusters, per: cluster, stale_after: 5m}
  - name: segments
    escalation: on-call
    rules: [{name: everyone, stale_after: 5m}]
escalations:
  - {name: on-call, steps: [{notify: [pagerduty/cdp]}]}
`

// coveredServer knows clients of profiles in pages of two, a feed that no file
// names, and nothing of segments.
func coveredServer(t *testing.T, clients []watchdog.ClientView) *httptest.Server {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("/api/v1/feeds", func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(map[string]any{"feeds": []watchdog.FeedView{
			{Name: "profiles", Watched: true, Clients: len(clients)}, {Name: "stray", Clients: 2},
		}})
	})
	mux.HandleFunc("/api/v1/incidents", func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(map[string]any{"incidents": []*watchdog.Incident{{ID: "1-a", Feed: "profiles", Rule: "big"}}})
	})
	mux.HandleFunc("/api/v1/feeds/profiles/clients", func(w http.ResponseWriter, r *http.Request) {
		from, _ := strconv.Atoi(r.URL.Query().Get("cursor"))
		page := watchdog.ClientPage{Clients: clients[from:min(from+2, len(clients))]}
		if from+2 < len(clients) {
			page.Next = from + 2
		}
		_ = json.NewEncoder(w).Encode(page)
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server
}

func TestCoverage(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "rules")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "all.yaml"), []byte(coveredFiles), 0o600); err != nil {
		t.Fatal(err)
	}
	labels := func(pairs map[string]string) feed.Labels {
		l, err := feed.ParseLabels(pairs)
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	server := coveredServer(t, []watchdog.ClientView{
		{Client: "acme", Labels: labels(map[string]string{"tier": "enterprise", "cluster": "fsn1"}), Verdict: watchdog.Fresh, Arrival: 1},
		{Client: "globex", Labels: labels(map[string]string{"tier": "enterprise"}), Verdict: watchdog.Pending},
		{Client: "initech", Verdict: watchdog.Unwatched, Arrival: 1},
		{Client: "batch-old", Verdict: watchdog.Retired, Arrival: 1},
		{Client: "hooli", Verdict: watchdog.Unwatched, Arrival: 1},
		{Client: "idle", Verdict: watchdog.Unwatched, Arrival: 1},
	})
	out, err := runCommand(t, "rules", "coverage", "--rules", dir, "--server", server.URL)
	var status *exit
	if !errors.As(err, &status) || status.status != statusErrors {
		t.Errorf("exit status of what is not watched: %v", err)
	}
	at := filepath.Join(dir, "all.yaml")
	want := `Feeds that no rule file names:
  stray: 2 of 2 clients
Clients that no rule fits:
  profiles: 2 of 5 clients: initech, hooli
Clients that are ignored:
  profiles: 1 of 5 clients until 1 Jan 2999 00:00 UTC (` + at + `:6:14): closed
Clients of the roster that were never seen:
  profiles: 1 of 2 clients: globex
Rules that have no client:
  profiles: "batch" (` + at + `:9:9)
  segments: "everyone" (` + at + `:13:13)
  segments: "whole-feed" (` + at + `:13:13)
Rules without an incident, of the 1 remembered:
  profiles: "clusters" (` + at + `:10:9)
`
	if out != want {
		t.Errorf("it says\n%s\nwant\n%s", out, want)
	}
	out, _ = runCommand(t, "rules", "coverage", "--rules", dir, "--server", server.URL, "--format", "json")
	var c coverage
	if err := json.Unmarshal([]byte(out), &c); err != nil || c.Known != 8 || len(c.Idle) != 3 || c.Unseen[0].Examples[0] != "globex" {
		t.Errorf("as JSON it is %+v, %v", c, err)
	}
}
