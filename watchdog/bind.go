package watchdog

import (
	"encoding/binary"
	"fmt"

	"github.com/feedwatch/feedwatch/rules"
	"github.com/feedwatch/feedwatch/watchdog/feed"
)

// addFeed makes a feed known, by its first heartbeat or by a rule set.
func (m *Machine) addFeed(name string) *feedState {
	f := newFeedState(name)
	m.feeds[name] = f
	m.order = append(m.order, f)
	return f
}

// addClient makes a row for a client that is seen or expected for the first time.
func (m *Machine) addClient(f *feedState, client string, labels feed.Labels, sourceMask uint64) rowID {
	lid, _ := m.labelsOf(labels)
	id := f.add(client, m.now, lid, m.sources.set(sourceMask))
	m.series++
	b, i := f.blocks[id.block()], id.place()
	f.count(b, i, +1)
	m.bind(f, id)
	return id
}

// LabelSetsMax bounds the distinct label sets that are remembered: labels that
// change with every heartbeat (a request id, a time) must not eat the memory.
const LabelSetsMax = 1_000_000

// labelsOf interns a label set; false, and no labels, when there are too many.
func (m *Machine) labelsOf(labels feed.Labels) (labelsID, bool) {
	if _, known := m.labels.ids[labels]; !known && len(m.labels.values) >= LabelSetsMax {
		m.trouble["labels"] = fmt.Sprintf("%d distinct label sets: new ones are not taken; does a label hold a value that changes with every heartbeat?", LabelSetsMax)
		return 0, false
	}
	return m.labels.id(labels), true
}

// relabel takes what a heartbeat says of its client.
func (m *Machine) relabel(f *feedState, id rowID, labels feed.Labels) {
	b, i := f.blocks[id.block()], id.place()
	lid, ok := m.labelsOf(labels)
	if !ok || lid == b.labels[i] {
		return
	}
	f.count(b, i, -1)
	b.labels[i] = lid
	f.count(b, i, +1)
	b.namesChanged = true
	m.bind(f, id)
}

// bind finds the rule that governs a client row and the group rows it moves,
// and judges it.
func (m *Machine) bind(f *feedState, id rowID) {
	b, i := f.blocks[id.block()], id.place()
	client, labels := b.client[i], m.labels.of(b.labels[i])
	b.rule[i] = noRule
	var groups []rowID
	if f.spec != nil {
		for n, r := range f.rules[:f.groups] {
			if r.Matches(client, labels) {
				b.rule[i] = uint16(n)
				break
			}
		}
		groups = m.groupsOf(f, b, i, labels)
	}
	groups = m.keepOrphans(f, groups, m.groupRows[b.groups[i]])
	b.groups[i] = m.internGroups(groups)
	m.rejudge(f, id)
}

// groupsOf is the rows of the group rules that count this client. A value met
// for the first time gets a row, with the client's own watermarks.
func (m *Machine) groupsOf(f *feedState, b *block, i int, labels feed.Labels) []rowID {
	var groups []rowID
	for n := f.groups; n < len(f.rules); n++ {
		r := f.rules[n]
		if !r.Matches(b.client[i], labels) {
			continue
		}
		value := ""
		if r.Per() != perFeed {
			if value = labels.Get(r.Per()); value == "" {
				continue
			}
		}
		g := m.groupRow(f, n, value, b.sources[i])
		m.mergeInto(f, g, b, i)
		groups = append(groups, g)
	}
	return groups
}

// keepOrphans adds those of the former group rows whose rule was removed while
// they were in trouble: only an update ends that.
func (m *Machine) keepOrphans(f *feedState, groups, former []rowID) []rowID {
	for _, g := range former {
		b, i := f.blocks[g.block()], g.place()
		if b.rule[i] == noRule && b.in[i] != 0 && !b.verdict[i].Well() {
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
		id = f.add(name, m.now, m.labels.id(labels), sources)
	}
	b, i := f.blocks[id.block()], id.place()
	if b.rule[i] != uint16(n) {
		b.rule[i] = uint16(n)
		m.rejudge(f, id)
	}
	return id
}

// mergeInto gives a group row what a client row of it already knows.
func (m *Machine) mergeInto(f *feedState, g rowID, b *block, i int) {
	gb, gi := f.blocks[g.block()], g.place()
	if b.arrival[i] <= 0 {
		return
	}
	if gb.arrival[gi] < 0 {
		gb.sources[gi] = b.sources[i]
	} else {
		gb.sources[gi] = m.sources.set(m.sources.sets[gb.sources[gi]].mask | m.sources.sets[b.sources[i]].mask)
	}
	f.useSet(gb.sources[gi])
	gb.event[gi] = max(gb.event[gi], b.event[i])
	if b.arrival[i] > gb.arrival[gi] {
		gb.arrival[gi] = b.arrival[i]
		gb.marksChanged = true
		m.rejudge(f, g)
	}
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

// useRules binds every series to the rules that now govern it. Watermarks, open
// incidents and how far their ladders have come stay.
func (m *Machine) useRules(set *rules.Set) {
	m.set = set
	for _, spec := range set.Feeds() {
		if m.feeds[spec.Name()] == nil {
			m.addFeed(spec.Name())
		}
	}
	for _, f := range m.order {
		spec, _ := set.Feed(f.name)
		m.rebind(f, spec)
		m.rejoin(f)
	}
}

func (m *Machine) rebind(f *feedState, spec *rules.Feed) {
	f.spec, f.rules, f.groups = spec, nil, 0
	if spec != nil {
		f.rules = append(append(f.rules, spec.ClientRules()...), spec.GroupRules()...)
		f.groups = len(spec.ClientRules())
	}
	m.retireGroups(f)
	m.expectWhole(f)
	for id, b := range f.rows {
		if i := id.place(); !isGroup(b.client[i]) {
			m.bind(f, id)
		}
	}
	m.expectRoster(f, spec)
	f.blindDue = m.now
	for _, inc := range f.incidents {
		m.govern(inc)
	}
}

// retireGroups leaves no group row bound to a rule of the old set.
func (m *Machine) retireGroups(f *feedState) {
	for id, b := range f.rows {
		if i := id.place(); isGroup(b.client[i]) {
			b.rule[i] = noRule
		}
	}
	for n := f.groups; n < len(f.rules); n++ {
		prefix := groupName(f.rules[n], "")
		for id, b := range f.rows {
			if i := id.place(); isGroup(b.client[i]) && len(b.client[i]) >= len(prefix) && b.client[i][:len(prefix)] == prefix {
				b.rule[i] = uint16(n)
			}
		}
	}
	for id, b := range f.rows {
		if i := id.place(); isGroup(b.client[i]) {
			m.rejudge(f, id)
		}
	}
}

// expectWhole makes the rows of `per: feed` rules before any client is seen: a
// feed that never delivers is silent too.
func (m *Machine) expectWhole(f *feedState) {
	for n := f.groups; n < len(f.rules); n++ {
		if f.rules[n].Per() == perFeed {
			m.groupRow(f, n, "", m.sources.carrying(f.name))
		}
	}
}

// rosterShrinkMax is the share of a roster that may leave it in one edit.
const rosterShrinkMax = 0.10

// expectRoster makes rows for clients that the rule files name, and retires
// those that they no longer name.
func (m *Machine) expectRoster(f *feedState, spec *rules.Feed) {
	next := map[string]bool{}
	if spec != nil {
		for _, c := range spec.Roster() {
			next[c.Key.Client()] = true
			if id, ok := f.row(c.Key.Client()); !ok {
				if m.series < m.cfg.SeriesMax {
					m.addClient(f, c.Key.Client(), c.Labels, m.sources.sets[m.sources.carrying(f.name)].mask)
				}
			} else {
				if !c.Labels.IsZero() {
					m.relabel(f, id, c.Labels)
				}
				m.unretire(f, id)
			}
		}
	}
	var left []string
	for client := range f.roster {
		if !next[client] {
			left = append(left, client)
		}
	}
	subject := "roster " + f.name
	delete(m.trouble, subject)
	if float64(len(left)) > rosterShrinkMax*float64(len(f.roster)) && len(left) > 1 {
		m.trouble[subject] = fmt.Sprintf("the roster of %s lost %d of %d clients at once: they are still watched; take them out in smaller edits if that is meant",
			f.name, len(left), len(f.roster))
		for _, client := range left {
			next[client] = true
		}
		left = nil
	}
	for _, client := range left {
		if id, ok := f.row(client); ok {
			m.retire(f, id, next)
		}
	}
	f.roster = next
}

// retire stops watching a client that left the roster; not while it is in an
// incident: then it stays in the roster, and leaves with the next rule set.
func (m *Machine) retire(f *feedState, id rowID, roster map[string]bool) {
	b, i := f.blocks[id.block()], id.place()
	if b.in[i] != 0 || b.verdict[i].Opens() {
		roster[b.client[i]] = true
		return
	}
	m.setVerdict(f, b, i, Retired)
	b.due[i] = never
}

func (m *Machine) unretire(f *feedState, id rowID) {
	b, i := f.blocks[id.block()], id.place()
	if b.verdict[i] == Retired {
		m.setVerdict(f, b, i, Unwatched)
		m.rejudge(f, id)
	}
}
