package alertmanager_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/feedwatch/feedwatch/notifiers/alertmanager"
	"github.com/feedwatch/feedwatch/notifiers/notifiertest"
	"github.com/feedwatch/feedwatch/rules"
	"github.com/feedwatch/feedwatch/watchdog/delivery"
	"github.com/feedwatch/feedwatch/watchdog/feed"
)

// people are those whom an Alertmanager tells.
type people struct {
	mu   sync.Mutex
	told []string // "firing FeedSilent 1 error"
}

func (p *people) ServeHTTP(_ http.ResponseWriter, r *http.Request) {
	var said struct {
		Alerts []struct {
			Status string            `json:"status"`
			Labels map[string]string `json:"labels"`
		} `json:"alerts"`
	}
	_ = json.NewDecoder(r.Body).Decode(&said) // what is missing, the test misses
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, a := range said.Alerts {
		p.told = append(p.told, strings.Join([]string{a.Status, a.Labels["alertname"], a.Labels["page"], a.Labels["severity"]}, " "))
	}
}

func (p *people) heard(what string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Contains(p.told, what)
}

// TestRealAlertmanager: a real one takes what we send, tells its people of each
// page, keeps it for as long as it is refreshed, and tells them of the end.
func TestRealAlertmanager(t *testing.T) {
	var p people
	receiver := httptest.NewServer(&p)
	t.Cleanup(receiver.Close)
	am := notifiertest.StartAlertmanager(t, receiver.URL)
	n := newNotifier(t, config(am.URL))
	for _, f := range n.Check(t.Context(), true) {
		if !f.OK() {
			t.Errorf("check: %+v", f)
		}
	}

	scene := notifiertest.Grown()
	inc := scene.Incident
	inc.Feed = "пrofiles / <b>\"x\"</b>"
	inc.Severity = rules.Error
	now := time.Now()
	op := func(kind delivery.OpKind, page int) delivery.Op {
		op := scene.Op(kind, target)
		op.Page, op.Now = &inc.Pages[page-1], feed.At(now)
		return op
	}
	deliver := func(o delivery.Op) {
		t.Helper()
		if _, err := n.Deliver(t.Context(), o); err != nil {
			t.Fatal(err)
		}
	}
	deliver(op(delivery.Trigger, 1))
	am.Until(t, "people hear of the first page", func() bool { return p.heard("firing FeedSilent 1 error") })
	deliver(op(delivery.Trigger, 2))
	am.Until(t, "people hear of the second page", func() bool { return p.heard("firing FeedSilent 2 error") })

	now = now.Add(3 * time.Minute)
	o := &outbox{told: []delivery.Told{{Incident: inc, Page: &inc.Pages[0]}, {Incident: inc, Page: &inc.Pages[1]}}}
	inc.Severity = rules.Critical
	newKeeper(n, o, func() time.Time { return now }, new(bytes.Buffer)).Refresh(t.Context())
	shown := func(severity string) (all []notifiertest.AlertmanagerAlert) {
		for _, a := range am.Alerts(t) {
			if a.Labels["severity"] == severity && a.Labels["alertname"] == "FeedSilent" {
				all = append(all, a)
			}
		}
		return all
	}
	for _, a := range shown("critical") {
		if d := a.EndsAt.Sub(now.Add(alertmanager.Lease)).Abs(); d > time.Second || a.Labels["feed"] != inc.Feed || a.GeneratorURL == "" || a.Annotations["since"] == "" {
			t.Errorf("refreshed it is %+v", a)
		}
	}
	if n := len(shown("critical")); n != 2 {
		t.Errorf("%d alerts are shown under the new severity, want 2", n)
	}

	now = time.Now() // the former severity ended "3 minutes ahead", as a clock that is wrong would have it
	deliver(op(delivery.Resolve, 1))
	deliver(op(delivery.Resolve, 2))
	am.Until(t, "nothing fires any more", func() bool { return len(shown("critical")) == 0 })
	for _, page := range []string{"1", "2"} {
		am.Until(t, "people hear of the end of page "+page, func() bool { return p.heard("resolved FeedSilent " + page + " critical") })
	}
}
