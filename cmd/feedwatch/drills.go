package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/feedwatch/feedwatch/notifiers/slack"
	"github.com/feedwatch/feedwatch/rules"
	"github.com/feedwatch/feedwatch/watchdog"
	"github.com/feedwatch/feedwatch/watchdog/api"
	"github.com/feedwatch/feedwatch/watchdog/delivery"
	"github.com/feedwatch/feedwatch/watchdog/drill"
	"github.com/feedwatch/feedwatch/watchdog/engine"
)

// drillConfig is a drill that is made by itself. It stands beside the notifiers, and
// not in a rule file: what it tries is theirs.
type drillConfig struct {
	Cron       string `yaml:"cron"`
	Timezone   string `yaml:"timezone"`
	Escalation string `yaml:"escalation"`
	Human      bool   `yaml:"human"`
	Within     span   `yaml:"within"`
}

// bySchedule is who begins those.
const bySchedule = "the schedule"

// appointments reads the drills that are made by themselves.
func (c *config) appointments() ([]drill.Appointment, error) {
	var all []drill.Appointment
	var errs []error
	for i, d := range c.Drills {
		when, err := rules.ParseSchedule(d.Cron, d.Timezone)
		within := d.Within.duration()
		switch {
		case err != nil:
		case within != 0 && !d.Human:
			err = errors.New("within is how long a person has to acknowledge: it needs human: true")
		case within != 0:
			err = watchdog.CheckDrillWithin(within)
		}
		errs = append(errs, c.places.fault(err, "drills", i))
		all = append(all, drill.Appointment{When: when, Ask: drill.Ask{Escalation: d.Escalation, Human: d.Human, Within: within, By: bySchedule}})
	}
	return all, errors.Join(errs...)
}

// checkDrills says which drills could not begin under a rule set.
func (c *config) checkDrills(set *rules.Set) error {
	_, err := c.appointments()
	errs := []error{err}
	for i, d := range c.Drills {
		if _, err := drill.Ladders(set, d.Escalation); err != nil {
			errs = append(errs, c.places.fault(err, "drills", i, "escalation"))
		}
	}
	return errors.Join(errs...)
}

// readBack is how the messages of each destination are read back.
func (c *config) readBack(destinations []delivery.Destination) map[rules.Target]drill.Back {
	all := map[rules.Target]drill.Back{}
	for _, d := range destinations {
		if n, ok := d.Notifier.(*slack.Notifier); ok {
			all[d.Target] = drill.Back{Viewer: n, Hint: "see whether something removes messages from the channel"}
		}
	}
	for i := range c.Notifiers.PagerDuty {
		p := &c.Notifiers.PagerDuty[i]
		back := drill.Back{Hint: "with api_token_env and service in the configuration it could be seen back"}
		if p.looks() {
			if reader, err := p.reader(); err == nil { // what is wrong, openPagerDuty says
				back.Viewer = reader
				back.Hint = "see whether a maintenance window, an event rule or alert grouping of the service swallows it, and whether the routing key belongs to the service " + p.Service
			}
		}
		all[rules.Target{Kind: "pagerduty", Name: p.Name}] = back
	}
	return all
}

// drillsKept is how many drills that are over are read at the start.
const drillsKept = 200

func (s *service) openDrills(ctx context.Context, registry prometheus.Registerer, saved []*watchdog.Incident, destinations []delivery.Destination) error {
	appointments, err := s.cfg.appointments()
	if err != nil {
		return err
	}
	past, err := s.store.Drills(ctx, drillsKept)
	if err != nil { // only what they found is forgotten
		s.log.Error("past drills cannot be read", slog.Any("error", err))
	}
	for _, inc := range saved {
		if drill.Ours(inc) && inc.State != watchdog.StateResolved {
			past = append(past, inc)
		}
	}
	s.drills = drill.New(drill.Config{
		Install: s.cfg.Install, Rules: s.reloader.InForce, Outbox: s.delivery, Store: s.store, Back: s.cfg.readBack(destinations),
		Found: s.self.Drilled, Schedule: appointments, Log: s.log, Now: time.Now, Registerer: registry,
	}, past)
	return nil
}

// drilledEscalations are what drills may find something of, besides notifiers.
func (s *service) drilledEscalations() []string {
	var all []string
	for _, e := range s.reloader.InForce().Escalations() {
		all = append(all, drill.EscalationSubject(e.Name()))
	}
	return all
}

// beginDrill is what the API asks for.
func (s *service) beginDrill(ctx context.Context, ask api.DrillAsk) ([]*watchdog.Incident, error) {
	all, err := s.drills.Start(ctx, drill.Ask(ask))
	switch {
	case errors.Is(err, drill.ErrUnderWay):
		err = fmt.Errorf("%w: %w", api.ErrDrillUnderWay, err)
	case errors.Is(err, drill.ErrNoEscalation):
		err = fmt.Errorf("%w: %w", api.ErrNoDrillEscalation, err)
	}
	return all, err
}

// people is the engine to those who decide, and knows of drills as well, of which
// the engine knows nothing.
type people struct {
	*engine.Engine
	drills *drill.Drills
}

// Incident is the newest picture of an incident or a drill.
func (p people) Incident(ctx context.Context, id string) (*watchdog.Incident, error) {
	if inc := p.drills.Find(id); inc != nil {
		return inc, nil
	}
	return p.Engine.Incident(ctx, id)
}

// Acknowledge is all that a drill asks for.
func (p people) Acknowledge(ctx context.Context, id, by string, d time.Duration) error {
	if p.drills.Find(id) == nil {
		return p.Engine.Acknowledge(ctx, id, by, d)
	}
	err := p.drills.Acknowledge(ctx, id, by, d)
	if errors.Is(err, watchdog.ErrNoIncident) {
		return fmt.Errorf("%w: %w", engine.ErrNoIncident, err)
	}
	return err
}

// Resolve of a drill shows as well that it was heard of.
func (p people) Resolve(ctx context.Context, id, by, reason string) error {
	if p.drills.Find(id) == nil {
		return p.Engine.Resolve(ctx, id, by, reason)
	}
	return p.Acknowledge(ctx, id, by, 0)
}

var errDrill = &engine.Refusal{Err: errors.New("this is a drill: acknowledge it; there is nothing else to decide")}

// Snooze is of real incidents.
func (p people) Snooze(ctx context.Context, id, by string, d time.Duration) error {
	if p.drills.Find(id) != nil {
		return errDrill
	}
	return p.Engine.Snooze(ctx, id, by, d)
}

// HandOver is of real incidents.
func (p people) HandOver(ctx context.Context, id, by, to string) error {
	if p.drills.Find(id) != nil {
		return errDrill
	}
	return p.Engine.HandOver(ctx, id, by, to)
}

// AcceptLoss is of real incidents.
func (p people) AcceptLoss(ctx context.Context, id, by, reason string) error {
	if p.drills.Find(id) != nil {
		return errDrill
	}
	return p.Engine.AcceptLoss(ctx, id, by, reason)
}
