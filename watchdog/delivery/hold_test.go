package delivery

import (
	"testing"
	"time"

	"github.com/feedwatch/feedwatch/rules"
	"github.com/feedwatch/feedwatch/watchdog"
	"github.com/feedwatch/feedwatch/watchdog/bubble"
	"github.com/feedwatch/feedwatch/watchdog/feed"
)

func (l *life) hold() *life {
	l.now.Hold = &watchdog.Hold{Kind: watchdog.HoldSilence, Name: "moving racks", By: "anna", Since: feed.At(time.Now())}
	return l.event(watchdog.EventHeld, 0)
}

func (l *life) release() *life {
	l.now.Hold = nil
	return l.event(watchdog.EventReleased, 0)
}

// because says why the newest page is.
func (l *life) because(why watchdog.Reason) *life {
	l.now.Pages[len(l.now.Pages)-1].Reason = why
	return l
}

// everywhere is a destination of each shape.
func everywhere() (slack, pd, stream *scripted, dests []Destination) {
	slack, pd, stream = newScripted(Thread, nil), newScripted(Alerts, nil), newScripted(Stream, nil)
	return slack, pd, stream, []Destination{{Target: slackA, Notifier: slack}, {Target: pager, Notifier: pd}, {Target: hook, Notifier: stream}}
}

func TestWhatIsHeldBeforeItsFirstPageIsToldToNobody(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		slack, pd, stream, dests := everywhere()
		in(t, dests, func(t *testing.T, b *bench) {
			l := opened("one", rules.Error, slackA, pager, hook)
			l.now.Pages, l.now.Events = nil, l.now.Events[:1]
			b.show(l.hold())
			after(time.Hour)
			for _, s := range []*scripted{slack, pd, stream} {
				wantSaid(t, s)
			}
			b.show(l.release().page(slackA, pager, hook))
			after(time.Minute)
			wantSaid(t, slack, "post root")
			wantSaid(t, pd, "trigger p1")
			wantSaid(t, stream, "tell e4")
		})
	})
}

func TestWhatIsHeldAfterItsPageRingsNobodyFurther(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		slack, pd, stream, dests := everywhere()
		in(t, dests, func(t *testing.T, b *bench) {
			l := opened("one", rules.Error, slackA, pager, hook)
			b.show(l)
			after(time.Minute)
			b.show(l.hold())
			after(time.Minute)
			wantSaid(t, slack, "post root", "reply e3", "update root")
			wantSaid(t, pd, "trigger p1", "ack p1/ack")
			wantSaid(t, stream, "tell e2", "tell e3")

			b.show(l.page(pager).because(watchdog.ReasonLossNear)) // which nothing holds
			after(time.Minute)
			b.show(l.release().hold()) // another begins where the first ended
			after(time.Minute)
			wantSaid(t, pd, "trigger p1", "ack p1/ack", "trigger p2")

			b.show(l.release().page(pager).because(watchdog.ReasonHoldEnded))
			after(time.Minute)
			b.show(l.resolve())
			after(time.Minute)
			wantSaid(t, pd, "trigger p1", "ack p1/ack", "trigger p2", "trigger p3", "resolve p1/resolve", "resolve p2/resolve", "resolve p3/resolve")
		})
	})
}

func TestEachEndOfAPersonsWordRings(t *testing.T) {
	for kind, why := range map[watchdog.AckKind]watchdog.Reason{
		watchdog.AckSnoozed: watchdog.ReasonSnoozeOver, watchdog.AckResolved: watchdog.ReasonNotOver, watchdog.AckTaken: watchdog.ReasonAckExpired,
	} {
		t.Run(string(why), func(t *testing.T) {
			bubble.Test(t, func(t *testing.T) {
				slack, pd, stream, dests := everywhere()
				in(t, dests, func(t *testing.T, b *bench) {
					l := opened("one", rules.Error, slackA, pager, hook)
					b.show(l)
					after(time.Minute)
					l.ack().now.Ack.Kind = kind
					b.show(l)
					after(time.Hour)
					l.now.State, l.now.Ack = watchdog.StateOpen, nil
					b.show(l.page(slackA, pager).because(why))
					after(time.Minute)
					wantSaid(t, pd, "trigger p1", "ack p1/ack", "trigger p2")
					wantSaid(t, slack, "post root", "reply e3", "update root", "reply e4", "update root")
					wantSaid(t, stream, "tell e2", "tell e3", "tell e4")
				})
			})
		})
	}
}
