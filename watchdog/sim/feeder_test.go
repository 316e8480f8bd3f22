package sim

import (
	"time"

	"github.com/feedwatch/feedwatch/watchdog/feed"
)

// reader is the queue upstream of one series: what was made and not delivered yet.
type reader struct {
	waiting   []time.Time // when each was made, oldest first
	made      time.Time   // the newest update
	last      time.Time   // the newest one delivered
	draining  bool
	stands    int    // since which start one update is sent again and again; 0: it is not
	value     update // what the pull source shows
	lost      []gone
	told      time.Time   // when one was delivered last; true time
	delivered []time.Time // when what was delivered was made, while a ledger is kept
}

// planAll plans what follows from the fleet alone. The caller holds the lock.
func (s *sim) planAll() {
	for _, x := range s.fleet.series {
		s.plan(s.start.Add(x.begins), func() { s.make(x) })
	}
	for i := range s.fleet.outages {
		o := &s.fleet.outages[i]
		s.plan(s.start.Add(o.begin), func() { s.note("%s begins", o) })
		s.plan(s.start.Add(o.end), func() {
			s.note("%s ends", o)
			for _, x := range s.fleet.of(o.feed) {
				s.resume(x, o.speed)
			}
		})
	}
	for i := range s.fleet.mishaps {
		s.planMishap(&s.fleet.mishaps[i])
	}
	if s.fleet.pull != "" {
		s.plan(s.start.Add(time.Second), s.poll)
	}
}

// affected is the outage that x is in at a true time, or nil.
func (s *sim) affected(x *series, at time.Time) *outage {
	since := at.Sub(s.start)
	for i := range s.fleet.outages {
		if o := &s.fleet.outages[i]; since >= o.begin && since < o.end && o.hits(x) {
			return o
		}
	}
	return nil
}

// make is one update of x being made, and delivered unless something is wrong.
func (s *sim) make(x *series) {
	at := s.at
	s.plan(s.following(x, at), func() { s.make(x) })
	q := &x.reader
	q.made = at
	o := s.affected(x, at)
	switch {
	case o != nil && o.kind == "behind" && x.events && len(q.waiting) == 0:
		begin := s.start.Add(o.begin)
		s.deliver(x, begin.Add(at.Sub(begin)/2))
	case o != nil && o.kind == "frozen" && x.events && !q.last.IsZero():
		q.waiting = append(q.waiting, at)
		stood := q.stands
		s.deliver(x, q.last)
		if q.stands = stood; stood == 0 {
			q.stands = s.stats.starts
		}
	case o != nil || len(q.waiting) > 0:
		q.waiting = append(q.waiting, at)
	default:
		s.deliver(x, at)
	}
}

// following is when x makes its next update.
func (s *sim) following(x *series, at time.Time) time.Time {
	dice := s.roll("update", x.name())
	if c := x.cron; c != nil {
		run := (&ruleSpec{cron: c}).deadline(at.Add(c.grace)).Add(-c.grace)
		return run.Add(time.Duration((dice.Float64() - 0.5) * float64(min(c.early, c.grace))))
	}
	return at.Add(time.Duration(float64(x.every) * (1 + x.wobble*(2*dice.Float64()-1))))
}

// resume is the feeder coming back for x: what its queue still keeps is drained.
func (s *sim) resume(x *series, speed float64) {
	q := &x.reader
	if q.draining || s.affected(x, s.at) != nil || len(q.waiting) == 0 {
		return
	}
	s.expire(x, "")
	q.draining = true
	dice := s.roll("resume", x.name())
	s.plan(s.at.Add(time.Duration(dice.Int64N(int64(2*time.Minute)))), func() { s.drain(x, speed) })
}

func (s *sim) drain(x *series, speed float64) {
	q := &x.reader
	q.draining = false
	if s.affected(x, s.at) != nil {
		return // again; the rest waits
	}
	s.expire(x, "the retention became shorter while the backlog was read")
	if len(q.waiting) == 0 {
		return
	}
	made := q.waiting[0]
	q.waiting = q.waiting[1:]
	s.deliver(x, made)
	if len(q.waiting) == 0 {
		return
	}
	apart := time.Second
	if speed > 0 && x.every > 0 && s.at.Before(s.start.Add(s.fleet.length)) {
		apart = time.Duration(float64(x.every) / speed)
	}
	q.draining = true
	s.plan(s.at.Add(apart), func() { s.drain(x, speed) })
}

func (s *sim) retention(x *series) time.Duration { return s.set.feed(x.feed).retention }

// deliver is one update of x arriving downstream, made at a time.
func (s *sim) deliver(x *series, made time.Time) {
	x.reader.last, x.reader.told, x.reader.stands = made, s.at, 0
	if s.retention(x) > 0 {
		x.reader.delivered = append(x.reader.delivered, made)
	}
	u := update{series: x, arrival: s.clock.now()}
	if x.events {
		u.event = made
	}
	if s.fleet.pull == x.feed {
		u.arrival = s.at
		x.reader.value = u
		return
	}
	if s.proc == nil || s.at.Before(s.asleepUntil) || s.trouble["deaf"] > 0 {
		s.stats.lost++
		s.note("update of %s does not reach us", x.name())
		return
	}
	s.stats.beats++
	s.note("update of %s%s", x.name(), age(s.at, u.event))
	if n := len(s.inbox); n > 0 && s.inbox[n-1].source == feed.Push.Name {
		s.inbox[n-1].of = append(s.inbox[n-1].of, u)
		return
	}
	s.inbox = append(s.inbox, beat{source: feed.Push.Name, of: []update{u}})
}

func age(now, event time.Time) string {
	if event.IsZero() || now.Sub(event) < time.Second {
		return ""
	}
	return ", made " + now.Sub(event).Round(time.Second).String() + " ago"
}

// poll is one look at the pull source.
func (s *sim) poll() {
	s.plan(s.at.Add(pullEvery), s.poll)
	if s.proc == nil || s.at.Before(s.asleepUntil) {
		return
	}
	b := beat{source: pullName, through: s.clock.now()}
	if s.trouble["pull fails"] > 0 {
		b = beat{source: pullName, failure: "connection refused"}
	}
	for _, x := range s.fleet.of(s.fleet.pull) {
		if u := x.reader.value; b.failure == "" && u.series != nil {
			b.of = append(b.of, u)
		}
	}
	s.stats.beats += len(b.of)
	s.inbox = append(s.inbox, b)
}
