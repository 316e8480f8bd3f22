package delivery

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/feedwatch/feedwatch/rules"
	"github.com/feedwatch/feedwatch/watchdog"
	"github.com/feedwatch/feedwatch/watchdog/bubble"
)

// The limits of the real ones, which the fakes enforce.
var (
	slackAllows = Limits{SendEvery: time.Second, UpdatesPerMinute: 40, UpdateEvery: 5 * time.Second}
	pagerAllows = Limits{SendsPerMinute: 100}
)

// service is a fake of an API at its documented limits: past them it answers 429,
// and one attempt in ten fails, half of those after it had its effect.
type service struct {
	shape Shape
	begun time.Time

	mu       sync.Mutex
	dice     *rand.Rand
	calls    int
	errors   int
	limited  int
	accepted pace                     // as the service counts
	updates  pace                     // the same of edits
	told     map[string]time.Duration // pages, when they first reached somebody
	done     map[string]int           // ops that had their effect, how often
	open     map[string]bool          // alerts
	roots    int
}

func newService(shape Shape) *service {
	s := &service{
		shape: shape, begun: time.Now(), dice: rand.New(rand.NewPCG(1, uint64(shape))),
		told: map[string]time.Duration{}, done: map[string]int{}, open: map[string]bool{}, updates: newPace(slackAllows.UpdatesPerMinute, 0),
	}
	if shape == Alerts {
		s.accepted = newPace(pagerAllows.SendsPerMinute, 0)
	} else {
		s.accepted = newPace(0, slackAllows.SendEvery)
	}
	return s
}

func (s *service) Shape() Shape { return s.shape }

func (s *service) Deliver(_ context.Context, op Op) (string, error) {
	s.mu.Lock()
	takes := time.Duration(50+s.dice.IntN(200)) * time.Millisecond
	ref, err := s.take(op)
	s.mu.Unlock()
	time.Sleep(takes)
	return ref, err
}

func (s *service) take(op Op) (string, error) {
	s.calls++
	now := time.Now()
	allowed := &s.accepted
	if op.Kind == Update {
		allowed = &s.updates
	}
	if allowed.earliest(0).After(now) {
		s.limited++
		return "", &Error{Class: RateLimited, RetryAfter: time.Second, Err: errors.New("429")}
	}
	allowed.took(now)
	if s.dice.IntN(10) > 0 {
		return s.arrive(op), nil
	}
	s.errors++
	if s.dice.IntN(2) == 0 {
		s.arrive(op)
	}
	return "", failing(Ambiguous)
}

// arrive is what the service does. What it was told before it finds by its name,
// where the op says so.
func (s *service) arrive(op Op) string {
	for i, one := range append([]Op{op}, op.With...) {
		if op.Kind == Update {
			break
		}
		name := one.Incident.Key + "/" + one.Name
		if s.done[name] == 0 || !op.MaybeSent {
			s.done[name]++
			if op.Kind == Post && i == 0 {
				s.roots++
			}
		}
		s.tells(one)
	}
	return "ref/" + op.ID()
}

func (s *service) tells(op Op) {
	var pages []watchdog.Page
	switch {
	case op.Kind == Post:
		pages = op.Incident.Pages
	case op.Page != nil && op.Kind != Resolve && op.Kind != Acknowledge:
		pages = []watchdog.Page{*op.Page}
	}
	for _, p := range pages {
		key := op.Incident.PageKey(p.N)
		if _, before := s.told[key]; !before {
			s.told[key] = time.Since(s.begun)
		}
		s.open[key] = true
	}
	if op.Kind == Resolve {
		delete(s.open, op.Incident.PageKey(op.Page.N))
	}
}

// storm is what came of one.
type storm struct {
	critical, all, quiet time.Duration // from its begin, until all critical were told, all were, and nothing is to be sent
	calls, errors, heap  int
}

// stormCritical is how many of them are critical.
const stormCritical = stormIncidents / 10

// runStorm opens so many incidents within a time, and resolves all when everybody was
// told.
func runStorm(tb testing.TB, target rules.Target, s *service, limits Limits, over time.Duration) (opening, ending storm) {
	b := newBench(&memory{}, Destination{Target: target, Notifier: s, Limits: limits})
	before := heapInUse()
	b.start()
	var lives []*life
	for i := range stormIncidents {
		severity := rules.Error
		if i%(stormIncidents/stormCritical) == 0 {
			severity = rules.Critical
		}
		lives = append(lives, opened(fmt.Sprintf("%05d", i), severity, target))
	}
	show := func(over time.Duration) {
		for batch := range slices.Chunk(lives, 500) { // as the engine hands them over
			var pictures []*watchdog.Incident
			for _, l := range batch {
				pictures = append(pictures, l.picture())
			}
			b.Apply(pictures, true)
			after(over / 10)
		}
	}
	begun := time.Now()
	show(over)
	opening = s.until(tb, b, begun, before, func() bool { return len(s.told) == stormIncidents })
	for _, l := range lives {
		if at, ok := s.told[l.now.PageKey(1)]; ok && l.now.Severity == rules.Critical {
			opening.critical = max(opening.critical, at)
		}
	}
	begun = time.Now()
	for _, l := range lives {
		l.resolve()
	}
	show(0)
	ending = s.until(tb, b, begun, before, func() bool { return true })
	b.stop()
	if n := len(b.known); n > 0 {
		tb.Errorf("%d incidents are not let go", n)
	}
	for name, n := range s.done {
		if n > 1 {
			tb.Errorf("%s had its effect %d times", name, n)
		}
	}
	if s.shape == Alerts && len(s.open) > 0 {
		tb.Errorf("%d alerts are open in the end", len(s.open))
	}
	return opening, ending
}

// until waits for all to be told, and then until nothing is pending.
func (s *service) until(tb testing.TB, b *bench, begun time.Time, before int, all func() bool) (st storm) {
	s.mu.Lock()
	st.calls, st.errors = -s.calls, -s.errors
	s.mu.Unlock()
	for range 24 * 3600 {
		after(time.Second)
		s.mu.Lock()
		told := all()
		s.mu.Unlock()
		if told && st.all == 0 {
			st.all = time.Since(begun)
			st.heap = heapInUse() - before
		}
		if told && b.Status()[0].Pending == 0 && b.Settled() {
			st.quiet = time.Since(begun)
			break
		}
	}
	if st.quiet == 0 {
		tb.Fatalf("not told within a day: %+v", b.Status())
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	st.calls, st.errors = st.calls+s.calls, st.errors+s.errors
	return st
}

func heapInUse() int {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}

// TestStorm: 5,000 incidents at once, with both APIs at their limits and one attempt
// in ten failing. All are told, the critical first, nothing twice, within bounds. With
// -v it prints the table of docs/delivery.md; a benchmark cannot run in synthetic time.
func TestStorm(t *testing.T) {
	begun := time.Now()
	bubble.Test(t, func(t *testing.T) {
		s := newService(Alerts)
		opening, ending := runStorm(t, pager, s, pagerAllows, 0)
		// 500 critical ones at 100 a minute, with one in ten sent again.
		if opening.critical > 6*time.Minute+30*time.Second || opening.all > time.Hour+15*time.Minute {
			t.Errorf("critical ones told after %v, all after %v", opening.critical, opening.all)
		}
		if s.limited > 0 || opening.heap > 100<<20 {
			t.Errorf("%d attempts were too many for the service; %d MB", s.limited, opening.heap>>20)
		}
		t.Log(opening.row("PagerDuty", "5,000 open"), ending.row("PagerDuty", "5,000 are resolved"))
	})
	for what, c := range map[string]struct{ over, within time.Duration }{
		"5,000 open": {0, 15 * time.Second}, "5,000 open within a minute": {time.Minute, 6 * time.Minute},
	} {
		bubble.Test(t, func(t *testing.T) {
			s := newService(Thread)
			opening, ending := runStorm(t, slackA, s, slackAllows, c.over)
			if opening.all > c.within || ending.quiet > 10*time.Minute {
				t.Errorf("%s: all told after %v, ended after %v", what, opening.all, ending.quiet)
			}
			if s.roots != 1 || s.limited > 0 || opening.heap > 100<<20 {
				t.Errorf("%s: %d messages in the channel, %d attempts too many; %d MB", what, s.roots, s.limited, opening.heap>>20)
			}
			t.Log(opening.row("Slack", what), ending.row("Slack", "5,000 are resolved"))
		})
	}
	t.Logf("in %v", time.Since(begun))
}

func (st storm) row(name, what string) string {
	critical := "-"
	if st.critical > 0 {
		critical = st.critical.Round(time.Second).String()
	}
	return fmt.Sprintf("\n| %s, %s | %s | %s | %s | %d | %d | %d MB |", name, what, critical, st.all.Round(time.Second), st.quiet.Round(time.Second), st.calls, st.errors, st.heap>>20)
}
