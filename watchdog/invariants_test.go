package watchdog

import (
	"slices"
	"testing"

	"github.com/feedwatch/feedwatch/rules"
	"github.com/feedwatch/feedwatch/watchdog/feed"
)

// checkInvariants recounts everything that the machine keeps incrementally, and
// judges every row anew.
func checkInvariants(t testing.TB, m *Machine) {
	t.Helper()
	for _, f := range m.order {
		checkCounts(t, m, f)
		checkMembers(t, m, f)
		checkBounds(t, m, f)
	}
	checkAttention(t, m)
	for _, inc := range m.incidents {
		if m.byID[inc.ID] != inc || len(m.byID) != len(m.incidents) {
			t.Fatalf("two incidents have the id %s", inc.ID)
		}
	}
}

func checkCounts(t testing.TB, m *Machine, f *feedState) {
	t.Helper()
	var clients ByVerdict
	bySet := map[uint8]ByVerdict{}
	byLabels := make([]tally, f.labels.len())
	unplaced := 0
	for _, b := range f.blocks {
		kept := b.agesNow()
		b.agesKnown = false
		if now := b.agesNow(); kept != now {
			t.Fatalf("block says %+v, read again it is %+v", kept, now)
		}
		unassigned := 0
		for i := range b.rows {
			v := b.rows[i].verdict
			if v.Opens() && b.rows[i].in == 0 {
				unassigned++
			}
			if b.isGroup(i) {
				continue
			}
			clients[v]++
			c := bySet[b.rows[i].sources]
			c[v]++
			bySet[b.rows[i].sources] = c
			l := byLabels[b.rows[i].labels]
			if v != Retired && v != Unwatched {
				l.of++
			}
			if v.Opens() {
				l.silent++
			}
			byLabels[b.rows[i].labels] = l
		}
		if unassigned != int(b.unassigned) {
			t.Fatalf("block says %d unassigned, there are %d", b.unassigned, unassigned)
		}
		unplaced += unassigned
	}
	checkEnrolled(t, m, f)
	checkQuorums(t, f)
	if unplaced != f.unplaced {
		t.Fatalf("%d rows in trouble belong to no incident, counted as %d", unplaced, f.unplaced)
	}
	if waits := f.gathered > m.now; unplaced != 0 && !waits {
		t.Fatalf("%d rows in trouble belong to no incident", unplaced)
	}
	if clients != f.clients {
		t.Fatalf("clients by verdict %v, recounted %v", f.clients, clients)
	}
	for n, c := range f.bySet {
		if c != bySet[uint8(n)] {
			t.Fatalf("set %d counts %v, recounted %v", n, c, bySet[uint8(n)])
		}
		delete(bySet, uint8(n))
	}
	if len(bySet) > 0 {
		t.Fatal("a set is not counted at all")
	}
	checkLabels(t, &f.labels, byLabels)
}

// checkLabels: every count of label sets follows from the recount of rows.
func checkLabels(t testing.TB, s *labelSets, want []tally) {
	t.Helper()
	var all tally
	pairs, live := make([]int32, len(s.pairOf)), make([]int32, len(s.live))
	for id, w := range want {
		if got := (tally{int(s.of[id]), int(s.silent[id])}); got != w {
			t.Fatalf("%s counts %v, recounted %v", s.labels(labelsID(id)), got, w)
		}
		all.of, all.silent = all.of+w.of, all.silent+w.silent
		for _, p := range s.pairsOf(labelsID(id)) {
			pairs[p] += int32(w.of)
		}
	}
	for p, n := range pairs {
		if n > 0 {
			live[s.nameOf[p]]++
		}
	}
	if all != s.all || !slices.Equal(pairs, s.pairOf) || !slices.Equal(live, s.live) {
		t.Fatalf("counts %v %v %v, recounted %v %v %v", s.all, s.pairOf, s.live, all, pairs, live)
	}
}

// checkMembers: each row in trouble belongs to exactly one open incident, and
// that counts it.
func checkMembers(t testing.TB, m *Machine, f *feedState) {
	t.Helper()
	type counts struct{ trouble, unwell, silent int }
	members := map[incidentSeq]counts{}
	for _, b := range f.blocks {
		for i := range b.rows {
			seq := b.rows[i].in
			if seq == 0 {
				continue
			}
			inc := m.incidents[seq]
			if inc == nil || inc.feed != f || inc.done() {
				t.Fatalf("%q belongs to incident %d, which is not open", b.client(i), seq)
			}
			c, v := members[seq], b.rows[i].verdict
			if troubled(v) {
				c.trouble++
			}
			if !v.Well() {
				c.unwell++
			}
			if v.Opens() {
				c.silent++
			}
			members[seq] = c
		}
	}
	for _, inc := range f.incidents {
		if inc.Cause == CauseBlind || inc.restored {
			continue
		}
		if c := (counts{inc.trouble, inc.unwell, inc.silent}); c != members[inc.seq] {
			t.Fatalf("incident %s counts %+v, recounted %+v", inc.ID, c, members[inc.seq])
		}
		if inc.unwell > 0 && inc.done() {
			t.Fatalf("incident %s is resolved with %d unwell", inc.ID, inc.unwell)
		}
		if inc.silent > 0 && inc.ladder != nil && len(inc.Pages) == 0 && len(inc.afterSteps()) > 0 && inc.afterSteps()[0].After == 0 && inc.Ack == nil && inc.Hold == nil {
			t.Fatalf("incident %s is open and nobody was paged", inc.ID)
		}
	}
}

// checkBounds: no row is to be judged before its block says so, and none that is
// due has been left as it was.
func checkBounds(t testing.TB, m *Machine, f *feedState) {
	t.Helper()
	for n, b := range f.blocks {
		bound := min(b.bound, b.waits)
		if f.bound > b.bound || f.waits > b.waits {
			t.Fatalf("the feed's bounds %d, %d are later than its block's %d, %d", f.bound, f.waits, b.bound, b.waits)
		}
		for i := range b.rows {
			r := f.ruleOf(b, i)
			if r == nil || b.rows[i].verdict == Retired {
				continue
			}
			if b.isGroup(i) && f.deserted(rowOf(n, i), r) {
				if b.rows[i].verdict != Unwatched {
					t.Fatalf("nobody is in %q, and it is %s", b.client(i), b.rows[i].verdict)
				}
				continue
			}
			judgeAt := func(horizon feed.Instant) (Verdict, feed.Instant) {
				v, due := judge(facts{
					rule: r, arrival: b.rows[i].arrival, horizon: horizon,
					grace: m.grace(r, b.reference(i), b.rows[i].sources), track: f.tracks[rowOf(n, i)],
					open: b.rows[i].in != 0 || b.rows[i].verdict.Opens(),
				})
				if !r.MinUpdates().IsZero() {
					v, due = countAnew(m, f, rowOf(n, i), r, horizon, v, due)
				}
				return m.afterIgnore(f, rowOf(n, i), r, horizon, v, due)
			}
			horizon := m.sources.sets[b.rows[i].sources].horizon
			v, due := judgeAt(horizon)
			// A row that came to be heard through a source that lags keeps what was
			// known of it before.
			for v != b.rows[i].verdict && due <= m.horizon(f) {
				v, due = judgeAt(due)
			}
			if v == Stale && b.rows[i].verdict == Late && b.isOverdue(i) && f.quorumOf(b, i).metAt == 0 {
				if near := f.lossNear(r, b, i); b.rows[i].in != 0 || horizon >= near || b.rows[i].due > near {
					t.Fatalf("%q waits for others at %s, is due at %s, and its loss is near at %s", b.client(i), horizon, b.rows[i].due, near)
				}
				continue
			}
			if v != b.rows[i].verdict && !isHeld(b, i) {
				t.Fatalf("%q is stored as %s, judged anew it is %s at %s", b.client(i), b.rows[i].verdict, v, horizon)
			}
			if bound > due || b.rows[i].due > due {
				t.Fatalf("%q is due at %s: its block's bound is %s, its own %s", b.client(i), due, bound, b.rows[i].due)
			}
		}
	}
}

// countAnew is underCount, and leaves everything as it is.
func countAnew(m *Machine, f *feedState, id rowID, r *rules.Rule, horizon feed.Instant, v Verdict, due feed.Instant) (Verdict, feed.Instant) {
	b, i := f.blocks[id.block()], id.place()
	if b.counts == nil {
		return m.underCount(f, id, r, horizon, v, due)
	}
	kept, changed, byDeadline := b.counts[i], b.marksChanged, due
	v, due = m.underCount(f, id, r, horizon, v, due)
	b.counts[i], b.marksChanged = kept, changed
	k := countClockOf(r)
	if v == Trickling || kept.keeps(k.bucket(due)) {
		return v, due
	}
	next := k.bucket(due) // of this window nothing is said: the next that is kept, and too short
	for !kept.keeps(next) || kept.came(next) >= uint64(r.MinUpdates().Count) {
		if next++; k.begins(next) >= byDeadline {
			return v, byDeadline
		}
	}
	return v, k.begins(next)
}

// isHeld says that the row holds an incident that found no member after a restart.
func isHeld(b *block, i int) bool {
	return b.isGroup(i) && b.rows[i].verdict == Blind && b.rows[i].in != 0
}

// checkEnrolled: each group row counts the clients that are in it.
func checkEnrolled(t testing.TB, m *Machine, f *feedState) {
	t.Helper()
	members := map[rowID]int{}
	for id, b := range f.rows {
		if i := id.place(); !b.isGroup(i) && b.enrolled(i) {
			for _, g := range m.groupRows[b.rows[i].groups] {
				members[g]++
			}
		}
	}
	for g, n := range f.members {
		if members[g] != n {
			t.Fatalf("%q counts %d clients, there are %d", f.clientName(g), n, members[g])
		}
		delete(members, g)
	}
	if len(members) > 0 {
		t.Fatalf("%d group rows do not count their clients", len(members))
	}
}

// checkQuorums: each quorum counts its rows, those past their deadline, and those of
// them that wait for others.
func checkQuorums(t testing.TB, f *feedState) {
	t.Helper()
	type counts struct{ of, overdue, held int }
	want := map[*quorum]counts{}
	for id, b := range f.rows {
		i := id.place()
		q := f.quorumOf(b, i)
		if q == nil {
			if b.isOverdue(i) {
				t.Fatalf("%q is overdue under no quorum", b.client(i))
			}
			continue
		}
		c := want[q]
		if b.rows[i].verdict != Retired {
			c.of++
		}
		if b.isOverdue(i) {
			c.overdue++
			if b.rows[i].verdict == Late {
				c.held++
			}
		} else if b.rows[i].verdict == Stale {
			t.Fatalf("%q is stale, and not counted as overdue", b.client(i))
		}
		want[q] = c
	}
	for _, q := range f.quorums {
		if q == nil {
			continue
		}
		if got := (counts{q.of, q.overdue, q.held}); got != want[q] {
			t.Fatalf("quorum of %s counts %+v, recounted %+v", q.rule.Name(), got, want[q])
		}
		if met := q.overdue >= q.rule.Quorum().Needs(q.of); met != (q.metAt != 0) {
			t.Fatalf("quorum of %s with %d of %d is met at %s", q.rule.Name(), q.overdue, q.of, q.metAt)
		}
	}
}

// checkAttention: in a feed that is calm nothing goes on, and nothing is due before
// the bound says so.
func checkAttention(t testing.TB, m *Machine) {
	t.Helper()
	stirred := 0
	for i, f := range m.order {
		if f.number != i {
			t.Fatalf("feed %s is at %d, its number is %d", f.name, i, f.number)
		}
		if f.stirred {
			stirred++
		} else if until, first := m.attention.bounds[i], min(f.bound, f.blindDue); m.attention.calm > 0 && (f.busy() || first < until || until < m.attention.calm) {
			t.Fatalf("feed %s is calm until %s, all are until %s; busy: %v, first bound %s", f.name, until, m.attention.calm, f.busy(), first)
		}
	}
	if m.attention.calm > 0 && stirred != len(m.attention.stirred) {
		t.Fatalf("%d feeds are stirred, %d are listed", stirred, len(m.attention.stirred))
	}
}
