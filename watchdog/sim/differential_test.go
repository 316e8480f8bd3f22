package sim

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/feedwatch/feedwatch/watchdog"
)

// quietly is the fleet of a seed with nothing going wrong on our side, so that two
// runs of it differ only in what a test adds.
func quietly(seed uint64) *fleet {
	fl := newFleet(seed, 6*day)
	fl.profile = profile{edits: fl.profile.edits}
	fl.pull = ""
	fl.mishaps = slices.DeleteFunc(fl.mishaps, func(m mishap) bool { return m.kind != "edit" })
	return fl
}

// add makes something happen at n random times.
func (fl *fleet) add(seed uint64, kind string, n int) {
	dice := rand.New(rand.NewPCG(seed, 0xADD))
	for range n {
		at := time.Duration(dice.Int64N(int64(fl.length)))
		fl.mishaps = append(fl.mishaps, mishap{begin: at, end: at, kind: kind})
	}
}

// same fails unless two fleets told the same pages for the same reasons. Which of
// two incidents of a feed a client joins may hang on what a restart forgets: fleets
// that had two at once prove nothing here.
func same(t *testing.T, seed uint64, one, other *fleet) {
	t.Helper()
	a, b := try(t, seed, one), try(t, seed, other)
	if a.report != "" || b.report != "" {
		t.Fatal(a.report + b.report)
	}
	if a.crowded {
		return
	}
	if x, y := strings.Join(a.told, "\n"), strings.Join(b.told, "\n"); x != y {
		t.Errorf("seed %d (%d starts, then %d): told\n%s\n--- and\n%s", seed, a.stats.starts, b.stats.starts, x, y)
	}
}

// told are the pages that reached people, in order.
func (w *world) told() []string {
	var all []string
	for key, t := range w.pages {
		all = append(all, fmt.Sprintf("%s %s, step %d", key, t.reason, t.step))
	}
	slices.Sort(all)
	return all
}

// A turn more here and there changes no page: a step to t2 is a step to t1, then t2.
func TestLookingMoreOftenChangesNoPage(t *testing.T) {
	for seed := uint64(1); seed <= 40/fleets; seed++ {
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			often := quietly(seed)
			often.add(seed, "look", 300)
			same(t, seed, quietly(seed), often)
		})
	}
}

// A kill and a restart change no page, where no deadline is so near that it gets
// its grace, and what was heard had the time to be written. How a backlog drains is
// not saved, so these fleets say no event times.
func TestRestartsChangeNoPage(t *testing.T) {
	for seed := uint64(1); seed <= 40/fleets; seed++ {
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			once, often := quietly(seed), quietly(seed)
			often.add(seed, "restart", 60)
			for _, fl := range []*fleet{once, often} {
				for _, x := range fl.series {
					x.events = false
				}
			}
			same(t, seed, once, often)
		})
	}
}

// planRestart plans two looks, so that all is flushed, then a kill if it is quiet.
func (s *sim) planRestart(at time.Time) {
	s.plan(at, func() {})
	s.plan(at.Add(11*time.Second), func() {})
	s.plan(at.Add(12*time.Second), func() {
		if s.proc != nil && s.oracle.quiet(at) {
			s.note("killed")
			s.proc.gate.kill()
		}
	})
}

// quiet says that nothing was heard since then, and that no deadline is near.
func (o *oracle) quiet(since time.Time) bool {
	const near = 6 * time.Minute
	now := o.clock.now()
	far := func(r *ruleSpec, reference time.Time) bool { return r.deadline(reference).Sub(now).Abs() > near }
	for i := range o.set.feeds {
		f := &o.set.feeds[i]
		for _, s := range o.fleet.of(f.name) {
			m, ok := o.marks[s]
			if !ok {
				continue
			}
			reference := m.arrival
			if reference.IsZero() {
				reference = m.since
			}
			if !m.heard.Before(since.Add(-time.Second)) || !far(o.ruleOf(s), reference) {
				return false
			}
			for j := range f.rules {
				if !far(&f.rules[j], reference) {
					return false
				}
			}
		}
	}
	for _, inc := range o.incidents() { // nor is one about to be told or to end
		if inc.State == watchdog.StateResolved {
			continue
		}
		if inc.State == watchdog.StateRecovering || now.Sub(inc.Seen.Time()) < near {
			return false
		}
	}
	return true
}
