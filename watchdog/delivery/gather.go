package delivery

import (
	"slices"
	"time"

	"github.com/feedwatch/feedwatch/watchdog"
)

const (
	// Ten or more new incidents for a destination within a minute are a storm: they
	// share one thread, as those with one cause always do.
	stormMin    = 10
	stormWithin = time.Minute
	// stormGathers is how long the root of a storm waits for more of it.
	stormGathers = time.Second
)

// storms says that as many new incidents came within the last minute.
func (dest *destination) storms(now time.Time) bool {
	tenth := dest.news.recent[dest.news.next]
	return !tenth.IsZero() && now.Sub(tenth) <= stormWithin
}

// gather decides, before an attempt at the root of p, who is told with it. It says
// whether the attempt may be made now: not where p is told in another's thread, nor
// before who shares this one is durable.
func (d *Delivery) gather(dest *destination, p *pair, now time.Time) bool {
	if p.thread == nil || p.fresh() {
		if t := dest.threadFor(p, now); t != nil {
			d.join(dest, t, p, now)
			return false
		}
		if p.thread == nil {
			newThread(p, now)
		}
	}
	t := p.thread
	if p.ops[0].MaybeSent || p.held.maybe[rootName] {
		return true // what may be there already lists whom it lists; others come to it afterwards
	}
	if dest.invite(t, now) {
		p.tried, p.notUntil = rootName, now.Add(stormGathers)
		return false
	}
	return d.list(dest, t)
}

// threadFor is the thread of others in which p is to be told: of an incident with
// the same cause, or of the storm that goes on.
func (dest *destination) threadFor(p *pair, now time.Time) *thread {
	if !p.fresh() || alone(p) {
		return nil
	}
	for _, l := range p.incident.Linked {
		q := dest.pairs[l.ID]
		if q != nil && q.thread != nil && q.thread != p.thread && q.incident.State != watchdog.StateResolved && !q.held.dead(rootName) {
			return q.thread
		}
	}
	if s := dest.storm; s != nil && s != p.thread && len(s.pairs) > 0 && dest.storms(now) && now.Sub(s.came) <= stormWithin {
		return s
	}
	return nil
}

// alone says that the incident shares no thread: what is wrong with feedwatch itself
// must not drown in what it pages for, nor that in a drill; and a drill looks for a
// message of its own.
func alone(p *pair) bool {
	return p.incident.Cause.OfItself() || p.incident.Cause == watchdog.CauseDrill
}

// invite takes into a thread that was never sent who waits to be told and belongs
// there, and says whether that began a storm.
func (dest *destination) invite(t *thread, now time.Time) (begins bool) {
	if alone(t.lead) {
		return false
	}
	storm := dest.storms(now)
	if storm {
		begins, dest.storm = dest.storm != t, t
	}
	for _, q := range dest.busy {
		if q.thread != t && q.fresh() && !alone(q) && (storm || linked(t.lead.incident, q.incident)) {
			t.add(q, now)
		}
	}
	return begins && len(t.pairs) > 1
}

func linked(a, b *watchdog.Incident) bool {
	names := func(in *watchdog.Incident, id string) bool {
		return slices.ContainsFunc(in.Linked, func(l watchdog.Link) bool { return l.ID == id })
	}
	return names(a, b.ID) || names(b, a.ID)
}
