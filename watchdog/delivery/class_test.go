package delivery

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/feedwatch/feedwatch/rules"
	"github.com/feedwatch/feedwatch/watchdog/bubble"
)

func wantSaid(t *testing.T, s *scripted, want ...string) {
	t.Helper()
	if got := s.said(); !slices.Equal(got, want) {
		t.Errorf("attempts\n got %q\nwant %q", got, want)
	}
}

func TestRateLimitedFreezesTheDestination(t *testing.T) {
	for name, tc := range map[string]struct{ asked, waits time.Duration }{
		"as asked": {20 * time.Second, 20 * time.Second},
		"not said": {0, frozenDefault},
		"too long": {time.Hour, 10 * time.Minute},
		"too soon": {time.Millisecond, time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			bubble.Test(t, func(t *testing.T) {
				s := newScripted(Alerts, func(_ Op, n int) error {
					if n == 1 {
						return &Error{Class: RateLimited, RetryAfter: tc.asked, Err: errors.New("429")}
					}
					return nil
				})
				in(t, []Destination{{Target: pager, Notifier: s}}, func(t *testing.T, b *bench) {
					b.show(opened("one", rules.Error, pager))
					synctest.Wait()
					b.show(opened("two", rules.Critical, pager)) // frozen for this one too
					after(tc.waits - time.Millisecond)
					wantSaid(t, s, "trigger p1")
					b.mu.Lock()
					if b.byKey[pager].pairs["one"].attempts != 0 {
						t.Error("a rate limit cost an attempt")
					}
					b.mu.Unlock()
					after(time.Millisecond)
					wantSaid(t, s, "trigger p1", "trigger p1", "trigger p1")
					if calls := s.all(); calls[1].op.MaybeSent || calls[2].op.MaybeSent {
						t.Error("what was refused for its rate is said to be maybe sent")
					}
				})
			})
		})
	}
}

func TestNotSentIsTriedForEver(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		s := newScripted(Alerts, always(NotSent))
		in(t, []Destination{{Target: pager, Notifier: s}}, func(t *testing.T, b *bench) {
			b.show(opened("one", rules.Error, pager))
			after(24 * time.Hour)
			calls := s.all()
			if len(calls) < 24*12 || len(calls) > 24*60 {
				t.Errorf("%d attempts in a day", len(calls))
			}
			for i := range calls[1:] {
				gap := calls[i+1].at - calls[i].at
				if gap < backOffMin/2 || gap > backOffMax+time.Second {
					t.Errorf("attempt %d after %v", i+2, gap)
				}
				if calls[i].op.MaybeSent {
					t.Fatal("what was certainly not sent is said to be maybe sent")
				}
			}
			if b.Status()[0].Pending != 1 || !b.Settled() {
				t.Errorf("%+v, settled %v", b.Status()[0], b.Settled())
			}
		})
	})
}

func TestWhoCanBeReachedAgainIsToldAtOnce(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		var down atomic.Bool
		down.Store(true)
		s := newScripted(Alerts, func(Op, int) error {
			if down.Load() {
				return failing(NotSent)
			}
			return nil
		})
		in(t, []Destination{{Target: pager, Notifier: s}}, func(t *testing.T, b *bench) {
			l := opened("one", rules.Error, pager)
			b.show(l)
			b.show(opened("two", rules.Error, pager))
			after(12 * time.Hour)
			down.Store(false)
			b.show(l.page(pager))
			synctest.Wait()
			if n := b.Status()[0].Pending; n != 0 {
				t.Errorf("%d pages wait for a destination that works", n)
			}
		})
	})
}

func TestAPanicIsAnAmbiguousFailure(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		s := newScripted(Stream, nil)
		in(t, []Destination{{Target: hook, Notifier: panicking{s}}}, func(t *testing.T, b *bench) {
			b.show(opened("one", rules.Error, hook))
			after(time.Minute)
			wantSaid(t, s, "tell e2")
			if !s.all()[0].op.MaybeSent {
				t.Error("the first attempt may have arrived")
			}
		})
	})
}

// panicking panics at every op it has not seen.
type panicking struct{ *scripted }

func (p panicking) Deliver(ctx context.Context, op Op) (string, error) {
	if !op.MaybeSent {
		panic("nil map")
	}
	return p.scripted.Deliver(ctx, op)
}

func TestABackOffIsOfOneOp(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		s := newScripted(Thread, func(op Op, _ int) error {
			if op.Kind == Update {
				return failing(NotSent)
			}
			return nil
		})
		in(t, []Destination{{Target: slackA, Notifier: s}}, func(t *testing.T, b *bench) {
			l := opened("one", rules.Error, slackA)
			b.show(l)
			after(time.Minute)
			l.now.Revision++ // nothing to tell but the root's new look
			b.show(l)
			after(time.Hour)
			before := len(s.all())
			b.show(l.page(slackA))
			synctest.Wait()
			if said := s.said()[before:]; len(said) == 0 || said[0] != "reply e3" {
				t.Errorf("the page waits for an update that fails: %q", said)
			}
		})
	})
}

func TestAmbiguousSaysMaybeSent(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		s := newScripted(Thread, func(_ Op, n int) error {
			if n == 1 {
				return errors.New("EOF") // an error without a class is ambiguous
			}
			return nil
		})
		in(t, []Destination{{Target: slackA, Notifier: s}}, func(t *testing.T, b *bench) {
			b.show(opened("one", rules.Error, slackA))
			after(time.Minute)
			wantSaid(t, s, "post root", "post root", "update root") // what was adopted may show an older picture
			if calls := s.all(); calls[0].op.MaybeSent || !calls[1].op.MaybeSent {
				t.Error("the second attempt must say that the first may have arrived, and the first nothing")
			}
		})
	})
}

func TestBadPayloadIsSentMinimalThenGivenUp(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		a, b2 := newScripted(Alerts, always(BadPayload)), newScripted(Thread, nil)
		dests := []Destination{{Target: pager, Notifier: a}, {Target: slackB, Notifier: b2}}
		in(t, dests, func(t *testing.T, b *bench) {
			l := opened("one", rules.Error, pager)
			b.show(l)
			after(time.Minute)
			wantSaid(t, a, "trigger p1", "trigger p1")
			if calls := a.all(); calls[0].op.Minimal || !calls[1].op.Minimal {
				t.Error("want the full form, then the minimal one")
			}
			wantSaid(t, b2, "post root")
			if calls := b2.all(); calls[0].op.InsteadOf != pager {
				t.Errorf("in the place of %v", calls[0].op.InsteadOf)
			}
			if st := b.Status()[0]; st.Dead != 1 || st.DeadReason == "" || st.Pending != 0 {
				t.Errorf("%+v", st)
			}
			saved := len(b.journal.saved())
			b.show(l.ack())
			after(time.Minute)
			if n := len(b.journal.saved()); n != saved+2 { // a reply and an update, no failover again
				t.Errorf("%d receipts more", n-saved)
			}
		})
	})
}

func TestAnUpdateGivenUpKeepsTheThread(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		s := newScripted(Thread, func(op Op, _ int) error {
			if op.Kind == Update && op.Incident.Revision == 3 {
				return failing(BadPayload)
			}
			return nil
		})
		in(t, []Destination{{Target: slackA, Notifier: s}}, func(t *testing.T, b *bench) {
			l := opened("one", rules.Error, slackA)
			b.show(l)
			synctest.Wait()
			b.show(l.ack())
			after(time.Minute)
			b.show(l.page(slackA))
			after(time.Minute)
			wantSaid(t, s, "post root", "reply e3", "update root", "update root", "reply e4", "update root")
		})
	})
}

func TestRefusedParksAndFailsOver(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		var broken atomic.Bool
		broken.Store(true)
		a := newScripted(Alerts, func(Op, int) error {
			if broken.Load() {
				return failing(Refused)
			}
			return nil
		})
		b2 := newScripted(Stream, nil)
		in(t, []Destination{{Target: pager, Notifier: a}, {Target: hook, Notifier: b2}}, func(t *testing.T, b *bench) {
			b.show(opened("one", rules.Error, pager))
			synctest.Wait()
			b.show(opened("two", rules.Error, pager))
			after(probeEvery - time.Second)
			wantSaid(t, a, "trigger p1")
			wantSaid(t, b2, "tell e2", "tell e2")
			if b.Status()[0].Parked == "" {
				t.Error("not parked")
			}
			after(2 * time.Second)
			wantSaid(t, a, "trigger p1", "trigger p1")
			if a.all()[1].op.Incident.ID != "two" {
				t.Error("probes must take turns")
			}
			broken.Store(false)
			after(2 * probeEvery)
			if st := b.Status()[0]; st.Parked != "" || st.Pending != 0 {
				t.Errorf("after a probe that was accepted: %+v", st)
			}
		})
	})
}

func TestALostTargetGetsANewRoot(t *testing.T) {
	for _, kind := range []OpKind{Update, Reply} {
		t.Run(kindWords[kind], func(t *testing.T) {
			bubble.Test(t, func(t *testing.T) {
				lost := false
				s := newScripted(Thread, func(op Op, _ int) error {
					if op.Kind == kind && !lost {
						lost = true
						return failing(LostTarget)
					}
					return nil
				})
				in(t, []Destination{{Target: slackA, Notifier: s}}, func(t *testing.T, b *bench) {
					l := opened("one", rules.Error, slackA)
					b.show(l)
					synctest.Wait()
					b.show(l.ack())
					after(time.Minute)
					if kind == Reply {
						wantSaid(t, s, "post root", "reply e3", "post root", "reply e3")
					} else {
						wantSaid(t, s, "post root", "reply e3", "update root", "post root")
					}
					if b.Status()[0].Pending != 0 {
						t.Error("something is pending")
					}
				})
			})
		})
	}
}

func TestARootThatIsAlwaysLostIsNoBusyLoop(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		s := newScripted(Thread, func(op Op, _ int) error {
			if op.Kind == Reply {
				return failing(LostTarget)
			}
			return nil
		})
		in(t, []Destination{{Target: slackA, Notifier: s}}, func(t *testing.T, b *bench) {
			b.show(opened("one", rules.Error, slackA).ack())
			after(time.Hour)
			if n := len(s.all()); n > 100 {
				t.Errorf("%d attempts in an hour", n)
			}
		})
	})
}

// TestPartialIsTold: a repeat would tell some people twice, so there is none, and
// what was not told is said.
func TestPartialIsTold(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		s := newScripted(Stream, failFirst(1, Partial))
		other := newScripted(Thread, nil)
		in(t, []Destination{{Target: hook, Notifier: s}, {Target: slackA, Notifier: other}}, func(t *testing.T, b *bench) {
			l := opened("one", rules.Error, hook)
			b.show(l)
			after(time.Hour)
			wantSaid(t, s, "tell e2")
			wantSaid(t, other) // no failover: somebody was told
			st := b.Status()[0]
			if st.Dead != 1 || st.DeadReason == "" || st.Pending != 0 || st.Parked != "" || st.LastSuccess.IsZero() {
				t.Errorf("%+v", st)
			}
			b.show(l.ack())
			after(time.Minute)
			wantSaid(t, s, "tell e2", "tell e3")
		})
	})
}
