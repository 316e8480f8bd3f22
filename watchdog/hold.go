package watchdog

import (
	"slices"

	"github.com/feedwatch/feedwatch/rules"
	"github.com/feedwatch/feedwatch/watchdog/feed"
)

// Hold says why nobody is paged for an incident, and until when. It holds no step
// about data loss, and ends as soon as a series is in trouble that it is not for.
type Hold struct {
	Kind  HoldKind     `json:"kind"`
	Name  string       `json:"name"`           // the silence's comment, the maintenance's name, the parent feed
	By    string       `json:"by,omitempty"`   // of a silence
	Since feed.Instant `json:"since"`          // when it began to hold this incident
	Until feed.Instant `json:"until,omitzero"` // zero: as long as the parent is in trouble
}

// HoldKind is what holds.
type HoldKind string

// The kinds of hold.
const (
	HoldSilence     HoldKind = "silence"
	HoldMaintenance HoldKind = "maintenance"
	HoldParent      HoldKind = "depends_on"
)

// holder is a silence or a maintenance that may hold series of one feed now.
type holder struct {
	Hold
	match  rules.Selector
	settle bool // it ends one stale_after later: the time to arrive first
}

// until is when it lets go of a series that r governs. Of a trickle, by the rule counts,
// it is when a window has passed.
func (h *holder) until(r, counts *rules.Rule) feed.Instant {
	switch {
	case h.settle && counts != nil:
		return countClockOf(counts).settled(h.Until)
	case h.settle && r != nil:
		return r.Active().After(h.Until, r.StaleAfter())
	default:
		return h.Until
	}
}

// lookAtHolds makes every incident find out anew whether it is held.
func (m *Machine) lookAtHolds() {
	m.holds++
	m.holdsDue = m.now
}

// refreshHolds notices silences and maintenances that begin and end.
func (m *Machine) refreshHolds() {
	if m.holdsDue > m.now {
		return
	}
	m.holds++
	m.silences = slices.DeleteFunc(m.silences, func(s silence) bool { return s.Until <= m.now })
	m.holdsDue = never
	soon := func(t feed.Instant) {
		if t > m.now {
			m.holdsDue = min(m.holdsDue, t)
		}
	}
	for i := range m.silences {
		soon(m.silences[i].From)
		soon(m.silences[i].Until)
	}
	for _, maintenance := range m.maintenances() {
		if w, ok := maintenance.Last(m.now); ok {
			soon(w.To)
		}
		if w, ok := maintenance.Next(m.now); ok {
			soon(w.From)
		}
	}
	for _, inc := range m.incidents {
		inc.due = min(inc.due, m.now)
	}
}

func (m *Machine) maintenances() []*rules.Maintenance {
	if m.set == nil {
		return nil
	}
	return m.set.Maintenances()
}

// holders are the silences and maintenances that may hold series of f now.
func (m *Machine) holders(f *feedState) []holder {
	var all []holder
	for i := range m.silences {
		if s := &m.silences[i]; s.Active(m.now) && s.selector.MatchesFeed(f.name) {
			all = append(all, holder{
				Hold:  Hold{Kind: HoldSilence, Name: s.Comment, By: s.By, Until: s.Until},
				match: s.selector,
			})
		}
	}
	longest := feed.Instant(0)
	for _, r := range f.rules {
		longest = max(longest, feed.Instant(r.LongestGap().Milliseconds()), feed.Instant(r.LongestCount().Milliseconds()))
	}
	for _, maintenance := range m.maintenances() {
		w, ok := maintenance.Last(m.now)
		if ok && m.now < w.To+longest && maintenance.Match().MatchesFeed(f.name) {
			all = append(all, holder{
				Hold:  Hold{Kind: HoldMaintenance, Name: maintenance.Name(), Until: w.To},
				match: maintenance.Match(), settle: true,
			})
		}
	}
	return all
}

// refreshHold finds out whether the incident is held now, and pages when a hold
// ends while it is still in trouble.
func (m *Machine) refreshHold(inc *incident) {
	was := inc.Hold
	ended := inc.held != nil && inc.held.Until <= m.now
	moved := inc.heldAt != inc.scopeAt && inc.trouble > 0 // else it is for when trouble is back
	if inc.holds != m.holds || moved || ended || inc.Cause == CauseBlind {
		inc.holds, inc.heldAt = m.holds, inc.scopeAt
		inc.held = m.held(inc)
	}
	now := m.heldByParent(inc)
	if now == nil && inc.held != nil {
		held := *inc.held
		now = &held
	}
	switch {
	case was == nil && now == nil:
		return
	case now != nil && was != nil && was.Kind == now.Kind && was.Name == now.Name:
		now.Since = was.Since
		if *now != *was {
			inc.Hold, inc.dirty = now, true
		}
	case now != nil:
		now.Since = m.now
		inc.Hold = now
		m.record(inc, Event{Kind: EventHeld, Who: now.By, Until: now.Until, Note: now.Name})
	default:
		inc.Hold = nil
		m.record(inc, Event{Kind: EventReleased, Note: was.Name})
		switch {
		case inc.trouble == 0:
			inc.Ladder.PagedFor = 0 // trouble that is back within a flap is a reason to page
		case inc.Ack == nil && len(inc.Pages) > 0 && inc.ladder != nil:
			m.pageEngaged(inc, ReasonHoldEnded)
		}
	}
}

// heldByParent is the hold by a feed that this one depends on: while that has an
// open incident that was paged, and then for the time to arrive first.
func (m *Machine) heldByParent(inc *incident) *Hold {
	was := inc.Hold
	if was != nil && was.Kind != HoldParent {
		was = nil
	}
	if inc.feed.spec == nil {
		return nil
	}
	outgrown := false
	for _, name := range inc.feed.spec.DependsOn() {
		f := m.feeds[name]
		if f == nil {
			continue
		}
		for _, parent := range f.incidents {
			switch {
			case !parent.goesOn():
			case parent.explains(inc):
				return &Hold{Kind: HoldParent, Name: name}
			case !parent.resumed:
				outgrown = true
			}
		}
	}
	if was == nil || outgrown {
		return nil
	}
	settling := *was
	if settling.Until.IsZero() {
		settling.Until = inc.rule.Active().After(m.now, inc.Allowed)
	}
	if settling.Until <= m.now {
		return nil
	}
	return &settling
}

// goesOn says that somebody was told of the incident, and it is not over.
func (inc *incident) goesOn() bool {
	return inc.trouble > 0 && inc.Hold == nil && len(inc.Pages) > 0 && !inc.done()
}

// explains says that the incident is reason enough not to page for one of a feed
// that depends on its own: it takes at least half as large a share of its feed. A
// client that is gone upstream does not explain why nothing comes downstream; nor
// does what cannot be seen explain what is silent.
func (inc *incident) explains(child *incident) bool {
	is, other := inc.share(), child.share()
	switch {
	case (inc.Cause == CauseBlind) != (child.Cause == CauseBlind):
		return false
	case is.of == 0: // without clients it is all of the feed
		return true
	case other.of == 0:
		return 2*is.part >= is.of
	default:
		return 2*is.part*other.of >= other.part*is.of
	}
}

// linkDependents tells every feed which others depend on it.
func (m *Machine) linkDependents(set *rules.Set) {
	for _, f := range m.order {
		f.dependents = nil
	}
	for _, spec := range set.Feeds() {
		for _, name := range spec.DependsOn() {
			parent := m.feeds[name]
			parent.dependents = append(parent.dependents, m.feeds[spec.Name()])
		}
	}
}

// touchDependents makes the incidents of feeds that depend on f look at their holds.
func (m *Machine) touchDependents(f *feedState) {
	for _, child := range f.dependents {
		for _, inc := range child.incidents {
			inc.due = min(inc.due, m.now)
		}
	}
}

// held is the hold that ends first, when each series in trouble has one; nil when
// one has none. Series that are blind count where no other is in trouble.
func (m *Machine) held(inc *incident) *Hold {
	f := inc.feed
	holders := m.holders(f)
	if len(holders) == 0 {
		return nil
	}
	look := holdSearch{m: m, f: f, counts: inc.countsBy(), holders: holders, byLabels: map[holdKey]*Hold{}}
	if inc.Cause == CauseBlind {
		look.all(func(b *block, i int) bool { return b.rows[i].verdict != Retired && b.rows[i].verdict != Unwatched })
		return look.result(inc.rule)
	}
	counts := troubled
	if inc.silent > 0 { // what is only out of sight may be well
		counts = Verdict.Opens
	}
	groups := map[rowID]bool{}
	for n, b := range f.blocks {
		for i := range b.rows {
			seq := b.rows[i].in
			if seq == inc.seq && counts(b.rows[i].verdict) && b.isGroup(i) {
				groups[rowOf(n, i)] = true
			}
		}
	}
	look.all(func(b *block, i int) bool {
		if b.rows[i].in == inc.seq && counts(b.rows[i].verdict) {
			return true
		}
		return len(groups) > 0 && b.rows[i].verdict != Retired && slices.ContainsFunc(m.groupRows[b.rows[i].groups], func(g rowID) bool { return groups[g] })
	})
	return look.result(inc.rule)
}

// holdSearch looks for the series that no holder is for.
type holdSearch struct {
	m        *Machine
	f        *feedState
	counts   *rules.Rule // by which a trickle is found; nil for other incidents
	holders  []holder
	byLabels map[holdKey]*Hold
	first    *Hold // the hold that ends first among those found
	free     bool  // a series was found that nothing holds
	seen     int
}

// holdKey is what the answer depends on where no matcher looks at the client.
type holdKey struct {
	labels labelsID
	rule   uint16
}

// all looks at the client rows that pick picks, until one is free.
func (s *holdSearch) all(pick func(*block, int) bool) {
	byClient := slices.ContainsFunc(s.holders, func(h holder) bool { return h.match.Mentions(rules.ClientLabel) })
	for _, b := range s.f.blocks {
		for i := range b.rows {
			client := b.client(i)
			if isGroup(client) || !pick(b, i) {
				continue
			}
			s.seen++
			key := holdKey{b.rows[i].labels, b.rows[i].rule}
			hold, known := s.byLabels[key]
			if !known || byClient {
				hold = s.longest(client, s.f.labelsOf(b, i), s.f.ruleOf(b, i))
				s.byLabels[key] = hold
			}
			if hold == nil {
				s.free = true
				return
			}
			if s.first == nil || hold.Until < s.first.Until {
				s.first = hold
			}
		}
	}
}

// longest is the hold on one series that ends last; nil when nothing holds it.
func (s *holdSearch) longest(client string, labels feed.Labels, r *rules.Rule) *Hold {
	var best *Hold
	for i := range s.holders {
		h := &s.holders[i]
		until := h.until(r, s.counts)
		if until <= s.m.now || best != nil && until <= best.Until || !h.match.Matches(s.f.name, client, labels) {
			continue
		}
		hold := h.Hold
		hold.Until = until
		best = &hold
	}
	return best
}

// result is what holds all that was looked at. Where no client is known, what
// matches the feed alone counts.
func (s *holdSearch) result(r *rules.Rule) *Hold {
	switch {
	case s.free:
		return nil
	case s.seen == 0:
		return s.longest("", feed.Labels{}, r)
	default:
		return s.first
	}
}
