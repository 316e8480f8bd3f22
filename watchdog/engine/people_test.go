package engine

import (
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/feedwatch/feedwatch/watchdog"
	"github.com/feedwatch/feedwatch/watchdog/bubble"
	"github.com/feedwatch/feedwatch/watchdog/feed"
)

// silent runs an engine until its one client is silent and paged for.
func silent(t *testing.T, m *memory) (e *Engine, id string, stop func()) {
	t.Helper()
	e = start(t, m)
	stop = running(t, e)
	beat(t, e, "acme")
	time.Sleep(61 * time.Second)
	synctest.Wait()
	return e, e.Status().Incidents[0].ID, stop
}

// silences are those that were kept, in order.
func (m *memory) silences() []watchdog.Silence {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.kept)
}

// revision is the one of an incident that is durable.
func (m *memory) revision(id string) uint64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.saved[id]
}

func forAnHour(match string) watchdog.Silence {
	return watchdog.Silence{ID: "s-1", Match: match, By: "anna", Comment: "moving racks", Until: feed.At(time.Now().Add(time.Hour))}
}

func TestWhatPeopleDecideIsDurableWhenItIsAnswered(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		m := &memory{saved: map[string]uint64{}}
		e, id, stop := silent(t, m)
		defer stop()
		ctx := t.Context()
		var refused *Refusal
		if err := e.HandOver(ctx, id, "anna", "bo"); !errors.As(err, &refused) {
			t.Errorf("handing over what nobody has: %v", err)
		}
		for name, decide := range map[watchdog.EventKind]func() error{
			watchdog.EventSnoozed:       func() error { return e.Snooze(ctx, id, "anna", time.Hour) },
			watchdog.EventHandedOver:    func() error { return e.HandOver(ctx, id, "anna", "bo") },
			watchdog.EventResolvedEarly: func() error { return e.Resolve(ctx, id, "bo", "restarted it") },
		} {
			if name == watchdog.EventHandedOver { // whatever comes first, it needs an acknowledgement
				if err := e.Acknowledge(ctx, id, "anna", 0); err != nil {
					t.Fatal(err)
				}
			}
			if err := decide(); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			inc := e.Status().Incidents[0]
			if last := inc.Events[len(inc.Events)-1]; last.Kind != name || m.revision(id) != inc.Revision {
				t.Errorf("%s: the last event is %s, revision %d is durable of %d", name, last.Kind, m.revision(id), inc.Revision)
			}
		}
		if err := e.AcceptLoss(ctx, id, "anna", "test data"); !errors.As(err, &refused) {
			t.Errorf("accepting a loss without a clock: %v", err)
		}
		for name, err := range map[string]error{
			"snooze": e.Snooze(ctx, "none", "anna", 0), "hand over": e.HandOver(ctx, "none", "anna", "bo"),
			"resolve": e.Resolve(ctx, "none", "anna", ""), "accept": e.AcceptLoss(ctx, "none", "anna", "x"),
		} {
			if !errors.Is(err, ErrNoIncident) {
				t.Errorf("%s of an unknown incident: %v", name, err)
			}
		}
	})
}

func TestASilenceIsDurableBeforeItHolds(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		m := &memory{saved: map[string]uint64{}}
		e, _, stop := silent(t, m)
		defer stop()
		m.fail(errStore)
		if _, err := e.Silence(t.Context(), forAnHour(`feed="profiles"`)); !errors.Is(err, errStore) {
			t.Fatalf("kept on a full disk: %v", err)
		}
		if s := e.Status(); len(s.Silences) != 0 || s.Incidents[0].Hold != nil {
			t.Error("a silence is in force that a restart would forget")
		}
		m.fail(nil)
		time.Sleep(time.Second)
		if n := len(m.silences()); n != 1 || m.silences()[0].Until > feed.At(time.Now()) {
			t.Errorf("what failed may come back after a restart: %+v", m.silences())
		}
		got, err := e.Silence(t.Context(), forAnHour(`feed="profiles"`))
		if err != nil || got.From.IsZero() {
			t.Fatalf("%+v: %v", got, err)
		}
		if s := e.Status(); len(s.Silences) != 1 || s.Incidents[0].Hold == nil || s.Feeds[0].Held != 1 || m.silences()[1].Until != got.Until {
			t.Errorf("in force: %+v, held by %+v, kept %+v", s.Silences, s.Incidents[0].Hold, m.silences())
		}
		var refused *Refusal
		if _, err := e.Silence(t.Context(), forAnHour("")); !errors.As(err, &refused) || len(m.silences()) != 2 {
			t.Errorf("a silence of nothing: %v, kept %d", err, len(m.silences()))
		}
	})
}

// Pages must not wait for a store that fails; and it must not be the restart that
// finds the silence again.
func TestASilenceEndsWhateverTheStoreSays(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		m := &memory{saved: map[string]uint64{}}
		e, _, stop := silent(t, m)
		defer stop()
		if _, err := e.Silence(t.Context(), forAnHour(`feed="profiles"`)); err != nil {
			t.Fatal(err)
		}
		if _, err := e.EndSilence(t.Context(), "none", "bo"); !errors.Is(err, watchdog.ErrNoSilence) {
			t.Errorf("an unknown one: %v", err)
		}
		m.fail(errStore)
		if _, err := e.EndSilence(t.Context(), "s-1", "bo"); err == nil {
			t.Error("what is not durable was answered as if it were")
		}
		if s := e.Status(); len(s.Silences) != 0 || s.Incidents[0].Hold != nil || s.Store.Failing == "" {
			t.Errorf("in force: %+v, held by %+v", s.Silences, s.Incidents[0].Hold)
		}
		m.fail(nil)
		time.Sleep(time.Second)
		if n := len(m.silences()); n != 2 || m.silences()[1].EndedBy != "bo" {
			t.Errorf("kept %+v, want the end too", m.silences())
		}
	})
}

// A silence and its end that nobody waits for any more are kept all the same.
func TestAnEndedSilenceIsKeptBeforeAStop(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		m := &memory{saved: map[string]uint64{}}
		e, _, stop := silent(t, m)
		if _, err := e.Silence(t.Context(), forAnHour(`feed="profiles"`)); err != nil {
			t.Fatal(err)
		}
		m.fail(errStore)
		if _, err := e.EndSilence(t.Context(), "s-1", "bo"); err == nil {
			t.Fatal("answered as if it were durable")
		}
		m.fail(nil)
		stop()
		if n := len(m.silences()); n != 2 || m.silences()[1].EndedBy != "bo" {
			t.Errorf("kept %+v, want the end too", m.silences())
		}
	})
}
