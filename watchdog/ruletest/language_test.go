package ruletest

import (
	"testing"

	"github.com/feedwatch/feedwatch/rules"
)

// What the rule language says of a client is what a test of rules sees: defaults, a
// roster in a file, who is ignored and until when, a quorum.
func TestRunOfTheWholeLanguage(t *testing.T) {
	set, err := rules.Parse([]rules.File{
		{Name: "a.yaml", Data: []byte(`
defaults: {stale_after: 10m, escalation: on-call, retention: 7d}
feeds:
  - name: profiles
    roster: {file: clients.txt}
    ignore: [{match: ['client="closed"'], reason: closed, until: 2026-11-24T01:00:00Z}]
    rules:
      - {name: whole, per: feed, stale_after: 1d}
      - {name: single, match: ['client=~"closed|never"'], severity: warning}
      - {name: everyone, quorum: 3}
escalations:
  - {name: on-call, steps: [{notify: [pagerduty/cdp]}]}
`)},
		{Name: "clients.txt", Data: []byte("closed\nnever\n")},
	})
	if err != nil {
		t.Fatal(err)
	}
	suite := parse(t, `
rules: x
tests:
  - name: few, then enough
    feed: profiles
    from: 2026-11-24T00:00:00Z
    heartbeats:
      - {client: a, count: 10, beats: "x90"}
      - {client: b, count: 2, beats: "x5"}
      - {client: c, beats: "x30"}
    expect:
      - {at: 30m, clients: {closed: unwatched, never: stale, b-1: late, c: fresh}}
      - {at: 50m, clients: {closed: unwatched, b-1: stale, c: stale}}
      - {at: 65m, clients: {closed: stale}}
    pages:
      - {at: 10m, to: [pagerduty/cdp], reason: opened}
      - {at: 39m, to: [pagerduty/cdp], reason: scope_grew}
    resolves: []
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
