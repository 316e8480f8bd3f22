package watchdog

import (
	"slices"

	"github.com/feedwatch/feedwatch/rules"
	"github.com/feedwatch/feedwatch/watchdog/feed"
)

// feedState is one feed: its table, the rules bound to it, and what is counted
// of it as verdicts change.
type feedState struct {
	name   string
	number int           // by first mention
	spec   *rules.Feed   // nil: no rule file names it
	rules  []*rules.Rule // client rules, then group rules
	groups int           // index of the first group rule
	wholes []rowID       // of the `per: feed` rules

	names   names
	blocks  []*block
	bound   feed.Instant // lower bound of all blocks' bounds
	waits   feed.Instant // lower bound of all blocks' waits
	tracks  map[rowID]*track
	bases   map[rowID]feed.Instant // event time before the trouble, of members whose updates came again
	resumed map[rowID]*resumption
	owed    map[rowID]*incident // who has a row of its ledger to come, though no member: see owe
	roster  map[string]bool     // clients that the rule files name
	leaving map[string]bool     // of them, who has left while in an incident

	quorums []*quorum // by client rule, nil where that has none; nil: no rule has
	binding bool      // rules change: who a quorum is asked of is not counted yet

	counting bool         // some rule has min_updates
	ruled    feed.Instant // when the present rules came into force

	dependents []*feedState // feeds whose pages wait for this one's

	members map[rowID]int // clients that a group row counts, but for retired ones

	clients   ByVerdict    // client rows by stored verdict
	bySet     []ByVerdict  // the same for each set of sources, by its number
	labels    labelSets    // for attribution
	sets      []uint8      // sets of sources that any row has or had
	moves     uint64       // changes of what is counted
	unplaced  int          // rows in trouble that belong to no incident yet
	split     split        // when stragglers were last split off an incident
	gathered  feed.Instant // when those get one; zero: none wait
	incidents []*incident  // open ones, in order of opening
	blindDue  feed.Instant // when blindness is to be looked at
	stirred   bool         // see attention
}

func newFeedState(name string) *feedState {
	f := &feedState{
		name:     name,
		bound:    never,
		waits:    never,
		blindDue: never,
		tracks:   map[rowID]*track{},
		bases:    map[rowID]feed.Instant{},
		resumed:  map[rowID]*resumption{},
		owed:     map[rowID]*incident{},
		roster:   map[string]bool{},
		leaving:  map[string]bool{},
		members:  map[rowID]int{},
		labels:   newLabelSets(),
	}
	f.names = newNames(&f.blocks)
	return f
}

// isGroup says that the row stands for a group rule, not for a client.
func isGroup(client string) bool { return client != "" && client[0] == groupMark }

// groupMark begins the name of a group row. No client's name can.
const groupMark = '\x00'

// groupName is the row of a group rule; value is "" for `per: feed`.
func groupName(r *rules.Rule, value string) string {
	return string(groupMark) + r.Name() + string(groupMark) + value
}

func (f *feedState) useSet(set uint8) {
	if !slices.Contains(f.sets, set) {
		f.sets = append(f.sets, set)
	}
}

func (f *feedState) ruleOf(b *block, i int) *rules.Rule {
	if b.rows[i].rule >= ignoredRule {
		return nil
	}
	return f.rules[b.rows[i].rule]
}

// count adds n to everything that counts row i, under its present verdict, set
// and labels. Group rows are not clients and are not counted.
func (f *feedState) count(b *block, i, n int) {
	if b.isGroup(i) {
		return
	}
	f.moves++
	v := b.rows[i].verdict
	f.clients[v] += n
	set := int(b.rows[i].sources)
	for len(f.bySet) <= set {
		f.bySet = append(f.bySet, ByVerdict{})
	}
	f.bySet[set][v] += n
	t := tallyOf(v)
	f.labels.count(b.rows[i].labels, n*t.of, n*t.silent)
}

// tallyOf is what one client row with that verdict adds to a tally.
func tallyOf(v Verdict) (t tally) {
	if v != Retired && v != Unwatched {
		t.of = 1
	}
	if v.Opens() {
		t.silent = 1
	}
	return t
}

// labelsOf are the labels of row i.
func (f *feedState) labelsOf(b *block, i int) feed.Labels { return f.labels.labels(b.rows[i].labels) }

// watched is how many clients a rule governs now.
func (f *feedState) watched() int {
	n := 0
	for v, c := range f.clients {
		if Verdict(v) != Retired && Verdict(v) != Unwatched {
			n += c
		}
	}
	return n
}

// setVerdict moves row i to v and keeps every count true. It returns whether
// something changed that an incident or attribution must look at.
func (m *Machine) setVerdict(f *feedState, b *block, i int, v Verdict) {
	old := b.rows[i].verdict
	if old == v {
		return
	}
	b.rows[i].verdict = v
	f.countChange(b, i, old)
	if f.quorums != nil {
		m.quorumMoved(f, b, i, old)
	}
	if old == Retired || v == Retired {
		b.namesChanged = true // it is saved with them
		b.agesKnown = false
		n := +1
		if v == Retired {
			n = -1
		}
		if b.rows[i].rule != ignoredRule {
			m.enroll(f, m.groupRows[b.rows[i].groups], n)
		}
	}
	if seq := b.rows[i].in; seq != 0 {
		m.incidents[seq].memberChanged(f, b, i, old)
		return
	}
	f.countUnplaced(b, old.Opens(), v.Opens())
}

// countChange moves row i from its verdict before to its present one in every
// count.
func (f *feedState) countChange(b *block, i int, old Verdict) {
	if b.isGroup(i) {
		return
	}
	f.moves++
	v, set := b.rows[i].verdict, &f.bySet[b.rows[i].sources]
	f.clients[old]--
	f.clients[v]++
	set[old]--
	set[v]++
	was, is := tallyOf(old), tallyOf(v)
	f.labels.count(b.rows[i].labels, is.of-was.of, is.silent-was.silent)
}

// countUnplaced keeps the count of rows in trouble that belong to no incident.
func (f *feedState) countUnplaced(b *block, before, after bool) {
	switch {
	case after && !before:
		b.unassigned++
		f.unplaced++
	case before && !after:
		b.unassigned--
		f.unplaced--
	}
}

// keepBase keeps how far event time had come before a trouble: a backlog is past
// it, though a live update may come first.
func (f *feedState) keepBase(id rowID, event feed.Instant) {
	if _, kept := f.bases[id]; !kept {
		f.bases[id] = event
	}
}

// join makes row i a member of inc.
func (m *Machine) join(f *feedState, b *block, i int, inc *incident) {
	f.countUnplaced(b, b.rows[i].verdict.Opens(), false)
	b.rows[i].in = inc.seq
	m.joined(f, b, i, inc)
}

// joined counts row i as a member of inc.
func (m *Machine) joined(f *feedState, b *block, i int, inc *incident) {
	inc.memberJoined(f, b, i)
	if b.rows[i].verdict == Stale {
		m.overdue(f, b, i) // it may have been so for long
	}
}

// release ends every membership of inc.
func (m *Machine) release(inc *incident) {
	for n, b := range inc.feed.blocks {
		for i := range b.rows {
			seq := b.rows[i].in
			if seq == inc.seq {
				b.rows[i].in = 0
				delete(inc.feed.bases, rowOf(n, i))
				inc.feed.countUnplaced(b, false, b.rows[i].verdict.Opens())
				m.releaseToQuorum(inc.feed, rowOf(n, i))
			}
		}
	}
}

// rejudge derives the verdict of a row anew.
func (m *Machine) rejudge(f *feedState, id rowID) {
	b, i := f.blocks[id.block()], id.place()
	if b.rows[i].rule == ignoredRule {
		m.ignore(f, id)
		return
	}
	r := f.ruleOf(b, i)
	if r == nil {
		b.rows[i].due = never
		if b.rows[i].in == 0 || b.rows[i].verdict.Well() {
			m.setVerdict(f, b, i, Unwatched)
		}
		return
	}
	if b.rows[i].verdict == Retired {
		b.rows[i].due = never
		return
	}
	if b.isGroup(i) && f.deserted(id, r) {
		b.rows[i].due = never
		m.setVerdict(f, b, i, Unwatched)
		return
	}
	set := &m.sources.sets[b.rows[i].sources]
	v, due := judge(facts{
		rule:    r,
		arrival: b.rows[i].arrival,
		horizon: set.horizon,
		grace:   m.grace(r, b.reference(i), b.rows[i].sources),
		track:   f.tracks[id],
		open:    b.rows[i].in != 0 || b.rows[i].verdict.Opens(),
	})
	if !r.MinUpdates().IsZero() {
		v, due = m.underCount(f, id, r, set.horizon, v, due)
	}
	v, due = m.afterIgnore(f, id, r, set.horizon, v, due)
	if q := f.quorumOf(b, i); q != nil {
		v, due = m.underQuorum(f, q, id, v, due)
	}
	if v == Stale {
		due = m.overdue(f, b, i)
		delete(f.tracks, id) // what it held is over; a backlog is measured afresh
	}
	b.rows[i].due = never
	f.wake(id, due)
	m.setVerdict(f, b, i, v)
}

// stamp is the instant at which the present trouble of a row began: the
// deadline that passed, not when it was seen.
func (m *Machine) stamp(f *feedState, id rowID) feed.Instant {
	b, i := f.blocks[id.block()], id.place()
	r := f.ruleOf(b, i)
	if r == nil {
		return m.now
	}
	at := m.now
	switch b.rows[i].verdict {
	case Stale:
		at = r.Deadline(b.reference(i))
		at = max(at, r.Active().Next(m.againSince(f, id)))
		if q := f.quorumOf(b, i); q != nil {
			at = max(at, q.opensAt(m, f, b, i))
		}
	case Trickling:
		at = b.counts[i].since
	case Frozen:
		at = max(f.tracks[id].frozenSince(r), r.Active().Began(m.sources.sets[b.rows[i].sources].horizon))
	}
	if f.split.at != 0 && f.gathered == f.split.at.Add(gatherFor) {
		at = max(at, f.split.at) // a straggler: its first deadline was another incident's
	}
	return at
}
