package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/feedwatch/feedwatch/rules"
	"github.com/feedwatch/feedwatch/watchdog"
	"github.com/feedwatch/feedwatch/watchdog/feed"
)

// With --server the client is the one that a running feedwatch knows.
func TestExplainAsksAServer(t *testing.T) {
	labels, err := feed.ParseLabels(map[string]string{"tier": "enterprise"})
	if err != nil {
		t.Fatal(err)
	}
	last := feed.At(time.Date(2026, 11, 24, 7, 0, 0, 0, time.UTC))
	view := watchdog.ClientView{
		Client: "acme", Labels: labels, Verdict: watchdog.FallingBehind, Rule: "enterprise",
		Arrival: last, Event: last.Add(-time.Hour), Deadline: last.Add(5 * time.Minute), Incident: "1-a",
	}
	next := &watchdog.Next{At: last.Add(time.Hour), Targets: []rules.Target{{Kind: "pagerduty", Name: "cdp"}}}
	over := false
	mux := http.NewServeMux()
	mux.HandleFunc("/api/v1/feeds/external-profiles/clients", func(w http.ResponseWriter, r *http.Request) {
		page := watchdog.ClientPage{Clients: []watchdog.ClientView{}}
		if r.URL.Query().Get("client") == view.Client {
			page.Clients = append(page.Clients, view)
		}
		_ = json.NewEncoder(w).Encode(page)
	})
	mux.HandleFunc("/api/v1/incidents/1-a", func(w http.ResponseWriter, _ *http.Request) {
		if over {
			http.Error(w, `{"error":"no incident"}`, http.StatusNotFound)
			return
		}
		_ = json.NewEncoder(w).Encode(watchdog.Incident{ID: "1-a", Next: next})
	})
	server := httptest.NewServer(mux)
	defer server.Close()
	explain := func(client string, more ...string) (string, error) {
		return runCommand(t, append([]string{"rules", "explain", "external-profiles", client, "--rules", filepath.Join(repository, "deploy/examples/rules"), "--server", server.URL}, more...)...)
	}
	says := func(out string, pieces ...string) {
		t.Helper()
		for _, piece := range pieces {
			if !strings.Contains(out, piece) {
				t.Errorf("it does not say %q:\n%s", piece, out)
			}
		}
	}
	out, err := explain("acme")
	if err != nil {
		t.Fatal(err)
	}
	says(out, "acme of external-profiles (tier=enterprise)\nNow falling behind by the rule \"enterprise\" in force, in incident 1-a\n",
		"Next: pagerduty/cdp at 24 Nov 2026 08:00 UTC", "If nothing comes after the last update at 24 Nov 2026 07:00 UTC",
		"1 Dec 2026 06:00 UTC       +6d23h  ", "data loss begins") // by event time
	if strings.Contains(out, "otherwise") {
		t.Errorf("the rules are the same:\n%s", out)
	}
	view.Rule, over = "vip", true
	if out, err = explain("acme"); err != nil {
		t.Fatal(err)
	}
	says(out, "These files say otherwise")
	if out, err = explain("acme", "--format", "json"); err != nil {
		t.Fatal(err)
	}
	var e explanation
	if err := json.Unmarshal([]byte(out), &e); err != nil || e.Rule.Name != "enterprise" || e.Live.Verdict != watchdog.FallingBehind || e.Live.Next != nil || e.Assumed {
		t.Errorf("as JSON it is %+v, %v", e, err)
	}
	if _, err := explain("globex"); err == nil || !strings.Contains(err.Error(), `knows no client "globex" of external-profiles; leave --server out`) {
		t.Errorf("for a client that is not known: %v", err)
	}
}
