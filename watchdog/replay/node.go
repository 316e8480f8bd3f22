package replay

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"

	"github.com/feedwatch/feedwatch/rules"
	"github.com/feedwatch/feedwatch/watchdog/feed"
)

// reader walks the nodes of a scenario file and notes every mistake at its place,
// in the form of the rule files' own.
type reader struct {
	name  string
	lines []string
	found rules.Findings
}

func newReader(name string, data []byte) *reader {
	text := strings.ReplaceAll(string(data), "\r\n", "\n")
	return &reader{name: name, lines: strings.Split(text, "\n"), found: rules.Findings{Files: 1}}
}

// document is the one document of the file; nil when there is none, which is told.
func (r *reader) document(data []byte) (root *yaml.Node) {
	defer func() { // a panic of the YAML library is a mistake in the file
		if p := recover(); p != nil {
			r.failAt(1, 1, 1, fmt.Sprintf("not YAML: %v", p), "")
			root = nil
		}
	}()
	if !utf8.Valid(data) {
		r.failAt(1, 1, 1, "the file is not UTF-8", "save it as UTF-8 text")
		return nil
	}
	loader, err := yaml.NewLoader(strings.NewReader(string(data)))
	if err != nil {
		r.failAt(1, 1, 1, "not YAML: "+err.Error(), "")
		return nil
	}
	var doc, second yaml.Node
	if err := loader.Load(&doc); err != nil && !errors.Is(err, io.EOF) {
		r.syntax(err)
		return nil
	}
	if len(doc.Content) == 0 || isNull(doc.Content[0]) {
		r.failAt(1, 1, 1, "the scenario is empty", "write rules, from, until, generator and outages")
		return nil
	}
	if err := loader.Load(&second); !errors.Is(err, io.EOF) {
		r.fail(&second, "a second YAML document begins here", "a scenario is one document")
		return nil
	}
	return doc.Content[0]
}

func (r *reader) syntax(err error) {
	var load *yaml.LoadError
	if errors.As(err, &load) {
		r.failAt(load.Mark.Line, load.Mark.Column, 1, "not YAML: "+load.Message, "check the indentation, the brackets and the quotes just before")
		return
	}
	r.failAt(1, 1, 1, "not YAML: "+err.Error(), "")
}

func (r *reader) fail(n *yaml.Node, message, hint string) {
	width := 1
	if n.Kind == yaml.ScalarNode {
		width = utf8.RuneCountInString(n.Value)
	}
	r.failAt(n.Line, n.Column, width, message, hint)
}

// failErr tells an error whose text is "what is wrong; what to write".
func (r *reader) failErr(n *yaml.Node, err error) {
	message, hint, _ := strings.Cut(err.Error(), "; ")
	r.fail(n, message, hint)
}

func (r *reader) failAt(line, col, width int, message, hint string) {
	line = min(max(line, 1), len(r.lines))
	source := r.lines[line-1]
	length := utf8.RuneCountInString(source)
	col = min(max(col, 1), length+1)
	r.found.All = append(r.found.All, rules.Finding{
		Pos:     rules.Pos{File: r.name, Line: line, Col: col},
		Message: message,
		Hint:    hint,
		Source:  source,
		Width:   max(min(width, length+1-col), 1),
	})
}

// err is everything that was found, or nil.
func (r *reader) err() error {
	if len(r.found.All) == 0 {
		return nil
	}
	slices.SortStableFunc(r.found.All, func(a, b rules.Finding) int {
		if a.Line != b.Line {
			return a.Line - b.Line
		}
		return a.Col - b.Col
	})
	return &r.found
}

// fields are the keys and values of a mapping whose keys are known.
type fields struct {
	node   *yaml.Node
	values map[string]*yaml.Node
}

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.Tag == "!!null" }

// mapping reads the keys of n, of which those in must have to be there.
func (r *reader) mapping(n *yaml.Node, what string, must, may []string) (fields, bool) {
	f := fields{node: n, values: map[string]*yaml.Node{}}
	known := slices.Concat(must, may)
	if n.Kind != yaml.MappingNode {
		r.fail(n, what+" is not a mapping (key: value)", "write "+strings.Join(known, ", ")+" here")
		return f, false
	}
	mistakes := len(r.found.All)
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		switch {
		case !slices.Contains(known, key.Value):
			r.fail(key, fmt.Sprintf("unknown key %q", key.Value), "known here: "+strings.Join(known, ", "))
		case f.values[key.Value] != nil:
			r.fail(key, fmt.Sprintf("%q stands here twice", key.Value), "keep one of them")
		case value.Kind == yaml.AliasNode:
			r.fail(value, "a scenario takes no aliases", "write the value out")
		case isNull(value):
			r.fail(key, fmt.Sprintf("%q has no value", key.Value), "write one, or leave the key out")
			f.values[key.Value] = value
		default:
			f.values[key.Value] = value
		}
	}
	if len(r.found.All) > mistakes {
		return f, true // a key that is missing may be one that was misspelt
	}
	for _, key := range must {
		if f.values[key] == nil {
			r.fail(n, fmt.Sprintf("%s has no %q", what, key), "write "+key+": ...")
		}
	}
	return f, true
}

// get is the value of key; nil where there is none, or none that was not told of.
func (f fields) get(key string) *yaml.Node {
	if n := f.values[key]; n != nil && !isNull(n) {
		return n
	}
	return nil
}

// list are the items of a list.
func (r *reader) list(n *yaml.Node, key string) []*yaml.Node {
	if n == nil {
		return nil
	}
	if n.Kind != yaml.SequenceNode {
		r.fail(n, key+" is not a list", "begin each of its items with -")
		return nil
	}
	return n.Content
}

// text reads a value on one line.
func (r *reader) text(n *yaml.Node, key string) string {
	if n == nil {
		return ""
	}
	if n.Kind != yaml.ScalarNode || strings.TrimSpace(n.Value) == "" || len(n.Value) > rules.TextBytesMax {
		r.fail(n, fmt.Sprintf("%s is not a text of 1 to %d bytes", key, rules.TextBytesMax), "write one value on its line")
		return ""
	}
	return n.Value
}

// instant reads a time such as 2025-11-24T00:00:00Z.
func (r *reader) instant(n *yaml.Node, key string) feed.Instant {
	if n == nil {
		return 0
	}
	t, err := time.Parse(time.RFC3339, n.Value)
	if err != nil || t.UnixMilli() <= 0 {
		r.fail(n, fmt.Sprintf("%s is not a time", key), "write for example 2025-11-24T00:00:00Z")
		return 0
	}
	return feed.At(t)
}

// duration reads a duration longer than 0.
func (r *reader) duration(n *yaml.Node, key string) time.Duration {
	if n == nil {
		return 0
	}
	d, err := rules.ParseDuration(n.Value)
	switch {
	case n.Kind != yaml.ScalarNode:
		r.fail(n, key+" is not a duration", "write for example 90s, 15m, 6h or 7d")
	case err != nil:
		r.failErr(n, err)
	case d == 0:
		r.fail(n, key+" is 0", "write a time longer than 0, for example 15m")
	}
	return d
}

// number reads a whole number from low to high.
func (r *reader) number(n *yaml.Node, key string, low, high uint64) uint64 {
	if n == nil {
		return 0
	}
	v, err := strconv.ParseUint(n.Value, 10, 64)
	if n.Kind != yaml.ScalarNode || err != nil || v < low || v > high {
		r.fail(n, key+" is not a number that fits", fmt.Sprintf("write a whole number from %d to %d", low, high))
		return 0
	}
	return v
}
