// Package yamlfile reads YAML files that people write beside the rule files, a
// scenario or a test, and notes every mistake at its place, as the rule files' own
// reader does.
package yamlfile

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

// Reader walks the nodes of one file and notes every mistake.
type Reader struct {
	name  string
	what  string // as mistakes call the file
	lines []string
	found rules.Findings
}

// New reads a file called name; what is "a scenario".
func New(name, what string, data []byte) *Reader {
	text := strings.ReplaceAll(string(data), "\r\n", "\n")
	return &Reader{name: name, what: what, lines: strings.Split(text, "\n"), found: rules.Findings{Files: 1}}
}

// Document is the one document of the file; nil when there is none, or more than bytesMax
// of it, which is told: tooLong is what to do about that.
func (r *Reader) Document(data []byte, bytesMax int, tooLong string) (root *yaml.Node) {
	defer func() { // a panic of the YAML library is a mistake in the file
		if p := recover(); p != nil {
			r.FailAt(1, 1, 1, fmt.Sprintf("not YAML: %v", p), "")
			root = nil
		}
	}()
	if len(data) > bytesMax {
		r.FailAt(1, 1, 1, fmt.Sprintf("the file has more than %d bytes", bytesMax), tooLong)
		return nil
	}
	if !utf8.Valid(data) {
		r.FailAt(1, 1, 1, "the file is not UTF-8", "save it as UTF-8 text")
		return nil
	}
	loader, err := yaml.NewLoader(strings.NewReader(string(data)))
	if err != nil {
		r.FailAt(1, 1, 1, "not YAML: "+err.Error(), "")
		return nil
	}
	var doc, second yaml.Node
	if err := loader.Load(&doc); err != nil && !errors.Is(err, io.EOF) {
		r.syntax(err)
		return nil
	}
	if len(doc.Content) == 0 || IsNull(doc.Content[0]) {
		r.FailAt(1, 1, 1, r.what+" is empty", "write its keys and values")
		return nil
	}
	if err := loader.Load(&second); !errors.Is(err, io.EOF) {
		r.Fail(&second, "a second YAML document begins here", r.what+" is one document")
		return nil
	}
	return doc.Content[0]
}

func (r *Reader) syntax(err error) {
	var load *yaml.LoadError
	if errors.As(err, &load) {
		r.FailAt(load.Mark.Line, load.Mark.Column, 1, "not YAML: "+load.Message, "check the indentation, the brackets and the quotes just before")
		return
	}
	r.FailAt(1, 1, 1, "not YAML: "+err.Error(), "")
}

// Fail notes a mistake at a node: what is wrong, and what to write.
func (r *Reader) Fail(n *yaml.Node, message, hint string) {
	width := 1
	if n.Kind == yaml.ScalarNode {
		width = utf8.RuneCountInString(n.Value)
	}
	r.FailAt(n.Line, n.Column, width, message, hint)
}

// FailErr tells an error whose text is "what is wrong; what to write".
func (r *Reader) FailErr(n *yaml.Node, err error) {
	message, hint, _ := strings.Cut(err.Error(), "; ")
	r.Fail(n, message, hint)
}

// FailAt notes a mistake at a place, width characters wide.
func (r *Reader) FailAt(line, col, width int, message, hint string) {
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

// Err is everything that was found, or nil.
func (r *Reader) Err() error {
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

// Fields are the keys and values of a mapping whose keys are known.
type Fields struct {
	values map[string]*yaml.Node
}

// IsNull says that n has no value.
func IsNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.Tag == "!!null" }

// Mapping reads the keys of n, of which those in must have to be there.
func (r *Reader) Mapping(n *yaml.Node, what string, must, may []string) (Fields, bool) {
	f := Fields{values: map[string]*yaml.Node{}}
	known := slices.Concat(must, may)
	if n.Kind != yaml.MappingNode {
		r.Fail(n, what+" is not a mapping (key: value)", "write "+strings.Join(known, ", ")+" here")
		return f, false
	}
	mistakes := len(r.found.All)
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		switch {
		case !slices.Contains(known, key.Value):
			r.Fail(key, fmt.Sprintf("unknown key %q", key.Value), "known here: "+strings.Join(known, ", "))
		case f.values[key.Value] != nil:
			r.Fail(key, fmt.Sprintf("%q stands here twice", key.Value), "keep one of them")
		case value.Kind == yaml.AliasNode:
			r.Fail(value, r.what+" takes no aliases", "write the value out")
		case IsNull(value):
			r.Fail(key, fmt.Sprintf("%q has no value", key.Value), "write one, or leave the key out")
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
			r.Fail(n, fmt.Sprintf("%s has no %q", what, key), "write "+key+": ...")
		}
	}
	return f, true
}

// Get is the value of key; nil where there is none, or none that was not told of.
func (f Fields) Get(key string) *yaml.Node {
	if n := f.values[key]; n != nil && !IsNull(n) {
		return n
	}
	return nil
}

// List are the items of a list.
func (r *Reader) List(n *yaml.Node, key string) []*yaml.Node {
	if n == nil {
		return nil
	}
	if n.Kind != yaml.SequenceNode {
		r.Fail(n, key+" is not a list", "begin each of its items with -")
		return nil
	}
	return n.Content
}

// Text reads a value on one line.
func (r *Reader) Text(n *yaml.Node, key string) string {
	if n == nil {
		return ""
	}
	if n.Kind != yaml.ScalarNode || strings.TrimSpace(n.Value) == "" || len(n.Value) > rules.TextBytesMax {
		r.Fail(n, fmt.Sprintf("%s is not a text of 1 to %d bytes", key, rules.TextBytesMax), "write one value on its line")
		return ""
	}
	return n.Value
}

// Instant reads a time such as 2025-11-24T00:00:00Z.
func (r *Reader) Instant(n *yaml.Node, key string) feed.Instant {
	if n == nil {
		return 0
	}
	t, err := time.Parse(time.RFC3339, n.Value)
	if err != nil || t.UnixMilli() <= 0 {
		r.Fail(n, fmt.Sprintf("%s is not a time", key), "write for example 2025-11-24T00:00:00Z")
		return 0
	}
	return feed.At(t)
}

// Duration reads a duration longer than 0.
func (r *Reader) Duration(n *yaml.Node, key string) time.Duration {
	if n == nil {
		return 0
	}
	d, err := rules.ParseDuration(n.Value)
	switch {
	case n.Kind != yaml.ScalarNode:
		r.Fail(n, key+" is not a duration", "write for example 90s, 15m, 6h or 7d")
	case err != nil:
		r.FailErr(n, err)
	case d == 0:
		r.Fail(n, key+" is 0", "write a time longer than 0, for example 15m")
	}
	return d
}

// Number reads a whole number from low to high.
func (r *Reader) Number(n *yaml.Node, key string, low, high uint64) uint64 {
	if n == nil {
		return 0
	}
	v, err := strconv.ParseUint(n.Value, 10, 64)
	if n.Kind != yaml.ScalarNode || err != nil || v < low || v > high {
		r.Fail(n, key+" is not a number that fits", fmt.Sprintf("write a whole number from %d to %d", low, high))
		return 0
	}
	return v
}
