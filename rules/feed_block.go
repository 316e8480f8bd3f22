package rules

import (
	"fmt"
	"net/url"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/feedwatch/feedwatch/watchdog/feed"
)

// feedDraft is a feed as it was read, before its references are looked up.
type feedDraft struct {
	feed        *Feed
	at          spot // its name
	escalation  reference
	renamedFrom reference
	dependsOn   []reference
	rules       []ruleDraft

	retentionUnread bool // it stands there, and could not be read
	rulesUnread     bool // of some rule it is not known what it governs
	rosterUnread    bool // some clients of it, perhaps
}

// reference is a name that must be found elsewhere; zero when nothing was said.
type reference struct {
	name string
	at   spot
}

func (r *reader) readFeed(n *yaml.Node) {
	m, ok := r.mapping(n, feedObject)
	if !ok {
		r.unread.feeds = true
		return
	}
	d := &feedDraft{feed: &Feed{}, at: r.at(m.node)}
	f := d.feed
	var named bool
	if f.name, named = r.feedName(m, "a feed"); m.get("name") != nil {
		d.at = r.at(m.get("name"))
	}
	r.unread.feeds = r.unread.feeds || !named
	f.description, _ = r.text(m.get("description"), "description", TextBytesMax)
	f.owner, _ = r.text(m.get("owner"), "owner", TextBytesMax)
	f.runbook = r.runbook(m.get("runbook"))
	if n := m.get("retention"); n != nil {
		f.retention, _ = r.duration(n, "retention")
	} else if !m.has("retention") {
		f.retention = r.defaults.time("retention", &f.defaulted)
	}
	d.retentionUnread = f.retention == 0 && (m.has("retention") || r.defaults.perhaps("retention"))
	if n := m.get("unmatched"); n != nil {
		if n.Value != "ignore" || n.Kind != yaml.ScalarNode {
			r.fail(n, wrongValue, fmt.Sprintf("unmatched is %s", kindOf(n)), "write unmatched: ignore, or leave the key out")
		}
		f.ignoreUnmatched = true
	}
	d.escalation = r.reference(m, "escalation")
	if !m.has("escalation") {
		d.escalation = r.defaults.ladder(&f.defaulted)
	}
	if !m.has("escalation") && d.escalation.name == "" && !r.defaults.perhaps("escalation") {
		r.found.add(d.at, noEscalation, fmt.Sprintf("feed %q has no escalation: nobody would be told", f.name),
			"write escalation: and the name of one under escalations:")
	}
	if n := m.get("renamed_from"); n != nil {
		if old, ok := r.feedNameAt(n, "renamed_from"); ok {
			d.renamedFrom = reference{old, r.at(n)}
		}
	}
	r.readDependsOn(d, m.get("depends_on"))
	if named {
		d.rosterUnread = !r.readRoster(f, m.get("roster")) || m.has("roster") && m.get("roster") == nil
	}
	r.readIgnores(f, m.get("ignore"))
	r.readRules(d, m)
	r.feeds = append(r.feeds, d)
}

// runbook reads a link; it is shown as one, so it must be one.
func (r *reader) runbook(n *yaml.Node) string {
	s, ok := r.text(n, "runbook", TextBytesMax)
	if !ok {
		return ""
	}
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		r.fail(n, wrongValue, fmt.Sprintf("runbook %q is not a link", shortened(s)), "write one that begins with https://")
		return ""
	}
	return s
}

func (r *reader) reference(m mapping, key string) reference {
	n := m.get(key)
	if n != nil && n.Kind != yaml.ScalarNode {
		r.fail(n, wrongType, fmt.Sprintf("%s is %s, and must be a name", key, kindOf(n)), "write its steps under escalations:, with a name, and that name here")
		return reference{}
	}
	name, ok := r.name(n, key)
	if !ok {
		return reference{}
	}
	return reference{name, r.at(n)}
}

func (r *reader) readRules(d *feedDraft, m mapping) {
	own := r.readFeedDefaults(m)
	items := r.list(m.get("rules"), "rules", "- {name: everyone, stale_after: 30m}")
	if !m.has("rules") && r.unread.rules {
		return
	}
	if len(items) == 0 && (!m.has("rules") || m.get("rules") != nil && m.get("rules").Kind == yaml.SequenceNode) {
		r.found.add(d.at, noRules, fmt.Sprintf("feed %q has no rules", d.feed.name),
			"write rules: and under it - {name: everyone, stale_after: 30m}")
		return
	}
	names := map[string]bool{}
	for _, n := range items {
		if r.rules++; r.rules > RulesMax {
			if r.rules == RulesMax+1 {
				r.fail(n, tooMuch, fmt.Sprintf("more than %d rules in all files", RulesMax),
					"let one rule govern more clients by its match")
			}
			return
		}
		rule, ok := r.readRule(n, own)
		if d.rulesUnread = d.rulesUnread || !ok || rule.strange; !ok {
			continue
		}
		if names[rule.rule.name] && rule.rule.name != "" {
			r.found.add(rule.at, duplicateName, fmt.Sprintf("feed %q has two rules called %q", d.feed.name, rule.rule.name), "rename one of them")
		}
		names[rule.rule.name] = true
		d.rules = append(d.rules, rule)
	}
}

// readClients reads a list of clients, by name or with labels.
func (r *reader) readClients(f *Feed, n *yaml.Node, what string) {
	seen := map[string]bool{}
	for _, item := range r.list(n, what, "[acme, {client: globex, labels: {tier: enterprise}}]") {
		client, at, labels, ok := r.readExpected(item)
		if !ok {
			continue
		}
		key, err := feed.ParseKey(f.name, client)
		if err != nil {
			r.fail(at, wrongName, plain(err).Error(), "write the name as the client's heartbeats do")
			continue
		}
		if seen[client] {
			r.fail(at, duplicateName, fmt.Sprintf("client %q stands in the roster twice", shortened(client)), "keep one of them")
			continue
		}
		seen[client] = true
		f.roster = append(f.roster, Expected{Key: key, Labels: labels})
	}
}

func (r *reader) readExpected(n *yaml.Node) (client string, at *yaml.Node, labels feed.Labels, ok bool) {
	if n.Kind == yaml.ScalarNode {
		client, ok = r.text(n, "a client of the roster", feed.ClientNameBytesMax)
		return client, n, feed.Labels{}, ok
	}
	m, ok := r.mapping(n, clientObject)
	if !ok {
		return "", n, feed.Labels{}, false
	}
	if !m.has("client") && m.strange {
		return "", n, feed.Labels{}, false
	}
	if !m.has("client") {
		r.fail(m.node, missingKey, "a client of the roster has no name", "write client: acme")
		return "", n, feed.Labels{}, false
	}
	at = m.get("client")
	client, ok = r.text(at, "client", feed.ClientNameBytesMax)
	if l := m.get("labels"); l != nil {
		labels = r.readLabels(l)
	}
	return client, at, labels, ok
}

func (r *reader) readLabels(n *yaml.Node) feed.Labels {
	if n.Kind != yaml.MappingNode {
		r.fail(n, wrongType, fmt.Sprintf("labels is %s", kindOf(n)), "write labels: {tier: enterprise}")
		return feed.Labels{}
	}
	if !r.visit(n, len(n.Content)) {
		return feed.Labels{}
	}
	pairs := map[string]string{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], follow(n.Content[i+1])
		if key.Kind != yaml.ScalarNode || key.Tag == mergeTag {
			r.fail(key, wrongType, "a label's name must be plain text", "write labels: {tier: enterprise}")
			continue
		}
		if _, twice := pairs[key.Value]; twice {
			r.fail(key, duplicateKey, fmt.Sprintf("label %q stands here twice", shortened(key.Value)), "keep one of them")
			continue
		}
		if text, ok := r.text(value, "label "+shortened(key.Value), feed.LabelValueBytesMax); ok {
			pairs[key.Value] = text
		}
	}
	labels, err := feed.ParseLabels(pairs)
	if err != nil {
		if err = plain(err); !strings.Contains(err.Error(), "; ") {
			err = fmt.Errorf("%w; write for example labels: {tier: enterprise}", err)
		}
		r.failErr(n, wrongName, err)
	}
	return labels
}
