package rules

import (
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"
)

// source is one file while it is read.
type source struct {
	name  string
	text  string
	lines []string // made when the first finding needs them

	// The line that was looked at last, as characters: a file may be one line.
	lastLine  int
	lastRunes []rune
}

// spot is a place to point at: a node of a file, or a position where there is
// no node.
type spot struct {
	src  *source
	node *yaml.Node
	pos  Pos // where node is nil
}

// pos is where n stands.
func (s *source) pos(n *yaml.Node) Pos { return Pos{File: s.name, Line: n.Line, Col: n.Column} }

// finding is a mistake at the spot, with the line it stands on.
func (at spot) finding(check Check, message, hint string) Finding {
	f := Finding{Pos: at.pos, Check: check, Level: check.Level(), Message: message, Hint: hint}
	if at.src == nil {
		return f
	}
	if at.node != nil {
		f.Pos = at.src.pos(at.node)
	}
	f.Pos = at.src.clamp(f.Pos)
	f.Source = at.src.lines[f.Line-1]
	f.Width = tokenWidth(at.src.rest(f.Pos), at.node)
	return f
}

// clamp moves a position that lies outside the file, as YAML's own do for what
// is missing at the end, to the nearest one inside.
func (s *source) clamp(p Pos) Pos {
	p.File = s.name
	s.split()
	if p.Line > len(s.lines) {
		p.Line = len(s.lines)
		p.Col = len(s.runes(p.Line)) + 1
	}
	p.Line = max(p.Line, 1)
	p.Col = min(max(p.Col, 1), len(s.runes(p.Line))+1)
	return p
}

// runes are the characters of a line, counted from 1.
func (s *source) runes(line int) []rune {
	if s.lastLine != line {
		s.lastLine, s.lastRunes = line, []rune(s.lines[line-1])
	}
	return s.lastRunes
}

// rest is what stands at p and behind it, as far as it could be shown.
func (s *source) rest(p Pos) []rune {
	rest := s.runes(p.Line)[p.Col-1:]
	return rest[:min(len(rest), sourceWidthMax)]
}

// split cuts the text where YAML does. What follows the last line end is a
// line only if something stands there.
func (s *source) split() {
	if s.lines != nil {
		return
	}
	text := strings.ReplaceAll(s.text, "\r\n", "\n")
	text = lineEnds.Replace(text)
	s.lines = strings.Split(text, "\n")
	if last := len(s.lines) - 1; last > 0 && s.lines[last] == "" {
		s.lines = s.lines[:last]
	}
}

var lineEnds = strings.NewReplacer("\r", "\n", "\u0085", "\n", "\u2028", "\n", "\u2029", "\n")

// tokenWidth is how many characters at the start of rest belong to the node
// that begins there: at least one.
func tokenWidth(rest []rune, n *yaml.Node) int {
	if len(rest) == 0 {
		return 1
	}
	if n != nil && n.Kind == yaml.ScalarNode && n.Value != "" && strings.HasPrefix(string(rest), n.Value) {
		return utf8.RuneCountInString(n.Value)
	}
	switch rest[0] {
	case '"', '\'':
		return quotedWidth(rest)
	case '[', '{':
		return bracketWidth(rest)
	}
	for i, r := range rest {
		next := rune(' ')
		if i+1 < len(rest) {
			next = rest[i+1]
		}
		if r == ':' && (next == ' ' || next == '\t') || (r == ' ' || r == '\t') && next == '#' {
			return max(len([]rune(strings.TrimRight(string(rest[:i]), " \t"))), 1)
		}
	}
	return max(len([]rune(strings.TrimRight(string(rest), " \t"))), 1)
}

func quotedWidth(rest []rune) int {
	for i := 1; i < len(rest); i++ {
		switch {
		case rest[0] == '"' && rest[i] == '\\':
			i++
		case rest[i] == rest[0] && rest[0] == '\'' && i+1 < len(rest) && rest[i+1] == '\'':
			i++
		case rest[i] == rest[0]:
			return i + 1
		}
	}
	return len(rest)
}

func bracketWidth(rest []rune) int {
	depth := 0
	for i, r := range rest {
		switch r {
		case '[', '{':
			depth++
		case ']', '}':
			depth--
			if depth == 0 {
				return i + 1
			}
		}
	}
	return len(rest)
}
