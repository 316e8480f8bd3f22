package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/feedwatch/feedwatch/watchdog"
	"github.com/feedwatch/feedwatch/watchdog/feed"
)

// What people decide. Each returns once it is durable; the error is ErrNoIncident
// or ErrNoSilence where the id is of none that is open, a Refusal where the
// machine did not take it.

// Acknowledge is a person's word that they are on it, for d (0: the default).
func (e *Engine) Acknowledge(ctx context.Context, id, by string, d time.Duration) error {
	in := &watchdog.Acknowledge{ID: id, By: by, For: d}
	return e.decide(ctx, in, &in.Err)
}

// Snooze is a person's word that it can wait, for d (0: the default).
func (e *Engine) Snooze(ctx context.Context, id, by string, d time.Duration) error {
	in := &watchdog.Snooze{ID: id, By: by, For: d}
	return e.decide(ctx, in, &in.Err)
}

// HandOver gives an acknowledged incident to another person.
func (e *Engine) HandOver(ctx context.Context, id, by, to string) error {
	in := &watchdog.HandOver{ID: id, By: by, To: to}
	return e.decide(ctx, in, &in.Err)
}

// Resolve is a person's word that it is over.
func (e *Engine) Resolve(ctx context.Context, id, by, reason string) error {
	in := &watchdog.Resolve{ID: id, By: by, Reason: reason}
	return e.decide(ctx, in, &in.Err)
}

// AcceptLoss ends the loss clock of an incident.
func (e *Engine) AcceptLoss(ctx context.Context, id, by, reason string) error {
	in := &watchdog.AcceptLoss{ID: id, By: by, Reason: reason}
	return e.decide(ctx, in, &in.Err)
}

// Silence puts one in force, under the id it has, and returns it as it then is.
// It is durable before it holds back a page: one that a restart forgot would end
// unsaid. What cannot be kept is not in force.
func (e *Engine) Silence(ctx context.Context, s watchdog.Silence) (watchdog.Silence, error) {
	now := feed.At(e.cfg.Now())
	s.From = max(s.From, now)
	if err := s.Check(now); err != nil {
		return s, &Refusal{err}
	}
	if err := e.keepSilence(ctx, s); err != nil {
		e.takeBack(s, now) // it may be there all the same
		return s, fmt.Errorf("the silence is not in force, for it could not be kept: %w", err)
	}
	in := &watchdog.AddSilence{Silence: s}
	// Kept, it must be in force, also when whoever asked has gone.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), undurableAfter)
	defer cancel()
	if err := e.tell(ctx, in, func() {}); err != nil {
		return s, fmt.Errorf("silence %s is kept, and in force from the next start on at the latest: %w", s.ID, err)
	}
	if in.Err != nil {
		e.takeBack(s, now)
		return s, &Refusal{in.Err}
	}
	return in.Silence, nil
}

func (e *Engine) keepSilence(ctx context.Context, s watchdog.Silence) error {
	ctx, cancel := context.WithTimeout(ctx, undurableAfter)
	defer cancel()
	return e.cfg.Store.SaveSilence(ctx, s)
}

// takeBack makes a silence that is not in force one that is over.
func (e *Engine) takeBack(s watchdog.Silence, now feed.Instant) {
	s.From, s.Until, s.EndedBy = now, now, "feedwatch"
	e.commit.addEnded(s)
}

// EndSilence ends one before its time, and returns it as it then is. Pages go out
// at once, whether or not that can be kept.
func (e *Engine) EndSilence(ctx context.Context, id, by string) (watchdog.Silence, error) {
	in := &watchdog.EndSilence{ID: id, By: by}
	// In the turn itself: whoever asked may be gone when it is done.
	keep := func() {
		if in.Err == nil {
			e.commit.addEnded(in.Ended)
		}
	}
	if err := e.tell(ctx, in, keep); err != nil {
		return watchdog.Silence{}, err
	}
	if in.Err != nil {
		return watchdog.Silence{}, refusal(in.Err)
	}
	return in.Ended, e.commit.settled(ctx)
}

// decide hands the machine a person's word; failed is where it says why it was
// not taken.
func (e *Engine) decide(ctx context.Context, in watchdog.Input, failed *error) error {
	if err := e.tell(ctx, in, func() {}); err != nil {
		return err
	}
	if *failed != nil {
		return refusal(*failed)
	}
	return e.commit.settled(ctx)
}

// tell hands the machine a person's word, and does then in the same turn. What
// changed is in the picture before it returns.
func (e *Engine) tell(ctx context.Context, in watchdog.Input, then func()) error {
	return e.send(ctx, request{input: in, ask: func(*watchdog.Machine) {
		e.published = time.Time{}
		then()
	}})
}

func refusal(err error) error {
	switch {
	case errors.Is(err, watchdog.ErrNoIncident):
		return fmt.Errorf("%w: %w", ErrNoIncident, err)
	case errors.Is(err, watchdog.ErrNoSilence):
		return err
	default:
		return &Refusal{err}
	}
}
