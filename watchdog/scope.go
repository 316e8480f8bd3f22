package watchdog

import (
	"cmp"
	"slices"
)

// countScope fills the numbers of an incident's scope, and of the rest of the feed.
func (f *feedState) countScope(inc *incident) Scope {
	s := Scope{Labels: inc.pattern.Labels}
	all := f.labels.all
	if inc.pattern.whole() {
		s.Of, s.Silent = all.of, all.silent-f.explained(inc)
		return s
	}
	var in tally
	if e, ok := f.labels.extent(inc.pattern); ok {
		in = f.labels.tally(e)
	}
	s.Of, s.Silent = in.of, in.silent
	s.ElsewhereOf, s.ElsewhereSilent = all.of-in.of, all.silent-in.silent
	return s
}

// explained counts the silent series that other incidents of the same cause
// explain.
func (f *feedState) explained(inc *incident) int {
	n := 0
	seen := make([]bool, f.labels.len())
	for _, c := range f.covers(inc.Cause) {
		if len(c.extent) == 0 {
			continue
		}
		for id := range f.labels.within(c.extent) {
			if silent := int(f.labels.silent[id]); silent > 0 && !seen[id] {
				seen[id] = true
				n += silent
			}
		}
	}
	return n
}

// examples fills the lists of a scope, reading at most exampleBlocksMax blocks.
func (f *feedState) examples(inc *incident, s *Scope) {
	e, ok := f.labels.extent(inc.pattern)
	if !ok {
		return
	}
	for _, b := range f.blocks[:min(len(f.blocks), exampleBlocksMax)] {
		for i := range b.rows {
			v := b.rows[i].verdict
			old := v.Opens() && b.rows[i].in == inc.seq
			well := v == Fresh && len(e) > 0 && len(s.StillArrive) < ScopeExamplesMax
			client := b.client(i)
			switch {
			case !old && !well || isGroup(client) || !f.labels.covers(e, b.rows[i].labels):
			case old:
				s.Oldest = keepOldest(s.Oldest, Example{Client: client, Last: b.lastSeen(i)})
			default:
				s.StillArrive = append(s.StillArrive, client)
			}
		}
	}
}

// exampleBlocksMax bounds the work of finding examples, not the truth of counts.
const exampleBlocksMax = 64

func keepOldest(list []Example, e Example) []Example {
	at, _ := slices.BinarySearchFunc(list, e, func(a, b Example) int {
		return cmp.Or(cmp.Compare(a.Last, b.Last), cmp.Compare(a.Client, b.Client))
	})
	if at == ScopeExamplesMax {
		return list
	}
	list = slices.Insert(list, at, e)
	return list[:min(len(list), ScopeExamplesMax)]
}
