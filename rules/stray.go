package rules

import (
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

// stray is a key that people write where it is not known: what they mean by it,
// and the key of the same object that is not missing then, "" for none.
type stray struct{ hint, means string }

// strayKeys are words of other tools, and keys that belong elsewhere, by object.
var strayKeys = map[*object]map[string]stray{
	fileObject: {
		"rules":          {"rules belong in a feed: indent them under one of feeds:", ""},
		"steps":          {"steps belong in an escalation: indent them under one of escalations:", ""},
		"route":          {"who is told stands under escalations:", ""},
		"receivers":      {"notifiers belong in the service's configuration; rule files name them as kind/name", ""},
		"notifiers":      {"notifiers belong in the service's configuration; rule files name them as kind/name", ""},
		"groups":         {"write feeds: with rules that say stale_after", ""},
		"silences":       {"write maintenance: for what is known in advance; silences are made on the page", ""},
		"inhibit_rules":  {"write depends_on: in the feed that another one explains", ""},
		"time_intervals": {"write maintenance:", ""},
		"retired":        {"write retired_feeds:", ""},
		"escalation":     {"write escalations: and a list under it; a feed names one with escalation:", "escalations"},
		"maintenances":   {"write maintenance:", ""},
		"alerts":         {"write feeds: with rules that say stale_after", ""},
	},
	feedObject: {
		"receiver":    {"write escalation: and the name of one under escalations:", "escalation"},
		"notify":      {"notify belongs in a step of an escalation; write escalation: and the name of one", "escalation"},
		"steps":       {"steps belong in an escalation under escalations:; write escalation: and its name", "escalation"},
		"contact":     {"write owner: for the team, escalation: for who is told", ""},
		"team":        {"write owner:", ""},
		"runbook_url": {"write runbook:", ""},
		"dashboard":   {"write it into description:, or onto the page behind runbook:", ""},
		"clients":     {"write roster: [acme, globex]", ""},
		"alerts":      {"write rules:", "rules"},
		"rule":        {"write rules: and a list under it", "rules"},
		"labels":      {"labels are the clients'; heartbeats bring them, or the roster", ""},
	},
	ruleObject: {
		"for":            {"write stale_after: how long an update may be missing", "stale_after"},
		"expr":           {"a rule has no expression: write stale_after: how long an update may be missing", "stale_after"},
		"alert":          {"write name:", "name"},
		"timeout":        {"write stale_after:", "stale_after"},
		"threshold":      {"write stale_after:", "stale_after"},
		"interval":       {"write stale_after: how long an update may be missing", "stale_after"},
		"every":          {"write stale_after: how long an update may be missing", "stale_after"},
		"max_age":        {"write stale_after:", "stale_after"},
		"labels":         {"severity is a key of the rule itself; labels of clients are matched with match:", ""},
		"annotations":    {"description and runbook stand in the feed", ""},
		"summary":        {"description belongs in the feed", ""},
		"group_by":       {"write per: and one label, for example per: cluster", "per"},
		"by":             {"write per: and one label, for example per: cluster", "per"},
		"matchers":       {`write match: ['tier="enterprise"']`, "match"},
		"match_re":       {`write match: ['client=~"batch-.*"']`, "match"},
		"selector":       {`write match: ['tier="enterprise"']`, "match"},
		"client":         {`write match: ['client="acme"']`, "match"},
		"receiver":       {"write escalation: and the name of one under escalations:", "escalation"},
		"notify":         {"notify belongs in a step of an escalation; write escalation: and the name of one, or leave it out for the feed's", "escalation"},
		"priority":       {"write severity: info, warning, error or critical", "severity"},
		"level":          {"write severity: info, warning, error or critical", "severity"},
		"cron":           {`write expect: {cron: "0 6 * * *", timezone: Europe/Oslo, grace: 45m}`, "expect"},
		"schedule":       {`write expect: {cron: "0 6 * * *", timezone: Europe/Oslo, grace: 45m}`, "expect"},
		"grace":          {"grace belongs in expect, beside cron", ""},
		"timezone":       {"timezone belongs in expect, beside cron, or in active", ""},
		"repeat":         {"repeat belongs in a step of an escalation", ""},
		"before_loss":    {"before_loss belongs in a step of an escalation", ""},
		"runbook_url":    {"runbook belongs in the feed", ""},
		"critical_from":  {"write severity: {default: error, critical_from: 50%}", "severity"},
		"business_hours": {"write " + activeExample, "active"},
		"working_hours":  {"write " + activeExample, "active"},
		"office_hours":   {"write " + activeExample, "active"},
		"active_hours":   {"write " + activeExample, "active"},
		"hours":          {"write " + activeExample, "active"},
		"days":           {"write " + activeExample, "active"},
		"group_wait":     {"leave it out: one cause is one incident", ""},
	},
	severityObject: {
		"critical": {"write critical_from: 50%", "critical_from"},
	},
	expectObject: {
		"tz":          {"write timezone:", ""},
		"tolerance":   {"write grace:", "grace"},
		"late":        {"write grace:", "grace"},
		"margin":      {"write grace:", "grace"},
		"at":          {`write cron: "0 6 * * *"`, "cron"},
		"time":        {`write cron: "0 6 * * *"`, "cron"},
		"every":       {"leave expect out, and write stale_after: in the rule", "cron"},
		"stale_after": {"write grace: how long after its time a run may arrive", "grace"},
		"duration":    {"write grace: how long after its time a run may arrive", "grace"},
	},
	escalationObject: {
		"notify":  {"write steps: and under it - notify: [slack/alerts]", "steps"},
		"after":   {"after belongs in a step: write steps: and under it {after: 5m, notify: [pagerduty/on-call]}", "steps"},
		"repeat":  {"repeat belongs in a step: write steps: and under it {notify: [slack/alerts], repeat: 1h}", "steps"},
		"rules":   {"write steps:", "steps"},
		"levels":  {"write steps:", "steps"},
		"targets": {"write steps: and under it - notify: [slack/alerts]", "steps"},
	},
	stepObject: {
		"to":              {"write notify: [slack/alerts]", "notify"},
		"target":          {"write notify: [slack/alerts]", "notify"},
		"targets":         {"write notify: [slack/alerts]", "notify"},
		"slack":           {"write notify: [slack/NAME], with the notifier's name", "notify"},
		"pagerduty":       {"write notify: [pagerduty/NAME], with the notifier's name", "notify"},
		"channel":         {"channels belong in the service's configuration; write notify: [slack/NAME], with the notifier's name", "notify"},
		"receiver":        {"write notify: [slack/alerts]", "notify"},
		"wait":            {"write after: how long after the incident opened", "after"},
		"delay":           {"write after: how long after the incident opened", "after"},
		"repeat_interval": {"write repeat:", ""},
		"every":           {"write repeat:", ""},
	},
	maintenanceObject: {
		"start":     {"write from:", "from"},
		"starts":    {"write from:", "from"},
		"starts_at": {"write from:", "from"},
		"begin":     {"write from:", "from"},
		"end":       {"write to:", "to"},
		"ends":      {"write to:", "to"},
		"ends_at":   {"write to:", "to"},
		"until":     {"write to:", "to"},
		"feed":      {`write match: ['feed="external-profiles"']`, "match"},
		"feeds":     {`write match: ['feed=~"profiles|consent"']`, "match"},
		"matchers":  {`write match: ['cluster="fsn1"']`, "match"},
		"cron":      {`write schedule: {cron: "0 2 * * 0", timezone: UTC, duration: 2h}`, "schedule"},
		"duration":  {"duration belongs in schedule, beside cron; what comes once has from: and to:", ""},
	},
}

// unknown refuses a key. The one that was probably meant is not missing too:
// one mistake is told once.
func (r *reader) unknown(m *mapping, key *yaml.Node, is *object) {
	if r.found.Cut {
		return
	}
	message := fmt.Sprintf("unknown key %q", shortened(key.Value))
	s := is.stray(key.Value)
	r.fail(key, unknownKey, message, s.hint)
	_, told := is.strayed(key.Value)
	m.strange = m.strange || !told && s.means == ""
	if s.means != "" && !m.has(s.means) {
		spelt := &yaml.Node{Kind: yaml.ScalarNode, Value: s.means, Line: key.Line, Column: key.Column}
		m.entries = append(m.entries, entry{key: spelt, meant: true})
	}
}

// stray is what is said of a key that is does not know.
func (is *object) stray(key string) stray {
	if s, ok := is.strayed(key); ok {
		return s
	}
	if meant, value, ok := is.joined(key); ok {
		return stray{fmt.Sprintf("write %s: %s", meant, value), meant}
	}
	if strings.HasPrefix(key, "x-") || strings.HasPrefix(key, ".") {
		return stray{"a rule file has no place of its own for anchors: write &name where it is used first", ""}
	}
	if meant := nearest(key, is.names); meant != "" {
		return stray{didYouMean(key, is.names, ""), meant}
	}
	return stray{"known here: " + listed(is.names, len(is.names)), ""}
}

// joined parts "name:x" and "name x", which YAML takes for one key, into the key that
// is meant and its value.
func (is *object) joined(key string) (name, value string, ok bool) {
	at := strings.IndexAny(key, ":= ：")
	if at < 0 || !slices.Contains(is.names, key[:at]) {
		return "", "", false
	}
	value = strings.TrimLeft(key[at:], ":= ：")
	return key[:at], shortened(value), value != ""
}

// strayed is what is said of a word of another tool, or of a key that belongs
// elsewhere.
func (is *object) strayed(key string) (stray, bool) {
	word := strings.ToLower(wordBreaks.Replace(key))
	if s, ok := strayKeys[is][word]; ok {
		return s, true
	}
	if slices.Contains(is.names, word) { // in capitals
		return stray{}, false
	}
	for _, other := range []*object{feedObject, ruleObject, stepObject, expectObject, escalationObject, maintenanceObject, activeObject} {
		if other == is || !slices.Contains(other.names, word) {
			continue
		}
		means := ""
		if is == feedObject && other == ruleObject {
			means = "rules"
		}
		return stray{fmt.Sprintf("%s belongs in %s%s", word, other.what, homes[other]), means}, true
	}
	return stray{}, false
}

// homes say where an object stands itself.
var homes = map[*object]string{
	feedObject:        ", under feeds:",
	ruleObject:        ", under rules:",
	stepObject:        ", under steps: of an escalation",
	expectObject:      ", within a rule",
	escalationObject:  ", under escalations:",
	maintenanceObject: ", under maintenance:",
	activeObject:      ", within a rule or a feed",
}

var wordBreaks = strings.NewReplacer("-", "_", " ", "_")
