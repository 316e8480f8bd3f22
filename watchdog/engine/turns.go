package engine

import (
	"context"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"github.com/feedwatch/feedwatch/watchdog/feed"
)

// A turn is made by one goroutine at a time, which holds Engine.turn. Run makes those
// that are due. Whoever sends something makes one by the way when nobody else is at it:
// to wake another goroutine, and to be woken by it, takes longer than the turn. Else
// it waits in the queue, and the next turn takes what waits there.

// Run makes turns, and lets others, until ctx ends; then it writes what is left. The
// first turn is at once, and its flush with it: what is expected from now on is durable
// from the start, or a crash loop would postpone the page for a feed that never delivers.
func (e *Engine) Run(ctx context.Context) error {
	committed := e.Commit(ctx)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		e.turn.Unlock()
		due := true
		select {
		case <-ctx.Done():
			e.turn.Lock() // for good: what came from now on would not be written
			committed()
			return e.stop(context.WithoutCancel(ctx))
		case r := <-e.requests:
			e.turn.Lock()
			e.batch = append(e.batch, r)
		case <-timer.C:
			e.turn.Lock()
		case <-e.sooner:
			e.turn.Lock()
			due = false
		}
		if due {
			e.Drive()
		}
		e.armed = e.awaited
		timer.Reset(e.armed.Sub(e.cfg.Now()))
	}
}

// serve makes a turn for r here and now; false where one is under way.
func (e *Engine) serve(r request) bool {
	if !e.turn.TryLock() {
		return false
	}
	whole := false
	defer func() {
		if !whole {
			die(recover())
		}
		e.turn.Unlock()
	}()
	e.batch = append(e.batch, r)
	if e.Drive().Before(e.armed) {
		select {
		case e.sooner <- struct{}{}:
		default: // it is told already
		}
	}
	whole = true
	return true
}

// die ends the process for a turn that panicked, as it ends when Run makes that: the
// machine is half changed, and net/http would recover and go on.
func die(of any) {
	stack := debug.Stack()
	go func() { panic(fmt.Sprintf("%v\n\n%s", of, stack)) }()
	select {}
}

// Commit lets what turns change become durable, beside them, until ctx ends;
// ended waits until what is under way then has come to its end.
func (e *Engine) Commit(ctx context.Context) (ended func()) {
	var committing sync.WaitGroup
	committing.Go(func() { e.commit.run(ctx) })
	return committing.Wait
}

// Drive makes a turn with what others sent until now. It returns when it is to be
// called again if nobody sends anything.
func (e *Engine) Drive() time.Time {
	e.batch = e.drain(e.batch)
	next := e.Turn(e.cfg.Now(), e.batch...)
	clear(e.batch)
	e.batch = e.batch[:0]
	now := e.cfg.Now()
	e.awaited = now.Add(e.wait(next, now))
	return e.awaited
}

// drain takes what else is waiting, so that one step serves it all.
func (e *Engine) drain(batch []request) []request {
	for len(batch) < requestsMax {
		select {
		case r := <-e.requests:
			batch = append(batch, r)
		default:
			return batch
		}
	}
	return batch
}

func (e *Engine) wait(next feed.Instant, now time.Time) time.Duration {
	longest := e.cfg.TurnEvery
	if e.machine.Binding() {
		return time.Millisecond
	}
	if e.flushNext || e.machine.Saving() {
		longest = min(longest, flushPause)
	}
	if next.IsZero() {
		return longest
	}
	// Instants are cut to milliseconds: one more, or the turn comes just too soon.
	d := next.Time().Sub(now) + time.Millisecond
	return min(max(d, time.Millisecond), longest)
}

// stopWithin bounds how long a stop may take to write what is left.
const stopWithin = 10 * time.Second

func (e *Engine) stop(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, stopWithin)
	defer cancel()
	e.saveAll()
	return e.commit.drain(ctx)
}
