package delivery

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/feedwatch/feedwatch/rules"
	"github.com/feedwatch/feedwatch/watchdog/bubble"
)

func TestSendsKeepWithinTheirLimits(t *testing.T) {
	for name, limits := range map[string]Limits{
		"PagerDuty": {SendsPerMinute: 100},
		"Slack":     {SendEvery: time.Second, UpdatesPerMinute: 40, UpdateEvery: 5 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			bubble.Test(t, func(t *testing.T) {
				s := newScripted(Thread, nil)
				in(t, []Destination{{Target: slackA, Notifier: s, Limits: limits}}, func(t *testing.T, b *bench) {
					for i := range 150 {
						b.show(opened(fmt.Sprint(i), rules.Critical, slackA).ack())
					}
					after(time.Hour)
					if b.Status()[0].Pending != 0 {
						t.Error("something is pending")
					}
					heldWithin(t, s.all(), limits)
				})
			})
		})
	}
}

// heldWithin checks every window of a minute and every gap.
func heldWithin(t *testing.T, calls []call, limits Limits) {
	t.Helper()
	var sends, updates []time.Duration
	last := map[string]time.Duration{}
	for _, c := range calls {
		if c.op.Kind != Update {
			sends = append(sends, c.at)
			continue
		}
		updates = append(updates, c.at)
		if before, ok := last[c.op.Incident.ID]; ok && c.at-before < limits.UpdateEvery {
			t.Errorf("two updates of %s within %v", c.op.Incident.ID, c.at-before)
		}
		last[c.op.Incident.ID] = c.at
	}
	for i := 1; i < len(sends); i++ {
		if gap := sends[i] - sends[i-1]; gap < limits.SendEvery {
			t.Errorf("send %d after %v", i, gap)
		}
	}
	perMinute(t, "sends", sends, limits.SendsPerMinute)
	perMinute(t, "updates", updates, limits.UpdatesPerMinute)
}

func perMinute(t *testing.T, what string, at []time.Duration, most int) {
	t.Helper()
	for i := most; most > 0 && i < len(at); i++ {
		if at[i]-at[i-most] < time.Minute {
			t.Errorf("%s: %d within %v", what, most+1, at[i]-at[i-most])
		}
	}
}

func TestRoomIsKeptForCriticalAndResolves(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		s := newScripted(Alerts, nil)
		in(t, []Destination{{Target: pager, Notifier: s, Limits: Limits{SendsPerMinute: 100}}}, func(t *testing.T, b *bench) {
			first := opened("first", rules.Error, pager)
			b.show(first)
			synctest.Wait()
			for i := range 200 {
				b.show(opened(fmt.Sprint(i), rules.Error, pager))
			}
			after(time.Second)
			if n := len(s.all()); n != 80 {
				t.Fatalf("%d ordinary sends in the first minute; want 80", n)
			}
			b.show(first.resolve())
			b.show(opened("critical", rules.Critical, pager))
			synctest.Wait()
			said := s.said()
			if len(said) != 82 {
				t.Fatalf("%d sends; want the resolve and the critical page at once", len(said))
			}
			for range 40 { // what is kept is a limit as well
				b.show(opened(fmt.Sprint("c", len(said)), rules.Critical, pager))
				said = append(said, "")
			}
			after(time.Second)
			if n := len(s.all()); n != 100 {
				t.Errorf("%d sends in the first minute; want 100", n)
			}
			after(10 * time.Minute)
			if b.Status()[0].Pending != 0 {
				t.Error("something is pending")
			}
			heldWithin(t, s.all(), Limits{SendsPerMinute: 100})
		})
	})
}

func TestUpdatesOfOneMessageCollapse(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		s := newScripted(Thread, nil)
		limits := Limits{UpdatesPerMinute: 40, UpdateEvery: 5 * time.Second}
		in(t, []Destination{{Target: slackA, Notifier: s, Limits: limits}}, func(t *testing.T, b *bench) {
			l := opened("one", rules.Error, slackA)
			b.show(l)
			synctest.Wait()
			for range 100 {
				l.now.Revision++
				b.show(l)
				after(100 * time.Millisecond)
			}
			after(10 * time.Second)
			calls := s.all()
			if n := len(calls); n > 1+4 {
				t.Errorf("%d attempts for 10 s of changes", n)
			}
			if calls[len(calls)-1].op.Incident.Revision != l.now.Revision {
				t.Error("the root does not show the newest")
			}
			heldWithin(t, calls, limits)
		})
	})
}

func TestAtMostSoManyAttemptsAtOnce(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		s := newScripted(Stream, nil)
		s.takes = time.Minute
		in(t, []Destination{{Target: hook, Notifier: s}}, func(t *testing.T, b *bench) {
			for i := range 20 {
				b.show(opened(fmt.Sprint(i), rules.Error, hook))
			}
			after(time.Second)
			if n := len(s.all()); n != inFlightMax {
				t.Errorf("%d attempts at once", n)
			}
		})
	})
}
