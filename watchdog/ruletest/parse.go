package ruletest

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/feedwatch/feedwatch/rules"
	"github.com/feedwatch/feedwatch/watchdog"
	"github.com/feedwatch/feedwatch/watchdog/feed"
	"github.com/feedwatch/feedwatch/watchdog/yamlfile"
)

// reader reads the parts of a file of tests.
type reader struct{ *yamlfile.Reader }

// Parse reads a file of tests. The error, when there is one, is a *rules.Findings
// with every mistake.
func Parse(name string, data []byte) (*Suite, error) {
	r := &reader{yamlfile.New(name, "a file of tests", data)}
	s := &Suite{File: name}
	if root := r.Document(data, FileBytesMax, "split it into several"); root != nil {
		r.suite(s, root)
	}
	if err := r.Err(); err != nil {
		return nil, err
	}
	return s, nil
}

func (r *reader) suite(s *Suite, root *yaml.Node) {
	top, ok := r.Mapping(root, "a file of tests", []string{"rules", "tests"}, nil)
	if !ok {
		return
	}
	s.Rules = r.Text(top.Get("rules"), "rules")
	items := r.List(top.Get("tests"), "tests")
	if n := top.Get("tests"); len(items) == 0 && n != nil && n.Kind == yaml.SequenceNode {
		r.Fail(n, "the file has no test, so it passes whatever the rules say", "write one: - name: ..., or remove the file")
	}
	if len(items) > TestsMax {
		r.Fail(top.Get("tests"), fmt.Sprintf("more than %d tests", TestsMax), "split the file into several")
		return
	}
	names := map[string]bool{}
	for _, n := range items {
		t := r.test(n)
		if t.Name != "" && names[t.Name] {
			r.Fail(n, fmt.Sprintf("two tests are called %q", t.Name), "rename one of them")
		}
		names[t.Name] = true
		s.Tests = append(s.Tests, t)
	}
}

func (r *reader) test(n *yaml.Node) Test {
	f, ok := r.Mapping(n, "a test", []string{"name", "feed", "from"},
		[]string{"until", "interval", "heartbeats", "acknowledge", "expect", "pages", "resolves"})
	if !ok {
		return Test{}
	}
	t := Test{
		Name: r.Text(f.Get("name"), "name"), Line: n.Line, From: r.Instant(f.Get("from"), "from"),
		Interval: time.Minute, Feed: r.feedName(f.Get("feed"), ""),
	}
	if at := f.Get("interval"); at != nil {
		t.Interval = r.Duration(at, "interval")
	}
	last := time.Duration(0)
	until := func(at time.Duration) { last = max(last, at) }
	clients, beats := 0, 0
	for _, item := range r.List(f.Get("heartbeats"), "heartbeats") {
		s := r.series(item, &t)
		t.Series = append(t.Series, s)
		until(time.Duration(len(s.Beats)) * t.Interval)
		clients += len(s.Clients)
		beats += len(s.Clients) * len(s.Beats)
		if clients > ClientsMax || beats > BeatsMax {
			r.Fail(item, fmt.Sprintf("more than %d clients or %d intervals of them in one test", ClientsMax, BeatsMax), "write fewer, or a longer interval")
			break
		}
	}
	for _, item := range r.List(f.Get("acknowledge"), "acknowledge") {
		t.Acks = append(t.Acks, r.ack(item))
		until(t.Acks[len(t.Acks)-1].At)
	}
	for _, item := range r.List(f.Get("expect"), "expect") {
		t.Verdicts = append(t.Verdicts, r.verdicts(item, &t)...)
	}
	for _, v := range t.Verdicts {
		until(v.At)
	}
	r.ends(f, &t, until)
	if at := f.Get("until"); at != nil {
		if d := r.Duration(at, "until"); d > 0 && d < last {
			r.Fail(at, "until is before something else in the test, at "+rules.FormatDuration(last), "write a longer time, or leave it out")
		} else {
			last = d
		}
	}
	if last > SpanMax {
		r.Fail(n, "the test is longer than "+rules.FormatDuration(SpanMax), "write shorter times")
	}
	t.Until = t.From.Add(last)
	if f.Get("expect") == nil && t.Pages == nil && t.Resolves == nil {
		r.Fail(n, "the test expects nothing", "write expect, pages or resolves; pages: [] says that nobody is paged")
	}
	slices.SortStableFunc(t.Acks, func(a, b Ack) int { return int(a.At - b.At) })
	return t
}

// ends reads what is expected of pages and resolves.
func (r *reader) ends(f yamlfile.Fields, t *Test, until func(time.Duration)) {
	if n := f.Get("pages"); n != nil {
		all := []Page{}
		for _, item := range r.List(n, "pages") {
			all = append(all, r.page(item))
			until(all[len(all)-1].At)
		}
		t.Pages = &all
	}
	if n := f.Get("resolves"); n != nil {
		all := []Resolve{}
		for _, item := range r.List(n, "resolves") {
			all = append(all, r.resolve(item))
			until(all[len(all)-1].At)
		}
		t.Resolves = &all
	}
}

func (r *reader) feedName(n *yaml.Node, otherwise string) string {
	if n == nil {
		return otherwise
	}
	name := r.Text(n, "feed")
	if name != "" {
		if err := feed.CheckFeedName(name); err != nil {
			r.FailErr(n, err)
		}
	}
	return name
}

func (r *reader) series(n *yaml.Node, t *Test) Series {
	f, ok := r.Mapping(n, "heartbeats", []string{"client", "beats"}, []string{"feed", "count", "labels", "lag", "updates"})
	if !ok {
		return Series{}
	}
	s := Series{Feed: r.feedName(f.Get("feed"), t.Feed), Lag: r.Duration(f.Get("lag"), "lag")}
	s.Updates = uint32(r.Number(f.Get("updates"), "updates", 1, UpdatesMax))
	if client := r.Text(f.Get("client"), "client"); client != "" && s.Feed != "" {
		s.Clients = []string{client}
		if at := f.Get("count"); at != nil {
			s.Clients = nil
			for i := range r.Number(at, "count", 1, ClientsMax) {
				s.Clients = append(s.Clients, fmt.Sprintf("%s-%d", client, i+1))
			}
		}
		for _, name := range s.Clients {
			if _, err := feed.ParseKey(s.Feed, name); err != nil {
				r.FailErr(f.Get("client"), err)
				break
			}
		}
	}
	s.Labels = r.labels(f.Get("labels"))
	if at := f.Get("beats"); at != nil {
		s.Beats = r.beats(at)
	}
	return s
}

func (r *reader) labels(n *yaml.Node) feed.Labels {
	if n == nil {
		return feed.Labels{}
	}
	pairs := map[string]string{}
	for i := 0; n.Kind == yaml.MappingNode && i+1 < len(n.Content); i += 2 {
		pairs[n.Content[i].Value] = n.Content[i+1].Value
	}
	labels, err := feed.ParseLabels(pairs)
	switch {
	case n.Kind != yaml.MappingNode:
		r.Fail(n, "labels is not a mapping", "write for example {tier: enterprise}")
	case err != nil:
		r.FailErr(n, err)
	}
	return labels
}

// beats reads "x10 _30 x": in each of ten intervals a heartbeat, none in thirty,
// then one.
func (r *reader) beats(n *yaml.Node) []bool {
	const hint = `write for example "x10 _30 x5": a heartbeat in each of ten intervals, none in thirty, then five`
	var all []bool
	for _, token := range strings.Fields(r.Text(n, "beats")) {
		count, err := 1, error(nil)
		if len(token) > 1 {
			count, err = strconv.Atoi(token[1:])
		}
		if token[0] != 'x' && token[0] != '_' || err != nil || count < 1 || len(all)+count > BeatsMax {
			r.Fail(n, fmt.Sprintf("beats has %q", token), hint)
			return nil
		}
		all = append(all, slices.Repeat([]bool{token[0] == 'x'}, count)...)
	}
	return all
}

func (r *reader) ack(n *yaml.Node) Ack {
	f, ok := r.Mapping(n, "an acknowledgement", []string{"at", "by"}, []string{"for"})
	if !ok {
		return Ack{}
	}
	a := Ack{At: r.after(f.Get("at")), By: r.Text(f.Get("by"), "by"), For: r.Duration(f.Get("for"), "for")}
	if a.For > watchdog.AcknowledgeForMax {
		r.Fail(f.Get("for"), "for is too long", "write at most "+rules.FormatDuration(watchdog.AcknowledgeForMax))
	}
	return a
}

// after reads how long after the beginning something is; 0s is the beginning.
func (r *reader) after(n *yaml.Node) time.Duration {
	if n == nil {
		return 0
	}
	d, err := rules.ParseDuration(n.Value)
	if n.Kind != yaml.ScalarNode || err != nil {
		r.Fail(n, "at is not a time after the beginning", "write for example 0s, 90s, 15m or 1d2h")
	}
	return d
}

// verdicts reads {at: 16m, clients: {acme: stale}, feeds: {profiles: stale}}.
func (r *reader) verdicts(n *yaml.Node, t *Test) []Verdict {
	f, ok := r.Mapping(n, "expect", []string{"at"}, []string{"feed", "clients", "feeds"})
	if !ok {
		return nil
	}
	at, feedName := r.after(f.Get("at")), r.feedName(f.Get("feed"), t.Feed)
	var all []Verdict
	read := func(key string, of func(name string) Verdict) {
		pairs := f.Get(key)
		if pairs == nil {
			return
		}
		if pairs.Kind != yaml.MappingNode {
			r.Fail(pairs, key+" is not a mapping", "write for example {acme: stale}")
			return
		}
		for i := 0; i+1 < len(pairs.Content); i += 2 {
			name, word := pairs.Content[i], pairs.Content[i+1]
			v := of(name.Value)
			if v.Want, ok = watchdog.ParseVerdict(word.Value); !ok {
				r.Fail(word, fmt.Sprintf("unknown verdict %q", word.Value), "write one of "+verdictWords())
			}
			v.Line, v.At = name.Line, at
			all = append(all, v)
		}
	}
	read("clients", func(name string) Verdict { return Verdict{Feed: feedName, Client: name} })
	read("feeds", func(name string) Verdict { return Verdict{Feed: name} })
	if len(all) == 0 && f.Get("clients") == nil && f.Get("feeds") == nil {
		r.Fail(n, "nothing is expected", "write clients: {acme: stale} or feeds: {profiles: fresh}")
	}
	return all
}

func verdictWords() string {
	words := make([]string, 0, len(watchdog.Verdicts()))
	for _, v := range watchdog.Verdicts() {
		words = append(words, v.String())
	}
	return strings.Join(words, ", ")
}

func (r *reader) page(n *yaml.Node) Page {
	f, ok := r.Mapping(n, "a page", []string{"at", "to"}, []string{"feed", "reason", "scope"})
	if !ok {
		return Page{}
	}
	p := Page{Line: n.Line, At: r.after(f.Get("at")), Feed: r.feedName(f.Get("feed"), ""), Scope: r.Text(f.Get("scope"), "scope")}
	for _, item := range r.List(f.Get("to"), "to") {
		target, err := rules.ParseTarget(item.Value)
		if err != nil {
			r.FailErr(item, err)
		}
		p.To = append(p.To, target)
	}
	if at := f.Get("reason"); at != nil {
		p.Reason = watchdog.Reason(at.Value)
		if !slices.Contains(watchdog.Reasons(), p.Reason) {
			words := make([]string, 0, len(watchdog.Reasons()))
			for _, reason := range watchdog.Reasons() {
				words = append(words, string(reason))
			}
			r.Fail(at, fmt.Sprintf("unknown reason %q", at.Value), "write one of "+strings.Join(words, ", "))
		}
	}
	return p
}

func (r *reader) resolve(n *yaml.Node) Resolve {
	f, ok := r.Mapping(n, "a resolve", []string{"at"}, []string{"feed", "scope"})
	if !ok {
		return Resolve{}
	}
	return Resolve{Line: n.Line, At: r.after(f.Get("at")), Feed: r.feedName(f.Get("feed"), ""), Scope: r.Text(f.Get("scope"), "scope")}
}
