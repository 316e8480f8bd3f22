package rules

import (
	"fmt"
	"strings"
	"testing"
)

const changeBefore = `feeds:
  - name: profiles
    owner: cdp-team
    escalation: on-call
    rules:
      - {name: whole, per: feed, stale_after: 5m}
      - name: everyone  # the rest
        match: ['tier="pro"', 'cluster="fsn1"']
        stale_after: 30m
        expect: {cron: "0 6 * * 1-5", timezone: UTC, grace: 45m}
  - name: gone
    rules: [{name: all, stale_after: 1h}]
escalations:
  - name: on-call
    steps:
      - notify: [slack/a]
      - {after: 5m, notify: [pagerduty/b]}
`

func TestChanges(t *testing.T) {
	cases := []struct {
		name   string
		change []string // old, new, ...
		want   []string
	}{
		{"nothing", nil, nil},
		{"a comment, and quotes", []string{"# the rest", "# everybody", "cdp-team", `"cdp-team"`}, nil},
		{"a value", []string{"stale_after: 30m", "stale_after: 45m"}, []string{"feed profiles, rule everyone, stale_after: 45m, was 30m"}},
		{"a schedule", []string{"grace: 45m", "grace: 50m"}, []string{"feed profiles, rule everyone, grace: 50m, was 45m"}},
		{"a list", []string{`, 'cluster="fsn1"'`, ""}, []string{`feed profiles, rule everyone, match: [tier="pro"], was [tier="pro", cluster="fsn1"]`}},
		{"set", []string{"owner: cdp-team", "owner: cdp-team\n    retention: 7d"}, []string{"feed profiles, retention: 7d, was not set"}},
		{"defaults of all", []string{"escalations:", "defaults: {stale_after: 1h}\nescalations:"}, []string{"defaults, stale_after: 1h, was not set"}},
		{"defaults of a feed", []string{"owner: cdp-team", "owner: cdp-team\n    defaults: {severity: info}"}, []string{"feed profiles, defaults, severity: info, was not set"}},
		{"not set", []string{"    owner: cdp-team\n", ""}, []string{"feed profiles, owner: not set, was cdp-team"}},
		{"a step", []string{"{after: 5m", "{after: 10m"}, []string{"escalation on-call, step 2, after: 10m, was 5m"}},
		{"a step more", []string{"[pagerduty/b]}", "[pagerduty/b]}\n      - {after: 9m, notify: [slack/c]}"}, []string{"escalation on-call, step 3: added"}},
		{"renamed", []string{"name: gone", "name: new"}, []string{"feed gone: removed", "feed new: added"}},
		{"min_updates", []string{"stale_after: 30m", "stale_after: 30m\n        min_updates: {count: 10, per: 1h}"}, []string{"feed profiles, rule everyone, min_updates, count: 10, was not set", "feed profiles, rule everyone, min_updates, per: 1h, was not set"}},
		{"a rule", []string{"{name: whole, per: feed, stale_after: 5m}", "{name: group, per: feed, stale_after: 5m}"}, []string{"feed profiles, rule group: added", "feed profiles, rule whole: removed"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			after := strings.NewReplacer(c.change...).Replace(changeBefore)
			got, more := Changes([]File{{"a.yaml", []byte(changeBefore)}}, []File{{"b.yaml", []byte(after)}})
			var lines []string
			for _, change := range got {
				lines = append(lines, change.String())
			}
			if strings.Join(lines, "\n") != strings.Join(c.want, "\n") || more != 0 {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(lines, "\n"), strings.Join(c.want, "\n"))
			}
		})
	}
}

func TestChangesAreBounded(t *testing.T) {
	var b strings.Builder
	b.WriteString("feeds:\n")
	for i := range 150 {
		fmt.Fprintf(&b, "  - {name: f%03d, description: %q, rules: []}\n", i, strings.Repeat("x", 200))
	}
	got, more := Changes([]File{{"a.yaml", []byte("feeds: []")}, {"bad.yaml", []byte("[")}}, []File{{"a.yaml", []byte(b.String())}})
	if len(got) != changesMax || more != 50 {
		t.Errorf("%d changes and %d more", len(got), more)
	}
	other := strings.ReplaceAll(b.String(), "xxx", "yyy")
	got, _ = Changes([]File{{"a.yaml", []byte(b.String())}}, []File{{"a.yaml", []byte(other)}})
	if text := got[0].String(); len(text) > 200 {
		t.Errorf("a change of %d bytes: %s", len(text), text)
	}
}
