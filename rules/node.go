package rules

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"go.yaml.in/yaml/v4"
)

// reader walks the nodes of one file after the other. It is led by what a rule
// file may hold, so it is never deeper than that, whatever the aliases do; how
// much it visits of one file is bounded by NodesMax.
type reader struct {
	src     *source
	sources []*source // that were read so far
	found   *Findings
	visits  int // of the nodes of src
	rules   int // so far, in all files
	limited bool

	calendars map[string]*calendar // by cron and timezone
	zones     map[string]zone
	actives   map[string]*Active           // by what they say
	gaps      map[activeSpan]time.Duration // the longest that each takes
	icals     besideFiles[*icalFile]
	matchers  map[string]parsedMatchers

	rosters         besideFiles[*roster]
	defaults        *defaults // of the set; nil: none
	feeds           []*feedDraft
	escalations     []*escalationDraft
	maintenances    []maintenanceDraft
	maintenancesCut bool
	retired         []retiredDraft
	unread          unread
	slipped         map[*yaml.Node][]*yaml.Node // keys that stand beside the object that they belong to
	mentions        []mention
}

func (r *reader) at(n *yaml.Node) spot { return spot{src: r.src, node: n} }

// atKey is where the key stands in m, or otherwise.
func (r *reader) atKey(m mapping, key string, otherwise spot) spot {
	if n := m.get(key); n != nil {
		return r.at(n)
	}
	return otherwise
}

func (r *reader) fail(n *yaml.Node, check Check, message, hint string) {
	r.found.add(r.at(n), check, message, hint)
}

// failErr tells an error whose text is "what is wrong; what to write".
func (r *reader) failErr(n *yaml.Node, check Check, err error) {
	text, from := err.Error(), 0
	if at := strings.Index(text, shortened(n.Value)); at >= 0 {
		from = at + len(shortened(n.Value)) // what the file says may hold "; " too
	}
	message, hint, _ := strings.Cut(text[from:], "; ")
	r.fail(n, check, text[:from]+message, hint)
}

// visit counts nodes against the file's limit.
func (r *reader) visit(n *yaml.Node, count int) bool {
	if r.limited {
		return false
	}
	r.visits += count
	if r.visits <= NodesMax {
		return true
	}
	r.limited = true
	r.fail(n, tooMuch, fmt.Sprintf("the file has more than %d nodes once its aliases are followed", NodesMax),
		"use fewer aliases, or split the file")
	return false
}

// follow is what an alias stands for.
func follow(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode && n.Alias != nil {
		return n.Alias
	}
	return n
}

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.Tag == "!!null" }

// kindOf names what n is, for people.
func kindOf(n *yaml.Node) string {
	switch {
	case n.Kind == yaml.MappingNode:
		return "a mapping (key: value)"
	case n.Kind == yaml.SequenceNode:
		return "a list"
	case isNull(n):
		return "empty"
	default:
		return quoted(n.Value)
	}
}

// quoted is s as it may be shown, in quotes that it does not hold itself.
func quoted(s string) string {
	s = shortened(s)
	if strings.Contains(s, `"`) && !strings.Contains(s, "'") && !strings.ContainsFunc(s, unicode.IsControl) {
		return "'" + s + "'"
	}
	return strconv.Quote(s)
}

func shortened(s string) string {
	const shown = 60
	if r := []rune(s); len(r) > shown {
		return string(r[:shown]) + "..."
	}
	return s
}

// mapping is a YAML mapping whose keys are known.
type mapping struct {
	node    *yaml.Node
	entries []entry
	strange bool // it has a key of which nobody knows what it means
	twice   bool // it is two things of a list, a dash between them was forgotten
}

// entry has a nil value where the file has the key without one; that was told.
type entry struct {
	key, value *yaml.Node
	meant      bool // by another key, which was told
}

// get is the value of key, nil when there is none.
func (m mapping) get(key string) *yaml.Node {
	for _, e := range m.entries {
		if e.key.Value == key {
			return e.value
		}
	}
	return nil
}

// key is the node of the key itself, nil when it is not there.
func (m mapping) key(key string) *yaml.Node {
	for _, e := range m.entries {
		if e.key.Value == key {
			return e.key
		}
	}
	return nil
}

func (m mapping) has(key string) bool { return m.key(key) != nil }

// said says that the file has the key itself.
func (m mapping) said(key string) bool {
	return slices.ContainsFunc(m.entries, func(e entry) bool { return e.key.Value == key && !e.meant })
}

// set adds an entry, in place of one that was only meant.
func (m *mapping) set(e entry) {
	if i := slices.IndexFunc(m.entries, func(other entry) bool { return other.key.Value == e.key.Value }); i >= 0 {
		m.entries[i] = e
		return
	}
	m.entries = append(m.entries, e)
}

// mapping reads n, which is to be that object, and refuses keys that are not known.
func (r *reader) mapping(n *yaml.Node, is *object) (mapping, bool) {
	n = follow(n)
	if n.Kind != yaml.MappingNode {
		r.fail(n, wrongType, fmt.Sprintf("%s is %s", is.what, kindOf(n)), objectHint(n, is))
		return mapping{}, false
	}
	m := mapping{node: n}
	if !r.visit(n, len(n.Content)) {
		return mapping{}, false
	}
	r.own(&m, n, is)
	r.merge(&m, n, is, 0)
	return m, !m.twice
}

// own takes the keys written in n itself.
func (r *reader) own(m *mapping, n *yaml.Node, is *object) {
	known := is.names
	p := misplaced{is, n.Content}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], follow(n.Content[i+1])
		switch {
		case key.Tag == mergeTag:
		case key.Kind != yaml.ScalarNode:
			r.fail(key, wrongType, "a key that is not plain text", "write one of "+listed(known, len(known)))
		case !slices.Contains(known, key.Value):
			if of := p.above(i); of != nil {
				r.outdented(p, i, of)
			} else {
				r.unknown(m, key, is)
			}
		case m.said(key.Value):
			r.fail(key, duplicateKey, fmt.Sprintf("%q stands here twice", key.Value), hintTwice(m, key.Value, is))
			if m.twice = dashForgotten(key.Value, is); m.twice {
				return
			}
		case p.emptied(i):
			m.set(entry{key: key})
		case isNull(value):
			r.fail(key, emptyValue, fmt.Sprintf("%q has no value", key.Value), "write one, or leave the key out")
			m.set(entry{key: key})
		default:
			m.set(entry{key: key, value: value})
		}
	}
	m.mean(p.below())
	m.mean(r.slipped[n])
}

// mergeTag marks the key "<<".
const mergeTag = "!!merge"

// mergeDepthMax bounds merges within merges, which may go round in a circle.
const mergeDepthMax = 8

// merge takes from the mappings behind "<<" the keys that m does not have.
func (r *reader) merge(m *mapping, n *yaml.Node, is *object, depth int) {
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Tag != mergeTag {
			continue
		}
		from := []*yaml.Node{n.Content[i+1]}
		if list := follow(from[0]); list.Kind == yaml.SequenceNode {
			from = list.Content
		}
		for _, f := range from {
			f = follow(f)
			if f.Kind != yaml.MappingNode || depth == mergeDepthMax {
				r.fail(n.Content[i], wrongType, `"<<" takes a mapping`, "write <<: *name, where &name stands before a mapping")
				return
			}
			if !r.visit(n.Content[i], len(f.Content)) {
				return
			}
			part := mapping{node: f}
			r.own(&part, f, is)
			for _, e := range part.entries {
				if !m.has(e.key.Value) {
					m.entries = append(m.entries, e)
				}
			}
			r.merge(m, f, is, depth+1)
		}
	}
}

// list reads a list; example says what a list of it looks like.
func (r *reader) list(n *yaml.Node, key, example string) []*yaml.Node {
	if n == nil {
		return nil
	}
	if n.Kind != yaml.SequenceNode {
		r.fail(n, wrongType, fmt.Sprintf("%s is %s, and must be a list", key, kindOf(n)), listHint(n, example))
		return nil
	}
	if !r.visit(n, len(n.Content)) {
		return nil
	}
	items := make([]*yaml.Node, 0, len(n.Content))
	for _, item := range n.Content {
		if item = follow(item); isNull(item) {
			r.fail(n, emptyValue, "an empty item in "+key, "remove it, or write "+example)
			continue
		}
		items = append(items, item)
	}
	return items
}

// text reads a line or more of text; any plain scalar is text as it is written,
// so that a client may be called 007 or no.
func (r *reader) text(n *yaml.Node, key string, bytesMax int) (string, bool) {
	if n == nil {
		return "", false
	}
	if n.Kind != yaml.ScalarNode || isNull(n) {
		if isTemplate(n) {
			r.fail(n, wrongType, key+" is a template that was not rendered", "check the rendered file, for example what helm template writes")
		} else {
			r.fail(n, wrongType, fmt.Sprintf("%s is %s, and must be text", key, kindOf(n)), "write one value on its line")
		}
		return "", false
	}
	switch {
	case placeholder.MatchString(n.Value):
		r.fail(n, wrongValue, fmt.Sprintf("%s is %s, which nobody filled in", key, quoted(n.Value)), "write the value: rule files are read as they stand")
	case n.Value == "":
		r.fail(n, emptyValue, key+" is empty", "write one, or leave the key out")
	case len(n.Value) > bytesMax:
		r.fail(n, tooMuch, fmt.Sprintf("%s has %d bytes", key, len(n.Value)), fmt.Sprintf("at most %d are allowed", bytesMax))
	case strings.ContainsFunc(n.Value, func(c rune) bool { return unicode.IsControl(c) && c != '\n' }):
		r.fail(n, wrongValue, key+" has a control character", "remove it")
	default:
		return n.Value, true
	}
	return "", false
}

// name reads a name on one line.
func (r *reader) name(n *yaml.Node, key string) (string, bool) {
	s, ok := r.text(n, key, NameBytesMax)
	if ok && (strings.TrimSpace(s) != s || strings.Contains(s, "\n")) {
		r.fail(n, wrongName, key+" has white space at an end or a line break", "remove it")
		return "", false
	}
	if c, has := unseen(s); ok && has {
		r.fail(n, wrongName, fmt.Sprintf("%s has a character that nobody sees (U+%04X)", key, c), "remove it")
		return "", false
	}
	return s, ok
}

// duration reads a duration longer than 0.
func (r *reader) duration(n *yaml.Node, key string) (time.Duration, bool) {
	s, ok := r.text(n, key, NameBytesMax)
	if !ok {
		return 0, false
	}
	d, err := ParseDuration(s)
	if err != nil {
		r.failErr(n, wrongDuration, err)
		return 0, false
	}
	if d == 0 {
		r.fail(n, wrongDuration, key+" is 0", "write a time longer than 0, for example 15m")
		return 0, false
	}
	return d, true
}

// boolean reads true or false.
func (r *reader) boolean(n *yaml.Node, key string) bool {
	if n == nil {
		return false
	}
	if n.Kind != yaml.ScalarNode || n.Tag != "!!bool" {
		r.fail(n, wrongType, fmt.Sprintf("%s is %s", key, kindOf(n)), "write true or false")
		return false
	}
	return strings.EqualFold(n.Value, "true")
}
