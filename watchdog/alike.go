package watchdog

import (
	"cmp"
	"slices"
)

const (
	// sameMax bounds how many combinations of labels are named that cover the same
	// series as a cause.
	sameMax = 5
	// sameVisitsMax bounds the search for them.
	sameVisitsMax = 1 << 18
)

// same finds other combinations of at most patternLabelsMax labels that cover
// exactly the series that e covers, the shortest first; none of them has a label
// too many.
func (s *labelSets) same(e extent) []extent {
	common := s.common(e)
	visits := 0
	found := []extent{e}
	for depth := 1; depth <= patternLabelsMax; depth++ {
		from := len(found)
		combine(common, depth, func(c extent) {
			if !slices.ContainsFunc(found, c.includes) && s.noWider(c, e, &visits) {
				found = append(found, slices.Clone(c))
			}
		})
		slices.SortStableFunc(found[from:], func(a, b extent) int { return cmp.Compare(s.values(a), s.values(b)) })
	}
	return found[1:min(len(found), sameMax+1)]
}

// common are the pairs that all series of an extent have, by label.
func (s *labelSets) common(e extent) []pairID {
	var common []pairID
	first := true
	for id := range s.within(e) {
		row := s.pairsOf(id)
		if first {
			first, common = false, slices.Clone(row)
			continue
		}
		common = slices.DeleteFunc(common, func(p pairID) bool { return !slices.Contains(row, p) })
		if len(common) == len(e) {
			break
		}
	}
	return common
}

// includes says whether a combination has all pairs of another.
func (e extent) includes(other extent) bool {
	for _, p := range other {
		if !slices.Contains(e, p) {
			return false
		}
	}
	return true
}

// noWider says that c, which covers all of e, covers nothing else.
func (s *labelSets) noWider(c, e extent, visits *int) bool {
	rarest := s.rarest(c)
	for _, id := range s.having[rarest] {
		if *visits++; *visits > sameVisitsMax {
			return false
		}
		if s.of[id] > 0 && s.covers(c, id) && !s.covers(e, id) {
			return false
		}
	}
	return true
}

// values is how many combinations of values the labels of an extent can have.
func (s *labelSets) values(e extent) float64 {
	n := 1.0
	for _, p := range e {
		n *= float64(s.live[s.nameOf[p]])
	}
	return n
}

// combine yields every choice of n of pairs, in their order.
func combine(pairs []pairID, n int, yield func(extent)) {
	chosen := make(extent, 0, n)
	var choose func(int)
	choose = func(from int) {
		if len(chosen) == n {
			yield(chosen)
			return
		}
		for i := from; i < len(pairs); i++ {
			chosen = append(chosen, pairs[i])
			choose(i + 1)
			chosen = chosen[:len(chosen)-1]
		}
	}
	choose(0)
}
