package watchdog

import (
	"encoding/json"
	"fmt"
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/feedwatch/feedwatch/watchdog/feed"
)

// propertyRules has every kind of rule that a heartbeat can move.
var propertyRules = []string{`
feeds:
  - name: f
    retention: 7d
    escalation: on-call
    rules:
      - {name: whole, per: feed, stale_after: 5m, severity: critical}
      - {name: cluster, per: cluster, stale_after: 7m}
      - {name: nightly, match: ['client=~"n.*"'], expect: {cron: "*/30 * * * *", grace: 2m, early: 5m}}
      - {name: tier, match: ['tier="a"'], stale_after: 4m, lag_over: 3m}
      - {name: rest, stale_after: 10m, warn_after: 3m, lag_over: 5m}
` + onCall, `
feeds:
  - name: f
    retention: 7d
    escalation: on-call
    rules:
      - {name: everything, per: feed, stale_after: 8m}
      - {name: rest, stale_after: 6m, forget_after: 40m}
maintenance:
  - {name: often, match: ['cluster="x"'], schedule: {cron: "*/20 * * * *", duration: 7m}}
` + onCall, `
feeds:
  - {name: p, escalation: on-call, rules: [{name: clients, stale_after: 5m}]}
  - name: f
    retention: 50m
    depends_on: [p]
    escalation: short
    rules:
      - {name: rest, stale_after: 4m, lag_over: 2m}
escalations:
  - name: short
    steps:
      - notify: [slack/alerts]
      - before_loss: 10m
        notify: [pagerduty/infra]
  - name: on-call
    steps:
      - notify: [slack/alerts]
`, `
feeds:
  - name: f
    retention: 90m
    escalation: short
    ignore:
      - {match: ['client=~"a[0-3]"'], reason: until later, until: 2025-11-24T01:00:00Z}
      - {match: ['cluster="z"'], reason: until soon, until: 2025-11-24T00:20:00Z}
    rules:
      - {name: cluster, per: cluster, stale_after: 7m}
      - {name: tier, match: ['tier="a"'], stale_after: 4m, lag_over: 3m, quorum: 2, severity: {default: warning, critical_from: 40%}}
      - {name: rest, stale_after: 6m, quorum: 30%, forget_after: 40m, active: {hours: ["00:05-00:17", "00:25-23:50"], timezone: UTC}}
escalations:
  - name: short
    steps:
      - notify: [slack/alerts]
      - before_loss: 30m
        notify: [pagerduty/infra]
`, `
feeds:
  - name: f
    retention: 3h
    escalation: on-call
    active: {hours: ["00:00-00:25", "00:31-01:40", "01:50-02:00", "03:00-23:20"], timezone: UTC}
    rules:
      - {name: whole, per: feed, stale_after: 5m, severity: critical}
      - {name: cluster, per: cluster, stale_after: 7m, active: {hours: "00:03-00:00", timezone: UTC}}
      - {name: nightly, match: ['client=~"n.*"'], expect: {cron: "*/10 * * * *", grace: 2m, early: 2m}}
      - {name: rest, stale_after: 6m, warn_after: 3m, lag_over: 3m}
maintenance:
  - {name: often, match: ['cluster="x"'], schedule: {cron: "*/20 * * * *", duration: 7m}}
escalations:
  - name: on-call
    steps:
      - notify: [slack/alerts]
      - {after: 5m, notify: [pagerduty/cdp]}
      - {before_loss: 30m, notify: [pagerduty/infra]}
`, `
feeds:
  - name: f
    retention: 90m
    escalation: short
    rules:
      - {name: whole, per: feed, stale_after: 8m, min_updates: {count: 9, per: 16m}}
      - {name: cluster, per: cluster, stale_after: 7m, min_updates: {count: 4, per: 8m}, active: {hours: ["00:00-00:25", "00:31-23:20"], timezone: UTC}}
      - {name: tier, match: ['tier="a"'], stale_after: 6m, min_updates: {count: 2, per: 8m}}
      - {name: nightly, match: ['client=~"n.*"'], expect: {cron: "*/10 * * * *", grace: 2m, early: 2m}, min_updates: {count: 2, per: 14m}}
      - {name: rest, stale_after: 6m, lag_over: 5m, forget_after: 40m, min_updates: {count: 3, per: 8m}, active: {hours: ["00:05-00:17", "00:25-23:50"], timezone: UTC}}
maintenance:
  - {name: often, match: ['cluster="x"'], schedule: {cron: "*/20 * * * *", duration: 7m}}
escalations:
  - name: short
    steps:
      - notify: [slack/alerts]
      - before_loss: 30m
        notify: [pagerduty/infra]
`}

var pull = feed.Source{Name: "pull", LagMax: 2 * time.Minute}

// act is one thing that happens in a random history.
type act struct {
	after  time.Duration
	inputs func(now feed.Instant) []Input
	rules  int // -1: not
	person func(inc *Incident) Input
}

func drawAct(t *rapid.T) act {
	a := act{after: time.Duration(rapid.IntRange(0, 400).Draw(t, "seconds")) * time.Second, rules: -1}
	switch rapid.IntRange(0, 14).Draw(t, "kind") {
	case 0, 1:
		a.person = drawPerson(t)
	case 2:
		a.rules = drawSet(t)
	case 3:
		a.inputs = drawSilence(t)
	default:
		a.inputs = drawReport(t)
	}
	return a
}

func drawSet(t *rapid.T) int { return rapid.IntRange(0, len(propertyRules)-1).Draw(t, "rules") }

// drawPerson is what somebody decides about an incident.
func drawPerson(t *rapid.T) func(*Incident) Input {
	lasts := time.Duration(rapid.IntRange(1, 40).Draw(t, "for")) * time.Minute
	switch rapid.IntRange(0, 4).Draw(t, "decision") {
	case 0:
		return func(inc *Incident) Input { return &Snooze{ID: inc.ID, By: "anna", For: lasts} }
	case 1:
		return func(inc *Incident) Input { return &HandOver{ID: inc.ID, By: "anna", To: "bo"} }
	case 2:
		return func(inc *Incident) Input { return &Resolve{ID: inc.ID, By: "anna", Reason: "done"} }
	case 3:
		return func(inc *Incident) Input { return &AcceptLoss{ID: inc.ID, By: "anna", Reason: "old data"} }
	default:
		return func(inc *Incident) Input { return &Acknowledge{ID: inc.ID, By: "anna", For: lasts} }
	}
}

func drawSilence(t *rapid.T) func(feed.Instant) []Input {
	match := rapid.SampledFrom([]string{`feed="f"`, `cluster="x"`, `cluster!="x"`, `client=~"a.*"`, `tier="a"`}).Draw(t, "match")
	id := rapid.SampledFrom([]string{"s1", "s2"}).Draw(t, "id")
	from, lasts := rapid.IntRange(-5, 10).Draw(t, "from"), rapid.IntRange(0, 30).Draw(t, "lasts")
	return func(now feed.Instant) []Input {
		if lasts == 0 {
			return []Input{&EndSilence{ID: id, By: "anna"}}
		}
		start := now.Add(time.Duration(from) * time.Minute)
		return []Input{&AddSilence{Silence: Silence{
			ID: id, Match: match, By: "anna", Comment: id, From: start, Until: start.Add(time.Duration(lasts) * time.Minute),
		}}}
	}
}

func drawReport(t *rapid.T) func(feed.Instant) []Input {
	type drawn struct {
		client, cluster, tier string
		ago, lag              int
		count                 uint32
	}
	var beats []drawn
	for range rapid.IntRange(0, 12).Draw(t, "beats") {
		beats = append(beats, drawn{
			client:  fmt.Sprintf("%s%d", rapid.SampledFrom([]string{"a", "b", "n"}).Draw(t, "stem"), rapid.IntRange(0, 9).Draw(t, "client")),
			cluster: rapid.SampledFrom([]string{"", "x", "y", "z"}).Draw(t, "cluster"),
			tier:    rapid.SampledFrom([]string{"", "", "a"}).Draw(t, "tier"),
			ago:     rapid.SampledFrom([]int{0, 0, 0, 30, 300, 1200}).Draw(t, "ago"),
			lag:     rapid.SampledFrom([]int{-1, 0, 10, 200, 400, 3600, 90000}).Draw(t, "lag"),
			count:   rapid.SampledFrom([]uint32{1, 1, 1, 2, 5, 0}).Draw(t, "count"),
		})
	}
	src := rapid.SampledFrom([]feed.Source{feed.Push, feed.Push, pull}).Draw(t, "source")
	behind := rapid.SampledFrom([]int{0, 0, 20, 110, -1}).Draw(t, "behind")
	return func(now feed.Instant) []Input {
		report := feed.Report{Source: src}
		if behind >= 0 {
			report.KnownThrough = now.Add(-time.Duration(behind) * time.Second)
		}
		for _, d := range beats {
			hb := beatOf(d.client, now.Add(-time.Duration(d.ago)*time.Second), "cluster", d.cluster, "tier", d.tier)
			hb.Count = d.count
			if d.lag >= 0 {
				hb.Event = hb.Arrival.Add(-time.Duration(d.lag) * time.Second)
			}
			report.Heartbeats = append(report.Heartbeats, hb)
		}
		return []Input{&Heard{Report: report}}
	}
}

func (a act) of(t testing.TB, m *Machine, now feed.Instant) []Input {
	switch {
	case a.person != nil:
		if all := m.Incidents(); len(all) > 0 {
			return []Input{a.person(all[0])}
		}
		return nil
	case a.rules >= 0:
		return []Input{&UseRules{Set: parse(t, propertyRules[a.rules])}}
	default:
		return a.inputs(now)
	}
}

func newPropertyMachine(t testing.TB, set int) *Machine {
	m := New(Config{Install: "test", Sources: []feed.Source{pull}}, noon, nil)
	m.Step(noon, &UseRules{Set: parse(t, propertyRules[set])})
	return m
}

// After any history all counts, memberships and bounds equal a recount, and every
// row in trouble belongs to one open incident for which somebody was paged.
func TestWhatIsKeptEqualsARecount(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		m, now := newPropertyMachine(t, drawSet(rt)), noon
		for range rapid.IntRange(1, 25).Draw(rt, "acts") {
			a := drawAct(rt)
			now = now.Add(a.after)
			m.Step(now, a.of(t, m, now)...)
			checkInvariants(rt2tb{t, rt}, m)
			if back := rapid.IntRange(-40, 20).Draw(rt, "set back"); back > 0 {
				now = now.Add(-time.Duration(back) * time.Minute)
				m.Rewind(now)
				m.Step(now)
				checkInvariants(rt2tb{t, rt}, m)
			}
		}
	})
}

// rt2tb reports through rapid, so that it can shrink.
type rt2tb struct {
	*testing.T
	rt *rapid.T
}

func (r rt2tb) Helper()                           {}
func (r rt2tb) Fatal(args ...any)                 { r.rt.Fatal(args...) }
func (r rt2tb) Fatalf(format string, args ...any) { r.rt.Fatalf(format, args...) }

// A Step to t2 gives what a Step to t1 and then t2 gives: whoever looks more
// often sees the same incidents, events, pages and times.
func TestLookingMoreOftenChangesNothing(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		set := drawSet(rt)
		seldom, often, now := newPropertyMachine(t, set), newPropertyMachine(t, set), noon
		toldSeldom, toldOften := map[string]*Incident{}, map[string]*Incident{}
		for range rapid.IntRange(1, 20).Draw(rt, "acts") {
			a := drawAct(rt)
			for range rapid.IntRange(0, 3).Draw(rt, "looks") {
				look := now.Add(time.Duration(rapid.Int64Range(0, int64(a.after)).Draw(rt, "look")))
				hearOf(toldOften, often.Step(look))
			}
			now = now.Add(a.after)
			if a.person != nil { // a person sees the incident first
				hearOf(toldSeldom, seldom.Step(now))
				hearOf(toldOften, often.Step(now))
			}
			hearOf(toldSeldom, seldom.Step(now, a.of(t, seldom, now)...))
			hearOf(toldOften, often.Step(now, a.of(t, often, now)...))
			if x, y := picture(t, toldSeldom), picture(t, toldOften); x != y {
				rt.Fatalf("at %s\nseldom: %s\noften:  %s", now.Sub(noon), x, y)
			}
			if !reflect.DeepEqual(seldom.Feeds(), often.Feeds()) {
				rt.Fatalf("feeds differ: %+v, %+v", seldom.Feeds(), often.Feeds())
			}
		}
	})
}

func hearOf(told map[string]*Incident, out Output) {
	for _, inc := range out.Changes {
		told[inc.ID] = inc
	}
}

// picture is what was told, without the numbers of the changes.
func picture(t testing.TB, told map[string]*Incident) string {
	t.Helper()
	plain := map[string]Incident{}
	for id, inc := range told {
		c := *inc
		c.Revision = 0
		plain[id] = c
	}
	text, err := json.Marshal(plain)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// Watermarks merge by max: order and repeats do not matter.
func TestHeartbeatsMergeInAnyOrder(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		now := noon.Add(time.Hour)
		var beats []feed.Heartbeat
		for range rapid.IntRange(1, 30).Draw(rt, "beats") {
			hb := beatOf(fmt.Sprintf("a%d", rapid.IntRange(0, 3).Draw(rt, "client")), now.Add(-time.Duration(rapid.IntRange(0, 1000).Draw(rt, "ago"))*time.Second), "cluster", "x")
			if lag := rapid.IntRange(-1, 500).Draw(rt, "lag"); lag >= 0 {
				hb.Event = hb.Arrival.Add(-time.Duration(lag) * time.Second)
			}
			beats = append(beats, hb)
		}
		other := rapid.Permutation(append(beats[:len(beats):len(beats)], beats[:len(beats)/2]...)).Draw(rt, "other")
		x, y := watermarks(t, now, beats), watermarks(t, now, other)
		if !reflect.DeepEqual(x, y) {
			rt.Fatalf("%v\n%v", x, y)
		}
	})
}

func watermarks(t testing.TB, now feed.Instant, beats []feed.Heartbeat) map[string][2]feed.Instant {
	m := newPropertyMachine(t, 0)
	m.Step(now)
	for _, hb := range beats {
		m.Step(now, &Heard{Report: feed.Report{Source: feed.Push, Heartbeats: []feed.Heartbeat{hb}}})
	}
	all := map[string][2]feed.Instant{}
	for id, b := range m.feeds["f"].rows {
		all[b.client(id.place())] = [2]feed.Instant{b.lastSeen(id.place()), b.rows[id.place()].event}
	}
	return all
}
