package sim

import (
	"flag"
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/feedwatch/feedwatch/watchdog/bubble"
)

var (
	seedFlag     = flag.Uint64("seed", 0, "the one seed that TestSeed runs, with its script on stderr")
	fromFlag     = flag.Uint64("from", 1, "the first seed of TestSeeds")
	seedsFlag    = flag.Int("seeds", 200/fleets, "how many seeds TestSeeds runs")
	yearsFlag    = flag.Float64("years", 0, "how many fleet-years TestSeeds runs, in place of a number of seeds")
	failuresFlag = flag.Int("failures", 5, "after how many seeds that fail TestSeeds gives up")
	daysFlag     = flag.Int("days", 4, "the longest fleet of TestSeed and TestSeeds")
)

func traced() bool { return *seedFlag != 0 }

const day = 24 * time.Hour

// outcome is what one seed did.
type outcome struct {
	stats  stats
	report string   // "" when all held
	told   []string // pages that reached people

	crowded bool // a feed had two incidents at once
}

// try runs one fleet.
func try(t *testing.T, seed uint64, fl *fleet) (out outcome) {
	dir := t.TempDir()
	bubble.Test(t, func(t *testing.T) {
		s := newSim(t, seed, fl, dir)
		s.run()
		out.stats, out.told, out.crowded = s.stats, s.world.told(), s.watch.crowded
		if len(s.faults) > 0 {
			out.report = s.report()
		}
	})
	return out
}

// report says what is wrong, under which rules, and after what.
func (s *sim) report() string {
	faults := strings.Join(s.faults, "\n")
	lines := strings.Join(s.lines[max(0, len(s.lines)-linesMax/4):], "\n")
	return fmt.Sprintf("seed %d with%s:\n%s\n--- the rules\n%s--- the end of the script\n%s\n--- seed %d\n%s\nrun it again: go test ./watchdog/sim -run TestSeed$ -days %d -seed %d",
		s.seed, s.fleet.profile, faults, s.set.yaml(), lines, s.seed, faults, *daysFlag, s.seed)
}

// TestSeed runs one seed again, and prints its script.
func TestSeed(t *testing.T) {
	seed := max(*seedFlag, 1)
	out := try(t, seed, newFleet(seed, time.Duration(*daysFlag)*day))
	if out.report != "" {
		t.Fatal(out.report)
	}
	t.Log(out.stats)
}

// TestSeeds runs some hundred small fleets, or some years of large ones.
func TestSeeds(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(400))
	run := &run{started: time.Now(), next: *fromFlag}
	for run.more() {
		t.Run("some", func(t *testing.T) {
			for range 4 * runtime.GOMAXPROCS(0) {
				if seed, ok := run.take(); ok {
					t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
						t.Parallel()
						run.add(t, try(t, seed, newFleet(seed, time.Duration(*daysFlag)*day)))
					})
				}
			}
		})
	}
	summary := fmt.Sprintf("%d seeds in %s: %s", run.done, time.Since(run.started).Round(time.Second/10), run.all)
	t.Log(summary)
	if *yearsFlag > 0 {
		fmt.Println(summary)
	}
}

// run is what several seeds did.
type run struct {
	mu           sync.Mutex
	next         uint64
	done, failed int
	all          stats
	started      time.Time
	said         time.Time // when it said last how far it is
}

func (r *run) more() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.failed >= *failuresFlag:
		return false
	case *yearsFlag > 0:
		return r.all.years < *yearsFlag
	default:
		return r.next < *fromFlag+uint64(*seedsFlag)
	}
}

func (r *run) take() (uint64, bool) {
	if !r.more() {
		return 0, false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.next++
	return r.next - 1, true
}

func (r *run) add(t *testing.T, out outcome) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.done++
	r.all.add(out.stats)
	if out.report != "" {
		r.failed++
		t.Error(out.report)
		if *yearsFlag > 0 { // now, and not after half an hour
			fmt.Println(out.report)
		}
	}
	if *yearsFlag > 0 && time.Since(r.said) > 10*time.Second {
		r.said = time.Now()
		fmt.Printf("%.0f of %.0f fleet-years, %d seeds, %d failed, %s\n",
			r.all.years, *yearsFlag, r.done, r.failed, time.Since(r.started).Round(time.Second))
	}
}
