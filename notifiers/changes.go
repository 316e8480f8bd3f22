package notifiers

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/feedwatch/feedwatch/rules"
	"github.com/feedwatch/feedwatch/watchdog/delivery"
)

// ChangeTeller makes one attempt at telling people of a change. It is a note: nobody
// is woken by it.
type ChangeTeller interface {
	TellChange(ctx context.Context, c *RuleChange) error
}

// How a change is tried: it is worth some patience, and no page waits for it.
const (
	changesWaiting   = 64
	changeTries      = 5
	changeRetryAfter = time.Minute
	changeRetryMax   = 10 * time.Minute
)

// Changes tells one notifier of rule sets, beside everything else.
type Changes struct {
	queue  chan *RuleChange
	target rules.Target
	teller ChangeTeller
	every  time.Duration
	log    *slog.Logger
}

// NewChanges makes one that tells no more often than every so long, and gathers what
// changes meanwhile; 0: it tells each change.
func NewChanges(target rules.Target, teller ChangeTeller, every time.Duration, log *slog.Logger) *Changes {
	return &Changes{make(chan *RuleChange, changesWaiting), target, teller, every, log}
}

// Add has it told; it does not wait.
func (c *Changes) Add(change *RuleChange) {
	select {
	case c.queue <- change:
	default:
		c.log.Warn("too many rule changes wait to be told: one is left out", slog.String("notifier", c.target.String()), slog.String("set", change.To))
	}
}

// Run tells them, in order, until ctx ends.
func (c *Changes) Run(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case change := <-c.queue:
			c.tell(ctx, c.gathered(change))
		}
		if c.every > 0 && !pause(ctx, c.every) {
			return nil
		}
	}
}

// gathered is the change with those that wait behind it.
func (c *Changes) gathered(change *RuleChange) *RuleChange {
	if c.every == 0 {
		return change
	}
	for {
		select {
		case next := <-c.queue:
			change = change.then(next)
		default:
			return change
		}
	}
}

// tell gives up after a while. Where an answer was lost it may say it twice: it is
// for reading.
func (c *Changes) tell(ctx context.Context, change *RuleChange) {
	for try := 1; ; try++ {
		err := c.teller.TellChange(ctx, change)
		failed, known := errors.AsType[*delivery.Error](err)
		switch {
		case err == nil || ctx.Err() != nil:
			return
		case try == changeTries || known && (failed.Class == delivery.BadPayload || failed.Class == delivery.Refused):
			c.log.Warn("nobody was told that the rules changed", slog.String("notifier", c.target.String()), slog.String("set", change.To), slog.Any("error", err))
			return
		}
		wait := changeRetryAfter
		if known {
			wait = max(wait, min(failed.RetryAfter, changeRetryMax))
		}
		if !pause(ctx, wait) {
			return
		}
	}
}

// pause waits, and says whether ctx goes on.
func pause(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}
