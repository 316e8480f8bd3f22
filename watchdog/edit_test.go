package watchdog

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/feedwatch/feedwatch/watchdog/feed"
)

const editedRules = `
feeds:
  - name: f
    retention: 7d
    escalation: on-call
    rules:
      - {name: whole, per: feed, stale_after: 6d}
      - {name: gold, match: ['tier="gold"'], stale_after: 10m}
      - {name: silver, match: ['tier="silver"'], stale_after: 10m}
      - {name: everyone, stale_after: 1h}
` + onCall

// edits are the lines about edits in an incident's timeline, without the set's version.
func edits(inc *Incident) (all [][]string) {
	for i := range inc.Events {
		e := &inc.Events[i]
		if e.Kind != EventRule {
			continue
		}
		lines := []string{"now " + e.Note}
		if e.Edit != nil {
			for _, c := range e.Edit.Changes {
				lines = append(lines, c.String())
			}
		}
		all = append(all, lines)
	}
	return all
}

// An edit of what an open incident is judged by is told in its timeline, once a set,
// in words, and it pages nobody.
func TestAnEditIsToldToTheIncidentThatItTouches(t *testing.T) {
	for _, c := range []struct {
		name, old, now string
		want           []string // nil: nothing is told
	}{
		{"deadline", "gold\"'], stale_after: 10m", "gold\"'], stale_after: 20m", []string{"now gold", "rule gold, stale_after: 20m, was 10m"}},
		{"a schedule", "gold\"'], stale_after: 10m", "gold\"'], expect: {cron: \"0 6 * * *\", timezone: Europe/Oslo, grace: 45m}", []string{
			"now gold", "rule gold, stale_after: not set, was 10m",
			`rule gold, expect: {cron: "0 6 * * *", timezone: Europe/Oslo, early: 1h, grace: 45m}, was not set`, "rule gold, lag_over: 1d45m, was not set",
		}},
		{"severity", "gold\"'], stale_after: 10m", "gold\"'], stale_after: 10m, severity: {default: warning, critical_from: 50%}", []string{
			"now gold", "rule gold, severity: warning, critical from 50% of the clients, was error",
		}},
		{"hours", "gold\"'], stale_after: 10m", "gold\"'], stale_after: 10m, active: {days: mon-fri, timezone: UTC, holidays: 2025-12-24}", []string{
			"now gold", "rule gold, active: mon-fri 00:00-24:00 UTC, but for 1 holiday, was always", "rule gold, holidays 2025-12-24: added",
		}},
		{"retention", "retention: 7d", "retention: 5d", []string{"now gold", "retention: 5d, was 7d"}},
		{"ladder", "after: 5m", "after: 15m", []string{"now gold", "escalation on-call, step 2: 15m: pagerduty/cdp, was 5m: pagerduty/cdp"}},
		{"another ladder", "gold\"'], stale_after: 10m", "gold\"'], stale_after: 10m, escalation: night", []string{"now gold", "escalation: night, was on-call"}},
		{"renamed", "name: gold", "name: platinum", []string{
			"now platinum", "governed by rule: platinum, was gold", "rule gold: removed", "clients of this under rule platinum: 2, was 0",
		}},
		{"removed", "      - {name: gold, match: ['tier=\"gold\"'], stale_after: 10m}\n", "", []string{
			"now everyone", "governed by rule: everyone, was gold", "stale_after: 1h, was 10m", "rule gold: removed", "clients of this under rule everyone: 2, was 0",
		}},
		{"whom it governs", "tier=\"gold\"", "client=\"g1\"", []string{
			"now gold", "clients of this under rule gold: 1, was 2", "clients of this under rule everyone: 1, was 0",
		}},
		{"another rule", "silver\"'], stale_after: 10m", "silver\"'], stale_after: 20m", nil},
		{"a comment", "feeds:", "# it is all right\nfeeds:", nil},
		{"another escalation", "\n  - name: night", "\n  - name: day", nil},
		{"a new feed", "\nescalations:", "\n  - {name: g, retention: 7d, escalation: on-call, rules: [{name: all, stale_after: 1h}]}\nescalations:", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := editedRules + "\n  - name: night\n    steps: [{notify: [slack/night]}, {after: 1h, notify: [pagerduty/night]}]\n"
			after := strings.Replace(before, c.old, c.now, 1)
			if after == before {
				t.Fatalf("%q is not in the rules", c.old)
			}
			r := newRig(t, before)
			r.beat("g", 2, "tier", "gold")
			r.keepUpWith(12*time.Minute, "silver", "other")
			inc := r.only()
			paged := len(inc.Pages)
			r.step(&UseRules{Set: parse(t, after)})
			var want [][]string
			if c.want != nil {
				want = [][]string{c.want}
			}
			inc = r.only()
			if got := edits(inc); !slices.EqualFunc(got, want, slices.Equal[[]string]) {
				t.Errorf("told %q\nwant %q", got, want)
			}
			if len(inc.Pages) != paged {
				t.Errorf("it paged: %v", pages(inc))
			}
			if r.step(&UseRules{Set: parse(t, after)}); len(edits(r.only())) != len(want) {
				t.Errorf("the same set again told %q", edits(r.only()))
			}
			checkInvariants(t, r.m)
		})
	}
}

// keepUpWith lets two clients of each tier send every minute.
func (r *rig) keepUpWith(until time.Duration, tiers ...string) {
	for r.now < noon.Add(until) {
		for _, tier := range tiers {
			r.beat(tier, 2, "tier", tier)
		}
		r.to(r.now.Sub(noon) + time.Minute)
	}
}

// An incident for clients of several rules hears of each of them; one for clients of
// another rule hears nothing.
func TestAnEditIsToldForEveryRuleOfItsClients(t *testing.T) {
	r := newRig(t, editedRules)
	r.beat("g", 1, "tier", "gold", "cluster", "a")
	r.beat("s", 1, "tier", "silver", "cluster", "a")
	r.keepUpWith(12*time.Minute, "other")
	inc := r.only()
	r.step(&UseRules{Set: parse(t, strings.ReplaceAll(editedRules, "stale_after: 10m", "stale_after: 8m"))})
	want := []string{"now " + inc.Rule, "rule gold, stale_after: 8m, was 10m", "rule silver, stale_after: 8m, was 10m"}
	if got := edits(r.only()); len(got) != 1 || !slices.Equal(got[0], want) {
		t.Errorf("told %q, want %q", got, want)
	}
}

// A restart tells nothing again, and what was edited while we were down.
func TestARestartTellsOnlyWhatWasEdited(t *testing.T) {
	r := newRig(t, editedRules)
	r.beat("g", 2, "tier", "gold")
	r.keepUpWith(12*time.Minute, "silver", "other")
	r.now = noon.Add(20 * time.Minute)
	r.restart(editedRules)
	if got := edits(r.only()); len(got) != 0 {
		t.Fatalf("after a restart: %q", got)
	}
	r.step(&UseRules{Set: parse(t, strings.Replace(editedRules, "retention: 7d", "retention: 6d", 1))})
	if got := edits(r.only()); len(got) != 1 || !slices.Contains(got[0], "retention: 6d, was 7d") {
		t.Errorf("after an edit: %q", got)
	}
}

// A renamed feed is told, and nothing else where nothing else changed: also where its
// clients have yet to find their incident again.
func TestARenamedFeedIsTold(t *testing.T) {
	for _, early := range []bool{false, true} {
		r := newRig(t, plain)
		r.beat("a", 3)
		r.to(11 * time.Minute)
		if early { // the new name is heard before the edit
			r.hear(feed.Push, underName("g", beatOf("b1", r.now)))
		}
		r.step(&UseRules{Set: parse(t, renamedRules)})
		if got := edits(r.open()[0]); len(got) != 1 || !slices.Equal(got[0], []string{"now clients", "name of the feed: g, was f"}) {
			t.Errorf("heard before %v: told %q", early, got)
		}
	}
}

// Where a set reaches one feed after another, what became of an incident meanwhile, under
// the rules of before, is none of the edit.
func TestAnEditIsToldAgainstWhatWasBeforeIt(t *testing.T) {
	m, now := New(Config{Install: "test", BindRowsMax: 1}, noon, nil), noon
	step := func(inputs ...Input) Output {
		return m.Step(now, append(inputs, &Heard{Report: feed.Report{Source: feed.Push, KnownThrough: now}})...)
	}
	finish := func(out Output) {
		for out.More {
			out = step()
		}
	}
	hear := func(client string) {
		for _, name := range []string{"f", "g", "h"} {
			finish(step(&Heard{Report: feed.Report{Source: feed.Push, Heartbeats: []feed.Heartbeat{underName(name, beatOf(client, now))}}}))
		}
	}
	finish(step(&UseRules{Set: parse(t, threeFeeds("10m"))}))
	hear("a")
	now = noon.Add(5 * time.Minute)
	hear("b")
	for now = noon.Add(10 * time.Minute); now < noon.Add(14*time.Minute); now = now.Add(time.Minute) {
		finish(step())
	}
	step(&UseRules{Set: parse(t, threeFeeds("11m"))})
	now = noon.Add(15*time.Minute + time.Second) // the next is stale by the old rules
	finish(step())
	told := 0
	for _, inc := range m.Incidents() {
		for _, lines := range edits(inc) {
			told++
			if want := []string{"now clients", "rule clients, stale_after: 11m, was 10m"}; !slices.Equal(lines, want) {
				t.Errorf("%s is told %q", inc.Feed, lines)
			}
		}
	}
	if told != 3 {
		t.Errorf("told %d times, want once for each feed", told)
	}
}
