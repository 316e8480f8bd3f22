package watchdog

import (
	"cmp"
	"math"
	"slices"

	"github.com/feedwatch/feedwatch/watchdog/feed"
)

// pattern is a cause as attribution sees it: one label value, or the whole feed.
type pattern struct{ label, value string }

func (p pattern) whole() bool { return p.label == "" }

func (p pattern) covers(labels feed.Labels) bool {
	return p.whole() || labels.Get(p.label) == p.value
}

// scoreMin is the score from which a pattern is accepted as the cause.
const scoreMin = 5

// explain finds the one label value that explains best which clients of f are
// silent, among those that the patterns in except do not cover. When nothing
// scores, the whole is the answer.
//
// The score is the Bernoulli scan statistic (Kulldorff 1997) less ln(cardinality)
// + 2 for the label, so that a label of many values must show more:
// LLR = a ln(a/n) + (n-a) ln((n-a)/n) + b ln(b/k) + (k-b) ln((k-b)/k)
// - A ln(A/N) - (N-A) ln((N-A)/N), where the pattern covers n of N series and a
// of A silent ones, b = A-a, k = N-n, and a/n > b/k.
func (m *Machine) explain(f *feedState, except []pattern) pattern {
	type counts map[string]*tally
	byLabel := map[string]counts{}
	var all tally
	for id, t := range f.byLabels {
		labels := m.labels.of(id)
		if t.of == 0 || covered(except, labels) {
			continue
		}
		all.of += t.of
		all.silent += t.silent
		for name, value := range labels.All() {
			if byLabel[name] == nil {
				byLabel[name] = counts{}
			}
			c := byLabel[name][value]
			if c == nil {
				c = &tally{}
				byLabel[name][value] = c
			}
			c.of += t.of
			c.silent += t.silent
		}
	}
	var best pattern
	bestScore := float64(scoreMin)
	for _, name := range slices.Sorted(mapKeys(byLabel)) {
		values := byLabel[name]
		for _, value := range slices.Sorted(mapKeys(values)) {
			score := llr(*values[value], all) - math.Log(float64(len(values))) - 2
			if score > bestScore {
				best, bestScore = pattern{name, value}, score
			}
		}
	}
	return best
}

// llr is the log likelihood ratio of the formula above; 0 unless the pattern is
// worse off than the rest.
func llr(p, all tally) float64 {
	rest := tally{of: all.of - p.of, silent: all.silent - p.silent}
	if p.of == 0 || rest.of == 0 || p.silent*rest.of <= rest.silent*p.of {
		return 0
	}
	return likelihood(p) + likelihood(rest) - likelihood(all)
}

func likelihood(t tally) float64 {
	return xlnxy(t.silent, t.of) + xlnxy(t.of-t.silent, t.of)
}

func xlnxy(x, y int) float64 {
	if x == 0 {
		return 0
	}
	return float64(x) * math.Log(float64(x)/float64(y))
}

func covered(patterns []pattern, labels feed.Labels) bool {
	for _, p := range patterns {
		if !p.whole() && p.covers(labels) {
			return true
		}
	}
	return false
}

func mapKeys[K cmp.Ordered, V any](m map[K]V) func(func(K) bool) {
	return func(yield func(K) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

// count fills the numbers of a scope: p within f, and the rest of the feed.
// except are the patterns of other incidents, whose silent series are theirs.
func (m *Machine) countScope(f *feedState, p pattern, except []pattern) Scope {
	s := Scope{Label: p.label, Value: p.value}
	for id, t := range f.byLabels {
		labels := m.labels.of(id)
		switch {
		case p.whole():
			s.Of += t.of
			if !covered(except, labels) {
				s.Silent += t.silent
			}
		case p.covers(labels):
			s.Of += t.of
			s.Silent += t.silent
		default:
			s.ElsewhereOf += t.of
			s.ElsewhereSilent += t.silent
		}
	}
	return s
}

// labelSpread is how many clients each value of the label with the fewest values
// has, for "every client on every cluster".
func (m *Machine) labelSpread(f *feedState) []string {
	values := map[string]map[string]bool{}
	for id, t := range f.byLabels {
		if t.of == 0 {
			continue
		}
		for name, value := range m.labels.of(id).All() {
			if values[name] == nil {
				values[name] = map[string]bool{}
			}
			values[name][value] = true
		}
	}
	names := slices.Sorted(mapKeys(values))
	return names
}

// examples fills the lists of a scope, reading at most blocksRead blocks.
func (m *Machine) examples(inc *incident, s *Scope) {
	f := inc.feed
	p := pattern{s.Label, s.Value}
	for n, b := range f.blocks {
		if n == exampleBlocksMax {
			break
		}
		for i, client := range b.client {
			if isGroup(client) || !p.covers(m.labels.of(b.labels[i])) {
				continue
			}
			switch v := b.verdict[i]; {
			case v.Opens() && b.in[i] == inc.seq:
				s.Oldest = keepOldest(s.Oldest, Example{Client: client, Last: b.lastSeen(i)})
			case v == Fresh && !p.whole() && len(s.StillArrive) < ScopeExamplesMax:
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
