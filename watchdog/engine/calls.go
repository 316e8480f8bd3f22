package engine

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/feedwatch/feedwatch/rules"
	"github.com/feedwatch/feedwatch/watchdog"
	"github.com/feedwatch/feedwatch/watchdog/feed"
)

// send has a turn made with r, and waits until r is served.
func (e *Engine) send(ctx context.Context, r request) error {
	if e.serve(r) {
		return nil
	}
	r.done = make(chan struct{})
	if err := e.queue(ctx, r); err != nil {
		return err
	}
	select {
	case <-r.done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("the engine has not answered: %w", ctx.Err())
	}
}

// Submit applies a report and returns once it is in the machine: nil when every
// heartbeat was accepted, else one Refusal for each.
func (e *Engine) Submit(ctx context.Context, r feed.Report) ([]feed.Refusal, error) {
	in := &watchdog.Heard{Report: r}
	if err := e.send(ctx, request{input: in}); err != nil {
		return nil, err
	}
	return in.Refused, nil
}

// Clients answers one page of a feed's clients; ErrNoFeed for an unknown feed.
func (e *Engine) Clients(ctx context.Context, q watchdog.ClientQuery) (page watchdog.ClientPage, err error) {
	known := false
	err = e.send(ctx, request{ask: func(m *watchdog.Machine) { page, known = m.Clients(q) }})
	if err == nil && !known {
		err = fmt.Errorf("%w: %q", ErrNoFeed, q.Feed)
	}
	return page, err
}

// Status is the newest published picture; never nil.
func (e *Engine) Status() *Status { return e.status.Load() }

// Incident is the newest picture of one incident, open or resolved.
func (e *Engine) Incident(ctx context.Context, id string) (*watchdog.Incident, error) {
	for _, inc := range e.Status().Incidents {
		if inc.ID == id {
			return inc, nil
		}
	}
	inc, err := e.cfg.Archive.Incident(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("%w with id %q: %w", ErrNoIncident, id, err)
	}
	return inc, nil
}

// UseRules puts a set in force and keeps its files as the last known good.
func (e *Engine) UseRules(ctx context.Context, set *rules.Set, files []rules.File) error {
	at := feed.At(e.cfg.Now())
	err := e.send(ctx, request{input: &watchdog.UseRules{Set: set}, ask: func(*watchdog.Machine) {
		e.rules = inForce(set, at)
	}})
	if err != nil {
		return err
	}
	e.keep(ctx, set, files, at)
	return nil
}

// begin puts rules in force before Run: nobody else owns the machine yet.
func (e *Engine) begin(set *rules.Set, at feed.Instant, refusal error) {
	e.rules = inForce(set, at)
	if refusal != nil {
		e.rules.refuse(feed.At(e.cfg.Now()), refusal)
	}
	now := e.cfg.Now()
	e.step(feed.At(now), []watchdog.Input{&watchdog.UseRules{Set: set}})
	for e.machine.Binding() {
		e.step(feed.At(now), nil)
	}
	e.awaited = now
	e.publish(now)
}

// keep saves a set's files as the last known good.
func (e *Engine) keep(ctx context.Context, set *rules.Set, files []rules.File, at feed.Instant) {
	e.metrics.reloads.WithLabelValues("ok").Inc()
	if err := e.cfg.Archive.SaveRules(ctx, watchdog.SavedRules{Version: set.Version(), At: at, Files: files}); err != nil {
		e.cfg.Log.Error("the rules could not be kept as last known good", slog.Any("error", err))
	}
}

// RefuseRules says that a set was refused: the one in force stays.
func (e *Engine) RefuseRules(ctx context.Context, why error) error {
	e.metrics.reloads.WithLabelValues("refused").Inc()
	at := feed.At(e.cfg.Now())
	return e.send(ctx, request{ask: func(*watchdog.Machine) {
		e.rules.refuse(at, why)
		e.published = time.Time{}
	}})
}

// SetTrouble replaces what is wrong with feedwatch itself besides what the
// machine says, one sentence each.
func (e *Engine) SetTrouble(ctx context.Context, sentences []string) error {
	return e.send(ctx, request{ask: func(*watchdog.Machine) { e.trouble = sentences }})
}
