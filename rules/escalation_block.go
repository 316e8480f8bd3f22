package rules

import (
	"fmt"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"
)

// escalationDraft is a ladder as it was read, with the places of what can only
// be checked against the feeds that use it.
type escalationDraft struct {
	escalation *Escalation
	at         spot // its name
	leads      []leadDraft
	broken     bool // somebody is to be told who could not be read
}

// leadDraft is one before_loss.
type leadDraft struct {
	lead Lead
	at   spot
}

func (r *reader) readEscalation(n *yaml.Node) {
	m, ok := r.mapping(n, escalationObject)
	if !ok {
		r.unread.escalations = true
		return
	}
	d := &escalationDraft{escalation: &Escalation{pos: r.src.pos(m.node)}, at: r.at(m.node)}
	if name, ok := r.name(m.get("name"), "name"); ok {
		d.escalation.name, d.at = name, r.at(m.get("name"))
	} else if r.unread.escalations = true; !m.has("name") {
		r.fail(m.node, missingKey, "an escalation has no name", "write name: on-call")
	}
	r.escalations = append(r.escalations, d)
	before := len(r.found.All)
	defer func() { d.broken = len(r.found.All) > before }()
	items := r.list(m.get("steps"), "steps", "- notify: [slack/alerts]")
	if len(items) > StepsMax {
		r.fail(m.key("steps"), tooMuch, fmt.Sprintf("an escalation has more than %d steps", StepsMax), "remove some")
		return
	}
	first, broken := true, false
	for _, item := range items {
		step, kind := r.readStep(d, item, first)
		broken = broken || kind == stepBroken
		if kind == stepAfter {
			first = false
		}
		d.escalation.steps = append(d.escalation.steps, step)
	}
	if first && !broken && (!m.has("steps") || m.get("steps") != nil && m.get("steps").Kind == yaml.SequenceNode) {
		r.found.add(d.at, tellsNobody, fmt.Sprintf("escalation %q tells nobody when an incident opens", d.escalation.name),
			"write steps: and first - notify: [slack/alerts]")
	}
}

// stepKind is which of the two kinds a step is.
type stepKind uint8

const (
	stepBroken stepKind = iota
	stepAfter
	stepBeforeLoss
)

// readStep reads one rung. The first without before_loss may leave out after.
func (r *reader) readStep(d *escalationDraft, n *yaml.Node, first bool) (Step, stepKind) {
	m, ok := r.mapping(n, stepObject)
	if !ok {
		return Step{}, stepBroken
	}
	step, kind := Step{Notify: r.readNotify(m)}, stepAfter
	switch {
	case m.has("before_loss"):
		kind = stepBeforeLoss
		if m.has("after") {
			r.fail(m.key("before_loss"), conflictingKeys, "a step has either after or before_loss, this one has both", "make two steps")
		}
		if m.has("repeat") {
			r.fail(m.key("repeat"), conflictingKeys, "a before_loss step cannot repeat", "write a second before_loss step, nearer to the loss")
		}
		step.BeforeLoss = r.readLead(d, m.get("before_loss"))
	case m.has("after"):
		if text, ok := r.text(m.get("after"), "after", NameBytesMax); ok {
			after, err := ParseDuration(text)
			if err != nil {
				r.failErr(m.get("after"), wrongDuration, err)
			}
			step.After = after
		}
	case !first:
		r.fail(m.node, missingKey, "a step does not say when it is taken", "write after: 5m (since opening) or before_loss: 48h")
	}
	if n := m.get("repeat"); n != nil {
		step.Repeat = r.readRepeat(n)
	}
	return step, kind
}

// readRepeat reads how often a step is taken again: each time is a page.
func (r *reader) readRepeat(n *yaml.Node) time.Duration {
	every, ok := r.duration(n, "repeat")
	if ok && every < RepeatMin {
		r.fail(n, wrongDuration, fmt.Sprintf("repeat is %s, and each time pages people", FormatDuration(every)), fmt.Sprintf("write at least %s, for example 1h", FormatDuration(RepeatMin)))
	}
	return every
}

func (r *reader) readLead(d *escalationDraft, n *yaml.Node) Lead {
	text, ok := r.text(n, "before_loss", NameBytesMax)
	if !ok {
		return Lead{}
	}
	lead, err := parseLead(text)
	if err != nil {
		r.failErr(n, wrongDuration, err)
		return Lead{}
	}
	d.leads = append(d.leads, leadDraft{lead, r.at(n)})
	return lead
}

func (r *reader) readNotify(m mapping) []Target {
	if !m.has("notify") {
		r.fail(m.node, tellsNobody, "a step notifies nobody", "write notify: [slack/alerts]")
		return nil
	}
	n := m.get("notify")
	items := r.list(n, "notify", notifyHint(n))
	if len(items) == 0 && n != nil && n.Kind == yaml.SequenceNode {
		r.fail(n, tellsNobody, "a step notifies nobody", "write notify: [slack/alerts]")
	}
	var targets []Target
	seen := map[Target]bool{}
	for _, item := range items {
		if meant, ok := pairTarget(item); ok {
			r.fail(item, wrongType, "a notifier is a mapping (key: value), and must be text", "write "+meant.String())
			continue
		}
		text, ok := r.name(item, "a notifier")
		if !ok {
			continue
		}
		target, err := ParseTarget(text)
		switch {
		case err != nil:
			r.failErr(item, wrongName, err)
		case seen[target]:
			r.fail(item, duplicateName, fmt.Sprintf("the step names %s twice", target), "keep one of them")
		default:
			seen[target] = true
			targets = append(targets, target)
			r.mentions = append(r.mentions, mention{target: target, at: r.at(item)})
		}
	}
	return targets
}

// notifyHint says how notify, which is no list, is written.
func notifyHint(n *yaml.Node) string {
	if n != nil && n.Kind == yaml.ScalarNode {
		if target, err := ParseTarget(n.Value); err == nil {
			return fmt.Sprintf("notify: [%s]", target)
		}
	}
	return "notify: [slack/alerts, pagerduty/on-call]"
}

// pairTarget is the notifier that a person meant who wrote {slack: alerts}.
func pairTarget(n *yaml.Node) (Target, bool) {
	if n.Kind != yaml.MappingNode || len(n.Content) != 2 || n.Content[1].Kind != yaml.ScalarNode {
		return Target{}, false
	}
	target, err := ParseTarget(n.Content[0].Value + "/" + strings.TrimPrefix(n.Content[1].Value, "#"))
	return target, err == nil
}
