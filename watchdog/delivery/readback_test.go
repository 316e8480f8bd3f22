package delivery

import (
	"testing"
	"time"

	"github.com/feedwatch/feedwatch/rules"
	"github.com/feedwatch/feedwatch/watchdog/bubble"
)

// TestWhatDoesNotShowIsToldAgain: once, unless nobody is to be woken for it, and
// what was triggered twice is resolved once.
func TestWhatDoesNotShowIsToldAgain(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		pd, stream := newScripted(Alerts, nil), newScripted(Stream, nil)
		in(t, []Destination{{Target: pager, Notifier: pd}, {Target: hook, Notifier: stream}}, func(t *testing.T, b *bench) {
			l := opened("one", rules.Error, pager)
			b.show(l)
			after(time.Minute)
			if told := b.Told(pager); len(told) != 1 || told[0].Page.N != 1 || told[0].Covered || told[0].At.IsZero() {
				t.Fatalf("told %+v", told)
			}
			if told := b.Told(hook); told != nil {
				t.Errorf("a stream holds alerts: %+v", told)
			}
			b.Again(pager, "nothing", 1)
			b.Again(pager, "one", 7)
			b.Again(hook, "one", 1)
			b.Again(pager, "one", 1)
			after(time.Minute)
			wantSaid(t, pd, "trigger p1", "trigger p1")
			b.show(l.ack())
			after(time.Minute)
			if told := b.Told(pager); len(told) != 1 || !told[0].Covered {
				t.Errorf("told %+v, want it covered", told)
			}
			b.Again(pager, "one", 1)
			after(time.Minute)
			wantSaid(t, pd, "trigger p1", "trigger p1", "ack p1/ack")
			b.show(l.resolve())
			after(time.Minute)
			b.Again(pager, "one", 1)
			after(time.Minute)
			wantSaid(t, pd, "trigger p1", "trigger p1", "ack p1/ack", "resolve p1/resolve")
			if told := b.Told(pager); told != nil {
				t.Errorf("told %+v of what is over", told)
			}
		})
	})
}

// TestRetry: what was given up or put off is tried at once, and no sooner.
func TestRetry(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		class := BadPayload
		mended := false
		pd := newScripted(Alerts, func(Op, int) error {
			if mended {
				return nil
			}
			return failing(class)
		})
		in(t, []Destination{{Target: pager, Notifier: pd}}, func(t *testing.T, b *bench) {
			b.show(opened("one", rules.Error, pager))
			after(time.Minute)
			if s := b.Status()[0]; s.Dead != 1 || s.Pending != 0 || s.FailingSince.IsZero() {
				t.Fatalf("status %+v, want a dead letter", s)
			}
			class = Refused
			if !b.Retry(pager) || b.Retry(slackA) {
				t.Error("Retry knows another destination, or not this one")
			}
			after(time.Second)
			if s := b.Status()[0]; s.Parked == "" || s.Dead != 0 || s.Pending != 1 {
				t.Fatalf("status %+v, want it parked with the page waiting", s)
			}
			mended = true
			tried := len(pd.said())
			after(5 * time.Second)
			if len(pd.said()) != tried {
				t.Error("a parked destination was tried before its probe")
			}
			b.Retry(pager)
			after(time.Second)
			if s := b.Status()[0]; s.Parked != "" || s.Pending != 0 || !s.FailingSince.IsZero() {
				t.Errorf("status %+v, want all told", s)
			}
		})
	})
}
