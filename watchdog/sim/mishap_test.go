package sim

import (
	"os"
	"path/filepath"
	"slices"
	"time"
)

// planMishap plans the begin and the end of what goes wrong. The caller holds the lock.
func (s *sim) planMishap(m *mishap) {
	begin, end := s.start.Add(m.begin), s.start.Add(m.end)
	amount := time.Duration(m.amount * float64(time.Second))
	switch m.kind {
	case "crash":
		s.plan(begin, func() {
			if s.proc != nil {
				s.note("killed, down for %s", amount)
				s.down = amount
				s.proc.gate.kill()
			}
		})
	case "clock":
		s.plan(begin, func() {
			s.clock.wrong.Store(int64(amount))
			s.note("the clock is %s wrong", amount)
		})
	case "asleep":
		s.plan(begin, func() {
			s.note("asleep for %s", amount)
			s.clock.slept.Add(int64(amount))
			s.asleepUntil = s.clock.truth()
			s.calm = s.asleepUntil
		})
	case "look":
		s.plan(begin, func() {})
	case "restart":
		s.planRestart(begin)
	case "edit":
		s.plan(begin, s.edit)
	case "silence":
		s.plan(begin, func() { s.silence(m.of, time.Duration(m.amount*float64(time.Second)), m.end-m.begin) })
	case "end silence":
		s.plan(begin, s.endSilence)
	case "deaf":
		s.window(m, begin, end, func() float64 { return float64(s.clock.now().UnixMilli()) })
	default:
		s.window(m, begin, end, func() float64 { return m.amount })
	}
}

func (s *sim) window(m *mishap, begin, end time.Time, amount func() float64) {
	s.plan(begin, func() {
		s.note("%s begins (%.2f)", m.kind, m.amount)
		s.trouble[m.kind] = amount()
	})
	s.plan(end, func() {
		s.note("%s ends", m.kind)
		delete(s.trouble, m.kind)
		s.calm = s.clock.truth()
	})
}

// edit changes the rule files in one valid way.
func (s *sim) edit() {
	dice := s.roll("edit")
	if p := s.profile(); !p.store && !p.crashes && dice.IntN(6) == 0 {
		s.spoil(dice.IntN(2) == 0)
		return
	}
	next := s.set.clone()
	f := &next.feeds[dice.IntN(len(next.feeds))]
	r := &f.rules[dice.IntN(len(f.rules))]
	what := ""
	switch dice.IntN(7) {
	case 0, 1:
		if r.cron != nil {
			return
		}
		base := s.fleet.set.feed(f.name).rule(r.stem)
		r.stale = (base.stale * time.Duration(10+dice.IntN(20)) / 10).Truncate(time.Second)
		if r.warn > 0 {
			r.warn = r.stale * 9 / 10
		}
		what = "stale_after of " + r.name + " is " + r.stale.String()
	case 2:
		r.name = r.stem + string(rune('a'+dice.IntN(26)))
		what = r.stem + " is called " + r.name
	case 3:
		if len(f.roster) == 0 {
			return
		}
		i := dice.IntN(len(f.roster))
		what = f.roster[i].name() + " leaves the roster"
		f.roster = slices.Delete(f.roster, i, i+1)
	case 4:
		x := s.fleet.of(f.name)[dice.IntN(len(s.fleet.of(f.name)))]
		if slices.Contains(f.roster, x) {
			return
		}
		f.roster = append(f.roster, x)
		what = x.name() + " joins the roster"
	case 5:
		r.severity = []string{"error", "warning", "critical"}[dice.IntN(3)]
		what = "severity of " + r.name + " is " + r.severity
	case 6:
		f.retention = []time.Duration{0, 24 * time.Hour, 72 * time.Hour, 7 * 24 * time.Hour}[dice.IntN(4)]
		what = "retention of " + f.name + " is " + f.retention.String()
	}
	s.note("edit: %s", what)
	s.set = next
	s.write(next)
	s.edited, s.broken = true, false
}

// spoil makes the rule files what must be refused: no rules, or a feed is missing.
// After a while they are as before.
func (s *sim) spoil(missing bool) {
	less := s.set.clone()
	less.feeds[0].dependsOn = ""
	text := "feeds: [\n"
	if missing && len(less.feeds) > 1 {
		less.feeds = less.feeds[:1]
		less.maintenances = nil
		text = less.yaml()
	}
	s.note("edit: broken")
	if err := os.WriteFile(filepath.Join(s.dir, "rules.yaml"), []byte(text), 0o600); err != nil {
		panic(err)
	}
	s.stats.refused++
	s.edited, s.broken = true, true
	s.plan(s.clock.truth().Add(time.Hour), func() {
		if s.broken {
			s.note("edit: mended")
			s.write(s.set)
			s.edited, s.broken = true, false
		}
	})
}

func (set *setSpec) clone() *setSpec {
	c := &setSpec{ladders: slices.Clone(set.ladders), maintenances: slices.Clone(set.maintenances)}
	for _, f := range set.feeds {
		f.rules, f.roster = slices.Clone(f.rules), slices.Clone(f.roster)
		c.feeds = append(c.feeds, f)
	}
	return c
}

func (f *feedSpec) rule(stem string) *ruleSpec {
	for i := range f.rules {
		if f.rules[i].stem == stem {
			return &f.rules[i]
		}
	}
	return nil
}
