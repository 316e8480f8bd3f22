package watchdog

import (
	"cmp"
	"math"
	"slices"
)

// scan looks for the labels that explain best which series are silent: the
// Bernoulli scan statistic (Kulldorff 1997) over the counts per label set, less
// ln(cardinality) + 2 for each label, so that a label of many values, and each
// further label, must show more.
//
// LLR = a ln(a/n) + (n-a) ln((n-a)/n) + b ln(b/k) + (k-b) ln((k-b)/k)
// - A ln(A/N) - (N-A) ln((N-A)/N), where the labels cover n of N series and a of
// A silent ones, b = A-a, k = N-n, and a/n > b/k.
//
// It is pure and its result does not depend on the order in which sets were met.
// What it does is bounded by counts: the beam, the labels of a cause, and visits.
type scan struct {
	sets       *labelSets
	of, silent []int32 // by set, of what is not explained yet
	n, a       []int32 // by pair, the same
	all        tally
	base       float64   // likelihood of all
	cost       []float64 // by name: ln(cardinality) + 2
	cheapest   float64   // of cost
	visits     int       // of label sets, by all looks

	// Scratch.
	covered []labelsID
	more    []int32  // by pair: silent series within a candidate that have it too
	touched []pairID // where more is not zero
	slot    []int32  // by pair: its place in kept, from 1
	kept    []pairID
	counts  []int32 // by place in kept, from 1
}

const (
	// scoreMin is the score from which labels are accepted as the cause.
	scoreMin = 5
	// beamWidth is how many candidates of each depth are looked into.
	beamWidth = 24
	// scanVisitsMax ends a scan with the best found so far. Four causes among 100,000
	// label sets take half of it.
	scanVisitsMax = 1 << 22
)

// newScan starts from every client row, none of them silent.
func newScan(sets *labelSets) *scan {
	return &scan{
		sets: sets,
		of:   slices.Clone(sets.of), silent: make([]int32, sets.len()),
		n: slices.Clone(sets.pairOf), a: make([]int32, len(sets.pairOf)),
		all:  tally{of: sets.all.of},
		more: make([]int32, len(sets.pairOf)), slot: make([]int32, len(sets.pairOf)),
	}
}

// hear marks series of one set as silent, unless the set was taken out.
func (s *scan) hear(id labelsID, silent int) {
	if s.of[id] == 0 {
		return
	}
	s.silent[id] += int32(silent)
	s.all.silent += silent
	for _, p := range s.sets.pairsOf(id) {
		s.a[p] += int32(silent)
	}
}

// takeOut leaves out the series that an extent covers: they are explained.
func (s *scan) takeOut(e extent) {
	for id := range s.sets.within(e) {
		of, silent := s.of[id], s.silent[id]
		s.of[id], s.silent[id] = 0, 0
		s.all.of -= int(of)
		s.all.silent -= int(silent)
		for _, p := range s.sets.pairsOf(id) {
			s.n[p] -= of
			s.a[p] -= silent
		}
	}
}

// candidate is a combination of labels that may be the cause.
type candidate struct {
	pairs       [patternLabelsMax]pairID // depth of them, by label name
	depth       int
	tally       // what it covers
	cost, score float64
}

func (c *candidate) extent() extent { return c.pairs[:c.depth] }

// next finds the cause of what is silent yet; false when nothing scores.
func (s *scan) next() (extent, bool) {
	e, ok := s.best(patternLabelsMax)
	if !ok {
		return nil, false
	}
	// Two causes side by side can look like one that covers both. Then labels score
	// within it too: the silent series are not spread evenly over what it covers.
	for len(e) < patternLabelsMax {
		part, uneven := s.inside(e).best(patternLabelsMax - len(e))
		if !uneven {
			break
		}
		e = append(e, part...)
	}
	// Of those that cover the same series the one that says it with fewest labels.
	if same := s.sets.same(e); len(same) > 0 && len(same[0]) < len(e) {
		e = same[0]
	}
	return e, true
}

// best is the combination of at most labelsMax labels with the highest score.
func (s *scan) best(labelsMax int) (extent, bool) {
	if s.all.silent == 0 || s.all.silent == s.all.of {
		return nil, false // the whole is the answer
	}
	s.price()
	best := candidate{score: scoreMin}
	beam := s.singles(&best)
	for depth := 2; depth <= labelsMax; depth++ {
		beam = s.deepen(beam, &best)
	}
	return slices.Clone(best.extent()), best.depth > 0
}

// inside looks at what an extent covers of what is not explained yet.
func (s *scan) inside(e extent) *scan {
	in := &scan{
		sets: s.sets, of: make([]int32, len(s.of)), silent: make([]int32, len(s.of)),
		n: make([]int32, len(s.n)), a: make([]int32, len(s.n)), more: s.more, slot: s.slot,
	}
	for id := range s.sets.within(e) {
		of, silent := s.of[id], s.silent[id]
		in.of[id], in.silent[id] = of, silent
		in.all.of += int(of)
		in.all.silent += int(silent)
		for _, p := range s.sets.pairsOf(id) {
			in.n[p] += of
			in.a[p] += silent
		}
	}
	return in
}

// price sets what each label costs: by its values among the series looked at.
func (s *scan) price() {
	s.base = likelihood(s.all)
	s.cost = make([]float64, len(s.sets.live))
	for p, n := range s.n {
		if n > 0 {
			s.cost[s.sets.nameOf[p]]++
		}
	}
	s.cheapest = math.Inf(1)
	for name, values := range s.cost {
		if values > 0 {
			s.cost[name] = math.Log(values) + 2
			s.cheapest = min(s.cheapest, s.cost[name])
		}
	}
}

// singles scores every pair by itself.
func (s *scan) singles(best *candidate) []candidate {
	each := func(try func(candidate)) {
		for p, a := range s.a {
			if a > 0 {
				try(candidate{
					pairs: [patternLabelsMax]pairID{pairID(p)}, depth: 1,
					tally: tally{int(s.n[p]), int(a)}, cost: s.cost[s.sets.nameOf[p]],
				})
			}
		}
	}
	each(func(c candidate) { s.score(&c, best) })
	var beam []candidate
	each(func(c candidate) {
		if s.ceiling(c.silent) >= best.score+c.cost {
			beam = s.offer(beam, best, c)
		}
	})
	return beam
}

// ceiling is the LLR that so many silent series could reach at most: if nothing
// among them arrived.
func (s *scan) ceiling(silent int) float64 {
	return likelihood(tally{s.all.of - silent, s.all.silent - silent}) - s.base
}

// score scores a candidate, which may become the best; false when what it covers
// is no worse off than the rest.
func (s *scan) score(c, best *candidate) bool {
	ratio := llr(c.tally, s.all)
	if ratio == 0 {
		return false
	}
	c.score = ratio - c.cost
	if c.score >= best.score && (best.depth == 0 || s.compare(c, best) < 0) {
		*best = *c
	}
	return true
}

// offer scores a candidate and keeps it where it is good enough.
func (s *scan) offer(beam []candidate, best *candidate, c candidate) []candidate {
	if !s.score(&c, best) {
		return beam
	}
	if len(beam) == beamWidth && s.compare(&c, &beam[beamWidth-1]) >= 0 {
		return beam
	}
	at, again := slices.BinarySearchFunc(beam, c, func(x, y candidate) int { return s.compare(&x, &y) })
	if again {
		return beam // found through another of its labels before
	}
	if len(beam) == beamWidth {
		beam = beam[:beamWidth-1]
	}
	return slices.Insert(beam, at, c)
}

// compare puts the better candidate first, and knows no two as equal.
func (s *scan) compare(x, y *candidate) int {
	if c := cmp.Or(cmp.Compare(y.score, x.score), cmp.Compare(x.depth, y.depth)); c != 0 {
		return c
	}
	return slices.CompareFunc(x.extent(), y.extent(), s.sets.compare)
}

// deepen adds one label to the candidates of a beam. One is left alone when the
// silent series it covers could not beat the best even if nothing else was there.
func (s *scan) deepen(beam []candidate, best *candidate) []candidate {
	var next []candidate
	for i := range beam {
		c := &beam[i]
		need := best.score + c.cost
		if s.visits > scanVisitsMax {
			break
		}
		if s.ceiling(c.silent) < need+s.cheapest {
			continue
		}
		s.cover(c)
		s.shortlist(c, need)
		if len(s.kept) > 0 {
			next = s.addLabel(next, best, c)
		}
	}
	return next
}

// cover lists the sets that a candidate covers.
func (s *scan) cover(c *candidate) {
	list := s.sets.having[s.sets.rarest(c.extent())]
	s.visits += len(list)
	if c.depth == 1 {
		s.covered = append(s.covered[:0], list...)
		return
	}
	s.covered = s.covered[:0]
	for _, id := range list {
		if s.of[id] > 0 && s.sets.covers(c.extent(), id) {
			s.covered = append(s.covered, id)
		}
	}
}

// shortlist keeps the pairs that enough of a candidate's silent series have too.
func (s *scan) shortlist(c *candidate, need float64) {
	s.touched, s.kept = s.touched[:0], s.kept[:0]
	for _, id := range s.covered {
		silent := s.silent[id]
		if silent == 0 {
			continue
		}
		for _, p := range s.sets.pairsOf(id) {
			if s.more[p] == 0 {
				s.touched = append(s.touched, p)
			}
			s.more[p] += silent
		}
	}
	for _, p := range s.touched {
		name := s.sets.nameOf[p]
		if !s.names(c, name) && s.ceiling(int(s.more[p])) >= need+s.cost[name] {
			s.kept = append(s.kept, p)
		} else {
			s.more[p] = 0
		}
	}
}

func (s *scan) names(c *candidate, name nameID) bool {
	for _, p := range c.extent() {
		if s.sets.nameOf[p] == name {
			return true
		}
	}
	return false
}

// addLabel offers a candidate with each pair of the shortlist.
func (s *scan) addLabel(next []candidate, best *candidate, c *candidate) []candidate {
	s.visits += len(s.covered)
	s.counts = append(s.counts[:0], make([]int32, len(s.kept)+1)...)
	for i, p := range s.kept {
		s.slot[p] = int32(i + 1)
	}
	for _, id := range s.covered {
		of := s.of[id]
		for _, p := range s.sets.pairsOf(id) {
			s.counts[s.slot[p]] += of // place 0 is for all others
		}
	}
	for i, p := range s.kept {
		t := tally{int(s.counts[i+1]), int(s.more[p])}
		s.slot[p], s.more[p] = 0, 0
		if t.of < c.of { // else it says the same with one label more
			next = s.offer(next, best, s.with(c, p, t))
		}
	}
	return next
}

// with is a candidate with one pair more. Costs are summed by label name, so that
// the score does not depend on which pair came first.
func (s *scan) with(c *candidate, p pairID, t tally) candidate {
	d := candidate{pairs: c.pairs, depth: c.depth + 1, tally: t}
	d.pairs[c.depth] = p
	slices.SortFunc(d.extent(), s.sets.compare)
	for _, q := range d.extent() {
		d.cost += s.cost[s.sets.nameOf[q]]
	}
	return d
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
