package watchdog

import "github.com/feedwatch/feedwatch/watchdog/feed"

// pattern is a cause as attribution sees it: clients that have all these labels,
// at most patternLabelsMax; none for the whole feed.
type pattern struct{ feed.Labels }

// patternLabelsMax bounds how many labels one cause may take to say.
const patternLabelsMax = 3

func (p pattern) whole() bool { return p.IsZero() }

func (p pattern) covers(labels feed.Labels) bool {
	for name, value := range p.All() {
		if labels.Get(name) != value {
			return false
		}
	}
	return true
}

// len is how many labels it has: the more, the more specific.
func (p pattern) len() int {
	n := 0
	for range p.All() {
		n++
	}
	return n
}

// patternOf puts an extent into words.
func (s *labelSets) patternOf(e extent) pattern {
	pairs := make(map[string]string, len(e))
	for _, p := range e {
		label, value := s.word(p)
		pairs[label] = value
	}
	labels, _ := feed.ParseLabels(pairs) // they were parsed before
	return pattern{labels}
}
