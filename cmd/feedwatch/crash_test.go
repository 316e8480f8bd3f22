package main

import (
	"encoding/json"
	"math/rand/v2"
	"testing"
	"time"
)

// TestKilledAtAnyPoint kills the binary again and again, at random moments,
// through an outage and its recovery. However that falls: every page that Slack
// and PagerDuty took is there once, and every alert is resolved in the end.
func TestKilledAtAnyPoint(t *testing.T) {
	const seed = 20251124
	random := rand.New(rand.NewPCG(seed, 1))
	w := newWorld(t)
	w.start()
	w.push(20, "cluster", "fsn1", "hel1")
	time.Sleep(e2eStaleAfter - 200*time.Millisecond) // the kills begin about when the page is due
	for range 6 {
		time.Sleep(time.Duration(random.IntN(900)) * time.Millisecond)
		w.kill()
		w.start()
	}
	w.eventually("Slack and PagerDuty have the page", 30*time.Second, func() bool {
		return len(w.slack.Roots(e2eChannel)) > 0 && len(w.pagerduty.Alerts()) > 0
	})
	for range 6 {
		w.push(20, "cluster", "fsn1", "hel1")
		time.Sleep(time.Duration(random.IntN(900)) * time.Millisecond)
		w.kill()
		w.start()
	}
	stop := w.keepPushing(20)
	defer stop()
	w.eventually("every alert is resolved", 40*time.Second, func() bool {
		for _, a := range w.pagerduty.Alerts() {
			if a.Status != "resolved" {
				return false
			}
		}
		return w.incident().State == "resolved"
	})
	keys := map[string]int{}
	for _, a := range w.pagerduty.Alerts() {
		keys[a.Key]++
		if a.Rings != 1 {
			t.Errorf("PagerDuty rang %d times for %s, want once", a.Rings, a.Key)
		}
	}
	for key, n := range keys {
		if n != 1 {
			t.Errorf("%d alerts under %s: it was triggered after its resolve", n, key)
		}
	}
	_, body := w.get("/api/v1/incidents")
	t.Logf("%d alerts, %d Slack messages", len(keys), len(w.slack.Roots(e2eChannel)))
	if roots := w.slack.Roots(e2eChannel); len(roots) != countIncidents(t, body) {
		t.Errorf("%d Slack messages for %d incidents", len(roots), countIncidents(t, body))
	}
}

func countIncidents(t *testing.T, body []byte) int {
	t.Helper()
	var v struct {
		Incidents []e2eIncident `json:"incidents"`
	}
	if err := json.Unmarshal(body, &v); err != nil {
		t.Fatal(err)
	}
	return len(v.Incidents)
}
