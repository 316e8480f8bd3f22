package rules

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"
)

// mistake is what is wrong with a file as a whole, before its keys are looked at.
type mistake struct {
	at            spot
	check         Check
	message, hint string
}

// syntaxMistake places what YAML itself refuses, and says it in words that need
// no knowledge of its grammar where we know the usual cause.
func syntaxMistake(src *source, err error) mistake {
	if m, ok := leftover(src); ok {
		return m
	}
	var load *yaml.LoadError
	if !errors.As(err, &load) {
		return mistake{at: spot{src: src, pos: Pos{Line: 1, Col: 1}}, message: "not YAML: " + err.Error(), hint: checkAround}
	}
	e := syntaxError{src: src, said: load.Message, at: src.clamp(Pos{Line: load.Mark.Line, Col: load.Mark.Column})}
	e.from = e.at
	if load.ContextMark.Line > 0 {
		e.from = src.clamp(Pos{Line: load.ContextMark.Line, Col: load.ContextMark.Column})
	}
	for _, explain := range []func() (mistake, bool){
		e.tab, e.invisible, e.dash, e.quote, e.bracket, e.keyAbove, e.item, e.first, e.indentation, e.colon, e.start, e.noColon,
	} {
		if m, ok := explain(); ok {
			m.message = "not YAML: " + m.message
			return m
		}
	}
	hint := checkAround
	if strings.Contains(e.said, "unknown anchor") {
		hint = "an anchor (&name) must stand in the same file, before its alias (*name)"
	}
	return mistake{at: e.spot(e.at), message: "not YAML: " + e.said, hint: hint}
}

const checkAround = "check the indentation, the brackets and the quotes just before"

// syntaxError is what YAML says: of what stands at a place, within what began
// from another.
type syntaxError struct {
	src      *source
	said     string
	at, from Pos
}

func (e *syntaxError) spot(p Pos) spot { return spot{src: e.src, pos: p} }

func (e *syntaxError) found(at Pos, message, hint string) (mistake, bool) {
	return mistake{at: e.spot(at), message: message, hint: hint}, true
}

func (e *syntaxError) line(n int) string { return e.src.lines[n-1] }

func (e *syntaxError) tab() (mistake, bool) {
	if !strings.HasPrefix(strings.TrimLeft(string(e.src.rest(e.at)), " "), "\t") {
		return mistake{}, false
	}
	return e.found(e.at, "a tab where YAML wants spaces", "indent with spaces")
}

// invisible is a character that looks like a space, or like nothing, on the line or
// the one above.
func (e *syntaxError) invisible() (mistake, bool) {
	for _, n := range []int{e.above(), e.at.Line} {
		if n == 0 {
			continue
		}
		line, _, _ := strings.Cut(e.line(n), " #")
		at := strings.IndexAny(line, invisible)
		if at < 0 || strings.ContainsAny(line[:at], `'"`) {
			continue
		}
		c, _ := utf8.DecodeRuneInString(line[at:])
		return e.found(e.src.clamp(Pos{Line: n, Col: utf8.RuneCountInString(line[:at]) + 1}), fmt.Sprintf("an invisible character (U+%04X) before %q", c, shortened(strings.TrimLeft(line[at:], invisible+" "))),
			"remove it and others like it, and write a plain space where one is needed")
	}
	return mistake{}, false
}

var gluedDash = regexp.MustCompile(`^\s*-([A-Za-z_]+:(?:\s.*)?)$`)

// dash is an item of a list as -name: x, on the line or the one above.
func (e *syntaxError) dash() (mistake, bool) {
	for n := max(e.at.Line-1, 1); n <= e.at.Line; n++ {
		if m := gluedDash.FindStringSubmatchIndex(e.line(n)); m != nil {
			at := e.src.clamp(Pos{Line: n, Col: len([]rune(e.line(n)[:m[2]]))})
			return e.found(at, `a "-" without a space behind it`, "write - "+shortened(e.line(n)[m[2]:m[3]]))
		}
	}
	return mistake{}, false
}

// quote is a quote that is never closed, or one too early.
func (e *syntaxError) quote() (mistake, bool) {
	if strings.Contains(e.said, "end of stream") {
		return e.found(e.from, "a quote that is never closed", "close it")
	}
	rest := strings.TrimSpace(string(e.src.rest(e.at)))
	before := strings.TrimSpace(string(e.src.runes(e.at.Line)[:e.at.Col-1]))
	if rest == "" || before == "" || strings.ContainsRune(`'"`, rune(rest[0])) || !strings.Contains(e.said, "did not find expected") {
		return mistake{}, false
	}
	m := mistake{at: e.spot(e.at), message: "the text goes on behind the quote that ends it"}
	switch before[len(before)-1] {
	case '\'':
		m.hint = "write '' where an apostrophe is meant, or put the whole in double quotes"
	case '"':
		m.hint = `put the whole in single quotes where it holds double ones, as in 'tier="enterprise"'`
	default:
		return mistake{}, false
	}
	return m, true
}

// bracket is a list or mapping in brackets that goes on for too long, or lacks a
// comma.
func (e *syntaxError) bracket() (mistake, bool) {
	var opening, closing string
	switch {
	case strings.Contains(e.said, "expected ',' or ']'"):
		opening, closing = "[", "]"
	case strings.Contains(e.said, "expected ',' or '}'"):
		opening, closing = "{", "}"
	case strings.Contains(e.said, "mapping values are not allowed"):
		at, open := e.src.openBracket(e.at.Line)
		if at == (Pos{}) {
			return mistake{}, false
		}
		opening, closing, e.from = open, map[string]string{"[": "]", "{": "}"}[open], at
	default:
		return mistake{}, false
	}
	if rest := e.src.rest(e.from); e.at.Line != e.from.Line && len(rest) > 0 && string(rest[0]) == opening {
		if before, comment, ok := strings.Cut(string(rest), " #"); ok && strings.Contains(comment, closing) {
			at := e.src.clamp(Pos{Line: e.from.Line, Col: e.from.Col + utf8.RuneCountInString(before) + 1})
			return e.found(at, fmt.Sprintf("a # begins a comment, and the %q behind it is part of that", closing), "move the comment behind it, or put the text in quotes")
		}
		return e.found(e.from, fmt.Sprintf("a %q that is not closed before line %d", opening, e.at.Line), fmt.Sprintf("close it with %q, or write the comma that is missing", closing))
	}
	return e.found(e.at, fmt.Sprintf("a comma or a %q is missing before this", closing), "write a comma between two items; put text that holds commas, colons, brackets or quotes in quotes")
}

var (
	keyAlone     = regexp.MustCompile(`^\s*(?:- +)?[A-Za-z_]+$`)
	bareKey      = regexp.MustCompile(`^ *(?:- +)?[a-z_]+: *(?:#.*)?$`)
	itemLine     = regexp.MustCompile(`^\s*- `)
	nothingThere = regexp.MustCompile(`^\s*(?:#.*)?$`)
)

// colon is a second ": " in a line, or one where there can be none.
func (e *syntaxError) colon() (mistake, bool) {
	if !strings.Contains(e.said, "mapping values are not allowed") {
		return mistake{}, false
	}
	if !strings.Contains(string(e.src.runes(e.at.Line)[:e.at.Col-1]), ":") {
		return e.found(e.at, "a key where none can stand", "check the indentation of this line and of those above")
	}
	return e.found(e.at, `a second ":" on one line`, `put the text in quotes if it holds ": ", or check the indentation`)
}

// start is text that begins with a character that YAML keeps for itself.
func (e *syntaxError) start() (mistake, bool) {
	at := e.at
	switch {
	case strings.Contains(e.said, "expected alphabetic or numeric character"):
		at = e.from
	case strings.Contains(e.said, "comment without preceding whitespace"):
		return e.found(at, "a # begins a comment here", "put the text in quotes; a notifier is written kind/name, for example slack/cdp-alerts")
	case !strings.Contains(e.said, "cannot start any token"):
		return mistake{}, false
	}
	rest := e.src.rest(at)
	if len(rest) == 0 {
		return mistake{}, false
	}
	return e.found(at, fmt.Sprintf("text cannot begin with %q", string(rest[0])), "put the text in quotes")
}

// noColon is a line that should be a key and its value; YAML notices further down.
func (e *syntaxError) noColon() (mistake, bool) {
	if !strings.Contains(e.said, "could not find expected ':'") {
		return mistake{}, false
	}
	m := mistake{at: e.spot(e.from), message: `a line that is not "key: value"`}
	text := strings.TrimSpace(string(e.src.rest(e.from)))
	end := strings.IndexFunc(text, func(c rune) bool { return c != '_' && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') })
	if end <= 0 {
		m.hint = "write key: value, with a space behind the colon"
		return m, true
	}
	m.hint = "write " + text[:end] + ": " + shortened(strings.TrimLeft(text[end:], " :=\t"))
	return m, true
}
