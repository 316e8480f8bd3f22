package engine

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/feedwatch/feedwatch/rules"
	"github.com/feedwatch/feedwatch/watchdog"
	"github.com/feedwatch/feedwatch/watchdog/bubble"
	"github.com/feedwatch/feedwatch/watchdog/feed"
)

const testRules = `
feeds:
  - name: profiles
    escalation: on-call
    rules:
      - {name: whole, per: feed, stale_after: 1m, severity: critical}
      - {name: all, stale_after: 1m}
escalations:
  - name: on-call
    steps:
      - notify: [console/terminal]
`

// memory is a store and a delivery that remember the order in which they were called.
type memory struct {
	mu     sync.Mutex
	failed error
	calls  []string
	blocks int
	saved  map[string]uint64
	kept   []watchdog.Silence

	restarts int
}

func (m *memory) SaveIncidents(_ context.Context, all []*watchdog.Incident) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.failed != nil {
		return m.failed
	}
	for _, inc := range all {
		m.saved[inc.ID] = inc.Revision
	}
	m.calls = append(m.calls, "saved")
	return nil
}

func (m *memory) SaveBlocks(_ context.Context, f watchdog.Flush) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.blocks += len(f.Blocks)
	return m.failed
}

func (m *memory) SaveSilence(_ context.Context, s watchdog.Silence) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.failed != nil {
		return m.failed
	}
	m.kept = append(m.kept, s)
	return nil
}

func (m *memory) SaveRestart(context.Context, watchdog.Restart) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.restarts++
	return nil
}

func (m *memory) SaveRules(context.Context, watchdog.SavedRules) error { return nil }

func (m *memory) Incident(context.Context, string) (*watchdog.Incident, error) {
	return nil, errors.New("not there")
}

func (m *memory) Apply(all []*watchdog.Incident, durable bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for range all {
		if durable {
			m.calls = append(m.calls, "sent durable")
		} else {
			m.calls = append(m.calls, "sent undurable")
		}
	}
}

func (m *memory) fail(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.failed = err
}

func (m *memory) said(call string) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := 0
	for _, c := range m.calls {
		if c == call {
			n++
		}
	}
	return n
}

func start(t *testing.T, m *memory) *Engine { return startWith(t, m, m) }

func startWith(t *testing.T, m *memory, store Store) *Engine {
	t.Helper()
	set, err := rules.Parse([]rules.File{{Name: "r.yaml", Data: []byte(testRules)}})
	if err != nil {
		t.Fatal(err)
	}
	e, err := New(t.Context(), Config{
		Install: "test", Store: store, Archive: m, Delivery: m, Log: slog.New(slog.DiscardHandler),
		Registerer: prometheus.NewRegistry(), Now: time.Now,
		HeardThrough: func(now time.Time) time.Time { return now },
	}, &watchdog.Saved{})
	if err != nil {
		t.Fatal(err)
	}
	e.begin(set, feed.At(time.Now()), nil)
	return e
}

func beat(t *testing.T, e *Engine, client string) {
	t.Helper()
	key, err := feed.ParseKey("profiles", client)
	if err != nil {
		t.Fatal(err)
	}
	refused, err := e.Submit(t.Context(), feed.Report{Source: feed.Push, Heartbeats: []feed.Heartbeat{
		{Key: key, Arrival: feed.At(time.Now()), Count: 1},
	}})
	if err != nil || refused != nil {
		t.Fatalf("refused %v: %v", refused, err)
	}
}

func running(t *testing.T, e *Engine) (stop func()) {
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- e.Run(ctx) }()
	return func() {
		cancel()
		if err := <-done; err != nil && !errors.Is(err, errStore) {
			t.Errorf("Run ended with %v", err)
		}
		synctest.Wait()
	}
}

var errStore = errors.New("no space left on device")

func TestCommitThenSend(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		m := &memory{saved: map[string]uint64{}}
		e := start(t, m)
		stop := running(t, e)
		beat(t, e, "acme")
		time.Sleep(59 * time.Second)
		if n := m.said("sent durable"); n != 0 {
			t.Fatalf("%d messages before the deadline", n)
		}
		time.Sleep(time.Second + 210*time.Millisecond) // the wait for others with its cause
		synctest.Wait()
		if m.said("sent durable") == 0 || m.calls[0] != "saved" {
			t.Fatalf("at the deadline: %v, want saved, then sent", m.calls)
		}
		id := e.Status().Incidents[0].ID
		if err := e.Acknowledge(t.Context(), id, "anna", 0); err != nil {
			t.Fatal(err)
		}
		inc := e.Status().Incidents[0]
		if inc.State != watchdog.StateAcknowledged || m.saved[id] != inc.Revision {
			t.Errorf("answered at revision %d in state %s, durable is %d", inc.Revision, inc.State, m.saved[id])
		}
		if err := e.Acknowledge(t.Context(), "none", "anna", 0); !errors.Is(err, ErrNoIncident) {
			t.Errorf("an unknown incident: %v", err)
		}
		stop()
		if m.blocks == 0 {
			t.Error("watermarks were never flushed")
		}
	})
}

// A full disk must not keep a page back: after two seconds it is sent undurable,
// once, and the trouble is shown; when the store works again it is saved.
func TestStoreFailsPagesAllTheSame(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		m := &memory{saved: map[string]uint64{}}
		e := start(t, m)
		stop := running(t, e)
		defer stop()
		beat(t, e, "acme")
		m.fail(errStore)
		time.Sleep(61 * time.Second)
		if m.said("sent undurable") != 0 {
			t.Fatal("sent undurable within two seconds")
		}
		time.Sleep(5 * time.Second)
		if n := m.said("sent undurable"); n == 0 {
			t.Fatal("the page was kept back")
		}
		if got := e.Status().Store.Failing; got != errStore.Error() {
			t.Errorf("the status says %q", got)
		}
		if err := e.Acknowledge(t.Context(), e.Status().Incidents[0].ID, "anna", 0); err == nil {
			t.Error("an acknowledgement that is not durable was answered as if it were")
		}
		m.fail(nil)
		time.Sleep(5 * time.Second)
		synctest.Wait()
		inc := e.Status().Incidents[0]
		if m.saved[inc.ID] != inc.Revision || e.Status().Store.Failing != "" {
			t.Errorf("revision %d is durable, %d is now; the status says %q", m.saved[inc.ID], inc.Revision, e.Status().Store.Failing)
		}
	})
}

// While nothing happens only watermarks are written: that they cannot be is said
// as well, and does not end because an incident could be saved meanwhile.
func TestFailingFlushesAreSaid(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		m := &memory{saved: map[string]uint64{}}
		e := start(t, m)
		stop := running(t, e)
		defer stop()
		beat(t, e, "acme")
		m.fail(errStore)
		time.Sleep(flushEvery + 2*publishEvery)
		synctest.Wait()
		if got := e.Status().Store; got.Failing != errStore.Error() || got.Since.IsZero() {
			t.Errorf("the status says %+v", got)
		}
		m.fail(nil)
		time.Sleep(flushEvery + 2*publishEvery)
		synctest.Wait()
		if got := e.Status().Store.Failing; got != "" {
			t.Errorf("the status still says %q", got)
		}
	})
}

// A process that did not run for a while must not call silent what it could not
// have heard: it treats the gap as a restart.
func TestAsleep(t *testing.T) {
	m := &memory{saved: map[string]uint64{}}
	e := start(t, m)
	now := time.Now()
	key, _ := feed.ParseKey("profiles", "acme")
	e.Turn(now, request{done: make(chan struct{}), input: &watchdog.Heard{Report: feed.Report{
		Source: feed.Push, Heartbeats: []feed.Heartbeat{{Key: key, Arrival: feed.At(now), Count: 1}},
	}}})
	e.Turn(now.Add(10 * time.Minute))
	page, _ := e.machine.Clients(watchdog.ClientQuery{Feed: "profiles", Any: true, Limit: 1})
	if v := page.Clients[0].Verdict; v != watchdog.Blind {
		t.Errorf("after a gap the client is %s, want blind", v)
	}
	for i := range 70 {
		e.Turn(now.Add(10*time.Minute + time.Duration(i)*time.Second))
	}
	page, _ = e.machine.Clients(watchdog.ClientQuery{Feed: "profiles", Any: true, Limit: 1})
	if v := page.Clients[0].Verdict; v != watchdog.Stale {
		t.Errorf("after its grace the client is %s, want stale", v)
	}
	e.Turn(now.Add(11*time.Minute + 10*time.Second))
	inc := e.machine.Incidents()[0]
	if want := feed.At(now).Add(time.Minute); inc.Opened != want {
		t.Errorf("the incident is stamped %s, want its deadline %s", inc.Opened, want)
	}
}

// Who drives the engine may jump to the time that it asked for, however far that
// is: only what comes later was asleep.
func TestAsleepIsLaterThanAsked(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		m := &memory{saved: map[string]uint64{}}
		e := start(t, m)
		e.cfg.TurnEvery = time.Hour
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		e.Commit(ctx)
		asked := e.Drive()
		for range 5 {
			time.Sleep(time.Until(asked))
			asked = e.Drive()
		}
		if m.restarts != 0 {
			t.Errorf("%d turns that came when they were asked for were taken as restarts", m.restarts)
		}
		time.Sleep(time.Until(asked) + asleepAfter + time.Second)
		e.Drive()
		synctest.Wait()
		if m.restarts != 1 {
			t.Errorf("%d restarts after a pause, want 1", m.restarts)
		}
	})
}

// A crash loop before the first periodic flush must find what was expected since
// when, or it postpones the page for ever.
func TestStartIsDurable(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		m := &memory{saved: map[string]uint64{}}
		e := start(t, m)
		stop := running(t, e)
		defer stop()
		time.Sleep(10 * time.Millisecond)
		synctest.Wait()
		m.mu.Lock()
		defer m.mu.Unlock()
		if m.blocks == 0 {
			t.Error("nothing was flushed at the start")
		}
	})
}

// A clock that is set back must not stop the watch until the old time comes again.
func TestClockSetBack(t *testing.T) {
	m := &memory{saved: map[string]uint64{}}
	e := start(t, m)
	now := time.Now()
	key, _ := feed.ParseKey("profiles", "acme")
	e.Turn(now, request{done: make(chan struct{}), input: &watchdog.Heard{Report: feed.Report{
		Source: feed.Push, Heartbeats: []feed.Heartbeat{{Key: key, Arrival: feed.At(now), Count: 1}},
	}}})
	now = now.Add(-time.Hour)
	for i := range 62 {
		e.Turn(now.Add(time.Duration(i) * time.Second))
	}
	if all := e.machine.Incidents(); len(all) != 1 || len(all[0].Pages) != 1 {
		t.Errorf("%d incidents a minute after the clock was set back by an hour, want one", len(all))
	}
}

// What was pushed while our own address did not answer may be lost: that is no
// silence of the feeder, and it has its time to push again.
func TestDeafForAWhile(t *testing.T) {
	m := &memory{saved: map[string]uint64{}}
	e := start(t, m)
	now := time.Now()
	var deafSince time.Time
	e.cfg.HeardThrough = func(now time.Time) time.Time {
		if deafSince.IsZero() {
			return now
		}
		return deafSince
	}
	push := func(at time.Time) request {
		key, _ := feed.ParseKey("profiles", "acme")
		return request{done: make(chan struct{}), input: &watchdog.Heard{Report: feed.Report{
			Source: feed.Push, Heartbeats: []feed.Heartbeat{{Key: key, Arrival: feed.At(at), Count: 1}},
		}}}
	}
	e.Turn(now, push(now))
	for second := range 81 { // deaf from 0:30 to 1:20, and stale after 1:00
		if second == 30 {
			deafSince = now.Add(30 * time.Second)
		}
		e.Turn(now.Add(time.Duration(second) * time.Second))
	}
	deafSince = time.Time{}
	for second := range 30 {
		e.Turn(now.Add(time.Duration(81+second) * time.Second))
	}
	if all := e.machine.Incidents(); len(all) != 0 && all[0].Cause == watchdog.CauseSilent {
		t.Fatalf("%s of %q opened %s (%s) half a minute after we hear again", all[0].Cause, all[0].Anchor, all[0].Opened.Sub(feed.At(now)), all[0].Seen.Sub(feed.At(now)))
	}
	for second := range 60 { // nothing comes: it is a silence after all
		e.Turn(now.Add(time.Duration(111+second) * time.Second))
	}
	silent := 0
	for _, inc := range e.machine.Incidents() {
		if inc.Cause == watchdog.CauseSilent {
			silent++
		}
	}
	if silent != 1 {
		t.Errorf("%d silent incidents once the grace is over, want 1", silent)
	}
}
