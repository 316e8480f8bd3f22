package watchdog

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/feedwatch/feedwatch/watchdog/feed"
)

// feedsOf is n feeds with the same client rule.
func feedsOf(n int) string {
	var b strings.Builder
	b.WriteString("feeds:\n")
	for i := range n {
		fmt.Fprintf(&b, "  - {name: f%02d, escalation: on-call, rules: [{name: clients, stale_after: 10m}]}\n", i)
	}
	return b.String() + noLoss
}

func TestIncidentsOfSeveralFeedsWithOneCauseAreLinked(t *testing.T) {
	r := newRig(t, feedsOf(3))
	for i := range 3 {
		for n := range 4 {
			cluster := []string{"x", "y"}[n%2]
			r.hear(feed.Push, underName(fmt.Sprintf("f%02d", i), beatOf(fmt.Sprintf("%s%d", cluster, n), r.now, "cluster", cluster)))
		}
	}
	r.to(11 * time.Minute)
	for _, inc := range r.open() {
		if len(inc.Linked) != 2 || inc.LinkedMore != 0 || inc.Linked[0].Feed == inc.Feed || inc.Linked[0].Silent != 4 {
			t.Errorf("%s is linked with %+v, want the other two", inc.Feed, inc.Linked)
		}
	}
	for i := range 10 { // f00 comes back
		for n := range 4 {
			r.hear(feed.Push, underName("f00", beatOf(fmt.Sprintf("%s%d", []string{"x", "y"}[n%2], n), r.now)))
		}
		r.to(time.Duration(12+i) * time.Minute)
	}
	for _, inc := range r.open() {
		if len(inc.Linked) != 1 {
			t.Errorf("%s is linked with %+v after one recovered", inc.Feed, inc.Linked)
		}
	}
}

func TestOtherCausesAreNotLinked(t *testing.T) {
	r := newRig(t, feedsOf(2))
	r.hear(feed.Push, underName("f00", beatOf("a", r.now)))
	r.to(20 * time.Minute) // f00 and f01 are 20 minutes apart
	for i := range 20 {
		r.hear(feed.Push, underName("f01", beatOf("a", r.now.Add(-time.Duration(i)*time.Minute))))
	}
	r.to(40 * time.Minute)
	for _, inc := range r.open() {
		if len(inc.Linked) != 0 {
			t.Errorf("%s of %s is linked with %+v", inc.Feed, inc.Opened, inc.Linked)
		}
	}
}

func TestManyLinksAreCounted(t *testing.T) {
	r := newRig(t, feedsOf(30))
	for i := range 30 {
		r.hear(feed.Push, underName(fmt.Sprintf("f%02d", i), beatOf("a", r.now)))
	}
	r.to(11 * time.Minute)
	for _, inc := range r.open() {
		if len(inc.Linked)+inc.LinkedMore != 29 || len(inc.Linked) != LinksMax {
			t.Errorf("%s: %d and %d more, want 29 in all", inc.Feed, len(inc.Linked), inc.LinkedMore)
		}
	}
}

func TestUnexplainedSilenceIsNotLinked(t *testing.T) {
	r := newRig(t, feedsOf(2))
	for i := range 2 {
		for n := range 10 {
			r.hear(feed.Push, underName(fmt.Sprintf("f%02d", i), beatOf(fmt.Sprint("c", n), r.now)))
		}
	}
	for minute := range 15 {
		r.to(time.Duration(minute) * time.Minute)
		for i := range 2 {
			for n := range 8 { // two of ten stay away, of each feed
				r.hear(feed.Push, underName(fmt.Sprintf("f%02d", i), beatOf(fmt.Sprint("c", n), r.now)))
			}
		}
	}
	all := r.open()
	if len(all) != 2 || len(all[0].Linked)+len(all[1].Linked) != 0 {
		t.Errorf("%v, linked %v", scopesOf(all), all[0].Linked)
	}
}

// Two sources fail: one feed is heard through both, and has more incidents to be
// linked with than are named.
func TestLinksAreThoseOfTheFirstSource(t *testing.T) {
	one, two := feed.Source{Name: "one", LagMax: time.Minute}, feed.Source{Name: "two", LagMax: time.Minute}
	for range 10 {
		r := newRig(t, feedsOf(25), one, two)
		for i := range 25 {
			hb := underName(fmt.Sprintf("f%02d", i), beatOf("a1", r.now))
			if i <= 12 {
				r.hear(one, hb)
			}
			if i == 0 || i > 12 {
				r.hear(two, hb)
			}
		}
		r.to(15 * time.Minute)
		inc := r.open()[0]
		if len(inc.Linked) != LinksMax || inc.Linked[LinksMax-1].Feed != "f10" {
			t.Fatalf("%s is linked with %+v", inc.Feed, inc.Linked)
		}
	}
}
