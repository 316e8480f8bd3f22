package watchdog

import (
	"strings"
	"testing"
	"time"

	"github.com/feedwatch/feedwatch/watchdog/feed"
)

var forgetting = strings.Replace(plain, "stale_after: 10m", "stale_after: 10m, forget_after: 2h", 1)

func TestAClientUnseenForLongIsForgotten(t *testing.T) {
	r := newRig(t, forgetting)
	r.beat("a", 2)
	for minute := range 180 {
		r.beat("b", 10)
		r.to(time.Duration(minute) * time.Minute)
		if minute == 119 && len(r.open()) != 1 {
			t.Fatalf("before its time: %v", scopesOf(r.open()))
		}
	}
	if v := r.verdict("a1"); v != Retired || len(r.open()) != 0 {
		t.Errorf("a1 is %s, open %v", v, scopesOf(r.open()))
	}
	if got := r.happened(EventForgotten); len(got) != 1 || got[0] != "2h0m0s" {
		t.Errorf("forgotten: %q", got)
	}
	checkInvariants(t, r.m)
	r.restart(forgetting)
	if v := r.verdict("a1"); v != Retired {
		t.Errorf("after a restart a1 is %s", v)
	}
	r.beat("a", 1)
	if v := r.verdict("a1"); v != Fresh {
		t.Errorf("it came back, and is %s", v)
	}
	checkInvariants(t, r.m)
}

func TestNobodyIsForgottenWhileOthersAreInTrouble(t *testing.T) {
	for name, keepBeating := range map[string]bool{"the feed is silent": false, "another of the incident is new in it": true} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, forgetting)
			r.beat("a", 4)
			for minute := range 200 {
				if keepBeating {
					r.beat("b", 10)
				}
				if keepBeating && minute <= 100 {
					r.hear(feed.Push, beatOf("a4", r.now))
				}
				r.to(time.Duration(minute) * time.Minute)
			}
			if v := r.verdict("a1"); v != Stale || len(r.open()) != 1 {
				t.Errorf("a1 is %s, open %v", v, scopesOf(r.open()))
			}
			checkInvariants(t, r.m)
		})
	}
}

func TestWhoHasLeftIsForgottenOnceTheOthersAreBack(t *testing.T) {
	for _, c := range []struct {
		name     string
		restarts bool
	}{{"all along", false}, {"restarted", true}} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t, forgetting)
			r.beat("a", 30)
			for r.now < noon.Add(4*time.Hour) {
				r.to(r.now.Sub(noon) + time.Minute)
				n := 29
				if minute := r.now.Sub(noon) / time.Minute; minute > 100 && minute < 150 {
					n = 15 // many are in trouble when it is time
				}
				r.beat("a", n)
				if c.restarts && r.now == noon.Add(145*time.Minute) {
					r.restart(forgetting)
				}
			}
			if v := r.verdict("a30"); v != Retired || len(r.open()) != 0 {
				t.Errorf("a30 is %s, open %v", v, scopesOf(r.open()))
			}
			checkInvariants(t, r.m)
		})
	}
}
