package main

import (
	"testing"
	"time"

	"github.com/feedwatch/feedwatch/rules"
	"github.com/feedwatch/feedwatch/watchdog/delivery"
	"github.com/feedwatch/feedwatch/watchdog/feed"
)

// TestUnheardLadder: a ladder needs one of its surest notifiers to work.
func TestUnheardLadder(t *testing.T) {
	set, err := rules.Parse([]rules.File{{Name: "a.yaml", Data: []byte(`feeds:
  - {name: profiles, escalation: on-call, rules: [{name: all, stale_after: 5m}]}
  - {name: segments, escalation: office, rules: [{name: all, stale_after: 5m}]}
escalations:
  - {name: on-call, steps: [{notify: [slack/a]}, {after: 5m, notify: [pagerduty/b, pagerduty/c]}]}
  - {name: office, steps: [{notify: [slack/a, console/t]}]}
  - {name: unused, steps: [{notify: [console/t]}]}
`)}})
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2025, 11, 24, 0, 0, 0, 0, time.UTC)
	target := func(kind, name string) delivery.TargetStatus {
		return delivery.TargetStatus{Target: rules.Target{Kind: kind, Name: name}, Alerts: kind == "pagerduty"}
	}
	failing := func(minutes, pending int) func(*delivery.TargetStatus) {
		return func(s *delivery.TargetStatus) {
			s.FailingSince, s.Pending = feed.At(now.Add(-time.Duration(minutes)*time.Minute)), pending
		}
	}
	parked := func(s *delivery.TargetStatus) { s.Parked = "401" }
	cases := []struct {
		name    string
		a, b, c func(*delivery.TargetStatus)
		want    bool // that something is wrong
	}{
		{"all well", nil, nil, nil, false},
		{"one of two alerts parked", nil, parked, nil, false},
		{"both parked: Slack is no page there", nil, parked, parked, true},
		{"Slack parked, which is all that one ladder has", parked, nil, nil, true},
		{"failing for long", nil, failing(6, 1), parked, true},
		{"failing for a moment", nil, failing(4, 1), parked, false},
		{"failed, and nothing waits any more", nil, failing(60, 0), parked, false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			all := []delivery.TargetStatus{target("slack", "a"), target("pagerduty", "b"), target("pagerduty", "c"), target("console", "t")}
			for i, change := range []func(*delivery.TargetStatus){c.a, c.b, c.c} {
				if change != nil {
					change(&all[i])
				}
			}
			if why := unheardLadder(set, all, now); (why != "") != c.want {
				t.Errorf("said %q", why)
			}
		})
	}
}
