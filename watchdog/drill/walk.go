package drill

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/feedwatch/feedwatch/watchdog"
	"github.com/feedwatch/feedwatch/watchdog/delivery"
	"github.com/feedwatch/feedwatch/watchdog/feed"
	"github.com/feedwatch/feedwatch/watchdog/selfwatch"
)

const (
	reachedEvery = 250 * time.Millisecond
	lookFirst    = 500 * time.Millisecond
	lookMax      = 10 * time.Second // between two looks for a message, and for each of them
	// resolvesWithin is how long a stop waits for resolves to be sent.
	resolvesWithin = 3 * time.Second
)

const (
	cutByCrash = "feedwatch was restarted in the middle of it"
	cutByStop  = "feedwatch was stopped in the middle of it"
)

// Run runs drills until ctx ends, which ends them.
func (d *Drills) Run(ctx context.Context) error {
	var all sync.WaitGroup
	for n := range d.cfg.Schedule {
		all.Go(func() { d.keep(ctx, n) })
	}
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case ids := <-d.begun:
			all.Go(func() {
				d.walk(ctx, ids)
				<-d.slot
			})
		}
	}
	all.Wait()
	left := d.open()
	for _, inc := range left {
		d.end(inc.ID, cutByStop)
	}
	for wait := resolvesWithin; len(left) > 0 && wait > 0 && !d.cfg.Outbox.Settled(); wait -= reachedEvery {
		time.Sleep(reachedEvery)
	}
	return nil
}

// walk follows the incidents of a drill to their ends; one that a stop interrupts
// stays open for Run to end.
func (d *Drills) walk(ctx context.Context, ids []string) {
	var all sync.WaitGroup
	for _, id := range ids {
		all.Go(func() {
			var each sync.WaitGroup
			inc := d.Find(id)
			for _, r := range inc.Drill.Notifiers {
				each.Go(func() { d.follow(ctx, id, r) })
			}
			if inc.Drill.Human {
				d.await(ctx, id)
			}
			each.Wait()
			if ctx.Err() == nil {
				d.end(id, "")
			}
		})
	}
	all.Wait()
}

// follow sees the message through to one notifier.
func (d *Drills) follow(stop context.Context, id string, r watchdog.DrillResult) {
	ctx, cancel := context.WithTimeout(stop, SeenWithin)
	defer cancel()
	why := ""
	for wait := lookFirst; ; {
		next, now := d.look(ctx, id, r)
		switch {
		case stop.Err() != nil:
			return
		case ctx.Err() == nil:
			why = now
		case !next.Settled():
			next = missed(next, why, d.cfg.Back[r.Notifier].Hint)
		}
		if next.State != r.State {
			next.At = feed.At(d.cfg.Now())
			d.put(id, next)
		}
		if r = next; r.Settled() {
			return
		}
		pause := reachedEvery
		if r.State == watchdog.DrillAccepted {
			pause, wait = wait, min(2*wait, lookMax)
		}
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
	}
}

// look is how far the message is now, and what keeps it from coming further.
func (d *Drills) look(ctx context.Context, id string, r watchdog.DrillResult) (watchdog.DrillResult, string) {
	reached := d.cfg.Outbox.Reached(r.Notifier, id, 1)
	back := d.cfg.Back[r.Notifier]
	switch {
	case reached.Hopeless && r.State == watchdog.DrillWaiting:
		return failed(r, reached.Why, "mend what is wrong, then: feedwatch notifiers retry "+r.Notifier.String()), ""
	case !reached.Told && r.State == watchdog.DrillWaiting:
		return r, reached.Why
	case r.State == watchdog.DrillWaiting:
		r.Told, r.State = reached.At, watchdog.DrillAccepted
	}
	if back.Viewer == nil {
		r.State, r.Mend = watchdog.DrillUnseen, back.Hint
		return r, ""
	}
	if !reached.Told { // told once, it is told again: a look by others missed it too
		return r, ""
	}
	ctx, cancel := context.WithTimeout(ctx, lookMax)
	defer cancel()
	seen, err := back.Viewer.SeenBack(ctx, reached.Ref, reached.Op)
	var refused *delivery.Error
	switch {
	case seen:
		r.State = watchdog.DrillSeen
	case errors.As(err, &refused) && refused.Class == delivery.Refused:
		r.State, r.Why, r.Mend = watchdog.DrillUnseen, refused.Err.Error(), "give feedwatch leave to look there"
	case err != nil:
		return r, err.Error()
	}
	return r, ""
}

func failed(r watchdog.DrillResult, why, mend string) watchdog.DrillResult {
	r.State, r.Why, r.Mend = watchdog.DrillFailed, why, mend
	return r
}

// missed is what did not come in time.
func missed(r watchdog.DrillResult, why, hint string) watchdog.DrillResult {
	text := "not accepted within " + short(SeenWithin)
	if r.State == watchdog.DrillAccepted {
		text = "accepted, but not seen there within " + short(SeenWithin)
	} else {
		hint = "feedwatch notifiers test " + r.Notifier.String() + " says more"
	}
	if why != "" {
		text += ": " + why
	}
	return failed(r, text, hint)
}

// put keeps a result.
func (d *Drills) put(id string, r watchdog.DrillResult) {
	d.mu.Lock()
	defer d.mu.Unlock()
	s := d.known[id]
	s.incident = with(s.incident, r)
}

// end resolves a drill and says what came of it.
func (d *Drills) end(id, cut string) {
	d.mu.Lock()
	s := d.known[id]
	s.incident = over(s.incident, feed.At(d.cfg.Now()), cut)
	inc := s.incident
	d.mu.Unlock()
	err := d.save(context.Background(), []*watchdog.Incident{inc})
	if err != nil { // open in the store, it is resolved once more at the next start
		d.cfg.Log.Error("the end of a drill could not be stored", slog.String("incident", id), slog.Any("error", err))
	}
	d.cfg.Outbox.Apply([]*watchdog.Incident{inc}, err == nil)
	d.metrics.count(inc)
	for _, f := range findings(inc) {
		d.cfg.Found(f)
	}
	for i := range inc.Drill.Notifiers {
		if r := &inc.Drill.Notifiers[i]; r.State == watchdog.DrillFailed {
			d.cfg.Log.Error("a drill did not get through", slog.String("notifier", r.Notifier.String()), slog.String("why", r.Why))
		}
	}
	d.cfg.Log.Info("a drill is over", slog.String("incident", id), slog.Bool("passed", inc.Drill.Passed()), slog.String("failed", inc.Drill.Failed), slog.String("cut", cut))
}

// findings are what a drill found; nothing where it was cut short.
func findings(inc *watchdog.Incident) (all []selfwatch.Finding) {
	drill := inc.Drill
	if drill.CutShort != "" {
		return nil
	}
	for i := range drill.Notifiers {
		r := &drill.Notifiers[i]
		f := selfwatch.Finding{About: r.Notifier.String(), Drill: inc.ID, At: r.At}
		if r.State == watchdog.DrillFailed {
			f.Why, f.Swallowed = "A drill did not get through: "+r.Why, !r.Told.IsZero()
		}
		all = append(all, f)
	}
	if drill.Human {
		for _, name := range drill.Escalations {
			f := selfwatch.Finding{About: EscalationSubject(name), Drill: inc.ID, At: inc.Resolved}
			if drill.Failed != "" {
				f.Why, f.Swallowed = "A drill asked for an acknowledgement, and "+drill.Failed, true
			}
			all = append(all, f)
		}
	}
	return all
}
