package replay

import (
	"fmt"
	"math"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/feedwatch/feedwatch/rules"
	"github.com/feedwatch/feedwatch/watchdog"
	"github.com/feedwatch/feedwatch/watchdog/feed"
	"github.com/feedwatch/feedwatch/watchdog/yamlfile"
)

// reader reads the parts of a scenario file.
type reader struct{ *yamlfile.Reader }

// ParseScenario reads a scenario file; name is what its mistakes are told under.
// The error, when there is one, is a *rules.Findings with every mistake.
func ParseScenario(name string, data []byte) (*Scenario, error) {
	r := &reader{yamlfile.New(name, "a scenario", data)}
	root := r.Document(data, FileBytesMax, "leave something out")
	if root == nil {
		return nil, r.Err()
	}
	s := r.scenario(root)
	if err := r.Err(); err != nil {
		return nil, err
	}
	return s, nil
}

func (r *reader) scenario(root *yaml.Node) *Scenario {
	s := &Scenario{}
	top, ok := r.Mapping(root, "a scenario", []string{"rules", "from", "until", "generator"}, []string{"title", "outages", "acknowledge"})
	if !ok {
		return s
	}
	s.Title = r.Text(top.Get("title"), "title")
	s.Rules = r.Text(top.Get("rules"), "rules")
	s.From, s.Until = r.Instant(top.Get("from"), "from"), r.Instant(top.Get("until"), "until")
	if n := top.Get("until"); n != nil && s.From != 0 && s.Until != 0 {
		switch {
		case s.Until <= s.From:
			r.Fail(n, "until is not after from", "write a later time")
		case s.Until.Sub(s.From) > SpanMax:
			r.Fail(n, "the scenario is longer than "+rules.FormatDuration(SpanMax), "write an earlier time")
		}
	}
	if n := top.Get("generator"); n != nil {
		s.Generator = r.generator(n, s.Until.Sub(s.From))
	}
	for _, n := range r.List(top.Get("outages"), "outages") {
		s.Outages = append(s.Outages, r.outage(n, s))
	}
	for _, n := range r.List(top.Get("acknowledge"), "acknowledge") {
		s.Acks = append(s.Acks, r.acknowledgement(n, s))
	}
	return s
}

func (r *reader) generator(n *yaml.Node, span time.Duration) Generator {
	f, ok := r.Mapping(n, "a generator", []string{"seed", "feed", "clients", "every"}, []string{"labels"})
	if !ok {
		return Generator{}
	}
	g := Generator{
		Seed:    r.Number(f.Get("seed"), "seed", 0, math.MaxUint64),
		Feed:    r.Text(f.Get("feed"), "feed"),
		Clients: int(r.Number(f.Get("clients"), "clients", 1, ClientsMax)),
		Every:   r.Duration(f.Get("every"), "every"),
	}
	if g.Feed != "" {
		if err := feed.CheckFeedName(g.Feed); err != nil {
			r.FailErr(f.Get("feed"), err)
		}
	}
	if g.Every > 0 {
		switch {
		case g.Every < everyMin || g.Every%time.Millisecond != 0:
			r.Fail(f.Get("every"), "every is too short", "write at least "+rules.FormatDuration(everyMin))
		case int64(g.Clients)*int64(span/g.Every) > UpdatesMax:
			r.Fail(f.Get("every"), fmt.Sprintf("the clients make more than %d updates", int64(UpdatesMax)), "write a longer time, fewer clients or a shorter scenario")
		}
	}
	if n := f.Get("labels"); n != nil {
		g.Labels = r.labels(n)
	}
	return g
}

// labels reads {cluster: {fsn1: 2, hel1: 1}}.
func (r *reader) labels(n *yaml.Node) []LabelShares {
	if n.Kind != yaml.MappingNode {
		r.Fail(n, "labels is not a mapping", "write for example {cluster: {fsn1: 2, hel1: 1}}")
		return nil
	}
	if len(n.Content)/2 > feed.LabelsMax {
		r.Fail(n, fmt.Sprintf("more than %d labels", feed.LabelsMax), "leave some out")
		return nil
	}
	var all []LabelShares
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, values := n.Content[i], n.Content[i+1]
		l := LabelShares{Name: key.Value}
		if err := feed.CheckLabelName(key.Value); err != nil {
			r.FailErr(key, err)
		}
		if values.Kind != yaml.MappingNode || len(values.Content) == 0 || len(values.Content)/2 > labelSharesMax {
			r.Fail(values, "the label "+key.Value+" has no values with their shares", "write for example {fsn1: 2, hel1: 1}")
			continue
		}
		for j := 0; j+1 < len(values.Content); j += 2 {
			value := values.Content[j]
			if _, err := feed.ParseLabels(map[string]string{"value": value.Value}); err != nil || value.Value == "" {
				r.Fail(value, "not a value for a label", fmt.Sprintf("write 1 to %d bytes that print", feed.LabelValueBytesMax))
			}
			l.Values = append(l.Values, LabelShare{value.Value, int(r.Number(values.Content[j+1], "the share of "+value.Value, 1, ClientsMax))})
		}
		all = append(all, l)
	}
	return all
}

func (r *reader) outage(n *yaml.Node, s *Scenario) Outage {
	f, ok := r.Mapping(n, "an outage", []string{"from", "until", "retention", "drained_by"}, nil)
	if !ok {
		return Outage{}
	}
	o := Outage{
		From:      r.Instant(f.Get("from"), "from"),
		Until:     r.Instant(f.Get("until"), "until"),
		Retention: r.Duration(f.Get("retention"), "retention"),
		DrainedBy: r.Instant(f.Get("drained_by"), "drained_by"),
	}
	earliest, after := s.From, "the scenario's from"
	if k := len(s.Outages); k > 0 {
		earliest, after = s.Outages[k-1].DrainedBy, "the drained_by of the outage before it"
	}
	order := func(key string, before, t feed.Instant, what string) {
		if before != 0 && t != 0 && t <= before {
			r.Fail(f.Get(key), key+" is not after "+what, "write a later time")
		}
	}
	order("from", earliest, o.From, after)
	order("until", o.From, o.Until, "from")
	order("drained_by", o.Until, o.DrainedBy, "until")
	return o
}

func (r *reader) acknowledgement(n *yaml.Node, s *Scenario) Acknowledgement {
	f, ok := r.Mapping(n, "an acknowledgement", []string{"at", "by"}, []string{"for"})
	if !ok {
		return Acknowledgement{}
	}
	a := Acknowledgement{At: r.Instant(f.Get("at"), "at"), By: r.Text(f.Get("by"), "by"), For: r.Duration(f.Get("for"), "for")}
	if a.For > watchdog.AcknowledgeForMax {
		r.Fail(f.Get("for"), "for is too long", "write at most "+rules.FormatDuration(watchdog.AcknowledgeForMax))
	}
	if k := len(s.Acks); k > 0 && a.At != 0 && a.At < s.Acks[k-1].At {
		r.Fail(f.Get("at"), "at is before the acknowledgement above it", "put them in order of time")
	}
	return a
}
