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
