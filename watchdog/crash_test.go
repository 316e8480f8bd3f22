package watchdog

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/feedwatch/feedwatch/watchdog/feed"
)

// A crash anywhere keeps the open incidents under their ids, pages nobody again,
// and resolves nothing until the grace has passed.
func TestACrashPagesNobodyAgain(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		r := newRig(t, propertyRules[0])
		stop := rapid.IntRange(0, 3).Draw(rt, "clusters that stop")
		for minute := range rapid.IntRange(1, 20).Draw(rt, "minutes") {
			r.to(time.Duration(minute) * time.Minute)
			for i, cluster := range []string{"x", "y", "z"} {
				if minute == 0 || i >= stop {
					r.beat(cluster, 5, "cluster", cluster)
				}
			}
		}
		r.to(r.now.Sub(noon) + time.Duration(rapid.IntRange(0, 200).Draw(rt, "seconds"))*time.Second)
		r.to(r.now.Sub(noon) + gatherFor) // what is seen and not yet attributed opens after the crash
		before := r.open()
		r.restart(propertyRules[0])
		down := r.now
		for range 4 {
			after := r.open()
			if len(after) != len(before) {
				rt.Fatalf("%v before the crash, %v after", scopesOf(before), scopesOf(after))
			}
			for i, inc := range after {
				checkKept(rt, before[i], inc, down)
			}
			r.now = r.now.Add(20 * time.Second)
			var alive []feed.Heartbeat
			for i, cluster := range []string{"x", "y", "z"} {
				if i >= stop {
					alive = append(alive, beatOf(cluster+"1", r.now), beatOf(cluster+"2", r.now))
				}
			}
			r.hear(feed.Push, alive...)
		}
		checkInvariants(rt2tb{t, rt}, r.m)
	})
}

func checkKept(t *rapid.T, was, is *Incident, down feed.Instant) {
	if is.ID != was.ID || is.State == StateResolved || is.State == StateRecovering && was.State != StateRecovering {
		t.Fatalf("%s was %s, is %s %s", was.ID, was.State, is.ID, is.State)
	}
	if !slices.EqualFunc(was.Pages, is.Pages[:min(len(was.Pages), len(is.Pages))], func(a, b Page) bool { return a.N == b.N && a.At == b.At }) {
		t.Fatalf("pages were %v, are %v", was.Pages, is.Pages)
	}
	for _, p := range is.Pages[len(was.Pages):] {
		if p.Reason != ReasonStep || was.Next == nil || p.At != max(was.Next.At, down) {
			t.Fatalf("a page that was not due: %+v", p)
		}
	}
}
