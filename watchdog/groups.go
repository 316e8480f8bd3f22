package watchdog

import (
	"encoding/binary"
	"strings"

	"github.com/feedwatch/feedwatch/rules"
	"github.com/feedwatch/feedwatch/watchdog/feed"
)

// groupsOf is the rows of the group rules that count this client. A value met
// for the first time gets a row, with the client's own watermarks.
func (m *Machine) groupsOf(f *feedState, b *block, i int, labels feed.Labels) []rowID {
	var groups []rowID
	for n := f.groups; n < len(f.rules); n++ {
		r := f.rules[n]
		if !r.Matches(b.client(i), labels) {
			continue
		}
		g, ok := m.groupFor(f, n, b, i, labels)
		if !ok {
			continue
		}
		if m.mergeInto(f, g, b, i) {
			m.rejudge(f, g)
		}
		groups = append(groups, g)
	}
	return groups
}

// groupFor is the row of group rule n for what a client has of its label; false
// when it has nothing.
func (m *Machine) groupFor(f *feedState, n int, b *block, i int, labels feed.Labels) (rowID, bool) {
	value := ""
	if per := f.rules[n].Per(); per != perFeed {
		if value = labels.Get(per); value == "" {
			return 0, false
		}
	}
	return m.groupRow(f, n, value, b.rows[i].sources), true
}

// keepOrphans adds those of the former group rows whose rule was removed while
// they were in trouble: only an update ends that.
func (m *Machine) keepOrphans(f *feedState, groups, former []rowID) []rowID {
	for _, g := range former {
		b, i := f.blocks[g.block()], g.place()
		if b.rows[i].rule == noRule && b.rows[i].in != 0 && !b.rows[i].verdict.Well() {
			groups = append(groups, g)
		}
	}
	return groups
}

// What Rule.Per says of a rule for each client, and for the feed as a whole.
const (
	perClient = "client"
	perFeed   = "feed"
)

// groupRow is the row of group rule n for one value of its label.
func (m *Machine) groupRow(f *feedState, n int, value string, sources uint8) rowID {
	name := groupName(f.rules[n], value)
	id, ok := f.row(name)
	if !ok {
		// Its label set names the group, so attribution can read it off the row.
		labels := feed.Labels{}
		if value != "" {
			labels, _ = feed.ParseLabels(map[string]string{f.rules[n].Per(): value})
		}
		id = f.add(name, m.now, f.labels.id(labels), sources)
	}
	b, i := f.blocks[id.block()], id.place()
	if b.rows[i].rule != uint16(n) {
		b.rows[i].rule = uint16(n)
		m.rejudge(f, id)
	}
	return id
}

// mergeInto gives a group row what a client row of it already knows; true when it
// is to be judged anew.
func (m *Machine) mergeInto(f *feedState, g rowID, b *block, i int) bool {
	gb, gi := f.blocks[g.block()], g.place()
	if b.rows[i].arrival <= 0 {
		return false
	}
	switch {
	case gb.rows[gi].sources == b.rows[i].sources:
	case gb.rows[gi].arrival < 0:
		gb.rows[gi].sources = b.rows[i].sources
	default:
		gb.rows[gi].sources = m.sources.set(m.sources.sets[gb.rows[gi].sources].mask | m.sources.sets[b.rows[i].sources].mask)
	}
	f.useSet(gb.rows[gi].sources)
	gb.rows[gi].event = max(gb.rows[gi].event, b.rows[i].event)
	if b.rows[i].arrival <= gb.rows[gi].arrival {
		return false
	}
	m.mergedCounts(f, g, b.rows[i].arrival)
	gb.rows[gi].arrival = b.rows[i].arrival
	gb.marksChanged = true
	return true
}

func (m *Machine) internGroups(groups []rowID) groupsID {
	if len(groups) == 0 {
		return 0
	}
	key := make([]byte, 0, 4*len(groups))
	for _, g := range groups {
		key = binary.LittleEndian.AppendUint32(key, uint32(g))
	}
	// Row numbers are a feed's own, so the same key may serve two feeds.
	id := m.groupSets.id(string(key))
	if int(id) == len(m.groupRows) {
		m.groupRows = append(m.groupRows, groups)
	}
	return id
}

// bindGroups binds the group rows that are there to the rules of the set, by name
// and label. Nobody is in them until clients are bound.
func (m *Machine) bindGroups(f *feedState) {
	named := map[string]int{}
	for n := f.groups; n < len(f.rules); n++ {
		named[f.rules[n].Name()] = n
	}
	clear(f.members)
	for id, b := range f.rows {
		i := id.place()
		if !b.isGroup(i) {
			continue
		}
		b.rows[i].rule = noRule
		rule, _, _ := strings.Cut(b.client(i)[1:], string(groupMark))
		if n, ok := named[rule]; ok && f.groupPattern(id).of(f.rules[n]) {
			b.rows[i].rule = uint16(n)
		}
		f.forgetCounts(b, i)
	}
}

// of says that the pattern of a group row is one that the rule counts by.
func (p pattern) of(r *rules.Rule) bool {
	if r.Per() == perFeed {
		return p.whole()
	}
	return p.Get(r.Per()) != ""
}

func (m *Machine) judgeGroups(f *feedState) {
	for id, b := range f.rows {
		if b.isGroup(id.place()) {
			m.rejudge(f, id)
		}
	}
}

// enroll counts n clients in or out of group rows. A row of a label's value that
// nobody has any more is not silent: there is nobody to be silent.
func (m *Machine) enroll(f *feedState, groups []rowID, n int) {
	for _, g := range groups {
		before := f.members[g]
		f.members[g] = before + n
		if before == 0 || before+n == 0 {
			m.rejudge(f, g)
		}
	}
}

// deserted says that the row is of a label's value that no client has.
func (f *feedState) deserted(id rowID, r *rules.Rule) bool {
	return r.Per() != perFeed && f.members[id] == 0
}

// expectWhole makes the rows of `per: feed` rules before any client is seen: a
// feed that never delivers is silent too.
func (m *Machine) expectWhole(f *feedState) {
	f.wholes = f.wholes[:0]
	for n := f.groups; n < len(f.rules); n++ {
		if f.rules[n].Per() == perFeed {
			f.wholes = append(f.wholes, m.groupRow(f, n, "", m.sources.carrying(f.name)))
		}
	}
}
