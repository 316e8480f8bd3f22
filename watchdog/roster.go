package watchdog

import (
	"fmt"

	"github.com/feedwatch/feedwatch/rules"
)

// rosterShrinkMax is the share of a roster that may leave it in one edit.
const rosterShrinkMax = 0.10

// expectRoster makes rows for clients that the rule files name, and retires
// those that they no longer name.
func (m *Machine) expectRoster(f *feedState, spec *rules.Feed) {
	next := map[string]bool{}
	if spec != nil {
		for _, c := range spec.Roster() {
			next[c.Key.Client()] = true
			delete(f.leaving, c.Key.Client())
			if id, ok := f.row(c.Key.Client()); !ok {
				m.addClient(f, c.Key.Client(), c.Labels, m.sources.sets[m.sources.carrying(f.name)].mask)
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

// retire stops watching a client that left the roster; not while others of its
// incident are in trouble: then it goes once nobody else is, or at the end of that.
func (m *Machine) retire(f *feedState, id rowID, roster map[string]bool) {
	b, i := f.blocks[id.block()], id.place()
	if inc := m.incidents[b.rows[i].in]; inc != nil || b.rows[i].verdict.Opens() {
		roster[b.client(i)] = true
		f.leaving[b.client(i)] = true
		if inc != nil {
			inc.forgetDue, inc.due = m.now, min(inc.due, m.now)
		}
		return
	}
	m.setVerdict(f, b, i, Retired)
	b.rows[i].due = never
}

// retireLeaving retires those whose leaving had to wait for the end of an incident.
func (m *Machine) retireLeaving(f *feedState) {
	for client := range f.leaving {
		id, ok := f.row(client)
		if ok && f.blocks[id.block()].rows[id.place()].in != 0 {
			continue
		}
		delete(f.leaving, client)
		delete(f.roster, client)
		if ok {
			b, i := f.blocks[id.block()], id.place()
			m.setVerdict(f, b, i, Retired)
			b.rows[i].due = never
		}
	}
}

func (m *Machine) unretire(f *feedState, id rowID) {
	b, i := f.blocks[id.block()], id.place()
	if b.rows[i].verdict == Retired {
		m.setVerdict(f, b, i, Unwatched)
		m.rejudge(f, id)
	}
}
