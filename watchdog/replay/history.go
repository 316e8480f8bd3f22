package replay

import (
	"context"

	"github.com/feedwatch/feedwatch/watchdog/feed"
)

// History is a recorded past.
type History interface {
	// Next is the next few heartbeats, in order of arrival or nearly so; they are the
	// caller's until it asks again. io.EOF at the end.
	Next(ctx context.Context) ([]feed.Heartbeat, error)
	// Share is how much of the whole was read, 0 to 1; less than 0: not known.
	Share() float64
}

// second is a second of a history, counted since 1970: what the machine is given
// at once.
type second int64

const millis = 1000

func secondOf(t feed.Instant) second { return second(t / millis) }

// end is the last instant of s.
func (s second) end() feed.Instant { return feed.Instant(s)*millis + millis - 1 }

// window puts heartbeats that come nearly in order into whole seconds, and those
// in order: it holds a second back until one that is its length later has been
// seen. What comes later than that goes with the oldest second that is held, and
// is counted: a deadline before it may have fired.
type window struct {
	held    [][]feed.Heartbeat // by second, round and round
	oldest  second             // of those that are held
	begun   bool
	late    int
	lateKey feed.Key // the first that was late
	lateAt  feed.Instant
	release func(second, []feed.Heartbeat) error
}

func newWindow(seconds int, release func(second, []feed.Heartbeat) error) *window {
	return &window{held: make([][]feed.Heartbeat, max(seconds, 0)+1), release: release}
}

func (w *window) add(h *feed.Heartbeat) error {
	s := secondOf(h.Arrival)
	if !w.begun {
		// The first may not be the oldest.
		w.begun, w.oldest = true, s-second(len(w.held)-1)
	}
	if s < w.oldest {
		if w.late++; w.late == 1 {
			w.lateKey, w.lateAt = h.Key, h.Arrival
		}
		s = w.oldest
	}
	if s >= w.oldest+second(len(w.held)) {
		if err := w.pass(s - second(len(w.held)-1)); err != nil {
			return err
		}
	}
	place := int(s) % len(w.held)
	w.held[place] = append(w.held[place], *h)
	return nil
}

// pass lets go of everything before s.
func (w *window) pass(s second) error {
	for n := range len(w.held) {
		if w.oldest+second(n) >= s {
			break
		}
		if err := w.let(w.oldest + second(n)); err != nil {
			return err
		}
	}
	w.oldest = s
	return nil
}

func (w *window) let(s second) error {
	place := int(s) % len(w.held)
	beats := w.held[place]
	if len(beats) == 0 {
		return nil
	}
	w.held[place] = beats[:0]
	return w.release(s, beats)
}

// flush lets go of everything.
func (w *window) flush() error {
	if !w.begun {
		return nil
	}
	return w.pass(w.oldest + second(len(w.held)))
}
