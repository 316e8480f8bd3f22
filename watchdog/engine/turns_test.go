package engine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/feedwatch/feedwatch/watchdog"
	"github.com/feedwatch/feedwatch/watchdog/bubble"
	"github.com/feedwatch/feedwatch/watchdog/feed"
)

// Whoever finds no turn under way makes one; whoever finds one waits for the next.
func TestSendersMakeTurns(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		e := start(t, &memory{saved: map[string]uint64{}})
		stop := running(t, e)
		defer stop()
		synctest.Wait()
		const senders, each = 20, 50
		var all sync.WaitGroup
		for s := range senders {
			all.Go(func() {
				for i := range each {
					beat(t, e, fmt.Sprintf("client-%d-%d", s, i))
				}
			})
		}
		all.Wait()
		known := 0
		if err := e.send(t.Context(), request{ask: func(m *watchdog.Machine) { known = m.Feeds()[0].Clients }}); err != nil || known != senders*each {
			t.Errorf("%d clients are known, want %d; %v", known, senders*each, err)
		}
		err := e.send(t.Context(), request{ask: func(*watchdog.Machine) {
			if e.serve(request{}) {
				t.Error("a turn was made within another")
			}
		}})
		if err != nil {
			t.Error(err)
		}
	})
}

// What waits for a turn is served before what comes later: else the look that follows
// would find a heartbeat missing that came in time, and of two rule sets or two words of
// a person the older would hold.
func TestWhatWaitsIsNotOvertaken(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		e := start(t, &memory{saved: map[string]uint64{}})
		stop := running(t, e)
		defer stop()
		for range 200 {
			var order []string
			note := func(what string) request {
				return request{ask: func(*watchdog.Machine) { order = append(order, what) }}
			}
			first := make(chan error, 1)
			err := e.send(t.Context(), request{ask: func(*watchdog.Machine) {
				go func() { first <- e.send(t.Context(), note("first")) }()
				for tries := 0; len(e.requests) == 0 && tries < 100_000; tries++ {
					runtime.Gosched()
				}
			}})
			if err := errors.Join(err, e.send(t.Context(), note("second")), <-first); err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(order, []string{"first", "second"}) {
				t.Fatalf("served in the order %v", order)
			}
		}
	})
}

// What is due sooner because of a sender's turn than Run would look is seen in time.
func TestSendersTurnIsFollowedInTime(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		e := start(t, &memory{saved: map[string]uint64{}})
		e.cfg.TurnEvery = time.Hour // nothing but what is due
		stop := running(t, e)
		defer stop()
		time.Sleep(10 * time.Second)
		now := feed.At(time.Now())
		if _, err := e.Silence(t.Context(), watchdog.Silence{ID: "s", Match: `feed="profiles"`, By: "anna", Comment: "short", From: now, Until: now.Add(5 * time.Second)}); err != nil {
			t.Fatal(err)
		}
		if n := len(e.Status().Silences); n != 1 {
			t.Fatalf("%d silences, want the one", n)
		}
		time.Sleep(6 * time.Second)
		if n := len(e.Status().Silences); n != 0 {
			t.Errorf("%d silences a second after its end", n)
		}
	})
}

// Where senders come often, Run does not wake up for what their turns see to; and what
// they leave is seen in time.
func TestSendersTurnsSpareThoseOfRun(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		const every = senderFirst * 7 / 10 // of which no deadline is a multiple
		e := start(t, &memory{saved: map[string]uint64{}})
		begun, others := time.Now(), 0
		e.cfg.HeardThrough = func(now time.Time) time.Time { // asked in each turn
			if now.Sub(begun)%every != 0 {
				others++
			}
			return now
		}
		stop := running(t, e)
		defer stop()
		for i := range 10_000 { // 140 s: deadlines come and go by, and flushes
			beat(t, e, fmt.Sprintf("client-%d", i%1000))
			time.Sleep(every)
		}
		e.turn.Lock()
		if others > 0 {
			t.Errorf("Run made %d turns by itself", others)
		}
		e.turn.Unlock()
		time.Sleep(time.Minute - 1000*every) // the deadline of the first of them
		if n := len(e.Status().Incidents); n != 0 {
			t.Fatalf("%d incidents before the deadline", n)
		}
		time.Sleep(200*time.Millisecond + 2*senderFirst) // the wait for others with its cause
		if n := len(e.Status().Incidents); n != 1 {
			t.Errorf("%d incidents after the deadline", n)
		}
	})
}

// What comes before Run or after it is not taken: it would not be written.
func TestNoTurnsBesideRun(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		e := start(t, &memory{saved: map[string]uint64{}})
		refused := func(when string) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			if _, err := e.Submit(ctx, feed.Report{Source: feed.Push}); err == nil {
				t.Errorf("%s it was taken", when)
			}
		}
		refused("before")
		running(t, e)()
		refused("after")
	})
}

// A turn that panics ends the process, whoever makes it: behind net/http the machine
// would go on half changed.
func TestPanicEndsTheProcess(t *testing.T) {
	if os.Getenv("FW_TEST_PANIC") != "" {
		e := start(t, &memory{saved: map[string]uint64{}})
		go func() { _ = e.Run(t.Context()) }()
		for e.Status().Now == e.started {
			time.Sleep(time.Millisecond)
		}
		defer func() { _ = recover() }() // as net/http does
		_ = e.send(t.Context(), request{ask: func(*watchdog.Machine) { panic("half changed") }})
		return
	}
	again := exec.CommandContext(t.Context(), os.Args[0], "-test.run", "^TestPanicEndsTheProcess$")
	again.Env = append(os.Environ(), "FW_TEST_PANIC=1")
	said, err := again.CombinedOutput()
	if err == nil || !bytes.Contains(said, []byte("panic: half changed")) || !bytes.Contains(said, []byte("turns_test.go")) {
		t.Errorf("%v, %s", err, said)
	}
}
