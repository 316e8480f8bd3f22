package sim

import (
	"context"
	"time"

	"github.com/feedwatch/feedwatch/watchdog"
)

// decision is what a person makes of a page.
type decision struct {
	incident, kind string
	last           time.Duration
}

// wakePerson lets a page find somebody who may decide something about it after a
// while. The caller holds the lock.
func (s *sim) wakePerson(inc *watchdog.Incident, key string) {
	dice := s.roll("person", key)
	if !s.fleet.profile.people || dice.IntN(3) > 0 {
		return
	}
	takes := time.Duration(dice.ExpFloat64() * float64(10*time.Minute))
	d := decision{inc.ID, "ack", []time.Duration{0, 10 * time.Minute, time.Hour, 24 * time.Hour}[dice.IntN(4)]}
	if s.fleet.profile.holds {
		d.kind = []string{"ack", "ack", "snooze", "hand over", "resolve", "accept loss"}[dice.IntN(6)]
	}
	s.plan(s.clock.truth().Add(takes), func() {
		if s.proc != nil && s.trouble["deaf"] == 0 {
			s.words = append(s.words, func(p *process) { s.decide(p, d) })
		}
	})
	if d.kind == "hand over" { // to somebody who took it
		s.plan(s.clock.truth().Add(takes/2), func() {
			if s.proc != nil && s.trouble["deaf"] == 0 {
				s.words = append(s.words, func(p *process) { s.decide(p, decision{d.incident, "ack", 2 * time.Hour}) })
			}
		})
	}
}

// decide hands over a person's word, and remembers what was answered.
func (s *sim) decide(p *process, d decision) {
	if d.kind == "accept loss" {
		s.mu.Lock()
		s.watch.accepted[d.incident] = true // it holds before it is answered
		s.mu.Unlock()
	}
	s.call(func(ctx context.Context) {
		err := s.say(ctx, p, d)
		s.mu.Lock()
		defer s.mu.Unlock()
		if p.gate.killed() {
			return
		}
		s.note("%s of %s for %s: %v", d.kind, d.incident, d.last, err)
		if err == nil {
			s.stats.decisions++
		}
		if d.kind != "accept loss" {
			s.watch.acknowledged(d.incident, err)
		}
	})
}

func (s *sim) say(ctx context.Context, p *process, d decision) error {
	switch d.kind {
	case "ack":
		return p.engine.Acknowledge(ctx, d.incident, "ann", d.last)
	case "snooze":
		return p.engine.Snooze(ctx, d.incident, "ann", d.last)
	case "hand over":
		return p.engine.HandOver(ctx, d.incident, "ann", "carl")
	case "resolve":
		return p.engine.Resolve(ctx, d.incident, "ann", "seems over")
	default:
		return p.engine.AcceptLoss(ctx, d.incident, "ann", "nobody needs it")
	}
}
