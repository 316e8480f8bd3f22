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
// it waits in the queue, and the next turn takes what waits there, before anything
// that came later: a heartbeat in time must not be overtaken by the look that finds it
// missing, nor a word of somebody by the next.

// senderFirst is how long Run leaves what is due after a sender's turn to that of the
// next sender, which sees to it by the way: to wake up for it costs more than to do it.
const senderFirst = 20 * time.Millisecond

// Run makes turns, and lets others, until ctx ends; then it writes what is left. The
// first turn is at once, and its flush with it: what is expected from now on is durable
// from the start, or a crash loop would postpone the page for a feed that never delivers.
func (e *Engine) Run(ctx context.Context) error {
	committed := e.Commit(ctx)
	e.timer = time.NewTimer(0)
	defer e.timer.Stop()
	for {
		e.turn.Unlock()
		due := false
		select {
		case <-ctx.Done():
			e.turn.Lock() // for good: what came from now on would not be written
			committed()
			return e.stop(context.WithoutCancel(ctx))
		case <-e.timer.C:
			due = true
		case <-e.look:
		}
		e.turn.Lock()
		if due || len(e.requests) > 0 {
			e.Drive()
			e.arm(0)
		}
	}
}

// serve makes a turn for r here and now; false where one is under way, or one is not
// enough.
func (e *Engine) serve(r request) bool {
	if r.isRules() || !e.turn.TryLock() {
		return false
	}
	whole := false
	defer func() {
		if !whole {
			die(recover())
		}
		e.turn.Unlock()
	}()
	e.batch = append(e.drain(e.batch), r)
	e.Drive()
	if e.machine.Binding() {
		e.arm(0)
	} else {
		e.arm(senderFirst)
	}
	whole = true
	return true
}

// arm has Run make the next turn when it is awaited, or at most so much later. A timer
// that fires sooner is put off only when it is about to, so that most senders leave it.
func (e *Engine) arm(later time.Duration) {
	latest := e.awaited.Add(later)
	if latest.Before(e.armed) || e.armed.Sub(e.driven) < 2*senderFirst {
		e.armed = latest
		e.timer.Reset(latest.Sub(e.driven))
	}
}

// queue leaves r to the next turn.
func (e *Engine) queue(ctx context.Context, r request) error {
	select {
	case e.requests <- r:
		e.wakeRun()
		return nil
	case <-ctx.Done():
		return fmt.Errorf("the engine is busy: %w", ctx.Err())
	}
}

// wakeRun has Run see whether something waits.
func (e *Engine) wakeRun() {
	select {
	case e.look <- struct{}{}:
	default: // it is told already
	}
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
	e.driven = e.cfg.Now()
	e.awaited = e.driven.Add(e.wait(next, e.driven))
	return e.awaited
}

// drain takes all that waits, so that one step serves it: each sender waits for one.
func (e *Engine) drain(batch []request) []request {
	for {
		select {
		case r := <-e.requests:
			batch = append(batch, r)
		default:
			return batch
		}
	}
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
