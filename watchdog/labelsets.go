package watchdog

import (
	"cmp"
	"slices"
	"strconv"

	"github.com/feedwatch/feedwatch/watchdog/feed"
)

// labelSets are the distinct label sets of one feed, in columns, with its client
// rows counted under them. Rows name their set by number; names and values are
// numbers too, so that attribution compares no strings.
//
// Invariant: every count equals a recount of the rows, whatever moved them.
type labelSets struct {
	sets   interned[feed.Labels, labelsID] // 0 has no labels
	of     []int32                         // by set: client rows that a rule governs
	silent []int32                         // by set: of those, in trouble
	first  []uint32                        // by set: where its pairs begin; the last entry is where they end
	row    []pairID                        // the pairs of all sets, one set after another, each by label name
	all    tally                           // of all sets

	names  interned[string, nameID]
	pairs  interned[labelValue, pairID]
	nameOf []nameID     // by pair
	having [][]labelsID // by pair: the sets that have it, ascending
	pairOf []int32      // by pair: client rows that a rule governs
	live   []int32      // by name: how many of its values such rows have
	shape  uint64       // changes of `of`
}

type (
	labelsID uint32
	nameID   uint32
	pairID   uint32
)

// labelValue is one label with one value.
type labelValue struct {
	name  nameID
	value string
}

// tally counts client rows: those that a rule governs, and those in trouble.
type tally struct{ of, silent int }

func newLabelSets() labelSets {
	s := labelSets{first: []uint32{0}}
	s.id(feed.Labels{})
	return s
}

func (s *labelSets) len() int { return len(s.of) }

// known is the number of a label set that was met before.
func (s *labelSets) known(labels feed.Labels) (labelsID, bool) {
	id, ok := s.sets.ids[labels]
	return id, ok
}

// id is the number of a label set; one met for the first time gets the next.
func (s *labelSets) id(labels feed.Labels) labelsID {
	id := s.sets.id(labels)
	if int(id) < len(s.of) {
		return id
	}
	s.of, s.silent = append(s.of, 0), append(s.silent, 0)
	for name, value := range labels.All() {
		n := s.names.id(name)
		if int(n) == len(s.live) {
			s.live = append(s.live, 0)
		}
		p := s.pairs.id(labelValue{n, value})
		if int(p) == len(s.having) {
			s.nameOf, s.having, s.pairOf = append(s.nameOf, n), append(s.having, nil), append(s.pairOf, 0)
		}
		s.having[p] = append(s.having[p], id)
		s.row = append(s.row, p)
	}
	s.first = append(s.first, uint32(len(s.row)))
	return id
}

// labels are a set in words.
func (s *labelSets) labels(id labelsID) feed.Labels { return s.sets.of(id) }

// pairsOf are the pairs of a set, by label name.
func (s *labelSets) pairsOf(id labelsID) []pairID { return s.row[s.first[id]:s.first[id+1]] }

// count adds client rows to a set.
func (s *labelSets) count(id labelsID, of, silent int) {
	s.silent[id] += int32(silent)
	s.all.silent += silent
	if of == 0 {
		return
	}
	s.shape++
	s.of[id] += int32(of)
	s.all.of += of
	for _, p := range s.pairsOf(id) {
		was := s.pairOf[p]
		s.pairOf[p] += int32(of)
		switch name := s.nameOf[p]; {
		case was == 0:
			s.live[name]++
		case s.pairOf[p] == 0:
			s.live[name]--
		}
	}
}

// word is a pair's label and value.
func (s *labelSets) word(p pairID) (label, value string) {
	v := s.pairs.of(p)
	return s.names.of(v.name), v.value
}

func (s *labelSets) compare(a, b pairID) int {
	an, av := s.word(a)
	bn, bv := s.word(b)
	return cmp.Or(cmp.Compare(an, bn), cmp.Compare(av, bv))
}

// extent is a combination of pairs, and so the label sets that have all of them.
// None are every set.
type extent []pairID

// extent finds the pairs of a pattern; false when one of them was never seen, so
// that it covers nothing.
func (s *labelSets) extent(p pattern) (extent, bool) {
	var e extent
	for label, value := range p.All() {
		n, ok := s.names.ids[label]
		if !ok {
			return nil, false
		}
		pair, ok := s.pairs.ids[labelValue{n, value}]
		if !ok {
			return nil, false
		}
		e = append(e, pair)
	}
	return e, true
}

// covers says whether a set has all pairs of an extent.
func (s *labelSets) covers(e extent, id labelsID) bool {
	row := s.pairsOf(id)
	for _, p := range e {
		if !slices.Contains(row, p) {
			return false
		}
	}
	return true
}

// within yields the sets that an extent of at least one pair covers and that
// have client rows, in the order of their numbers.
func (s *labelSets) within(e extent) func(func(labelsID) bool) {
	return func(yield func(labelsID) bool) {
		for _, id := range s.having[s.rarest(e)] {
			if s.of[id] > 0 && s.covers(e, id) && !yield(id) {
				return
			}
		}
	}
}

// rarest is the pair of an extent that the fewest sets have.
func (s *labelSets) rarest(e extent) pairID {
	return slices.MinFunc(e, func(a, b pairID) int { return cmp.Compare(len(s.having[a]), len(s.having[b])) })
}

// tally counts the client rows that an extent covers.
func (s *labelSets) tally(e extent) tally {
	if len(e) == 0 {
		return s.all
	}
	var t tally
	for id := range s.within(e) {
		t.of += int(s.of[id])
		t.silent += int(s.silent[id])
	}
	return t
}

// nested says whether a covers something, and b all of that.
func (s *labelSets) nested(a, b extent) bool {
	some := false
	for id := range s.within(a) {
		if !s.covers(b, id) {
			return false
		}
		some = true
	}
	return some
}

// spread says how many values the labels have, the fewest first and at most
// ScopeExamplesMax: "cluster=3". A label of one value says nothing.
func (s *labelSets) spread() []string {
	type spread struct {
		name string
		live int32
	}
	var all []spread
	for n, live := range s.live {
		if live > 1 {
			all = append(all, spread{s.names.of(nameID(n)), live})
		}
	}
	slices.SortFunc(all, func(a, b spread) int { return cmp.Or(cmp.Compare(a.live, b.live), cmp.Compare(a.name, b.name)) })
	var out []string
	for _, v := range all[:min(len(all), ScopeExamplesMax)] {
		out = append(out, v.name+"="+strconv.Itoa(int(v.live)))
	}
	return out
}
