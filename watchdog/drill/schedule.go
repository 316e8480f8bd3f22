package drill

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/feedwatch/feedwatch/rules"
)

// Appointment is a drill that is made by itself.
type Appointment struct {
	When *rules.Schedule
	Ask  Ask
}

// clockEvery is how often the wall clock is looked at: it may be set, and a machine
// may have been suspended.
const clockEvery = time.Minute

// keep makes one appointment after another, until ctx ends. One that falls into
// another drill waits for its end; one that falls into a downtime is left out.
func (d *Drills) keep(ctx context.Context, n int) {
	a := d.cfg.Schedule[n]
	for {
		at := a.When.Next(d.cfg.Now())
		if at.IsZero() || !d.waitFor(ctx, at) {
			return
		}
		select {
		case <-ctx.Done():
			return
		case d.slot <- struct{}{}:
		}
		_, err := d.start(ctx, a.Ask)
		why := ""
		if err != nil {
			why = fmt.Sprintf("the drill that was due %s could not begin: %v", at.UTC().Format("2 Jan 15:04 UTC"), err)
			d.metrics.drills.WithLabelValues(resultNotBegun).Inc()
			d.cfg.Log.Error("a scheduled drill could not begin", slog.Any("error", err))
		}
		d.mu.Lock()
		d.trouble[n] = why
		d.mu.Unlock()
	}
}

// waitFor is false where ctx ends before that time.
func (d *Drills) waitFor(ctx context.Context, at time.Time) bool {
	for {
		left := at.Sub(d.cfg.Now())
		if left <= 0 {
			return ctx.Err() == nil
		}
		select {
		case <-ctx.Done():
			return false
		case <-time.After(min(left, clockEvery)):
		}
	}
}

// Trouble is why appointments were not kept, a sentence each, until one is again.
func (d *Drills) Trouble() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	var all []string
	for _, why := range d.trouble {
		if why != "" {
			all = append(all, why)
		}
	}
	slices.Sort(all)
	return all
}
