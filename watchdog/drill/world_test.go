package drill

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/feedwatch/feedwatch/rules"
	"github.com/feedwatch/feedwatch/watchdog"
	"github.com/feedwatch/feedwatch/watchdog/delivery"
	"github.com/feedwatch/feedwatch/watchdog/selfwatch"
)

// place is somewhere that messages are sent, and can be read back from.
type place struct {
	shape delivery.Shape

	mu       sync.Mutex
	refuses  string // with which it refuses us
	swallows bool   // it accepts, and shows nothing
	hides    error  // that looking ends with
	said     []string
	shown    map[string]bool // by ref
	open     map[string]bool // alerts, by ref
}

func (p *place) Shape() delivery.Shape { return p.shape }

func (p *place) Deliver(_ context.Context, op delivery.Op) (string, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.refuses != "" {
		return "", &delivery.Error{Class: delivery.Refused, Err: errors.New(p.refuses)}
	}
	ref := op.ID()
	p.said = append(p.said, op.Name)
	if op.Kind == delivery.Resolve {
		delete(p.open, strings.TrimSuffix(ref, "/resolve"))
	}
	if !p.swallows {
		p.shown[ref] = true
		if op.Kind == delivery.Trigger {
			p.open[ref] = true
		}
	}
	return ref, nil
}

func (p *place) SeenBack(_ context.Context, ref, op string) (bool, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.hides == nil && p.shown[ref] && ref == op, p.hides
}

func (p *place) set(f func(*place)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f(p)
}

func (p *place) heard() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return strings.Join(p.said, " ")
}

func (p *place) alerts() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.open)
}

// disk is a store that may fail.
type disk struct {
	mu        sync.Mutex
	err       error
	incidents map[string]*watchdog.Incident
	receipts  []watchdog.Receipt
}

func (d *disk) SaveIncidents(_ context.Context, all []*watchdog.Incident) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.err != nil {
		return d.err
	}
	for _, inc := range all {
		if old := d.incidents[inc.ID]; old == nil || old.Revision <= inc.Revision {
			d.incidents[inc.ID] = inc
		}
	}
	return nil
}

func (d *disk) SaveReceipt(_ context.Context, r watchdog.Receipt) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.receipts = append(d.receipts, r)
	return d.err
}

func (d *disk) copy() *disk {
	d.mu.Lock()
	defer d.mu.Unlock()
	twin := &disk{incidents: map[string]*watchdog.Incident{}, receipts: slices.Clone(d.receipts)}
	for id, inc := range d.incidents {
		twin.incidents[id] = inc
	}
	return twin
}

func (d *disk) all() (all []*watchdog.Incident) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, inc := range d.incidents {
		all = append(all, inc)
	}
	slices.SortFunc(all, func(a, b *watchdog.Incident) int { return strings.Compare(a.ID, b.ID) })
	return all
}

const ladders = `
feeds:
  - {name: profiles, escalation: cdp, rules: [{name: all, stale_after: 5m}]}
  - {name: consent, escalation: consent, rules: [{name: all, stale_after: 5m}]}
escalations:
  - name: cdp
    steps:
      - notify: [slack/a]
      - {after: 5m, notify: [pagerduty/cdp, webhook/x]}
  - name: consent
    steps:
      - notify: [slack/a]
      - {after: 5m, notify: [slack/b]}
`

// world is a process with its places and its disk.
type world struct {
	*Drills
	t        *testing.T
	places   map[string]*place
	disk     *disk
	delivery *delivery.Delivery
	registry *prometheus.Registry
	ahead    time.Duration // of the bubble's clock
	stop     func()

	mu    sync.Mutex
	found map[string]string
}

// newWorld starts one. other is a place that is on no ladder.
func newWorld(t *testing.T, schedule ...Appointment) *world {
	return newWorldAt(t, time.Now(), schedule...)
}

// newWorldAt starts one whose clock says at.
func newWorldAt(t *testing.T, at time.Time, schedule ...Appointment) *world {
	w := &world{t: t, ahead: time.Until(at), disk: &disk{incidents: map[string]*watchdog.Incident{}}, places: map[string]*place{}}
	for name, shape := range map[string]delivery.Shape{
		"slack/a": delivery.Thread, "slack/b": delivery.Thread, "pagerduty/cdp": delivery.Alerts, "webhook/x": delivery.Stream, "pagerduty/other": delivery.Alerts,
	} {
		w.places[name] = &place{shape: shape, shown: map[string]bool{}, open: map[string]bool{}}
	}
	w.start(schedule...)
	return w
}

func (w *world) start(schedule ...Appointment) {
	w.t.Helper()
	w.registry, w.found = prometheus.NewRegistry(), map[string]string{}
	set, err := rules.Parse([]rules.File{{Name: "a.yaml", Data: []byte(ladders)}})
	if err != nil {
		w.t.Fatal(err)
	}
	var destinations []delivery.Destination
	back := map[rules.Target]Back{}
	for _, name := range []string{"slack/a", "slack/b", "pagerduty/cdp", "webhook/x", "pagerduty/other"} {
		target, err := rules.ParseTarget(name)
		if err != nil {
			w.t.Fatal(err)
		}
		destinations = append(destinations, delivery.Destination{Target: target, Notifier: w.places[name]})
		if target.Kind != "webhook" {
			back[target] = Back{Viewer: w.places[name], Hint: "look there"}
		}
	}
	log := slog.New(slog.DiscardHandler)
	w.delivery = delivery.New(delivery.Config{
		Destinations: destinations, Journal: w.disk, Log: log, Registerer: w.registry, Rand: rand.New(rand.NewPCG(1, 2)), Now: w.now,
	})
	w.delivery.Restore(w.disk.all(), w.disk.copy().receipts)
	w.Drills = New(Config{
		Install: "test", Rules: func() *rules.Set { return set }, Outbox: w.delivery, Store: w.disk, Back: back,
		Found: func(f selfwatch.Finding) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.found[f.About] = f.Why
		},
		Schedule: schedule, Log: log, Now: w.now, Registerer: w.registry,
	}, w.disk.all())
	drills, stopDrills := context.WithCancel(context.Background())
	sends, stopSends := context.WithCancel(context.Background())
	var all sync.WaitGroup
	ended := make(chan struct{})
	all.Go(func() { _ = w.delivery.Run(sends) })
	go func() { _ = w.Run(drills); close(ended) }()
	w.stop = func() {
		stopDrills()
		<-ended
		stopSends()
		all.Wait()
	}
}

func (w *world) now() time.Time { return time.Now().Add(w.ahead) }

// begin starts a drill that must begin.
func (w *world) begin(ask Ask) []*watchdog.Incident {
	w.t.Helper()
	ask.By = "anna"
	all, err := w.Start(w.t.Context(), ask)
	if err != nil {
		w.t.Fatal(err)
	}
	return all
}

func after(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// results are "seen" by notifier, of a drill that must be over.
func (w *world) results(id string) map[string]watchdog.DrillState {
	w.t.Helper()
	inc := w.Find(id)
	if inc == nil || inc.State != watchdog.StateResolved || !inc.Drill.Over {
		w.t.Fatalf("drill %+v, want it over", inc)
	}
	if kept := w.disk.all(); !slices.ContainsFunc(kept, func(k *watchdog.Incident) bool { return k.ID == id && k.State == watchdog.StateResolved }) {
		w.t.Errorf("the end of drill %s is not stored", id)
	}
	all := map[string]watchdog.DrillState{}
	for _, r := range inc.Drill.Notifiers {
		all[r.Notifier.String()] = r.State
	}
	return all
}

// why is what was found of a notifier or an escalation; "-" where nothing was said.
func (w *world) why(about string) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	if why, ok := w.found[about]; ok {
		return why
	}
	return "-"
}

// nothingOpen checks that no alert of a drill is left.
func (w *world) nothingOpen() {
	w.t.Helper()
	for name, p := range w.places {
		if n := p.alerts(); n > 0 {
			w.t.Errorf("%d alerts are open at %s", n, name)
		}
	}
}

// success is the metric of a notifier; 0 where there is none.
func (w *world) success(notifier string) float64 {
	return testutil.ToFloat64(w.metrics.success.WithLabelValues(notifier))
}
