package ruletest

import (
	"testing"

	"github.com/feedwatch/feedwatch/rules"
)

// A trickle is told of in a test of rules as it is when it comes.
func TestRunOfATrickle(t *testing.T) {
	set, err := rules.Parse([]rules.File{{Name: "a.yaml", Data: []byte(`
feeds:
  - name: profiles
    escalation: on-call
    rules:
      - {name: whole, per: feed, stale_after: 20m, min_updates: {count: 3000, per: 1h}}
      - {name: everyone, stale_after: 30m, min_updates: {count: 100, per: 1h}}
escalations:
  - {name: on-call, steps: [{notify: [pagerduty/cdp]}]}
`)}})
	if err != nil {
		t.Fatal(err)
	}
	suite := parse(t, `
rules: x
tests:
  - name: one client trickles, then many
    feed: profiles
    from: 2026-11-24T00:00:00Z
    heartbeats:
      - {client: a, updates: 2, beats: "x150 _9 x _9 x _9 x _9 x _9 x _9 x _9 x _9 x _9 x _9 x x70"}
      - {client: b, count: 10, updates: 10, beats: "x320"}
    expect:
      - {at: 150m, clients: {a: fresh, b-1: fresh}}
      - {at: 230m, clients: {a: trickling, b-1: fresh}, feeds: {profiles: trickling}}
    pages:
      - {at: 165m, to: [pagerduty/cdp], reason: opened}
    resolves:
      - {at: 303m}
`)
	for _, test := range suite.Tests {
		differences, err := test.Run(set)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range differences {
			t.Error(d.Text)
		}
	}
}
