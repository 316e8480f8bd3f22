package rules

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// What covers finds is so for every client.
func TestCoversIsNeverWrong(t *testing.T) {
	values := rapid.SampledFrom([]string{"", "a", "ab", "abc", "b", "b-1"})
	label := rapid.SampledFrom([]string{"client", "tier", "cluster"})
	matcher := rapid.Custom(func(t *rapid.T) string {
		op := rapid.SampledFrom([]string{"=", "!=", "=~", "!~"}).Draw(t, "op")
		value := values.Draw(t, "value")
		if strings.HasSuffix(op, "~") {
			value = rapid.SampledFrom([]string{"a.*", "ab.*", ".*", ".+", "a|b", "ab|abc", "[ab]", ""}).Draw(t, "regex")
		}
		return fmt.Sprintf("%s%s%q", label.Draw(t, "label"), op, value)
	})
	rule := rapid.Custom(func(t *rapid.T) *Rule {
		r := &Rule{}
		for _, text := range rapid.SliceOfN(matcher, 0, 3).Draw(t, "match") {
			all, err := ParseMatchers(text)
			if err != nil {
				t.Fatal(err)
			}
			r.match = append(r.match, all...)
		}
		r.labels = labelBits(r.match)
		return r
	})
	covered, found := 0, 0
	rapid.Check(t, func(rt *rapid.T) {
		a, b := rule.Draw(rt, "above"), rule.Draw(rt, "below")
		// What is found without looking at each is what looking at each finds.
		list, above := []*Rule{rule.Draw(rt, "first"), a}, newRulesAbove()
		for _, r := range list {
			above.add(r)
		}
		covering := above.covering(b)
		if covered := list[0].covers(b) || a.covers(b); covered != (covering != nil) || covered && !covering.covers(b) {
			rt.Fatalf("%v and %v above %v: covering is %v", list[0].match, a.match, b.match, covering)
		}
		if covering != nil {
			found++
		}
		if !a.covers(b) {
			return
		}
		covered++
		pairs := map[string]string{}
		for _, name := range []string{"tier", "cluster"} {
			if v := values.Draw(rt, name); v != "" {
				pairs[name] = v
			}
		}
		client, labels := "c"+values.Draw(rt, "client"), mustLabels(t, pairs)
		if rapid.Bool().Draw(rt, "bare") && len(client) > 1 {
			client = client[1:]
		}
		if b.Matches(client, labels) && !a.Matches(client, labels) {
			rt.Fatalf("%v is said to cover %v, and %s %v is only below", a.match, b.match, client, labels)
		}
	})
	if covered == 0 || found == 0 {
		t.Error("no pair was covered")
	}
}

func TestCoveredRules(t *testing.T) {
	for _, c := range []struct {
		above, below string
		want         bool
	}{
		{`tier="x"`, `tier="x"`, true},
		{`tier="x"`, `tier="x", cluster="a"`, true},
		{`tier="x", cluster="a"`, `tier="x"`, false},
		{`tier=~"x|y"`, `tier="x"`, true},
		{`tier=~"x|y"`, `tier=~"y|x"`, true},
		{`tier=~"x|y"`, `tier=~"y|z"`, false},
		{`client=~"batch-.*"`, `client=~"batch-eu-.*"`, true},
		{`client=~"batch-eu-.*"`, `client=~"batch-.*"`, false},
		{`client=~"batch-.*"`, `client="batch-1"`, true},
		{`client=~"[a-z]+"`, `client=~"[a-z]+"`, true},
		{`client=~"[a-z]+"`, `client="acme"`, true},
		{`tier!="x"`, `tier="y"`, true},
		{`tier!="x"`, `tier!="y"`, false},
		{`tier="x"`, `cluster="x"`, false},
	} {
		file := feedWith(fmt.Sprintf("rules:\n  - {name: above, match: ['%s'], stale_after: 1m}\n  - {name: below, match: ['%s'], stale_after: 1m}\n  - {name: rest, stale_after: 1m}", c.above, c.below))
		_, err := Parse([]File{{"a.yaml", []byte(file)}})
		if got := err != nil && strings.Contains(err.Error(), `"below" governs no client: "above" above it takes them all`); got != c.want {
			t.Errorf("%s above %s: unreachable is %v, want %v (%v)", c.above, c.below, got, c.want, err)
		}
	}
}

// Slack, e-mail and the console are read when somebody is awake; everything else
// may wake.
func TestWhoWakes(t *testing.T) {
	for kind, want := range map[string]bool{"slack": false, "email": false, "console": false, "pagerduty": true, "alertmanager": true, "webhook": true} {
		file := "feeds:\n  - {name: a, escalation: e, rules: [{name: r, stale_after: 1m}]}\nescalations:\n  - name: e\n    steps: [{notify: [" + kind + "/x]}]\n"
		set, err := Parse([]File{{"a.yaml", []byte(file)}})
		if err != nil {
			t.Fatal(err)
		}
		warned := slices.ContainsFunc(set.Warnings().All, func(f Finding) bool { return f.Check == noPagingNotifier })
		if warned == want {
			t.Errorf("%s: warned %v", kind, warned)
		}
	}
}

// Looking for overlaps is bounded, whatever the size of the roster.
func TestOverlapWorkIsBounded(t *testing.T) {
	r := &reader{found: &Findings{}}
	work := 10
	set := mustParse(t, feedWith("roster: [a, b, c, d, e, f]\nrules:\n  - {name: x, match: ['client=\"f\"'], stale_after: 1m}\n  - {name: y, match: ['client=\"g\"'], stale_after: 1m}\n  - {name: rest, stale_after: 1m}"))
	d := &feedDraft{feed: set.Feeds()[0]}
	for _, rule := range set.Feeds()[0].ClientRules() {
		d.rules = append(d.rules, ruleDraft{rule: rule})
	}
	if r.warnOverlap(d, &work); work != 1 || len(r.found.All) > 0 {
		t.Errorf("work is %d, and there are findings from a part of the roster: %v", work, r.found.All)
	}
}

// In a set with errors some warnings are not looked for: what allows them is right.
func TestAllowInASetWithErrors(t *testing.T) {
	file := "# feedwatch: allow no-paging-notifier\nfeeds: [\n# feedwatch: allow overlap it is meant\n"
	_, err := Parse([]File{{"a.yaml", []byte(file)}})
	if err == nil || strings.Contains(err.Error(), "allow-of-nothing") || !strings.Contains(err.Error(), "[allow-without-reason]") {
		t.Errorf("it says %v", err)
	}
}
