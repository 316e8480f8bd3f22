package sim

import (
	"time"

	"github.com/feedwatch/feedwatch/watchdog"
	"github.com/feedwatch/feedwatch/watchdog/feed"
)

// oracle knows what the watchdog must say, from what it was told. Its times are
// those of the watchdog's clock, to the millisecond.
type oracle struct {
	*sim
	set    *setSpec  // in force
	now    time.Time // never runs back within a process
	marks  map[*series]mark
	groups map[string]expected        // by "feed/rule/value"
	known  map[string]time.Time       // by source; since the process started
	ran    []watchdog.Restart         // restarts that this process knows of
	deaf   bool                       // at the last turn
	roster map[string]map[string]bool // whoever was on it: whether they are
	turns  []time.Time                // of this process
	edited time.Time                  // the rules, last

	silences map[string]quiet // answered to be in force
	asked    map[string]picks // all that were asked for, by id
}

// expected is since when a group is, that was never seen: at the earliest, and at
// the latest, since a crash may make us forget it.
type expected struct{ first, last time.Time }

// mark is what is known of one series.
type mark struct {
	since          time.Time // since when it is expected, while never seen
	arrival, event time.Time
	heard          time.Time // when the newest was
	retired        bool
	behind         time.Time // when an event time last said that it lags, or stood still
	current        int       // arrivals that did not, since the windows of that time are over
}

// joinedAfter says that a series never heard of was expected only since after t.
func (o *oracle) joinedAfter(x *series, t time.Time) bool {
	m := o.marks[x]
	return m.arrival.IsZero() && m.since.After(t)
}

func newOracle(s *sim) *oracle {
	return &oracle{
		sim: s, roster: map[string]map[string]bool{}, marks: map[*series]mark{},
		groups: map[string]expected{}, known: map[string]time.Time{}, silences: map[string]quiet{}, asked: map[string]picks{},
	}
}

// flushed is how old what is heard may be and yet not durable, while the disk works.
const flushed = 10 * time.Second

// restart is a process that begins at now with what was durable. That is read back
// as the watchdog will; nothing may be missing that had its time to be written.
func (o *oracle) restart(now time.Time, saved *watchdog.Saved) {
	kept := watchdog.New(watchdog.Config{Install: "sim"}, feed.At(now), &watchdog.Saved{Blocks: saved.Blocks})
	views := map[string]watchdog.ClientView{}
	for i := range o.fleet.set.feeds {
		name := o.fleet.set.feeds[i].name
		page, _ := kept.Clients(watchdog.ClientQuery{Feed: name, Any: true, Limit: watchdog.ClientPageMax})
		for _, v := range page.Clients {
			views[name+"/"+v.Client] = v
		}
	}
	for s, m := range o.marks {
		v, ok := views[s.name()]
		if o.written(m.heard) && v.Arrival.Time().Before(m.arrival) && !o.profile().store {
			o.wrong("the update of %s of %v was heard at %v and is not durable", s.name(), m.arrival, m.heard)
		}
		if !ok {
			delete(o.marks, s)
			continue
		}
		m.arrival, m.event, m.retired = v.Arrival.Time(), v.Event.Time(), v.Verdict == watchdog.Retired
		m.since = later(m.since, time.Time{})
		if limit := now.Add(feed.ClockSkewMax); m.since.After(limit) || m.arrival.IsZero() && m.since.IsZero() {
			m.since = now // a stamp of the future is not believed
		}
		if !m.arrival.IsZero() {
			m.behind, m.current = now, 0 // how it lagged is not saved
		}
		o.marks[s] = m
	}
	for key, e := range o.groups {
		o.groups[key] = expected{e.first, now}
	}
	o.now, o.turns = now, nil
	o.deaf = false
	o.ran = append([]watchdog.Restart(nil), saved.Restarts...)
	if len(saved.Blocks) > 0 {
		o.ran = append(o.ran, watchdog.Restart{At: feed.At(now), Through: saved.Through})
	}
	o.known = map[string]time.Time{feed.Push.Name: now, pullName: now}
	o.keepSilences(saved.Silences)
}

// written says that what was heard then had its flush, and that had its time: a turn
// for the block of each feed.
func (o *oracle) written(heard time.Time) bool {
	begins := len(o.turns) - 1 - len(o.fleet.set.feeds)
	return begins >= 0 && !heard.IsZero() && !o.turns[begins].Before(heard.Add(flushed))
}

// wake is a process that stood still until now.
func (o *oracle) wake(now time.Time) {
	through := o.now
	for s, m := range o.marks {
		if !m.retired && o.ruleOf(s) != nil {
			through = earlier(through, o.horizon(s))
		}
	}
	r := watchdog.Restart{At: feed.At(now), Through: feed.At(through)}
	o.ran = append(o.ran, r)
	o.now = later(o.now, now)
	for name, known := range o.known {
		o.known[name] = later(known, now)
	}
}

// rewind is a clock that was set back: what was stamped by it moves with it.
func (o *oracle) rewind(by time.Duration) {
	back := func(t *time.Time) {
		if !t.IsZero() {
			*t = t.Add(-by)
		}
	}
	for s, m := range o.marks {
		for _, t := range []*time.Time{&m.since, &m.arrival, &m.heard, &m.behind} {
			back(t)
		}
		if m.event.After(o.now.Add(-by).Add(feed.ClockSkewMax)) {
			m.event = time.Time{}
		}
		o.marks[s] = m
	}
	for key, e := range o.groups {
		back(&e.first)
		back(&e.last)
		o.groups[key] = e
	}
	for name, known := range o.known {
		o.known[name] = known.Add(-by)
	}
	for i := range o.ran {
		o.ran[i].At, o.ran[i].Through = o.ran[i].At.Add(-by), o.ran[i].Through.Add(-by)
	}
	for i := range o.turns {
		back(&o.turns[i])
	}
	back(&o.edited)
	back(&o.now)
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// use puts a set in force. Who leaves a roster may be retired from then on.
func (o *oracle) use(set *setSpec) {
	o.set = set
	for i := range set.feeds {
		f := &set.feeds[i]
		next := map[string]bool{}
		for _, s := range f.roster {
			next[s.client] = true
			m, ok := o.marks[s]
			if !ok {
				m.since = o.now
			}
			m.retired = false
			o.marks[s] = m
		}
		for client := range o.roster[f.name] {
			next[client] = next[client] || false
		}
		o.roster[f.name] = next
		o.expectGroups(f)
	}
}

func (o *oracle) expectGroups(f *feedSpec) {
	for i := range f.rules {
		r := &f.rules[i]
		if r.per == "client" {
			continue
		}
		for _, value := range o.values(f, r) {
			key := f.name + "/" + r.name + "/" + value
			if _, ok := o.groups[key]; !ok {
				o.groups[key] = expected{o.now, o.now}
			}
		}
	}
}

// values are what a group rule tells apart: the label's values met so far.
func (o *oracle) values(f *feedSpec, r *ruleSpec) []string {
	if r.per == "feed" {
		return []string{""}
	}
	met := map[string]bool{}
	var all []string
	for _, s := range o.fleet.of(f.name) {
		if _, ok := o.marks[s]; ok && !met[s.labels[r.per]] {
			met[s.labels[r.per]] = true
			all = append(all, s.labels[r.per])
		}
	}
	return all
}

// heard takes one heartbeat as it reached the watchdog.
func (o *oracle) heard(s *series, arrival, event time.Time) {
	arrival, event = arrival.Truncate(time.Millisecond), event.Truncate(time.Millisecond)
	limit := o.now.Add(feed.ClockSkewMax)
	if arrival.After(limit) {
		return
	}
	if event.After(limit) {
		event = time.Time{}
	}
	arrival = earlier(arrival, o.now)
	m, ok := o.marks[s]
	if !ok {
		m.since = o.now
	}
	if arrival.After(m.arrival) {
		lags := !event.IsZero() && (!event.After(m.event) || o.ruleOf(s) != nil && arrival.Sub(event) > o.ruleOf(s).lagOver())
		if lags {
			m.behind, m.current = o.now, 0
		} else if o.now.Sub(m.behind) > 20*time.Minute {
			m.current++
		}
		m.arrival, m.heard, m.retired = arrival, o.now, false
	}
	m.event = later(m.event, event)
	o.marks[s] = m
	o.expectGroups(o.set.feed(s.feed))
}

func (r *ruleSpec) lagOver() time.Duration {
	switch {
	case r.lag > 0:
		return r.lag
	case r.cron != nil && r.cron.hour < 0:
		return time.Hour + r.cron.grace
	case r.cron != nil:
		return 24*time.Hour + r.cron.grace
	default:
		return r.stale
	}
}

func (o *oracle) ruleOf(s *series) *ruleSpec {
	f := o.set.feed(s.feed)
	if f == nil {
		return nil
	}
	return f.governs(s)
}

// through are the sources that a series is heard through; who was never seen is
// expected through all that may carry its feed.
func (o *oracle) through(s *series) (pushed, pulled bool) {
	is := o.fleet.pull == s.feed
	return !is || o.marks[s].arrival.IsZero(), is
}

func (o *oracle) horizon(s *series) time.Time { return o.horizonOf(o.through(s)) }

func (o *oracle) horizonOf(pushed, pulled bool) time.Time {
	h := o.now
	if pushed {
		h = earlier(h, o.known[feed.Push.Name])
	}
	if pulled {
		h = earlier(h, o.known[pullName])
	}
	return h
}

// cannotSee says that a source that s is heard through lags beyond its bound.
func (o *oracle) cannotSee(s *series) bool { return o.blindOf(o.through(s)) }

func (o *oracle) blindOf(pushed, pulled bool) bool {
	return pushed && o.now.After(o.known[feed.Push.Name].Add(o.pushLag())) ||
		pulled && o.now.After(o.known[pullName].Add(pullLag))
}

// grace is until when a silence whose deadline passed while nobody looked is not
// told: min(stale_after, 5 min) after the first restart since the last arrival.
func (o *oracle) grace(r *ruleSpec, reference time.Time, pushed bool) time.Time {
	for _, restart := range o.ran {
		at := restart.At.Time()
		if at.Before(reference) || restart.Source == feed.Push.Name && !pushed {
			continue
		}
		if !r.deadline(reference).After(restart.Through.Time()) {
			return time.Time{} // that silence was seen
		}
		return at.Add(min(r.allows(), 5*time.Minute))
	}
	return time.Time{}
}

// Words for what a series is. The watchdog's own, but for "unknown".
const (
	unknown   = "unknown"
	unwatched = "unwatched"
	retired   = "retired"
	blind     = "blind"
	pending   = "pending"
	stale     = "stale"
	late      = "late"
	fresh     = "fresh"
)

// verdict is what s is; loose says that its event times leave room for more.
func (o *oracle) verdict(s *series) (word string, loose bool) {
	m, ok := o.marks[s]
	if !ok {
		return unknown, false
	}
	r := o.ruleOf(s)
	switch {
	case m.retired:
		return retired, false
	case r == nil:
		return unwatched, false
	case o.cannotSee(s):
		return blind, false
	}
	reference := m.since
	if !m.arrival.IsZero() {
		reference = m.arrival
	}
	horizon, deadline := o.horizon(s), r.deadline(reference)
	pushed, _ := o.through(s)
	loose = !m.behind.IsZero() && m.current < 2
	switch {
	case !horizon.Before(deadline) && horizon.Before(o.grace(r, reference, pushed)):
		return blind, false
	case !horizon.Before(deadline):
		return stale, false
	case m.arrival.IsZero():
		return pending, false
	case r.warn > 0 && !horizon.Before(m.arrival.Add(r.warn)):
		return late, loose
	default:
		return fresh, loose
	}
}

// silentGroup names a group of the feed that is silent by its rule, or is "";
// maybe counts the time that a group is expected from the earliest.
func (o *oracle) silentGroup(f *feedSpec, maybe bool) string {
	for i := range f.rules {
		r := &f.rules[i]
		if r.per == "client" {
			continue
		}
		for _, value := range o.values(f, r) {
			if o.groupIsSilent(f, r, value, maybe) {
				return r.name + " " + value
			}
		}
	}
	return ""
}

func (o *oracle) groupIsSilent(f *feedSpec, r *ruleSpec, value string, maybe bool) bool {
	reference := time.Time{}
	pulled := o.fleet.pull == f.name
	pushed := !pulled
	known, left := 0, 0
	for _, s := range o.fleet.of(f.name) {
		m, ok := o.marks[s]
		in := ok && r.matches(s) && (value == "" || s.labels[r.per] == value)
		if in {
			known++
		}
		if in && m.retired {
			left++
		}
		if in && !m.arrival.IsZero() {
			reference = later(reference, m.arrival)
		}
	}
	if value != "" && known > 0 && known == left {
		return false // nobody is left to be heard of; a whole feed is expected until retired_feeds names it
	}
	if reference.IsZero() {
		e := o.groups[f.name+"/"+r.name+"/"+value]
		if reference = e.last; maybe {
			reference = e.first
		}
		pushed = true
	}
	horizon := o.horizonOf(pushed, pulled)
	return !o.blindOf(pushed, pulled) && !horizon.Before(r.deadline(reference)) && !horizon.Before(o.grace(r, reference, pushed))
}

// listens is a turn of the engine, which hears what is pushed through then. Once it
// hears again after it was deaf, what came due meanwhile has the grace of a restart.
func (o *oracle) listens(now, through time.Time) {
	deaf := through.Before(now)
	if o.deaf && !deaf {
		o.ran = append(o.ran, watchdog.Restart{At: feed.At(now), Through: feed.At(o.known[feed.Push.Name]), Source: feed.Push.Name})
	}
	o.deaf = deaf
	o.hears(feed.Push.Name, through)
}

// hears moves a source's known-through.
func (o *oracle) hears(source string, through time.Time) {
	through = earlier(through.Truncate(time.Millisecond), o.now)
	o.known[source] = later(o.known[source], through)
}

// overdue says that nothing came from s by its deadline, whether or not that is
// told already.
func (o *oracle) overdue(s *series) bool {
	m, ok := o.marks[s]
	r := o.ruleOf(s)
	if !ok || r == nil || m.retired {
		return false
	}
	reference := m.since
	if !m.arrival.IsZero() {
		reference = m.arrival
	}
	return !o.horizon(s).Before(r.deadline(reference))
}

// newest and oldest are the extremes of what is known of a feed's series: their
// last events, or arrivals where they say none; zero where some was never seen.
func (o *oracle) extremes(f *feedSpec) (oldest, newest time.Time) {
	for _, s := range o.fleet.of(f.name) {
		m, ok := o.marks[s]
		if !ok {
			continue
		}
		last := m.arrival
		if !m.event.IsZero() {
			last = m.event
		}
		if last.IsZero() {
			return time.Time{}, time.Time{}
		}
		newest = later(newest, last)
		if oldest.IsZero() || last.Before(oldest) {
			oldest = last
		}
	}
	return oldest, newest
}

// lastHeard is when the last update of any client of f came.
func (o *oracle) lastHeard(f *feedSpec) (last time.Time) {
	for _, s := range o.fleet.of(f.name) {
		last = later(last, o.marks[s].heard)
	}
	return last
}

// anyone says that some client of the feed is known.
func (o *oracle) anyone(f *feedSpec) bool {
	for _, s := range o.fleet.of(f.name) {
		if m, ok := o.marks[s]; ok && !m.retired {
			return true
		}
	}
	return false
}
