package delivery

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/feedwatch/feedwatch/rules"
	"github.com/feedwatch/feedwatch/watchdog"
	"github.com/feedwatch/feedwatch/watchdog/bubble"
)

// drilled is a drill, of the greatest severity there is.
func drilled(id string, targets ...rules.Target) *life {
	l := opened(id, rules.Critical, targets...)
	l.now.Cause, l.now.Drill = watchdog.CauseDrill, &watchdog.Drill{}
	return l
}

// TestDrillsComeLast: whatever tells of a real incident, however mild, goes first.
func TestDrillsComeLast(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		s := newScripted(Thread, nil)
		limits := Limits{SendEvery: time.Second}
		in(t, []Destination{{Target: slackA, Notifier: s, Limits: limits}}, func(t *testing.T, b *bench) {
			b.show(opened("first", rules.Info, slackA))
			after(time.Millisecond)
			b.show(drilled("drill", slackA))
			for i := range 3 {
				b.show(opened(fmt.Sprint(i), rules.Info, slackA).ack())
			}
			after(time.Hour)
			var order []string
			for _, c := range s.all() {
				order = append(order, c.op.Incident.ID)
			}
			if last := order[len(order)-1]; last != "drill" || slices.Index(order, "drill") != len(order)-1 {
				t.Errorf("told in the order %s", strings.Join(order, " "))
			}
		})
	})
}

// TestReached: how far a page came, by every kind of notifier and failure.
func TestReached(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		refusing, giving := newScripted(Alerts, always(Refused)), newScripted(Thread, always(BadPayload))
		unreachable := newScripted(Stream, always(NotSent))
		dests := []Destination{
			{Target: slackA, Notifier: newScripted(Thread, nil)},
			{Target: slackB, Notifier: giving},
			{Target: pager, Notifier: refusing},
			{Target: hook, Notifier: unreachable},
		}
		in(t, dests, func(t *testing.T, b *bench) {
			d := drilled("1", slackA, slackB, pager, hook)
			b.show(d)
			after(time.Minute)
			if r := b.Reached(slackA, "1", 1); !r.Told || r.Ref != "ref-root" || r.Op != "fw/test/feed/1/root" || r.Hopeless {
				t.Errorf("told: %+v", r)
			}
			if r := b.Reached(slackB, "1", 1); r.Told || !r.Hopeless || !strings.Contains(r.Why, "bad_payload") {
				t.Errorf("given up: %+v", r)
			}
			if r := b.Reached(pager, "1", 1); r.Told || !r.Hopeless || !strings.Contains(r.Why, "refused") {
				t.Errorf("refused: %+v", r)
			}
			if r := b.Reached(hook, "1", 1); r.Told || r.Hopeless || !strings.Contains(r.Why, "not_sent") {
				t.Errorf("not reached: %+v", r)
			}
			if r := b.Reached(rules.Target{Kind: "slack", Name: "c"}, "1", 1); !r.Hopeless {
				t.Errorf("not configured: %+v", r)
			}
			b.show(d.resolve())
			after(time.Hour)
			for _, s := range b.Status() {
				if s.Pending > 0 {
					t.Errorf("%d wait for %s after the end", s.Pending, s.Target)
				}
			}
			// Real pages: nothing of a drill is told in anybody's place.
			for _, s := range []*scripted{refusing, unreachable} {
				if slices.ContainsFunc(s.all(), func(c call) bool { return c.op.InsteadOf != rules.Target{} }) {
					t.Error("a drill was told in the place of another")
				}
			}
		})
	})
}

// A drill is looked for by its own name, and what is real must not be a line below it.
func TestADrillSharesNoMessage(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		s := newScripted(Thread, nil)
		in(t, []Destination{{Target: slackA, Notifier: s}}, func(t *testing.T, b *bench) {
			var all []*life
			for i := range 12 { // one for each escalation
				all = append(all, drilled(fmt.Sprintf("drill%d", i), slackA))
			}
			b.showAll(all...)
			after(time.Second)
			b.show(opened("real", rules.Critical, slackA))
			after(time.Minute)
			b.showAll(append(many(12, slackA), drilled("amid", slackA))...)
			after(time.Minute)
			posts := 0
			for _, told := range toldIn(s.all()) {
				if told[0] == "post" {
					posts++
				}
				if len(told) > 2 && slices.ContainsFunc(told, func(id string) bool { return strings.HasPrefix(id, "drill") || id == "amid" || id == "real" }) {
					t.Errorf("told together: %v", told)
				}
			}
			if posts != 15 {
				t.Errorf("%d messages, want 12 of drills, the real one, a storm and a drill: %v", posts, toldIn(s.all()))
			}
		})
	})
}
