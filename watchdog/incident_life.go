package watchdog

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/feedwatch/feedwatch/rules"
	"github.com/feedwatch/feedwatch/watchdog/feed"
)

// incident is the machine's working copy: the public picture, and what is only
// needed to move it on.
type incident struct {
	Incident
	seq     incidentSeq
	feed    *feedState
	pattern pattern
	rule    *rules.Rule       // governs the anchor; nil once removed
	ladder  *rules.Escalation // nil: nobody can be told

	trouble  int    // members whose verdict opens incidents, or that are blind
	unwell   int    // members that keep it open
	silent   int    // members whose verdict opens incidents
	resumed  bool   // EventResumed was said
	unsure   bool   // a blind incident from the store whose source has yet to report
	restored bool   // from the store; its members have not joined again yet
	formerly string // the name of its feed before the set that renamed it; told with what else that changed
	widened  bool   // the whole feed, by a group row or by share; not narrowed again

	rate float64        // updates a second of its members before
	lost map[rowID]bool // clients that Loss.Clients counts

	changes, considered uint64        // of its members; those when labels were looked for last
	spared              bool          // labels were found then, but somebody was on it
	alike               []feed.Labels // same extent as alikeTo, when the feed's labels had the shape alikeAt
	alikeTo             pattern
	alikeAt             uint64

	newestEvent, newestArrival feed.Instant // among its members when it opened
	calmSince                  feed.Instant // since when none is in trouble; zero: some are
	drain                      drain
	lastLate                   feed.Instant // newest arrival of a member that was late or ended its trouble

	held   *Hold        // by a silence or a maintenance
	holds  uint64       // Machine.holds when that was found
	heldAt feed.Instant // scopeAt then

	forgetDue feed.Instant // when to look whether its series are to be forgotten; zero: none is
	ignored   int          // members that came to be ignored, to be said
	// The share of the feed, in percent, from which on it is critical by the rule of any
	// member; 0: by none.
	criticalFrom float64

	paging   []Page       // asked for at this instant
	fewSince feed.Instant // since when only stragglers are in trouble

	due     feed.Instant // when to tend it without being touched
	scopeAt feed.Instant // when its scope was counted last
	moves   uint64       // feedState.moves then
	counted uint64       // changes then
	touched bool         // something about its members changed
	dirty   bool         // the public picture changed
	queued  bool         // waits in Machine.changed
}

// open starts an incident for a cause, anchored at a row.
func (m *Machine) open(f *feedState, cause Cause, p pattern, anchor rowID) *incident {
	b, i := f.blocks[anchor.block()], anchor.place()
	r := f.ruleOf(b, i)
	name := b.client(i)
	inc := m.start(f, cause, m.stamp(f, anchor), name)
	inc.pattern = p
	inc.Anchor = displayName(name)
	m.setRule(inc, r)
	m.measureTrickle(inc)
	if b.lastSeen(i).IsZero() && (r.Active() != nil || f.quorumOf(b, i) != nil) {
		inc.Expected = max(b.reference(i), min(m.againSince(f, anchor), inc.ExpectedSince()))
	}
	if f.split.at != 0 && f.split.at == inc.Opened {
		inc.ofStragglers(f.split)
	}
	return inc
}

// start makes the incident itself, with the parts that every cause has.
func (m *Machine) start(f *feedState, cause Cause, opened feed.Instant, anchor string) *incident {
	id := m.uniqueID(incidentID(opened, f.name, anchor))
	m.bySeq++
	inc := &incident{seq: m.bySeq, feed: f, due: m.now, touched: true}
	seen := m.now
	if cause != CauseBlind && !f.gathered.IsZero() {
		seen = max(f.gathered.Add(-gatherFor), opened)
	}
	inc.Incident = Incident{
		ID:     id,
		Key:    "fw/" + m.cfg.Install + "/" + f.name + "/" + id,
		Feed:   f.name,
		Cause:  cause,
		Opened: opened,
		Seen:   seen,
		Anchor: anchor,
		State:  StateOpen,
	}
	m.incidents[inc.seq], m.byID[id] = inc, inc
	m.linksMoved = true
	f.incidents = append(f.incidents, inc)
	m.lags = append(m.lags, seen.Sub(opened))
	return inc
}

// setRule takes over what the governing rule says; r may be nil.
func (m *Machine) setRule(inc *incident, r *rules.Rule) {
	spec := inc.feed.spec
	inc.rule = r
	inc.Rule, inc.Hours, inc.Escalation, inc.ladder = "", "", "", nil
	if spec != nil {
		inc.ladder = spec.Escalation()
		inc.Runbook, inc.Owner = spec.Runbook(), spec.Owner()
		inc.Loss.Retention = spec.Retention()
	}
	if r != nil {
		inc.Rule = r.Name()
		inc.Severity = max(inc.Severity, r.Severity())
		inc.Allowed = r.StaleAfter()
		if inc.Cause == CauseFrozen || inc.Cause == CauseBehind {
			inc.Allowed = r.LagOver()
		}
		inc.askFor(r)
		if r.Active() != nil && inc.Cause != CauseBehind {
			inc.Hours = r.Active().String()
		}
		if r.Escalation() != nil {
			inc.ladder = r.Escalation()
		}
	}
	if inc.ladder != nil {
		inc.Escalation = inc.ladder.Name()
	}
}

// displayName is a row's name for people: the client, or what a group row stands for.
func displayName(name string) string {
	if !isGroup(name) {
		return name
	}
	for i := 1; i < len(name); i++ {
		if name[i] == groupMark {
			if value := name[i+1:]; value != "" {
				return value
			}
			break
		}
	}
	return "the whole feed"
}

// widen makes the whole feed its scope.
func (m *Machine) widen(inc *incident) {
	m.rescope(inc, pattern{})
	inc.widened = true
}

// record adds a line to the timeline.
func (m *Machine) record(inc *incident, e Event) {
	e.N = len(inc.Events) + 1
	if e.At.IsZero() {
		e.At = m.now
	}
	e.Scope = inc.Scope.numbers()
	inc.Events = append(inc.Events, e)
	inc.dirty = true
}

// tend moves an incident on to m.now: what its members did, what its clocks say,
// whom to tell.
func (m *Machine) tend(inc *incident) {
	if inc.restored {
		inc.due = never
		return // its members join again with the first rules
	}
	opening := inc.Revision == 0
	if opening {
		m.startLoss(inc)
	}
	if !inc.done() {
		m.move(inc, opening)
	}
	inc.touched = false
	inc.due = m.dueOf(inc)
	if inc.dirty {
		inc.dirty = false
		inc.Revision++
		m.touchDependents(inc.feed)
		if !inc.queued {
			inc.queued = true
			m.changed = append(m.changed, inc)
		}
	}
}

func (m *Machine) move(inc *incident, opening bool) {
	if inc.touched || inc.scopeAt.Add(scopeEvery) <= m.now {
		m.refreshScope(inc)
	}
	if opening {
		m.record(inc, Event{At: inc.Seen, Kind: EventOpened})
	}
	if newest := max(inc.newestArrival, inc.Since); newest > inc.Newest {
		inc.Newest, inc.dirty = newest, true
	}
	m.sayIgnored(inc)
	m.followForgotten(inc)
	m.followStragglers(inc)
	m.followMembers(inc)
	m.followDrain(inc)
	m.followTrickleLoss(inc)
	m.followLoss(inc)
	m.moveLossStart(inc)
	m.climb(inc)
	m.settle(inc)
}

func (m *Machine) refreshState(inc *incident) {
	state := StateOpen
	switch {
	case inc.trouble == 0:
		state = StateRecovering
	case inc.Ack != nil:
		state = StateAcknowledged
	}
	if state != inc.State {
		inc.State = state
		inc.dirty = true
	}
}

// settle resolves an incident whose series have all held.
func (m *Machine) settle(inc *incident) {
	if inc.WellSince.IsZero() || m.now < inc.WellSince.Add(inc.resolveAfter()) {
		return
	}
	m.finish(inc, "", "")
}

// finish resolves an incident; by is the person who did, or "".
func (m *Machine) finish(inc *incident, by, reason string) {
	m.writeBehind(inc)
	m.writeTrickle(inc)
	inc.State = StateResolved
	inc.Resolved = m.now
	inc.ResolvedBy = cmp.Or(by, ourselves)
	inc.Next, inc.Ack, inc.Hold = nil, nil, nil
	inc.Loss.Begins = 0
	m.record(inc, Event{Kind: EventResolved, Who: by, Note: reason, From: inc.Loss.LostFrom, Until: inc.Loss.LostTo})
}

// ourselves is who resolved what no person did.
const ourselves = "feedwatch"

// resolveAfterDefault serves an incident whose rule was removed.
const resolveAfterDefault = 5 * time.Minute

func (inc *incident) resolveAfter() time.Duration {
	if inc.rule == nil {
		return resolveAfterDefault
	}
	return inc.rule.ResolveAfter()
}

// dropResolved lets go of incidents that have been handed out as resolved.
func (m *Machine) dropResolved(f *feedState) {
	if !slices.ContainsFunc(f.incidents, (*incident).done) {
		return
	}
	for _, inc := range f.incidents {
		if inc.done() {
			m.release(inc)
			m.retireLeaving(f)
			m.past.add(inc.ID)
			maps.DeleteFunc(f.resumed, func(_ rowID, r *resumption) bool { return r.incident == inc })
			delete(m.incidents, inc.seq)
			delete(m.byID, inc.ID)
			m.linksMoved = true
		}
	}
	f.incidents = slices.DeleteFunc(f.incidents, (*incident).done)
	m.place(f) // what is still in trouble, when a person closed it
}

func (inc *incident) done() bool { return inc.State == StateResolved }

// dueOf is when the incident must be tended though nothing happens to it.
func (m *Machine) dueOf(inc *incident) feed.Instant {
	if inc.done() {
		return never
	}
	due := never
	soon := func(t feed.Instant) {
		if !t.IsZero() && t > m.now {
			due = min(due, t)
		}
	}
	if (inc.moves != inc.feed.moves || inc.counted != inc.changes) && inc.Cause != CauseBlind {
		soon(inc.scopeAt.Add(scopeEvery))
	}
	if inc.Next != nil {
		soon(inc.Next.At)
	}
	if inc.Ack != nil {
		soon(inc.Ack.Until)
	}
	if inc.Hold != nil {
		soon(inc.Hold.Until)
	}
	if !inc.WellSince.IsZero() {
		soon(inc.WellSince.Add(inc.resolveAfter()))
	}
	if inc.unsure {
		soon(m.patience(inc) + 1)
	}
	if inc.fewSince != 0 {
		soon(inc.fewSince.Add(inc.resolveAfter()))
	}
	soon(inc.forgetDue)
	soon(inc.drain.due)
	soon(inc.lossDue())
	soon(inc.growthDue())
	return due
}

// snapshot is the public picture; nobody writes to it afterwards.
func (inc *incident) snapshot() *Incident {
	c := inc.Incident
	c.Pages = slices.Clip(c.Pages)
	c.Events = slices.Clip(c.Events)
	c.Ladder.Engaged = slices.Clip(c.Ladder.Engaged)
	if inc.Ack != nil {
		ack := *inc.Ack
		c.Ack = &ack
	}
	if inc.Hold != nil {
		hold := *inc.Hold
		c.Hold = &hold
	}
	if inc.CatchUp != nil {
		up := *inc.CatchUp
		c.CatchUp = &up
	}
	return &c
}
