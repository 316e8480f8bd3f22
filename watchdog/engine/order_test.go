package engine

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/feedwatch/feedwatch/watchdog"
	"github.com/feedwatch/feedwatch/watchdog/bubble"
)

// ledgerOf is a store that writes down in which order things came to be durable.
type ledgerOf struct {
	memory
	slow  time.Duration
	order []string
}

func (l *ledgerOf) SaveIncidents(ctx context.Context, all []*watchdog.Incident) error {
	for _, inc := range all {
		l.note(string(inc.State))
	}
	return l.memory.SaveIncidents(ctx, all)
}

func (l *ledgerOf) SaveBlocks(ctx context.Context, f watchdog.Flush) error {
	time.Sleep(l.slow)
	if len(f.Blocks) > 0 {
		l.note("marks")
	}
	return l.memory.SaveBlocks(ctx, f)
}

func (l *ledgerOf) note(what string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if n := len(l.order); n == 0 || l.order[n-1] != what {
		l.order = append(l.order, what)
	}
}

// A crash between the two must find the newer of them at worst: watermarks
// without the recovery are harmless, a recovery without its watermarks pages
// for nothing.
func TestARecoveryWaitsForItsWatermarksAndAPageForNone(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		store := &ledgerOf{memory: memory{saved: map[string]uint64{}}, slow: 500 * time.Millisecond}
		e := startWith(t, &store.memory, store)
		stop := running(t, e)
		defer stop()
		time.Sleep(3 * time.Second) // so that no periodic flush falls between silence and recovery
		beat(t, e, "acme")
		time.Sleep(58 * time.Second)
		store.mu.Lock()
		store.order = nil
		store.mu.Unlock()
		time.Sleep(4 * time.Second) // the deadline is over
		beat(t, e, "acme")
		for range 7 {
			time.Sleep(50 * time.Second)
			beat(t, e, "acme")
		}
		store.mu.Lock()
		defer store.mu.Unlock()
		at := func(what string) int { return slices.Index(store.order, what) }
		if at("open") < 0 || at("recovering") < 0 || at("resolved") < 0 {
			t.Fatalf("durable in order: %v", store.order)
		}
		if !slices.Contains(store.order[at("open"):at("recovering")], "marks") {
			t.Errorf("durable in order: %v, want marks before the recovery", store.order)
		}
	})
}

func TestATroubleThatIsBackWaitsForNoWatermarks(t *testing.T) {
	c := newCommitter(nil, nil, nil, nil)
	flush := watchdog.Flush{Blocks: []watchdog.BlockImage{{Feed: "f"}}}
	add := func(changes []*watchdog.Incident) {
		if c.add(changes, false) {
			c.addMarks(flush, false)
		}
	}
	picture := func(revision uint64, state watchdog.State) []*watchdog.Incident {
		return []*watchdog.Incident{{ID: "i1", Revision: revision, State: state}}
	}
	add(picture(1, watchdog.StateRecovering))
	if next := c.next(); len(next.incidents) != 0 {
		t.Fatalf("%+v, want the watermarks first", next)
	}
	add(picture(2, watchdog.StateOpen))
	if next := c.next(); len(next.incidents) != 1 || next.incidents[0].Revision != 2 {
		t.Errorf("%+v, want the page at once", next)
	}
	add(picture(3, watchdog.StateRecovering))
	if next := c.next(); len(next.incidents) != 0 {
		t.Errorf("%+v, want the watermarks first", next)
	}
}

func TestAPageAfterARestartWaitsForNoWatermarks(t *testing.T) {
	saved := &watchdog.Incident{
		ID: "i1", Revision: 3, State: watchdog.StateOpen,
		Events: []watchdog.Event{{N: 1, Kind: watchdog.EventResumed}, {N: 2, Kind: watchdog.EventStaleAgain}},
	}
	c := newCommitter(nil, nil, nil, nil)
	c.restored([]*watchdog.Incident{saved})
	paged := *saved
	paged.Revision, paged.Pages = 4, []watchdog.Page{{N: 1}}
	c.add([]*watchdog.Incident{&paged}, false)
	if next := c.next(); len(next.incidents) != 1 {
		t.Errorf("%+v, want the page at once", next)
	}
}

// A crash right after an incident has opened must find whom it is about.
func TestWhatAnIncidentOpenedForIsDurableSoon(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		store := &ledgerOf{memory: memory{saved: map[string]uint64{}}}
		e := startWith(t, &store.memory, store)
		stop := running(t, e)
		defer stop()
		time.Sleep(3 * time.Second)
		beat(t, e, "acme")
		time.Sleep(58 * time.Second) // after the last periodic flush before the deadline
		store.mu.Lock()
		store.order = nil
		store.mu.Unlock()
		beat(t, e, "globex") // not flushed yet when acme falls silent
		time.Sleep(4 * time.Second)
		store.mu.Lock()
		defer store.mu.Unlock()
		if len(store.order) < 2 || store.order[0] != "open" || store.order[1] != "marks" {
			t.Errorf("durable in order: %v, want the incident, then whom it is about", store.order)
		}
	})
}
