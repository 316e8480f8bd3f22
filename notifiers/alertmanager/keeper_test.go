package alertmanager_test

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/feedwatch/feedwatch/notifiers/alertmanager"
	"github.com/feedwatch/feedwatch/notifiers/notifiertest"
	"github.com/feedwatch/feedwatch/rules"
	"github.com/feedwatch/feedwatch/watchdog/delivery"
	"github.com/feedwatch/feedwatch/watchdog/said"
)

// outbox is what was told.
type outbox struct {
	told  []delivery.Told
	asked atomic.Int32
}

func (o *outbox) Told(rules.Target) []delivery.Told {
	o.asked.Add(1)
	return o.told
}

func told(s notifiertest.Scene) delivery.Told {
	return delivery.Told{Incident: s.Incident, Page: &s.Incident.Pages[0], At: s.Now}
}

func newKeeper(n *alertmanager.Notifier, o alertmanager.Outbox, now func() time.Time, log *bytes.Buffer) *alertmanager.Keeper {
	return alertmanager.NewKeeper(target, n, o, now, slog.New(slog.NewTextHandler(said.Also(log), nil)), alertmanager.NewMetrics(prometheus.NewRegistry()))
}

func TestRefresh(t *testing.T) {
	r := newRecorder(t)
	n := newNotifier(t, config(r.URL))
	now := notifiertest.At("2025-11-24 00:20").Time()
	o := &outbox{}
	var log bytes.Buffer
	k := newKeeper(n, o, func() time.Time { return now }, &log)
	k.Refresh(t.Context())
	if len(r.all()) > 0 {
		t.Fatal("something was sent although there is nothing to send")
	}
	acknowledged := told(notifiertest.Acknowledged())
	acknowledged.Covered = true // it goes on there: Alertmanager would say that it is over
	o.told = []delivery.Told{told(notifiertest.Blind()), acknowledged}
	k.Refresh(t.Context())
	got := r.last(t)
	if len(got) != 2 || !got[0].EndsAt.Equal(now.Add(alertmanager.Lease)) || got[0].Labels["alertname"] != "FeedCannotBeSeen" || got[1].Annotations["description"] == "" {
		t.Fatalf("refreshed %+v", got)
	}
	if !strings.Contains(got[1].Annotations["description"], "Acknowledged by") {
		t.Errorf("it does not say who is on it: %q", got[1].Annotations["description"])
	}
	r.refuse(http.StatusServiceUnavailable)
	for range 3 {
		k.Refresh(t.Context())
	}
	if strings.Count(log.String(), "were not refreshed") != 1 {
		t.Errorf("the log says:\n%s", &log)
	}
}

// TestManyAreSentInParts bounds a request.
func TestManyAreSentInParts(t *testing.T) {
	r := newRecorder(t)
	o := &outbox{}
	for range 450 {
		o.told = append(o.told, told(notifiertest.Open()))
	}
	newKeeper(newNotifier(t, config(r.URL)), o, time.Now, new(bytes.Buffer)).Refresh(t.Context())
	sizes := []int{}
	for _, post := range r.all() {
		sizes = append(sizes, len(post))
	}
	if len(sizes) != 3 || sizes[0] != 200 || sizes[2] != 50 {
		t.Errorf("requests of %v alerts", sizes)
	}
}

// TestARefreshNeverOverlapsAnEnd: a refresh that was begun before an incident was
// over must not arrive after its end.
func TestARefreshNeverOverlapsAnEnd(t *testing.T) {
	under, free := make(chan struct{}), make(chan struct{})
	var requests atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		if requests.Add(1) == 1 {
			close(under)
			<-free
		}
	}))
	defer server.Close()
	n := newNotifier(t, config(server.URL))
	k := newKeeper(n, &outbox{told: []delivery.Told{told(notifiertest.Open())}}, time.Now, new(bytes.Buffer))
	refreshed, ended := make(chan struct{}), make(chan error, 1)
	go func() {
		k.Refresh(context.WithoutCancel(t.Context()))
		close(refreshed)
	}()
	<-under
	began := make(chan struct{})
	go func() {
		close(began)
		_, err := n.Deliver(context.WithoutCancel(t.Context()), notifiertest.Open().Op(delivery.Resolve, target))
		ended <- err
	}()
	<-began
	select {
	case err := <-ended:
		t.Errorf("the end was sent under a refresh: %v", err)
	case <-time.After(50 * time.Millisecond):
	}
	close(free)
	<-refreshed
	if err := <-ended; err != nil || requests.Load() != 2 {
		t.Errorf("%d requests, error %v", requests.Load(), err)
	}
}

// A part that is refused for what is in it does not let the alerts of the others end.
func TestAPartThatIsRefusedHoldsUpNoOther(t *testing.T) {
	var taken atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		var body bytes.Buffer
		_, _ = body.ReadFrom(req.Body)
		if strings.Contains(body.String(), "FeedCannotBeSeen") {
			http.Error(w, `"an alert is invalid"`, http.StatusBadRequest)
			return
		}
		taken.Add(1)
	}))
	defer server.Close()
	o := &outbox{told: []delivery.Told{told(notifiertest.Blind())}}
	for range 450 {
		o.told = append(o.told, told(notifiertest.Open()))
	}
	newKeeper(newNotifier(t, config(server.URL)), o, time.Now, new(bytes.Buffer)).Refresh(t.Context())
	if n := taken.Load(); n != 2 {
		t.Errorf("%d parts were taken, want 2 of 3", n)
	}
}
