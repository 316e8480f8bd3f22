package watchdog

import (
	"slices"

	"github.com/feedwatch/feedwatch/rules"
	"github.com/feedwatch/feedwatch/watchdog/feed"
)

// addFeed makes a feed known, by its first heartbeat or by a rule set.
func (m *Machine) addFeed(name string) *feedState {
	f := newFeedState(name)
	f.number = m.attention.number()
	m.feeds[name] = f
	m.order = append(m.order, f)
	m.stir(f)
	return f
}

// addClient makes a row for a client that is seen or expected for the first time.
func (m *Machine) addClient(f *feedState, client string, labels feed.Labels, sourceMask uint64) rowID {
	lid, _ := m.labelsID(f, labels)
	id := f.add(client, m.now, lid, m.sources.set(sourceMask))
	m.series++
	b, i := f.blocks[id.block()], id.place()
	f.count(b, i, +1)
	m.bind(f, id)
	return id
}

// Bounds on the distinct label sets that are remembered: labels that change with
// every heartbeat (a request id, a time) must not eat the memory.
const (
	LabelSetsMax  = 1_000_000
	LabelBytesMax = 512 << 20 // of all sets, with what each label takes besides its text
)

const labelBytesBesides = 100

const labelsFull = "too many distinct label sets: new ones are not taken; does a label hold a value that changes with every heartbeat?"

// labelsID is the number of a label set; false, and no labels, when there are too
// many.
func (m *Machine) labelsID(f *feedState, labels feed.Labels) (labelsID, bool) {
	if id, known := f.labels.known(labels); known {
		return id, true
	}
	text, n := labels.Size()
	size := text + n*labelBytesBesides
	if m.labelSets >= LabelSetsMax || m.labelBytes+size > LabelBytesMax {
		m.trouble["labels"] = labelsFull
		return 0, false
	}
	m.labelSets++
	m.labelBytes += size
	return f.labels.id(labels), true
}

// relabel takes what a heartbeat says of its client.
func (m *Machine) relabel(f *feedState, id rowID, labels feed.Labels) {
	b, i := f.blocks[id.block()], id.place()
	lid, ok := m.labelsID(f, labels)
	if !ok || lid == b.rows[i].labels {
		return
	}
	f.count(b, i, -1)
	b.rows[i].labels = lid
	f.count(b, i, +1)
	b.namesChanged = true
	m.bindAnew(f, id)
}

// bindAnew is bind for a client row that is bound: it leaves the groups that it was in.
func (m *Machine) bindAnew(f *feedState, id rowID) {
	b, i := f.blocks[id.block()], id.place()
	former, enrolled := m.groupRows[b.rows[i].groups], b.enrolled(i)
	m.bind(f, id)
	if enrolled && b.rows[i].verdict != Retired {
		m.enroll(f, former, -1)
	}
}

// bind finds the rule that governs a client row and the group rows it moves,
// and judges it.
func (m *Machine) bind(f *feedState, id rowID) {
	b, i := f.blocks[id.block()], id.place()
	client, labels := b.client(i), f.labelsOf(b, i)
	m.leaveQuorum(f, b, i)
	b.rows[i].rule = noRule
	var groups []rowID
	if f.spec != nil {
		for n, r := range f.rules[:f.groups] {
			if r.Matches(client, labels) {
				b.rows[i].rule = uint16(n)
				break
			}
		}
		if f.spec.Ignored(client, labels, m.now) != nil {
			b.rows[i].rule = ignoredRule
		}
		groups = m.groupsOf(f, b, i, labels)
	}
	groups = m.keepOrphans(f, groups, m.groupRows[b.rows[i].groups])
	b.rows[i].groups = m.internGroups(groups)
	f.joinQuorum(b, i)
	f.forgetCounts(b, i)
	if b.enrolled(i) {
		m.enroll(f, groups, +1)
	}
	m.rejudge(f, id)
}

// binding is what a set that was put in force has not reached yet: those feeds go on
// under the rules of before, each whole, so that the owner pauses shortly.
type binding struct{ feeds []*feedState }

// bindRowsMaxDefault rows are bound in one Step, and what their feed has beyond.
const bindRowsMaxDefault = 1 << 18

// Binding says that the rules put in force last do not govern every feed yet.
func (m *Machine) Binding() bool { return len(m.binding.feeds) > 0 }

// bindSome binds the next feeds to the rules in force.
func (m *Machine) bindSome() {
	if m.Binding() {
		m.stirAll()
	}
	for rows := 0; m.Binding() && rows < m.cfg.BindRowsMax; {
		f := m.binding.feeds[0]
		m.binding.feeds = m.binding.feeds[1:]
		spec, _ := m.set.Feed(f.name)
		m.rebind(f, spec)
		m.rejoin(f)
		rows += len(f.blocks) * blockRows
	}
	if !m.Binding() {
		m.binding = binding{}
	}
}

// useRules binds every series to the rules that now govern it. Watermarks, open
// incidents and how far their ladders have come stay.
func (m *Machine) useRules(set *rules.Set) {
	m.set = set
	m.followRenames(set)
	m.lookAtHolds()
	for _, spec := range set.Feeds() {
		if m.feeds[spec.Name()] == nil {
			m.addFeed(spec.Name())
		}
	}
	m.linkDependents(set)
	m.binding = binding{slices.Clone(m.order)}
	m.bindSome()
}

func (m *Machine) rebind(f *feedState, spec *rules.Feed) {
	before := f.standings()
	f.spec, f.rules, f.groups = spec, nil, 0
	if spec != nil {
		f.rules = append(append(f.rules, spec.ClientRules()...), spec.GroupRules()...)
		f.groups = len(spec.ClientRules())
	}
	f.counting = slices.ContainsFunc(f.rules, func(r *rules.Rule) bool { return !r.MinUpdates().IsZero() })
	f.ruled = m.now
	f.resetQuorums()
	f.binding = true
	m.bindGroups(f)
	m.expectWhole(f)
	binder := m.newBinder(f)
	for id, b := range f.rows {
		if i := id.place(); !b.isGroup(i) {
			binder.bind(id)
		}
	}
	binder.end()
	m.judgeGroups(f)
	m.expectRoster(f, spec)
	f.binding = false
	m.lookAtQuorums(f)
	f.blindDue = m.now
	members := f.governors()
	for _, inc := range f.incidents {
		m.govern(inc, before, members[inc])
	}
}
