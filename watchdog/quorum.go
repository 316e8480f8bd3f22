package watchdog

import (
	"math/bits"
	"slices"
	"time"

	"github.com/feedwatch/feedwatch/rules"
	"github.com/feedwatch/feedwatch/watchdog/feed"
)

// quorum counts whom a rule with a quorum governs, and who of them is past its
// deadline. Below the quorum those are late, not stale: shown, and they open nothing,
// until their loss draws near. Who is in an incident already stays in it.
type quorum struct {
	rule    *rules.Rule
	of      int // rows that it governs, but for retired ones
	overdue int // of them, past their deadline
	held    int // of those, late for want of others
	// metAt is the deadline by which enough were overdue; zero: they are not.
	metAt feed.Instant
}

// resetQuorums forgets what was counted: the rules change, and every row is bound anew.
func (f *feedState) resetQuorums() {
	f.quorums = nil
	if !slices.ContainsFunc(f.rules[:f.groups], func(r *rules.Rule) bool { return !r.Quorum().IsZero() }) {
		for _, b := range f.blocks {
			b.overdue = nil
		}
		return
	}
	f.quorums = make([]*quorum, f.groups)
	for n, r := range f.rules[:f.groups] {
		if !r.Quorum().IsZero() {
			f.quorums[n] = &quorum{rule: r}
		}
	}
	for _, b := range f.blocks {
		b.overdue = nil
		for i := range b.rows {
			if !b.isGroup(i) {
				b.rows[i].rule = noRule
			}
		}
	}
}

// quorumOf counts the row; nil where its rule has none.
func (f *feedState) quorumOf(b *block, i int) *quorum {
	if int(b.rows[i].rule) >= len(f.quorums) {
		return nil
	}
	return f.quorums[b.rows[i].rule]
}

// isOverdue says that the row is counted as past its deadline.
func (b *block) isOverdue(i int) bool {
	return b.overdue != nil && b.overdue[i/64]&(1<<(i%64)) != 0
}

func (q *quorum) setOverdue(b *block, i int, over bool) {
	if over == b.isOverdue(i) {
		return
	}
	if b.overdue == nil {
		b.overdue = make([]uint64, blockRows/64)
	}
	b.overdue[i/64] ^= 1 << (i % 64)
	n := 1
	if !over {
		n = -1
	}
	q.overdue += n
	if b.rows[i].verdict == Late {
		q.held += n
	}
}

// joinQuorum and leaveQuorum count a row in and out as its rule changes.
func (f *feedState) joinQuorum(b *block, i int) {
	if q := f.quorumOf(b, i); q != nil && b.rows[i].verdict != Retired {
		q.of++
	}
}

func (m *Machine) leaveQuorum(f *feedState, b *block, i int) {
	q := f.quorumOf(b, i)
	if q == nil {
		return
	}
	q.setOverdue(b, i, false)
	if b.rows[i].verdict != Retired {
		q.of--
	}
	m.lookAtQuorum(f, q)
}

// quorumMoved keeps the counts as the verdict of a row changes to its present one.
func (m *Machine) quorumMoved(f *feedState, b *block, i int, old Verdict) {
	q := f.quorumOf(b, i)
	if q == nil {
		return
	}
	v := b.rows[i].verdict
	if b.isOverdue(i) {
		if old == Late {
			q.held--
		}
		if v == Late {
			q.held++
		}
		if v == Retired || v == Unwatched {
			q.setOverdue(b, i, false)
		}
	}
	if old == Retired {
		q.of++
	}
	if v == Retired {
		q.of--
	}
	m.lookAtQuorum(f, q)
}

// underQuorum is the verdict of a row once the others of its rule are asked, and when
// it is to be asked again.
func (m *Machine) underQuorum(f *feedState, q *quorum, id rowID, v Verdict, due feed.Instant) (Verdict, feed.Instant) {
	b, i := f.blocks[id.block()], id.place()
	q.setOverdue(b, i, v == Stale)
	m.lookAtQuorum(f, q)
	horizon := m.sources.sets[b.rows[i].sources].horizon
	near := f.lossNear(q.rule, b, i)
	if v != Stale || q.metAt != 0 || b.rows[i].in != 0 || horizon >= near {
		return v, due
	}
	delete(f.tracks, id)
	forget := m.forgetAt(f, b, i)
	switch {
	case horizon < forget || f.binding:
		return Late, min(near, forget)
	case f.clients[Fresh] > 0: // it is a client that has left, not the feed that is silent
		return Retired, never
	default:
		return Late, min(near, horizon.Add(forgetEvery))
	}
}

// lookAtQuorums does so for all of them, once every row is bound.
func (m *Machine) lookAtQuorums(f *feedState) {
	for _, q := range f.quorums {
		if q != nil {
			m.lookAtQuorum(f, q)
		}
	}
}

// lookAtQuorum notices that enough are overdue, or no longer. While rows are bound
// one by one a share of them says nothing: the first would be all there are.
func (m *Machine) lookAtQuorum(f *feedState, q *quorum) {
	if f.binding {
		return
	}
	need := q.rule.Quorum().Needs(q.of)
	switch {
	case q.overdue < need:
		if q.metAt != 0 {
			q.metAt = 0
			f.wakeOverdue(q, Stale) // who has no incident yet is to open none
		}
	case q.metAt == 0:
		m.meet(f, q, need)
	}
}

// meet wakes those that waited for others.
func (m *Machine) meet(f *feedState, q *quorum, need int) {
	deadlines := make([]feed.Instant, 0, q.overdue)
	f.eachOverdue(q, func(_ rowID, b *block, i int) { deadlines = append(deadlines, q.rule.Deadline(b.reference(i))) })
	slices.Sort(deadlines)
	q.metAt = deadlines[need-1]
	f.wakeOverdue(q, Late)
}

// wakeOverdue has the overdue rows with that verdict judged anew that are in no
// incident.
func (f *feedState) wakeOverdue(q *quorum, v Verdict) {
	f.eachOverdue(q, func(id rowID, b *block, i int) {
		if b.rows[i].verdict == v && b.rows[i].in == 0 {
			f.wake(id, q.rule.Deadline(b.reference(i)))
		}
	})
}

// eachOverdue yields the rows of q that are past their deadline.
func (f *feedState) eachOverdue(q *quorum, yield func(rowID, *block, int)) {
	for n, b := range f.blocks {
		for w, word := range b.overdue {
			for ; word != 0; word &= word - 1 {
				if i := w*64 + bits.TrailingZeros64(word); f.quorumOf(b, i) == q {
					yield(rowOf(n, i), b, i)
				}
			}
		}
	}
}

// opensAt is when an overdue row came to be stale: with enough others, or for its loss.
func (q *quorum) opensAt(m *Machine, f *feedState, b *block, i int) feed.Instant {
	near := f.lossNear(q.rule, b, i)
	switch {
	case q.metAt != 0:
		return min(q.metAt, near)
	case m.sources.sets[b.rows[i].sources].horizon >= near:
		return near
	default:
		return m.now
	}
}

// releaseToQuorum judges a row anew that no incident holds any more: alone it may not
// be enough to open one.
func (m *Machine) releaseToQuorum(f *feedState, id rowID) {
	b, i := f.blocks[id.block()], id.place()
	if b.rows[i].verdict == Stale && f.quorumOf(b, i) != nil {
		m.rejudge(f, id)
	}
}

// lossNear is when the first updates of a row are about to be lost, by the longest
// before_loss of its ladder; never where that is not known.
func (f *feedState) lossNear(r *rules.Rule, b *block, i int) feed.Instant {
	retention := f.spec.Retention()
	if retention == 0 || r.Escalation() == nil {
		return never
	}
	start := b.rows[i].event
	if start.IsZero() {
		start = b.reference(i)
	}
	lead := time.Duration(0)
	for _, s := range r.Escalation().Steps() {
		if !s.BeforeLoss.IsZero() {
			lead = max(lead, s.BeforeLoss.Of(retention))
		}
	}
	return start.Add(retention - lead)
}

// belowQuorum is how many rows of the feed are late for want of others.
func (f *feedState) belowQuorum() (n int) {
	for _, q := range f.quorums {
		if q != nil {
			n += q.held
		}
	}
	return n
}

// QuorumView is why a client past its deadline opens nothing yet.
type QuorumView struct {
	Overdue int          `json:"overdue"`        // clients of its rule that are past theirs
	Needs   int          `json:"needs"`          // before they page
	Since   feed.Instant `json:"since"`          // its deadline
	Until   feed.Instant `json:"until,omitzero"` // then it pages by itself: its loss is near
}

func (m *Machine) quorumView(f *feedState, b *block, i int) *QuorumView {
	q := f.quorumOf(b, i)
	if q == nil || !b.isOverdue(i) || b.rows[i].verdict != Late {
		return nil
	}
	view := &QuorumView{Overdue: q.overdue, Needs: q.rule.Quorum().Needs(q.of), Since: q.rule.Deadline(b.reference(i))}
	if near := f.lossNear(q.rule, b, i); near != never {
		view.Until = near
	}
	return view
}
