package pagerduty_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/feedwatch/feedwatch/notifiers"
	"github.com/feedwatch/feedwatch/notifiers/notifiertest"
	"github.com/feedwatch/feedwatch/notifiers/pagerduty"
	"github.com/feedwatch/feedwatch/rules"
	"github.com/feedwatch/feedwatch/watchdog"
	"github.com/feedwatch/feedwatch/watchdog/delivery"
	"github.com/feedwatch/feedwatch/watchdog/feed"
	"github.com/feedwatch/feedwatch/watchdog/said"
)

var errBusy = errors.New("the engine is busy")

// desk is an incident and what was decided about it, as the engine would keep it.
type desk struct {
	*pagerduty.Desk
	t        testing.TB
	now      time.Time
	mu       sync.Mutex // of what both a webhook and a look touch
	incident *watchdog.Incident
	decided  []string
	busy     atomic.Bool
}

// newDesk opens the incident of the open scene, at its time.
func newDesk(t testing.TB) *desk {
	scene := notifiertest.Open()
	d := &desk{t: t, now: scene.Now.Time(), incident: scene.Incident}
	d.Desk = &pagerduty.Desk{
		Install: installOf(scene.Incident), Keeper: d, Log: said.Log(),
		Metrics: pagerduty.NewMetrics(prometheus.NewRegistry()), Now: func() time.Time { return d.now },
	}
	return d
}

func (d *desk) key(page int) string { return d.incident.PageKey(page) }

func (d *desk) Find(_ context.Context, id string) (*watchdog.Incident, error) {
	if d.busy.Load() {
		return nil, errBusy
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if id != d.incident.ID {
		return nil, nil
	}
	copied := *d.incident
	return &copied, nil
}

func (d *desk) Acknowledge(_ context.Context, id, by string, lasts time.Duration) error {
	return d.decide(id, watchdog.EventAcknowledged, by, watchdog.AckTaken, lasts)
}

func (d *desk) Resolve(_ context.Context, id, by, _ string) error {
	return d.decide(id, watchdog.EventResolvedEarly, by, watchdog.AckResolved, 30*time.Minute)
}

func (d *desk) decide(id string, kind watchdog.EventKind, by string, ack watchdog.AckKind, lasts time.Duration) error {
	if d.busy.Load() {
		return errBusy
	}
	if id != d.incident.ID || lasts <= 0 {
		d.t.Errorf("decision about %q for %s", id, lasts)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.decided = append(d.decided, string(kind)+" by "+by)
	at := feed.At(d.now)
	d.incident.State = watchdog.StateAcknowledged
	d.incident.Ack = &watchdog.Ack{Kind: ack, By: by, At: at, Until: at.Add(lasts)}
	d.event(watchdog.Event{Kind: kind, Who: by})
	return nil
}

func (d *desk) event(e watchdog.Event) {
	e.N, e.At = len(d.incident.Events)+1, feed.At(d.now)
	d.incident.Events = append(d.incident.Events[:len(d.incident.Events):len(d.incident.Events)], e)
	d.incident.Revision++
}

// page makes a page for a reason; an acknowledgement ends with one.
func (d *desk) page(why watchdog.Reason) {
	n := len(d.incident.Pages) + 1
	d.incident.Pages = append(d.incident.Pages[:n-1:n-1], watchdog.Page{N: n, At: feed.At(d.now), Reason: why, Targets: []rules.Target{target}})
	d.event(watchdog.Event{Kind: watchdog.EventPaged, Page: n})
	d.incident.Ack, d.incident.State = nil, watchdog.StateOpen
}

func (d *desk) want(decided ...string) {
	d.t.Helper()
	if len(decided) != len(d.decided) {
		d.t.Fatalf("decided %q, want %q", d.decided, decided)
	}
	for i := range decided {
		if d.decided[i] != decided[i] {
			d.t.Errorf("decided %q, want %q", d.decided, decided)
		}
	}
}

// installOf reads it from "fw/<install>/...".
func installOf(inc *watchdog.Incident) string {
	rest := inc.Key[len("fw/"):]
	for i := range rest {
		if rest[i] == '/' {
			return rest[:i]
		}
	}
	return rest
}

// outbox is a delivery that has told every page to PagerDuty.
type outbox struct {
	d     *desk
	n     delivery.Notifier
	at    map[int]time.Time
	sends int
}

func (o *outbox) tell(t testing.TB, page int) {
	t.Helper()
	op := delivery.Op{
		Kind: delivery.Trigger, Name: "p", Target: target, Incident: o.d.incident,
		Page: &o.d.incident.Pages[page-1], Now: feed.At(o.d.now),
	}
	if _, err := o.n.Deliver(t.Context(), op); err != nil {
		t.Fatal(err)
	}
	o.sends++
	o.at[page] = o.d.now
}

func (o *outbox) Told(rules.Target) []delivery.Told {
	var all []delivery.Told
	o.d.mu.Lock()
	inc := *o.d.incident
	o.d.mu.Unlock()
	if inc.State == watchdog.StateResolved {
		return nil
	}
	for n, at := range o.at {
		page := &inc.Pages[n-1]
		all = append(all, delivery.Told{Incident: &inc, Page: page, At: feed.At(at), Covered: inc.Ack != nil && page.At <= inc.Ack.At})
	}
	for i := range all {
		for j := range i {
			if all[j].Page.N > all[i].Page.N {
				all[i], all[j] = all[j], all[i]
			}
		}
	}
	return all
}

func (o *outbox) Again(_ rules.Target, _ string, page int) { o.tell(o.d.t, page) }

func newReader(t testing.TB, url string) *pagerduty.Reader {
	r, err := pagerduty.NewReader(pagerduty.ReaderConfig{
		Token: notifiers.NewSecret(notifiertest.PagerDutyToken), Service: notifiertest.PagerDutyService, APIURL: url,
	})
	if err != nil {
		t.Fatal(err)
	}
	return r
}
