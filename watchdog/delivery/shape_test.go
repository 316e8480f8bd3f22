package delivery

import (
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/feedwatch/feedwatch/rules"
	"github.com/feedwatch/feedwatch/watchdog"
	"github.com/feedwatch/feedwatch/watchdog/bubble"
)

func TestThread(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		s := newScripted(Thread, nil)
		in(t, []Destination{{Target: slackA, Notifier: s}}, func(t *testing.T, b *bench) {
			l := opened("one", rules.Error, slackA)
			b.show(l)
			synctest.Wait()
			b.show(l.page(slackA))
			synctest.Wait()
			b.show(l.ack().resolve())
			synctest.Wait()
			wantSaid(t, s, "post root", "reply e3", "update root", "reply e4", "reply e5", "update root")
			for _, c := range s.all()[1:] {
				if c.op.Ref != "ref-root" {
					t.Errorf("%s has ref %q", c.op.Name, c.op.Ref)
				}
			}
			if reply := s.all()[1].op; reply.Page == nil || reply.Page.N != 2 {
				t.Error("the reply for a page does not carry it")
			}
		})
	})
}

func TestAThreadBeginsWithThePageThatEngagesIt(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		a, b2 := newScripted(Alerts, nil), newScripted(Thread, nil)
		in(t, []Destination{{Target: pager, Notifier: a}, {Target: slackB, Notifier: b2}}, func(t *testing.T, b *bench) {
			l := opened("one", rules.Error, pager)
			b.show(l)
			synctest.Wait()
			wantSaid(t, b2)
			b.show(l.event(watchdog.EventScope, 0).page(slackB).event(watchdog.EventScope, 0))
			synctest.Wait()
			wantSaid(t, b2, "post root", "reply e5")
			wantSaid(t, a, "trigger p1")
		})
	})
}

func TestAlerts(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		s := newScripted(Alerts, nil)
		in(t, []Destination{{Target: pager, Notifier: s}}, func(t *testing.T, b *bench) {
			l := opened("one", rules.Error, pager)
			b.show(l)
			after(time.Minute)
			b.show(l.ack())
			after(time.Minute)
			b.show(l.page(pager)) // a new reason, which the acknowledgement does not cover
			after(time.Minute)
			b.show(l.resolve())
			after(time.Minute)
			b.Apply([]*watchdog.Incident{l.picture()}, true) // a late commit of what was sent already
			after(time.Minute)
			wantSaid(t, s, "trigger p1", "ack p1/ack", "trigger p2", "resolve p1/resolve", "resolve p2/resolve")
		})
	})
}

func TestAnAckThatFailsHoldsUpNoPage(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		s := newScripted(Alerts, func(op Op, _ int) error {
			if op.Kind == Acknowledge {
				return failing(NotSent)
			}
			return nil
		})
		in(t, []Destination{{Target: pager, Notifier: s}}, func(t *testing.T, b *bench) {
			l := opened("one", rules.Error, pager).ack()
			b.show(l)
			after(time.Hour)
			n := len(s.all())
			b.show(l.page(pager))
			synctest.Wait()
			if said := s.said()[n:]; len(said) == 0 || said[0] != "trigger p2" {
				t.Errorf("after the page: %q", said)
			}
		})
	})
}

func TestResolvedBeforeTheTrigger(t *testing.T) {
	for name, tc := range map[string]struct {
		class Class
		want  []string
	}{
		"certainly not sent": {NotSent, []string{"trigger p1"}},
		"perhaps sent":       {Ambiguous, []string{"trigger p1", "resolve p1/resolve"}},
	} {
		t.Run(name, func(t *testing.T) {
			bubble.Test(t, func(t *testing.T) {
				s := newScripted(Alerts, failFirst(1, tc.class))
				s.takes = 10 * time.Second
				in(t, []Destination{{Target: pager, Notifier: s}}, func(t *testing.T, b *bench) {
					l := opened("one", rules.Error, pager)
					b.show(l)
					after(5 * time.Second) // the trigger is under way
					b.show(l.resolve())
					after(time.Hour)
					wantSaid(t, s, tc.want...)
					if b.Status()[0].Pending != 0 || len(b.known) != 0 {
						t.Error("it is not let go")
					}
				})
			})
		})
	}
}

func TestANewerPictureWhileAnAttemptFlies(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		s := newScripted(Thread, nil)
		s.takes = 10 * time.Second
		in(t, []Destination{{Target: slackA, Notifier: s}}, func(t *testing.T, b *bench) {
			l := opened("one", rules.Error, slackA)
			old := l.picture()
			b.show(l)
			after(time.Second)
			b.show(l.ack())
			b.Apply([]*watchdog.Incident{old}, true) // an older one changes nothing
			after(time.Minute)
			wantSaid(t, s, "post root", "reply e3", "update root")
			if last := s.all()[2].op; last.Incident.Revision != l.now.Revision {
				t.Errorf("the root shows revision %d of %d", last.Incident.Revision, l.now.Revision)
			}
		})
	})
}

func TestStream(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		s := newScripted(Stream, failFirst(2, Ambiguous))
		in(t, []Destination{{Target: hook, Notifier: s}}, func(t *testing.T, b *bench) {
			l := opened("one", rules.Error, hook).ack().resolve()
			b.show(l)
			after(time.Hour)
			b.show(l) // a late commit of what was told already
			after(time.Hour)
			wantSaid(t, s, "tell e2", "tell e2", "tell e2", "tell e3", "tell e4")
		})
	})
}

func TestATargetWithoutADestinationIsToldByOthers(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		s := newScripted(Alerts, nil)
		in(t, []Destination{{Target: pager, Notifier: s}}, func(t *testing.T, b *bench) {
			b.show(opened("one", rules.Error, slackB))
			synctest.Wait()
			wantSaid(t, s, "trigger p1")
			if got := s.all()[0].op.InsteadOf; got != slackB {
				t.Errorf("instead of %v", got)
			}
		})
	})
}

func TestALineInAStreamIsNoPage(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		a, stream, b2 := newScripted(Alerts, always(Refused)), newScripted(Stream, nil), newScripted(Thread, nil)
		dests := []Destination{{Target: hook, Notifier: stream}, {Target: pager, Notifier: a}, {Target: slackB, Notifier: b2}}
		in(t, dests, func(t *testing.T, b *bench) {
			l := opened("one", rules.Error, pager, hook)
			b.show(l)
			after(time.Second)
			wantSaid(t, b2, "post root")
			if b2.all()[0].op.InsteadOf != pager {
				t.Error("not in the place of the pager")
			}
		})
	})
}

func TestFailoverGoesOnToTheNext(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		a, second, third := newScripted(Alerts, always(Refused)), newScripted(Thread, always(BadPayload)), newScripted(Stream, nil)
		dests := []Destination{{Target: pager, Notifier: a}, {Target: slackB, Notifier: second}, {Target: hook, Notifier: third}}
		in(t, dests, func(t *testing.T, b *bench) {
			l := opened("one", rules.Error, pager)
			l.now.Ladder.Engaged = []rules.Target{pager, slackB}
			b.show(l)
			after(time.Second)
			wantSaid(t, second, "post root", "post root")
			wantSaid(t, third, "tell e2")
		})
	})
}

func TestWhenAllAreParkedTheFirstThatWorksTellsIt(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		b2 := newScripted(Thread, failFirst(1, Refused))
		in(t, []Destination{{Target: slackB, Notifier: b2}}, func(t *testing.T, b *bench) {
			b.show(opened("one", rules.Error, slackB))
			synctest.Wait()
			b.show(opened("two", rules.Error, pager)) // which nobody has configured
			after(2 * probeEvery)
			var told []string
			for _, c := range b2.all() {
				told = append(told, c.op.Incident.ID)
			}
			if !slices.Contains(told, "two") {
				t.Errorf("told %q", told)
			}
		})
	})
}

// A short fault that parks them all, such as a proxy between us and everybody,
// must not keep a page back for minutes.
func TestWhenAllAreParkedTheyAreTriedSoon(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		var broken atomic.Bool
		broken.Store(true)
		answer := func(Op, int) error {
			if broken.Load() {
				return failing(Refused)
			}
			return nil
		}
		a, b2 := newScripted(Alerts, answer), newScripted(Thread, answer)
		in(t, []Destination{{Target: pager, Notifier: a}, {Target: slackB, Notifier: b2}}, func(t *testing.T, b *bench) {
			b.show(opened("one", rules.Critical, pager))
			after(5 * time.Second)
			if st := b.Status(); st[0].Parked == "" || st[1].Parked == "" {
				t.Fatalf("not parked both: %+v", st)
			}
			broken.Store(false)
			after(40 * time.Second)
			if st := b.Status(); st[0].Parked != "" || st[0].Pending != 0 {
				t.Errorf("40 s after it works again: %+v", st)
			}
		})
	})
}

func TestWhatNothingTakesIsBounded(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		s := newScripted(Stream, always(Refused))
		in(t, []Destination{{Target: hook, Notifier: s}}, func(t *testing.T, b *bench) {
			open := opened("open", rules.Error, hook)
			b.show(open)
			synctest.Wait()
			for i := range knownMax + 50 {
				b.show(opened(eventName(i), rules.Error, hook).resolve())
			}
			b.mu.Lock()
			defer b.mu.Unlock()
			if len(b.known) != knownMax || len(b.byKey[hook].pairs) != knownMax || b.known["open"] == nil {
				t.Errorf("%d incidents, %d pairs", len(b.known), len(b.byKey[hook].pairs))
			}
		})
	})
}
