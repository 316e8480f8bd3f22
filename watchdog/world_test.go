package watchdog

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/feedwatch/feedwatch/watchdog/feed"
)

// worldLabels are those of the fleets that attribution is measured on.
var worldLabels = []struct {
	name   string
	values int
}{{"tier", 3}, {"provider", 5}, {"plan", 8}, {"region", 12}, {"cluster", 40}, {"zone", 120}, {"account", 500}, {"host", 2000}}

// Places in worldLabels.
const (
	atProvider = 1
	atRegion   = 3
	atCluster  = 4
	atZone     = 5
)

// newFleet makes the label sets of a fleet, of up to setsMax distinct ones. In a
// nested fleet a zone lies in one cluster, that in one region, and that at one
// provider; in a skewed one some values are far more common than others.
func newFleet(seed uint64, series, setsMax int, nested, skewed bool) *labelSets {
	r := rand.New(rand.NewPCG(seed, 1))
	ids := make([]labelsID, min(series, setsMax))
	sets := newLabelSets()
	for i := range ids {
		var at [8]int
		for l, label := range worldLabels {
			at[l] = r.IntN(label.values)
			if skewed {
				u := r.Float64()
				at[l] = int(u * u * float64(label.values))
			}
		}
		if nested {
			at[atCluster] = at[atZone] / 3
			at[atRegion] = at[atCluster] * 12 / 40
			at[atProvider] = at[atRegion] % 5
		}
		pairs := map[string]string{}
		for l, label := range worldLabels {
			pairs[label.name] = fmt.Sprintf("%s-%d", label.name, at[l])
		}
		labels, err := feed.ParseLabels(pairs)
		if err != nil {
			panic(err)
		}
		ids[i] = sets.id(labels)
	}
	for i := range series {
		sets.count(ids[i%len(ids)], 1, 0)
	}
	return &sets
}

// fleets are one of each kind.
func fleets(series, setsMax int) []*labelSets {
	var all []*labelSets
	for kind := range 4 {
		all = append(all, newFleet(uint64(kind), series, setsMax, kind&1 != 0, kind&2 != 0))
	}
	return all
}

// world is a fleet with known causes of silence.
type world struct {
	sets   *labelSets
	silent []int32 // by set
	causes []extent
}

// A cause covers at least causeMin series, for fewer cannot be told from noise,
// and at most causeShare of them, for more are the whole feed.
const (
	causeMin   = 20
	causeShare = 0.5
)

// newWorld silences one or two causes of one to three labels, 70 to 100 % of
// their series, and 0.1 to 1 % of all others.
func newWorld(seed uint64, sets *labelSets) *world {
	r := rand.New(rand.NewPCG(seed, 2))
	w := &world{sets: sets, silent: make([]int32, sets.len())}
	for range 1 + r.IntN(2) {
		w.causes = append(w.causes, w.cause(r))
	}
	impact, noise := 0.7+0.3*r.Float64(), 0.001+0.009*r.Float64()
	for id := range w.silent {
		p := noise
		if slices.ContainsFunc(w.causes, func(c extent) bool { return sets.covers(c, labelsID(id)) }) {
			p = impact
		}
		for range sets.of[id] {
			if r.Float64() < p {
				w.silent[id]++
			}
		}
	}
	return w
}

// cause is some labels of some series; not all of another cause, nor part of one.
func (w *world) cause(r *rand.Rand) extent {
	for {
		row := slices.Clone(w.sets.pairsOf(labelsID(1 + r.IntN(w.sets.len()-1))))
		r.Shuffle(len(row), func(i, j int) { row[i], row[j] = row[j], row[i] })
		e := extent(row[:1+r.IntN(patternLabelsMax)])
		n := w.sets.tally(e).of
		inside := func(o extent) bool { return w.sets.nested(o, e) || w.sets.nested(e, o) }
		if n >= causeMin && float64(n) <= causeShare*float64(w.sets.all.of) && !slices.ContainsFunc(w.causes, inside) {
			return e
		}
	}
}

func (w *world) scan() *scan {
	s := newScan(w.sets)
	for id, n := range w.silent {
		if n > 0 {
			s.hear(labelsID(id), int(n))
		}
	}
	return s
}

// found are the causes that a scan finds.
func (w *world) found() []extent {
	s := w.scan()
	var all []extent
	for range causesMax {
		e, ok := s.next()
		if !ok {
			break
		}
		s.takeOut(e)
		all = append(all, e)
	}
	return all
}

// foundByOneLabel are the causes found when a cause is one label at most.
func (w *world) foundByOneLabel() []extent {
	s := w.scan()
	var all []extent
	for range causesMax {
		s.price()
		best := candidate{score: scoreMin}
		s.singles(&best)
		if best.depth == 0 {
			break
		}
		s.takeOut(best.extent())
		all = append(all, slices.Clone(best.extent()))
	}
	return all
}

// grade is how well causes were found: one counts if it covers exactly the series
// of a true one.
type grade struct{ hits, causes, found int }

func (g *grade) add(w *world, found []extent) {
	for _, c := range w.causes {
		exact := func(e extent) bool { return w.sets.nested(c, e) && w.sets.nested(e, c) }
		if slices.ContainsFunc(found, exact) {
			g.hits++
		}
	}
	g.causes += len(w.causes)
	g.found += len(found)
}

func (g *grade) f1() float64 { return 2 * float64(g.hits) / float64(g.causes+g.found) }

func (w *world) say(t testing.TB, found []extent) {
	say := func(what string, e extent) {
		silent := 0
		for id := range w.sets.within(e) {
			silent += int(w.silent[id])
		}
		t.Logf("%s %s %d/%d", what, w.sets.patternOf(e), silent, w.sets.tally(e).of)
	}
	for _, c := range w.causes {
		say("cause", c)
	}
	for _, e := range found {
		say("found", e)
	}
}
