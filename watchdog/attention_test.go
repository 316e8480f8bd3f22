package watchdog

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/feedwatch/feedwatch/rules"
	"github.com/feedwatch/feedwatch/watchdog/feed"
)

const attentionFeeds = 24

// attentionRules are of many feeds, so that a few stirred ones are looked at alone. The
// last ones wait for the first, and share a cause with it.
func attentionRules(t testing.TB, variant int) *rules.Set {
	var text strings.Builder
	text.WriteString("feeds:\n")
	for i := range attentionFeeds {
		after := 4 + (i+variant)%5
		fmt.Fprintf(&text, "  - name: f%02d\n    retention: %dm\n    escalation: on-call\n", i, 60+i)
		if i >= attentionFeeds-3 {
			text.WriteString("    depends_on: [f00]\n")
		}
		fmt.Fprintf(&text, "    rules:\n      - {name: whole, per: feed, stale_after: %dm}\n      - {name: rest, stale_after: %dm, lag_over: 2m, forget_after: 50m}\n", after+2, after)
	}
	text.WriteString("maintenance:\n  - {name: often, match: ['cluster=\"x\"'], schedule: {cron: \"*/20 * * * *\", duration: 7m}}\n")
	text.WriteString("escalations:\n  - name: on-call\n    steps:\n      - notify: [slack/alerts]\n      - {after: 5m, notify: [pagerduty/cdp]}\n      - {before_loss: 20m, notify: [pagerduty/infra]}\n")
	return parse(t, text.String())
}

// To look only at the feeds that are stirred gives what it gives to look at all.
func TestLookingAtAllFeedsChangesNothing(t *testing.T) {
	sets := [...]*rules.Set{attentionRules(t, 0), attentionRules(t, 3)}
	few := 0
	rapid.Check(t, func(rt *rapid.T) {
		machine := func() *Machine {
			return New(Config{Install: "test", Sources: []feed.Source{pull}, BindRowsMax: 1}, noon, nil)
		}
		some, all, now := machine(), machine(), noon
		step := func(inputs func(m *Machine) []Input) {
			all.stirAll()
			x, y := some.Step(now, inputs(some)...), all.Step(now, inputs(all)...)
			if !reflect.DeepEqual(x, y) {
				rt.Fatalf("at %s\nsome: %+v\nall:  %+v", now.Sub(noon), x, y)
			}
			checkAttention(rt2tb{t, rt}, some)
			if len(some.toLookAt(now)) < len(some.order) {
				few++
			}
		}
		use := func(n int) func(*Machine) []Input {
			return func(*Machine) []Input { return []Input{&UseRules{Set: sets[n]}} }
		}
		step(use(0))
		for range rapid.IntRange(1, 40).Draw(rt, "steps") {
			now = now.Add(time.Duration(rapid.IntRange(0, 120).Draw(rt, "seconds")) * time.Second)
			switch rapid.IntRange(0, 11).Draw(rt, "kind") {
			case 0:
				person := drawPerson(rt)
				step(func(m *Machine) []Input {
					if open := m.Incidents(); len(open) > 0 {
						return []Input{person(open[0])}
					}
					return nil
				})
			case 1:
				inputs := drawSilence(rt)
				step(func(*Machine) []Input { return inputs(now) })
			case 2:
				step(use(rapid.IntRange(0, 1).Draw(rt, "rules")))
			case 3:
				some.Rewind(now.Add(-time.Minute))
				all.Rewind(now.Add(-time.Minute))
				now = now.Add(-time.Minute)
				step(func(*Machine) []Input { return nil })
			case 4:
				now = now.Add(time.Duration(rapid.IntRange(1, 30).Draw(rt, "asleep")) * time.Minute)
				some.Wake(now)
				all.Wake(now)
			default:
				report := drawFeedsReport(rt, now)
				step(func(*Machine) []Input { return []Input{&Heard{Report: report}} })
			}
			if !reflect.DeepEqual(some.Feeds(), all.Feeds()) {
				rt.Fatalf("feeds differ: %+v, %+v", some.Feeds(), all.Feeds())
			}
		}
	})
	if few == 0 {
		t.Error("all feeds were looked at each time")
	}
}

// drawFeedsReport is of most feeds or of a few, by push or pull.
func drawFeedsReport(rt *rapid.T, now feed.Instant) feed.Report {
	report := feed.Report{Source: feed.Push, KnownThrough: now}
	if rapid.IntRange(0, 3).Draw(rt, "pull") == 0 {
		report.Source = pull
		report.KnownThrough = now.Add(-time.Duration(rapid.SampledFrom([]int{0, 30, 110}).Draw(rt, "behind")) * time.Second)
		report.Missed = rapid.IntRange(0, 9).Draw(rt, "missed") == 0
	}
	first, many := rapid.IntRange(0, attentionFeeds).Draw(rt, "first"), rapid.SampledFrom([]int{0, 1, 2, attentionFeeds}).Draw(rt, "many")
	for i := range many {
		for client := range rapid.IntRange(1, 3).Draw(rt, "clients") {
			key, err := feed.ParseKey(fmt.Sprintf("f%02d", (first+i)%(attentionFeeds+1)), fmt.Sprint("c", client))
			if err != nil {
				rt.Fatal(err)
			}
			labels, _ := feed.ParseLabels(map[string]string{"cluster": []string{"x", "y"}[client%2]})
			hb := feed.Heartbeat{Key: key, Labels: labels, Arrival: now, Count: 1}
			if lag := rapid.SampledFrom([]int{-1, 0, 10, 600}).Draw(rt, "lag"); lag >= 0 {
				hb.Event = now.Add(-time.Duration(lag) * time.Second)
			}
			report.Heartbeats = append(report.Heartbeats, hb)
		}
	}
	return report
}
