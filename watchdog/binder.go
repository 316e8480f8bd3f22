package watchdog

import "github.com/feedwatch/feedwatch/watchdog/feed"

// binder binds every client row of a feed to the rules in force. What follows from
// labels alone is worked out once for each label set, not for each row.
type binder struct {
	m       *Machine
	f       *feedState
	places  []*place  // by label set; nil until a row has it
	orphans [][]rowID // by groupsID: see keepOrphans; nil until asked for
	asked   []bool    // by groupsID
}

// place is what the rules make of the clients that have one label set.
type place struct {
	labels feed.Labels
	rules  []choice // client rules that may govern: the first that fits does
	groups []choice // group rules that count them
	rows   []rowID  // of groups, where none depends on the client's name
	id     groupsID // of rows
	n      int      // clients counted in rows
}

// choice is a rule whose matchers fit the labels; byName: the client's name must, too.
type choice struct {
	rule   int
	byName bool
}

func (m *Machine) newBinder(f *feedState) *binder {
	return &binder{
		m: m, f: f, places: make([]*place, f.labels.len()),
		orphans: make([][]rowID, len(m.groupRows)), asked: make([]bool, len(m.groupRows)),
	}
}

// bind is Machine.bind for a row that was there when the rules changed. Group rows
// are left to be judged once all clients are bound.
func (bi *binder) bind(id rowID) {
	m, f := bi.m, bi.f
	b, i := f.blocks[id.block()], id.place()
	m.leaveQuorum(f, b, i)
	p := bi.place(b, i)
	b.rows[i].rule = f.governs(p.rules, b.client(i), p.labels)
	if f.spec != nil && len(f.spec.Ignores()) > 0 && f.spec.Ignored(b.client(i), p.labels, m.now) != nil {
		b.rows[i].rule = ignoredRule
	}
	groups, shared := p.rows, true
	if p.rows == nil {
		groups, shared = bi.byName(p, b, i), false
	}
	for _, g := range groups {
		m.mergeInto(f, g, b, i)
	}
	if orphans := bi.orphansOf(b.rows[i].groups); orphans != nil {
		groups, shared = append(groups[:len(groups):len(groups)], orphans...), false
	}
	if shared {
		b.rows[i].groups = p.id
	} else {
		b.rows[i].groups = m.internGroups(groups)
	}
	f.joinQuorum(b, i)
	f.forgetCounts(b, i)
	switch {
	case !b.enrolled(i):
	case shared:
		p.n++
	default:
		f.enlist(groups, 1)
	}
	m.rejudge(f, id)
}

// end counts the clients in the groups.
func (bi *binder) end() {
	for _, p := range bi.places {
		if p != nil {
			bi.f.enlist(p.rows, p.n)
		}
	}
}

// place is that of a row's label set.
func (bi *binder) place(b *block, i int) *place {
	id := b.rows[i].labels
	if p := bi.places[id]; p != nil {
		return p
	}
	p := &place{labels: bi.f.labels.labels(id)}
	bi.places[id] = p
	p.rules = bi.f.choices(0, bi.f.groups, p.labels, true)
	p.groups = bi.f.choices(bi.f.groups, len(bi.f.rules), p.labels, false)
	p.rows = []rowID{}
	for _, c := range p.groups {
		if c.byName {
			p.rows = nil
			return p
		}
		if g, ok := bi.m.groupFor(bi.f, c.rule, b, i, p.labels); ok {
			p.rows = append(p.rows, g)
		}
	}
	p.id = bi.m.internGroups(p.rows)
	return p
}

// byName are the group rows of a client where some depend on its name.
func (bi *binder) byName(p *place, b *block, i int) []rowID {
	var rows []rowID
	for _, c := range p.groups {
		if c.byName && !bi.f.rules[c.rule].Matches(b.client(i), p.labels) {
			continue
		}
		if g, ok := bi.m.groupFor(bi.f, c.rule, b, i, p.labels); ok {
			rows = append(rows, g)
		}
	}
	return rows
}

// orphansOf are the orphans among the group rows that a client had before.
func (bi *binder) orphansOf(former groupsID) []rowID {
	if !bi.asked[former] {
		bi.asked[former] = true
		bi.orphans[former] = bi.m.keepOrphans(bi.f, nil, bi.m.groupRows[former])
	}
	return bi.orphans[former]
}

// choices are the rules from one to before another that may fit clients with those
// labels; firstOnly: none after one that fits whatever their names.
func (f *feedState) choices(from, to int, labels feed.Labels, firstOnly bool) []choice {
	var all []choice
	for n := from; n < to; n++ {
		fits, byName := f.rules[n].MatchesLabels(labels)
		if !fits {
			continue
		}
		all = append(all, choice{n, byName})
		if firstOnly && !byName {
			break
		}
	}
	return all
}

// governs is the first of the rules that fits a client.
func (f *feedState) governs(all []choice, client string, labels feed.Labels) uint16 {
	for _, c := range all {
		if !c.byName || f.rules[c.rule].Matches(client, labels) {
			return uint16(c.rule)
		}
	}
	return noRule
}

// enlist counts n clients in group rows that are judged later.
func (f *feedState) enlist(groups []rowID, n int) {
	for _, g := range groups {
		f.members[g] += n
	}
}
