package rules

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"
)

const defaultLadders = "escalations:\n  - {name: on-call, steps: [{notify: [slack/alerts]}]}\n  - {name: other, steps: [{notify: [slack/others]}]}\n"

// policy is what a rule goes by, and what of it stands elsewhere.
func policy(r *Rule) string {
	parts := []string{
		FormatDuration(r.StaleAfter()), FormatDuration(r.WarnAfter()), FormatDuration(r.LagOver()),
		FormatDuration(r.ResolveAfter()), FormatDuration(r.ForgetAfter()), r.Severity().String(), r.Escalation().Name(),
	}
	for _, d := range r.Defaulted() {
		whose := "set"
		if d.Feed {
			whose = "feed"
		}
		parts = append(parts, whose+" "+d.String()+" "+d.Pos.String())
	}
	return strings.Join(parts, "|")
}

func TestDefaultsOfTheSetAndOfAFeed(t *testing.T) {
	set := mustParse(t, defaultLadders+`feeds:
  - name: plain
    rules:
      - {name: whole, per: feed, stale_after: 5m}
      - {name: nightly, match: ['client="n"'], expect: {cron: "0 6 * * *", grace: 1h}}
      - {name: own, match: ['client="o"'], stale_after: 1h, warn_after: 1m, lag_over: 2m, resolve_after: 3m, forget_after: 4h, severity: info}
      - {name: everyone}
  - name: with-own
    retention: 2d
    escalation: other
    defaults: {stale_after: 20m, severity: critical}
    rules:
      - {name: soon, match: ['client="s"'], stale_after: 2m}
      - {name: everyone}
`, `defaults:
  stale_after: 30m
  warn_after: 10m
  lag_over: 1h
  resolve_after: 7m
  forget_after: 12h
  severity: warning
  retention: 7d
  escalation: on-call
`)
	plain, own := mustFeed(t, set, "plain"), mustFeed(t, set, "with-own")
	if plain.Retention() != 7*24*time.Hour || own.Retention() != 2*24*time.Hour {
		t.Errorf("retentions are %s and %s", plain.Retention(), own.Retention())
	}
	if d := plain.Defaulted(); len(d) != 2 || d[0].String() != "retention 7d" || d[1].String() != "escalation on-call" || d[1].Pos != (Pos{"1.yaml", 9, 15}) {
		t.Errorf("the feed takes %v", d)
	}
	if d := own.Defaulted(); len(d) != 0 {
		t.Errorf("a feed that says all takes %v", d)
	}
	const lag, resolve, severity = "|set lag_over 1h 1.yaml:4:13", "|set resolve_after 7m 1.yaml:5:18", "|set severity warning 1.yaml:7:13"
	for _, c := range []struct {
		rule *Rule
		want string
	}{
		// A default of warn_after does not fit it, one of forget_after is for clients.
		{plain.GroupRules()[0], "5m|0s|1h|7m|0s|warning|on-call" + lag + resolve + severity},
		// With a schedule neither, and it is stale after a day at most.
		{plain.ClientRules()[0], "1h|0s|1d1h|7m|0s|warning|on-call" + resolve + severity},
		{plain.ClientRules()[1], "1h|1m|2m|3m|4h|info|on-call"},
		{plain.ClientRules()[2], "30m|10m|1h|7m|12h|warning|on-call|set stale_after 30m 1.yaml:2:16" + lag + resolve +
			"|set warn_after 10m 1.yaml:3:15|set forget_after 12h 1.yaml:6:17" + severity},
		{own.ClientRules()[0], "2m|0s|1h|7m|12h|critical|other" + lag + resolve + "|set forget_after 12h 1.yaml:6:17|feed severity critical 0.yaml:14:44"},
		{own.ClientRules()[1], "20m|10m|1h|7m|12h|critical|other|feed stale_after 20m 0.yaml:14:29" + lag + resolve +
			"|set warn_after 10m 1.yaml:3:15|set forget_after 12h 1.yaml:6:17|feed severity critical 0.yaml:14:44"},
	} {
		// The order in which values are looked up is not what matters.
		got, want := strings.Split(policy(c.rule), "|"), strings.Split(c.want, "|")
		if !sameWords(got, want) {
			t.Errorf("%s:\n got %v\nwant %v", c.rule.Name(), got, want)
		}
	}
	if implied := own.GroupRules()[0]; implied.Severity() != Critical || implied.StaleAfter() != 20*time.Minute {
		t.Errorf("the implied rule is %s", policy(implied))
	}
}

// What is nearest to a rule holds: its own hours, its feed's under either key, the set's.
func TestDefaultActiveHours(t *testing.T) {
	set := mustParse(t, defaultLadders+`feeds:
  - name: plain
    escalation: on-call
    rules:
      - {name: whole, per: feed, stale_after: 5m, active: {hours: "00:00-24:00", timezone: UTC}}
      - {name: everyone, stale_after: 5m}
  - name: keyed
    escalation: on-call
    active: {days: sat, timezone: UTC}
    defaults: {stale_after: 20m}
    rules:
      - {name: own, match: ['client="o"'], active: {days: mon, timezone: UTC}}
      - {name: everyone}
  - name: listed
    escalation: on-call
    defaults: {stale_after: 20m, active: {days: sun, timezone: UTC}}
    rules:
      - {name: everyone}
`, "defaults: {active: {days: mon-fri, hours: '08:00-18:00', timezone: Europe/Oslo}}")
	for _, c := range []struct{ feed, rule, hours, from string }{
		{"plain", "whole", "always", ""},
		{"plain", "everyone", "mon-fri 08:00-18:00 Europe/Oslo", "set active mon-fri 08:00-18:00 Europe/Oslo 1.yaml:1:12"},
		{"keyed", "own", "mon 00:00-24:00 UTC", ""},
		{"keyed", "everyone", "sat 00:00-24:00 UTC", "feed active sat 00:00-24:00 UTC 0.yaml:12:5"},
		{"listed", "everyone", "sun 00:00-24:00 UTC", "feed active sun 00:00-24:00 UTC 0.yaml:19:34"},
	} {
		f := mustFeed(t, set, c.feed)
		for _, r := range slices.Concat(f.GroupRules(), f.ClientRules()) {
			if r.Name() != c.rule {
				continue
			}
			if got := policy(r); r.Active().String() != c.hours || c.from != "" != strings.Contains(got, " active ") || !strings.Contains(got, c.from) {
				t.Errorf("%s of %s counts %s: %s", c.rule, c.feed, r.Active(), got)
			}
		}
	}
}

func sameWords(a, b []string) bool {
	seen := map[string]int{}
	for _, w := range a {
		seen[w]++
	}
	for _, w := range b {
		seen[w]--
	}
	for _, n := range seen {
		if n != 0 {
			return false
		}
	}
	return true
}

func TestDefaultsInTwoFiles(t *testing.T) {
	_, err := Parse([]File{
		{"a.yaml", []byte("defaults: {stale_after: 1h}\n" + feedWith("rules: [{name: everyone}]"))},
		{"b.yaml", []byte("# others\ndefaults:\n  stale_after: 2h\n")},
	})
	var found *Findings
	if !errors.As(err, &found) {
		t.Fatalf("error %v", err)
	}
	last := found.All[len(found.All)-1]
	if len(found.All)-found.Warnings() != 1 || last.Check != duplicateKey || last.Pos != (Pos{"b.yaml", 2, 1}) || !strings.Contains(last.Message, "a.yaml:1:1") {
		t.Errorf("found %v", err)
	}
}

var wrongDefaults = []wrongFile{
	{"defaults that contradict themselves", "defaults: {stale_after: 1h, warn_after: 2h, forget_after: 30m}\n" + feedWith(everyone), []string{
		`1:41: warn_after is 2h, and a series is stale after 1h already -> write a shorter time, or leave it out`,
		`1:59: forget_after is 30m: a series would be forgotten before it is stale (1h) -> write a longer time, for example 30d`,
	}},
	{"a default escalation that is not there", "defaults: {escalation: oncall}\n" + feedWith(everyone), []string{
		`1:24: no escalation is called "oncall" -> did you mean "on-call"?`,
	}},
	{"a feed's own keys among its defaults", feedWith("defaults: {retention: 7d}\n" + everyone), []string{
		`6:16: unknown key "retention" -> retention belongs in a feed, under feeds:`,
	}},
	{"no stale_after anywhere", feedWith("defaults: {severity: info}\nrules: [{name: everyone}]"), []string{
		`7:20: rule "everyone" does not say when it is stale -> write stale_after: 30m, or expect: {cron: "0 6 * * *", timezone: Europe/Oslo, grace: 45m}`,
	}},
	{"active hours of a feed in two places", feedWith("active: {days: mon-fri, timezone: UTC}\ndefaults: {active: {days: sat, timezone: UTC}}\n" + everyone), []string{
		`6:5: active stands in the feed, and in its defaults too -> keep one of them`,
	}},
	{"wrong active hours among the defaults", "defaults: {active: {days: mon-fri}}\n" + feedWith("defaults: {active: {hours: 8-18, timezone: UTC}}\n"+everyone), []string{
		`1:20: active has no timezone -> write timezone: Europe/Oslo, whose clock the hours are of`,
		`7:32: "8-18" are no hours -> write "08:00-18:00"`,
	}},
	{"defaults of a wrong kind", "defaults: [1h]\n" + feedWith("defaults: {stale_after: 5}\nrules: [{name: everyone, stale_after: 1m}]"), []string{
		`1:11: defaults is a list -> write keys and values here: stale_after, warn_after, lag_over, resolve_after, forget_after and 4 more`,
		`7:29: "5" has no unit -> write 5s, 5m, 5h or 5d`,
	}},
}
