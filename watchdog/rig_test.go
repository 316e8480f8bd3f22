package watchdog

import (
	"fmt"
	"testing"
	"time"

	"github.com/feedwatch/feedwatch/rules"
	"github.com/feedwatch/feedwatch/watchdog/feed"
)

// noon is the instant at which rigs start.
var noon = feed.At(time.Date(2025, 11, 24, 0, 0, 0, 0, time.UTC))

const onCall = `
escalations:
  - name: on-call
    steps:
      - notify: [slack/alerts]
      - after: 5m
        notify: [pagerduty/cdp]
      - after: 30m
        notify: [pagerduty/infra]
        repeat: 1h
      - before_loss: 48h
        notify: [pagerduty/infra]
`

// noLoss pages for time alone.
const noLoss = `
escalations:
  - name: on-call
    steps:
      - notify: [slack/alerts]
`

// plain watches clients only: its whole-feed rule is far away.
const plain = `
feeds:
  - name: f
    retention: 7d
    escalation: on-call
    rules:
      - {name: whole, per: feed, stale_after: 6d}
      - {name: clients, stale_after: 10m}
` + onCall

// rig drives a machine by hand.
type rig struct {
	t    testing.TB
	m    *Machine
	now  feed.Instant
	seen map[string]*Incident // newest snapshot by id
	deaf bool                 // push does not report
}

func newRig(t testing.TB, yaml string, sources ...feed.Source) *rig {
	t.Helper()
	r := &rig{t: t, now: noon, seen: map[string]*Incident{}}
	r.m = New(Config{Install: "test", Sources: sources}, r.now, nil)
	r.step(&UseRules{Set: parse(t, yaml)})
	return r
}

func parse(t testing.TB, yaml string) *rules.Set {
	t.Helper()
	set, err := rules.Parse([]rules.File{{Name: "rules.yaml", Data: []byte(yaml)}})
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func (r *rig) step(inputs ...Input) []*Incident {
	if !r.deaf {
		inputs = append(inputs, &Heard{Report: feed.Report{Source: feed.Push, KnownThrough: r.now}})
	}
	var all []*Incident
	for more := true; more; {
		out := r.m.Step(r.now, inputs...)
		inputs, more = nil, out.More
		for _, inc := range out.Changes {
			r.seen[inc.ID] = inc
		}
		all = append(all, out.Changes...)
	}
	return all
}

// to lets time pass in steps of 20 s, and stops wherever something is due.
func (r *rig) to(after time.Duration) *rig {
	end := noon.Add(after)
	for r.now < end {
		next := r.m.Step(r.now).Next
		if next <= r.now || next > r.now.Add(20*time.Second) {
			next = r.now.Add(20 * time.Second)
		}
		r.now = min(next, end)
		r.step()
	}
	return r
}

// jump moves to an instant without looking before.
func (r *rig) jump(after time.Duration) *rig {
	r.now = noon.Add(after)
	r.step()
	return r
}

func beatOf(client string, at feed.Instant, labels ...string) feed.Heartbeat {
	key, err := feed.ParseKey("f", client)
	if err != nil {
		panic(err)
	}
	pairs := map[string]string{}
	for i := 0; i < len(labels); i += 2 {
		pairs[labels[i]] = labels[i+1]
	}
	parsed, err := feed.ParseLabels(pairs)
	if err != nil {
		panic(err)
	}
	return feed.Heartbeat{Key: key, Arrival: at, Count: 1, Labels: parsed}
}

// beat is an update now for stem1 ... stemN, with labels as pairs.
func (r *rig) beat(stem string, n int, labels ...string) {
	var all []feed.Heartbeat
	for i := range n {
		all = append(all, beatOf(fmt.Sprintf("%s%d", stem, i+1), r.now, labels...))
	}
	r.hear(feed.Push, all...)
}

func (r *rig) hear(src feed.Source, beats ...feed.Heartbeat) {
	r.step(&Heard{Report: feed.Report{Source: src, Heartbeats: beats}})
}

// open are the incidents that are open now.
func (r *rig) open() []*Incident { return r.m.Incidents() }

func (r *rig) only() *Incident {
	r.t.Helper()
	all := r.open()
	if len(all) != 1 {
		r.t.Fatalf("%d incidents are open at %s, want 1: %v", len(all), r.now, scopesOf(all))
	}
	return all[0]
}

func scopesOf(all []*Incident) []string {
	var s []string
	for _, inc := range all {
		s = append(s, fmt.Sprintf("%s %s %d/%d", inc.Cause, inc.Scope, inc.Scope.Silent, inc.Scope.Of))
	}
	return s
}

func (r *rig) verdict(client string) Verdict {
	f := r.m.feeds["f"]
	id, ok := f.row(client)
	if !ok {
		r.t.Fatalf("no client %s", client)
	}
	return r.m.shown(f.blocks[id.block()], id.place())
}

// pages are the reasons and times since noon of an incident's pages.
func pages(inc *Incident) []string {
	var all []string
	for _, p := range inc.Pages {
		all = append(all, fmt.Sprintf("%s %s", p.At.Sub(noon), p.Reason))
	}
	return all
}
