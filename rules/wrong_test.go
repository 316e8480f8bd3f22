package rules

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// feedWith is a right file but for what is put under the feed, from line 5 on.
func feedWith(lines string) string {
	return "escalations:\n  - {name: on-call, steps: [{notify: [slack/alerts]}]}\nfeeds:\n  - name: profiles\n" +
		"    escalation: on-call\n" + indent(lines, "    ")
}

// ruleWith is a right file but for the first rule, which begins on line 7; a
// catch-all follows.
func ruleWith(lines string) string {
	return feedWith("rules:\n  - name: first\n    match: ['tier=\"x\"']\n" + indent(lines, "    ") + "\n  - {name: rest, stale_after: 1h}")
}

// ladderWith is a right file but for the steps, from line 4 on.
func ladderWith(lines string) string {
	return "escalations:\n  - name: on-call\n    steps:\n" + indent(lines, "      ") + `
feeds:
  - name: profiles
    escalation: on-call
    retention: 7d
    rules: [{name: everyone, stale_after: 30m}]
`
}

func indent(lines, by string) string {
	return by + strings.ReplaceAll(lines, "\n", "\n"+by)
}

const everyone = "rules: [{name: everyone, stale_after: 30m}]"

// wrongFile is a file with what is found in it: all of it.
type wrongFile struct {
	name, file string
	want       []string // line:col: message -> hint
}

var wrongFiles = []wrongFile{
	{"unknown top key", "feed: []", []string{
		`1:1: unknown key "feed" -> did you mean "feeds"?`,
	}},
	{"file is a list", "- feeds", []string{
		`1:1: a rule file is a list -> write feeds: on a line of its own before it, if these are feeds`,
	}},
	{"no feeds", "escalations: []", []string{
		"1:1: no feeds in the rule files: nothing would be watched -> write at least one:\n\nfeeds:\n  - name: my-feed\n    escalation: on-call\n    rules:\n      - {name: everyone, stale_after: 30m}",
	}},
	{"only a comment", "# nothing yet", []string{
		"1:1: no feeds in the rule files: nothing would be watched -> write at least one:\n\nfeeds:\n  - name: my-feed\n    escalation: on-call\n    rules:\n      - {name: everyone, stale_after: 30m}",
	}},
	{"our own name", "feeds:\n  - name: feedwatch\n    " + everyone, []string{
		`2:11: feed "feedwatch" has no escalation: nobody would be told -> write escalation: and the name of one under escalations:`,
		`2:11: feedwatch speaks of itself under this name -> choose another`,
	}},
	{"feeds is a mapping", "feeds: {name: x}", []string{
		`1:8: feeds is a mapping (key: value), and must be a list -> write - name: my-feed`,
	}},
	{"empty list item", "feeds:\n  -\n", []string{
		`2:3: an empty item in feeds -> remove it, or write - name: my-feed`,
	}},
	{"key twice", feedWith("owner: a\nowner: b\n" + everyone), []string{
		`7:5: "owner" stands here twice -> keep one of them; the other is on line 6`,
	}},
	{"key without value", feedWith("owner:\n" + everyone), []string{
		`6:5: "owner" has no value -> write one, or leave the key out`,
	}},
	{"unknown feed key", feedWith("retentoin: 7d\n" + everyone), []string{
		`6:5: unknown key "retentoin" -> did you mean "retention"?`,
	}},
	{"feed without name", "feeds:\n  - escalation: e\n    " + everyone, []string{
		`2:5: a feed has no name -> write name: my-feed`,
		`2:17: no escalation is called "e" -> write escalations: and under it - {name: e, steps: [{notify: [slack/alerts]}]}`,
	}},
	{"feed name", feedWith(everyone) + "\n  - name: no spaces\n    escalation: on-call\n    " + everyone, []string{
		`7:11: feed "no spaces": letters, digits, '.', '_' and '-' are allowed, and a letter or digit first -> write for example no-spaces`,
	}},
	{"feed twice", feedWith(everyone) + "\n  - name: profiles\n    escalation: on-call\n    " + everyone, []string{
		`7:11: feed "profiles" stands in the rule files twice -> keep one of them, or rename it`,
	}},
	{"no escalation", "feeds:\n  - name: profiles\n    " + everyone, []string{
		`2:11: feed "profiles" has no escalation: nobody would be told -> write escalation: and the name of one under escalations:`,
	}},
	{"unknown escalation", strings.Replace(feedWith(everyone), "escalation: on-call", "escalation: oncall", 1), []string{
		`5:17: no escalation is called "oncall" -> did you mean "on-call"?`,
	}},
	{"no rules", feedWith("owner: a"), []string{
		`4:11: feed "profiles" has no rules -> write rules: and under it - {name: everyone, stale_after: 30m}`,
	}},
	{"empty rules", feedWith("rules: []"), []string{
		`4:11: feed "profiles" has no rules -> write rules: and under it - {name: everyone, stale_after: 30m}`,
	}},
	{"rules without value", feedWith("rules:"), []string{
		`6:5: "rules" has no value -> write one, or leave the key out`,
	}},
	{"runbook is no link", feedWith("runbook: 'javascript:alert(1)'\n" + everyone), []string{
		`6:14: runbook "javascript:alert(1)" is not a link -> write one that begins with https://`,
	}},
	{"owner is a list", feedWith("owner: [a]\n" + everyone), []string{
		`6:12: owner is a list, and must be text -> write one value on its line`,
	}},
	{"unmatched", feedWith("unmatched: skip\n" + everyone), []string{
		`6:16: unmatched is "skip" -> write unmatched: ignore, or leave the key out`,
	}},
	{"no catch-all", feedWith("rules:\n  - {name: a, match: ['tier=\"x\"'], stale_after: 1m}"), []string{
		`7:16: feed "profiles" has no rule for the clients that no match fits: they could go silent unseen -> add a last rule without match, or write unmatched: ignore in the feed`,
	}},
	{"after the catch-all", feedWith("rules:\n  - {name: a, stale_after: 1m}\n  - {name: b, match: ['tier=\"x\"'], stale_after: 1m}"), []string{
		`8:16: rule "b" governs no client: "a" above it takes them all -> move it up, or give the rule above a match`,
	}},
	{"nothing for the whole", feedWith("unmatched: ignore\nrules:\n  - {name: a, per: cluster, stale_after: 1m}"), []string{
		`4:11: feed "profiles" has no rule for the feed as a whole -> write - {name: whole-feed, per: feed, stale_after: 5m, severity: critical}`,
	}},
	{"rule twice", ruleWith("stale_after: 5m\nseverity: info") + "\n      - {name: first, per: feed, stale_after: 1m}", []string{
		`12:16: feed "profiles" has two rules called "first" -> rename one of them`,
	}},
	{"rule without name", feedWith("rules:\n  - stale_after: 5m"), []string{
		`7:9: a rule has no name -> write name: everyone`,
	}},
	{"rule without a time", ruleWith("severity: info"), []string{
		`7:15: rule "first" does not say when it is stale -> write stale_after: 30m, or expect: {cron: "0 6 * * *", timezone: Europe/Oslo, grace: 45m}`,
	}},
	{"misspelt", ruleWith("stale_afer: 5m"), []string{
		`9:9: unknown key "stale_afer" -> did you mean "stale_after"?`,
	}},
	{"written as in Go", ruleWith("staleAfter: 5m"), []string{
		`9:9: unknown key "staleAfter" -> did you mean "stale_after"?`,
	}},
	{"no unit", ruleWith("stale_after: 300"), []string{
		`9:22: "300" has no unit -> write 300s, 300m, 300h or 300d`,
	}},
	{"unit order", ruleWith("stale_after: 30m1h"), []string{
		`9:22: "30m1h" is not a duration -> write 1h30m`,
	}},
	{"fraction", ruleWith("stale_after: 1.5h"), []string{
		`9:22: "1.5h" is not a duration -> write 1h30m`,
	}},
	{"zero", ruleWith("stale_after: 0s"), []string{
		`9:22: stale_after is 0 -> write a time longer than 0, for example 15m`,
	}},
	{"negative", ruleWith("stale_after: -5m"), []string{
		`9:22: "-5m" is not a duration -> write for example 90s, 15m, 6h, 7d or 1h30m`,
	}},
	{"too long", ruleWith("stale_after: 9999999d"), []string{
		`9:22: "9999999d" is too long -> at most 3650d is allowed`,
	}},
	{"duration is a list", ruleWith("stale_after: [5m]"), []string{
		`9:22: stale_after is a list, and must be text -> write one value on its line`,
	}},
	{"warn late", ruleWith("stale_after: 5m\nwarn_after: 5m"), []string{
		`10:21: warn_after is 5m, and the series is stale after 5m already -> write a shorter time, or leave it out`,
	}},
	{"forget early", ruleWith("stale_after: 1d\nforget_after: 1d"), []string{
		`10:23: forget_after is 1d: a series would be forgotten before it is stale (1d) -> write a longer time, for example 30d`,
	}},
	{"forget a group", ruleWith("per: cluster\nstale_after: 1h\nforget_after: 6h"), []string{
		`11:23: forget_after goes with client rules, and this rule is per: cluster -> leave it out; to end the watch of a feed write retired_feeds:`,
	}},
	{"forget between runs", ruleWith("expect: {cron: '0 6 * * 1', grace: 1h}\nforget_after: 7d"), []string{
		`10:23: forget_after is 7d: a series would be forgotten before it is stale (7d2h) -> write a longer time, for example 30d`,
	}},
	{"severity", ruleWith("stale_after: 5m\nseverity: crit"), []string{
		`10:19: unknown severity "crit" -> did you mean "critical"?`,
	}},
	{"idle_ok", ruleWith("stale_after: 5m\nidle_ok: yes"), []string{
		`10:18: idle_ok is "yes" -> write true or false`,
	}},
	{"per", ruleWith("per: my-label\nstale_after: 5m"), []string{
		`9:14: label "my-label": letters, digits and '_' are allowed, and no digit first -> write per: client, per: feed, or a label as in per: cluster`,
	}},
	{"rule's escalation", ruleWith("stale_after: 5m\nescalation: nobody"), []string{
		`10:21: no escalation is called "nobody" -> known: on-call`,
	}},
	{"match is text", feedWith("rules:\n  - {name: a, match: 'tier=\"x\"', stale_after: 1m}\n  - {name: b, stale_after: 1m}"), []string{
		`7:26: match is 'tier="x"', and must be a list -> write match: ['tier="x"']`,
	}},
	{"no operator", feedWith("rules:\n  - {name: a, match: [tier], stale_after: 1m}\n  - {name: b, stale_after: 1m}"), []string{
		`7:27: "tier" is not a matcher: end of input: expected an operator such as '=', '!=', '=~' or '!~' -> write label="value", label!="value", label=~"regex" or label!~"regex"`,
	}},
	{"wrong operator", feedWith("rules:\n  - {name: a, match: ['tier==\"x\"'], stale_after: 1m}\n  - {name: b, stale_after: 1m}"), []string{
		`7:27: 'tier=="x"' is not a matcher -> write tier="x"`,
	}},
	{"wrong regex", feedWith("rules:\n  - {name: a, match: ['tier=~\"(x\"'], stale_after: 1m}\n  - {name: b, stale_after: 1m}"), []string{
		`7:27: the regular expression "(x" is wrong: missing closing ) -> write one of RE2, the syntax of Prometheus`,
	}},
	{"regex that leaves its anchors", feedWith("rules:\n  - {name: a, match: ['tier=~\"a)|(?:b\"'], stale_after: 1m}\n  - {name: b, stale_after: 1m}"), []string{
		`7:27: the regular expression "a)|(?:b" is wrong: unexpected ) -> write one of RE2, the syntax of Prometheus`,
	}},
	{"matcher on feed", feedWith("rules:\n  - {name: a, match: ['feed=\"x\"'], stale_after: 1m}\n  - {name: b, stale_after: 1m}"), []string{
		`7:27: a rule looks only at the clients of its own feed -> leave "feed" out`,
	}},
	{"matcher on no label", feedWith("rules:\n  - {name: a, match: ['\"a b\"=\"x\"'], stale_after: 1m}\n  - {name: b, stale_after: 1m}"), []string{
		`7:27: label "a b": letters, digits and '_' are allowed, and no digit first -> match client or one of its labels`,
	}},
	{"empty matcher", feedWith("rules:\n  - {name: a, match: ['{}'], stale_after: 1m}\n  - {name: b, stale_after: 1m}"), []string{
		`7:27: "{}" holds no matcher -> write for example tier="enterprise", or leave match out`,
	}},
	{"stale_after and expect", ruleWith("stale_after: 5m\nexpect: {cron: '0 6 * * *', grace: 1h}"), []string{
		`10:9: a rule has either stale_after or expect, this one has both -> leave stale_after out: grace says how late a run may be; or make two rules`,
	}},
	{"warn_after and expect", ruleWith("warn_after: 5m\nexpect: {cron: '0 6 * * *', grace: 1h}"), []string{
		`9:21: warn_after goes with stale_after, and this rule has expect -> leave it out`,
	}},
	{"no cron, no grace", ruleWith("expect: {timezone: UTC}"), []string{
		`9:17: expect has no cron -> write cron: "0 6 * * *"`,
		`9:17: expect has no grace -> write grace: 45m: how long after its time a run may arrive`,
	}},
	{"timezone", ruleWith("expect: {cron: '0 6 * * *', timezone: Europe/Olso, grace: 1h}"), []string{
		`9:47: unknown timezone "Europe/Olso" -> did you mean "Europe/Oslo"?`,
	}},
	{"local timezone", ruleWith("expect: {cron: '0 6 * * *', timezone: Local, grace: 1h}"), []string{
		`9:47: timezone "Local" is another one on each machine -> write its name, for example Europe/Oslo`,
	}},
	{"TZ in cron", ruleWith("expect: {cron: 'TZ=UTC', grace: 1h}"), []string{
		`9:24: cron "TZ=UTC" names a timezone -> write it behind timezone:, beside cron`,
	}},
	{"CRON_TZ in cron", ruleWith("expect: {cron: 'CRON_TZ=UTC 0 6 * * *', grace: 1h}"), []string{
		`9:24: cron "CRON_TZ=UTC 0 6 * * *" names a timezone -> write it behind timezone:, beside cron`,
	}},
	{"every", ruleWith("expect: {cron: '@every 5m', grace: 1h}"), []string{
		`9:24: cron "@every 5m" has no fixed start -> write five fields as in "*/5 * * * *"; a rule says "at least every ..." with stale_after`,
	}},
	{"daily", ruleWith("expect: {cron: '@daily', grace: 1h}"), []string{
		`9:24: cron "@daily" is a nickname -> write "0 0 * * *": minute hour day-of-month month day-of-week`,
	}},
	{"six fields", ruleWith("expect: {cron: '0 0 6 * * *', grace: 1h}"), []string{
		`9:24: cron "0 0 6 * * *" has 6 fields -> leave out the seconds; write five: minute hour day-of-month month day-of-week, for example "0 6 * * *"`,
	}},
	{"Sunday is 7", ruleWith("expect: {cron: '0 6 * * 7', grace: 1h}"), []string{
		`9:24: the day of week cannot be 7 -> write 0 to 6 (Sunday is 0), or sun, mon, tue, wed, thu, fri, sat`,
	}},
	{"minute 60", ruleWith("expect: {cron: '60 6 * * *', grace: 1h}"), []string{
		`9:24: the minute cannot be 60 -> write 0 to 59, or * for each`,
	}},
	{"empty item", ruleWith("expect: {cron: '0,,5 6 * * *', grace: 1h}"), []string{
		`9:24: cron field "0,,5" has an empty item -> remove a comma`,
	}},
	{"31 February", ruleWith("expect: {cron: '0 6 31 2 *', grace: 1h}"), []string{
		`9:24: cron "0 6 31 2 *" never runs: no such date comes: February never has a day 31 -> check day and month`,
	}},
	{"30 February", ruleWith("expect: {cron: '0 6 30 2 *', grace: 1h}"), []string{
		`9:24: cron "0 6 30 2 *" never runs: no such date comes: February never has a day 30 -> check day and month`,
	}},
	{"31 of short months", ruleWith("expect: {cron: '0 6 31 4,6,FEB *', grace: 1h}"), []string{
		`9:24: cron "0 6 31 4,6,FEB *" never runs: no such date comes: February, April and June never have a day 31 -> check day and month`,
	}},
	{"too early", ruleWith("expect: {cron: '*/15 * * * *', early: 15m, grace: 1h}"), []string{
		`9:47: early is 15m, and runs come every 15m: one arrival would stand for two runs -> write 7m30s or less`,
	}},
	{"client twice", feedWith("roster: [acme, {client: acme}]\n" + everyone), []string{
		`6:29: client "acme" stands in the roster twice -> keep one of them`,
	}},
	{"client's label", feedWith("roster: [{client: acme, labels: {client: x}}]\n" + everyone), []string{
		`6:37: label "client" is the series' own name -> choose another`,
	}},
	{"client without name", feedWith("roster: [{labels: {a: x}}]\n" + everyone), []string{
		`6:14: a client of the roster has no name -> write client: acme`,
	}},
	{"client with white space", feedWith("roster: ['acme ']\n" + everyone), []string{
		`6:14: client "acme " has white space at an end -> write the name as the client's heartbeats do`,
	}},
	{"retired and watched", feedWith(everyone) + "\nretired_feeds: [{name: profiles, reason: old}]", []string{
		`7:24: feed "profiles" is retired, and is still under feeds -> remove it from one of the two`,
	}},
	{"retired without reason", feedWith(everyone) + "\nretired_feeds: [{name: other}]", []string{
		`7:17: a feed is retired without a reason -> write reason: why it is no longer watched`,
	}},
	{"renamed from a feed that is there", feedWith("renamed_from: profiles\n" + everyone), []string{
		`6:19: renamed_from is "profiles", and that feed is still under feeds -> remove it from one of the two`,
	}},
	{"renamed from a retired one", feedWith("renamed_from: old\n"+everyone) + "\nretired_feeds: [{name: old, reason: x}]", []string{
		`6:19: renamed_from is "old", and that feed is retired -> remove it from one of the two`,
	}},
	{"escalation twice", "escalations: [{name: e, steps: [{notify: [a/b]}]}, {name: e, steps: [{notify: [a/b]}]}]", []string{
		`1:59: escalation "e" stands in the rule files twice -> keep one of them, or rename it`,
	}},
	{"escalation without steps", "escalations: [{name: e}, {name: f, steps: []}, {steps: [{notify: [a/b]}]}]", []string{
		`1:22: escalation "e" tells nobody when an incident opens -> write steps: and first - notify: [slack/alerts]`,
		`1:33: escalation "f" tells nobody when an incident opens -> write steps: and first - notify: [slack/alerts]`,
		`1:48: an escalation has no name -> write name: on-call`,
	}},
	{"notifier", ladderWith("- notify: [slack]"), []string{
		`4:18: "slack" names no notifier -> write kind/name, for example slack/cdp-alerts`,
	}},
	{"notify is text", ladderWith("- notify: slack/alerts"), []string{
		`4:17: notify is "slack/alerts", and must be a list -> write notify: [slack/alerts]`,
	}},
	{"notify twice", ladderWith("- notify: [slack/alerts, slack/alerts]"), []string{
		`4:32: the step names slack/alerts twice -> keep one of them`,
	}},
	{"no notify", ladderWith("- after: 5m"), []string{
		`4:9: a step notifies nobody -> write notify: [slack/alerts]`,
	}},
	{"empty notify", ladderWith("- notify: []"), []string{
		`4:17: a step notifies nobody -> write notify: [slack/alerts]`,
	}},
	{"step without time", ladderWith("- notify: [slack/alerts]\n- notify: [slack/more]"), []string{
		`5:9: a step does not say when it is taken -> write after: 5m (since opening) or before_loss: 48h`,
	}},
	{"after and before_loss", ladderWith("- notify: [slack/alerts]\n- {after: 5m, before_loss: 1h, notify: [slack/more]}"), []string{
		`5:21: a step has either after or before_loss, this one has both -> make two steps`,
	}},
	{"repeat 0", ladderWith("- {notify: [slack/alerts], repeat: 0s}"), []string{
		`4:42: repeat is 0 -> write a time longer than 0, for example 15m`,
	}},
	{"repeat of before_loss", ladderWith("- notify: [slack/alerts]\n- {before_loss: 1h, repeat: 5m, notify: [slack/more]}"), []string{
		`5:27: a before_loss step cannot repeat -> write a second before_loss step, nearer to the loss`,
	}},
	{"only before_loss", ladderWith("- {before_loss: 1h, notify: [slack/more]}"), []string{
		`2:11: escalation "on-call" tells nobody when an incident opens -> write steps: and first - notify: [slack/alerts]`,
	}},
	{"before_loss of the retention", ladderWith("- notify: [slack/alerts]\n- {before_loss: 7d, notify: [slack/more]}"), []string{
		`5:23: before_loss is 7d, and feed "profiles" keeps its updates for 7d only -> write less than that, or a share such as 50%`,
	}},
	{"before_loss 100%", ladderWith("- notify: [slack/alerts]\n- {before_loss: 100%, notify: [slack/more]}"), []string{
		`5:23: before_loss is 100% of the retention -> write more than 0% and less than 100%`,
	}},
	{"before_loss half", ladderWith("- notify: [slack/alerts]\n- {before_loss: half, notify: [slack/more]}"), []string{
		`5:23: "half" is not a duration -> write for example 90s, 15m, 6h, 7d or 1h30m, or a share of the retention such as 50%`,
	}},
	{"before_loss without retention", strings.Replace(ladderWith("- notify: [slack/alerts]\n- {before_loss: 1h, notify: [slack/more]}"), "    retention: 7d\n", "", 1), []string{
		`8:17: escalation "on-call" has a before_loss step, and feed "profiles" does not say when loss begins -> write retention: 7d in the feed (how long its queue keeps an update), or choose an escalation without before_loss`,
	}},
	{"tab", "feeds:\n\t- name: x", []string{
		`2:1: not YAML: a tab where YAML wants spaces -> indent with spaces`,
	}},
	{"colon in text", feedWith("description: updates: external\n" + everyone), []string{
		`6:25: not YAML: a second ":" on one line -> put the text in quotes if it holds ": ", or check the indentation`,
	}},
	{"open quote", "feeds:\n  - name: \"x\n", []string{
		`2:11: not YAML: a quote that is never closed -> close it`,
	}},
	{"unknown anchor", "feeds: *all", []string{
		`1:8: not YAML: unknown anchor 'all' referenced -> an anchor (&name) must stand in the same file, before its alias (*name)`,
	}},
	{"second document", feedWith(everyone) + "\n---\nfeeds: []", []string{
		`7:1: a second YAML document begins here -> remove the ---, or write what follows into a file of its own: a rule file is one document`,
	}},
	{"not UTF-8", "feeds:\n  - name: \xff", []string{
		`2:11: a byte that is not UTF-8 -> save the file as UTF-8`,
	}},
	{"control character", "feeds:\n  - name: \x1b[31m", []string{
		`2:11: a character that does not print (U+001B) -> save the file as UTF-8 text, without it`,
	}},
	{"merge of text", "feeds:\n  - <<: x\n    name: y", []string{
		`2:5: "<<" takes a mapping -> write <<: *name, where &name stands before a mapping`,
		`3:11: feed "y" has no escalation: nobody would be told -> write escalation: and the name of one under escalations:`,
		`3:11: feed "y" has no rules -> write rules: and under it - {name: everyone, stale_after: 30m}`,
	}},
}

func allWrongFiles() []wrongFile {
	return slices.Concat(wrongFiles, wrongMaintenances, wrongDependencies, wrongDefaults, wrongRosters, wrongIgnores, wrongSeverities, wrongQuorums, wrongActives)
}

func TestWrongFiles(t *testing.T) {
	for _, c := range allWrongFiles() {
		t.Run(c.name, func(t *testing.T) {
			got := findingsOf(t, c.file)
			if !slices.Equal(got, c.want) {
				t.Errorf("found\n\t%s\nwant\n\t%s\nin\n%s", strings.Join(got, "\n\t"), strings.Join(c.want, "\n\t"), c.file)
			}
		})
	}
}

func findingsOf(t *testing.T, text string) []string {
	t.Helper()
	set, err := Parse([]File{{Name: "a.yaml", Data: []byte(text)}})
	var found *Findings
	if !errors.As(err, &found) {
		t.Fatalf("error %v is no *Findings; set %v", err, set)
	}
	var lines []string
	for _, f := range found.All {
		if f.Level == LevelWarning {
			continue
		}
		place := "-"
		if f.File != "" {
			place = fmt.Sprintf("%d:%d", f.Line, f.Col)
		}
		lines = append(lines, fmt.Sprintf("%s: %s -> %s", place, f.Message, f.Hint))
	}
	return lines
}
