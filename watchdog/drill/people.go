package drill

import (
	"context"
	"fmt"
	"time"

	"github.com/feedwatch/feedwatch/watchdog"
	"github.com/feedwatch/feedwatch/watchdog/feed"
)

// await waits for a person to acknowledge, for as long as the drill lets them.
func (d *Drills) await(ctx context.Context, id string) {
	d.mu.Lock()
	s := d.known[id]
	left := s.incident.Drill.Until.Time().Sub(d.cfg.Now())
	d.mu.Unlock()
	timer := time.NewTimer(left)
	defer timer.Stop()
	select {
	case <-s.answered:
	case <-timer.C:
	case <-ctx.Done():
	}
}

// Acknowledge is a person's word that the message reached them; a second one
// changes nothing. The error is watchdog.ErrNoIncident where no such drill is
// under way.
func (d *Drills) Acknowledge(ctx context.Context, id, by string, lasts time.Duration) error {
	if err := watchdog.CheckPerson(by); err != nil {
		return err
	}
	d.mu.Lock()
	s := d.known[id]
	if s == nil || s.incident.State == watchdog.StateResolved {
		d.mu.Unlock()
		return fmt.Errorf("%w: no drill with id %q is under way", watchdog.ErrNoIncident, id)
	}
	if s.incident.Ack != nil {
		d.mu.Unlock()
		return nil
	}
	s.incident = acknowledged(s.incident, feed.At(d.cfg.Now()), by, lasts)
	inc := s.incident
	close(s.answered)
	d.mu.Unlock()
	err := d.save(ctx, []*watchdog.Incident{inc})
	d.cfg.Outbox.Apply([]*watchdog.Incident{inc}, err == nil)
	return err
}
