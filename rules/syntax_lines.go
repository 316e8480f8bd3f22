package rules

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// item is an item of a list where a key should stand.
func (e *syntaxError) item() (mistake, bool) {
	if !strings.Contains(e.said, "did not find expected key") || !strings.HasPrefix(string(e.src.rest(e.at)), "- ") {
		return mistake{}, false
	}
	if n := e.firstBeside(); n > 0 && !itemLine.MatchString(e.line(n)) && !e.listOf(n) {
		return e.found(e.src.clamp(Pos{Line: n, Col: keyColumn(e.line(n)) + 1}),
			fmt.Sprintf("this begins no item of the list that goes on in line %d", e.at.Line), "write - before it")
	}
	for n := e.at.Line - 1; n > 0; n-- {
		if indent := keyColumn(e.line(n)) - len("- "); itemLine.MatchString(e.line(n)) && indent != e.at.Col-1 {
			return e.found(e.at, fmt.Sprintf("this item is indented by %d, and the one on line %d by %d", e.at.Col-1, n, indent),
				"let all items of one list begin in the same column, or remove the dash")
		} else if indent == e.at.Col-1 {
			break
		}
	}
	return e.found(e.at, "an item of a list where a key should stand", "remove the dash, or indent it as the items before it")
}

// listOf says that a line is the key of a list, and can begin no item of one itself.
func (e *syntaxError) listOf(n int) bool {
	key := strings.TrimSpace(e.line(n))
	return bareKey.MatchString(e.line(n)) && !slices.Contains(itemKeys, key[:strings.IndexByte(key, ':')])
}

// firstBeside is the first line of the list that this line is a part of, by
// indentation: the one below the key that is indented less; 0 for none.
func (e *syntaxError) firstBeside() int {
	first := 0
	for n := e.at.Line - 1; n > 0; n-- {
		line := e.line(n)
		switch {
		case nothingThere.MatchString(line):
		case len(line)-len(strings.TrimLeft(line, " ")) < e.at.Col-1:
			if !bareKey.MatchString(line) {
				return 0
			}
			return first
		default:
			first = n
		}
	}
	return 0
}

// keyAbove is a line that should be a key and its value, and is not: this one, or
// the one above, whose value this one then seems to be.
func (e *syntaxError) keyAbove() (mistake, bool) {
	if strings.Contains(e.said, "could not find expected ':'") {
		return mistake{}, false // YAML itself says where
	}
	for _, n := range append([]int{e.above(), e.at.Line}, e.begun()...) {
		if n == 0 {
			continue
		}
		line, _, _ := strings.Cut(e.line(n), " #")
		m := keyWithoutColon.FindStringSubmatchIndex(line)
		if m == nil || !slices.Contains(allKeys, line[m[2]:m[3]]) {
			continue
		}
		return e.found(e.src.clamp(Pos{Line: n, Col: m[2] + 1}), `a line that is not "key: value"`,
			strings.TrimRight("write "+line[m[2]:m[3]]+": "+shortened(strings.TrimLeft(line[m[3]:], " :=")), " "))
	}
	return mistake{}, false
}

// keyWithoutColon is a word, alone or with something behind it that is not ": ".
var keyWithoutColon = regexp.MustCompile(`^ *(?:- +)?([a-z_]+)(?::[^ \t].*|[ =]+[^ :=#][^:]*)?$`)

var allKeys = slices.Concat(fileObject.names, itemKeys, expectObject.names, scheduleObject.names, rosterObject.names, clientObject.names, ignoreObject.names, severityObject.names)

// begun are lines further up where text may begin that goes on to this line: those
// above a line without any key.
func (e *syntaxError) begun() (lines []int) {
	for n := e.above(); n > 0 && !strings.Contains(e.line(n), ":"); {
		if n = e.aboveLine(n); n > 0 {
			lines = append(lines, n)
		}
	}
	return lines
}

// above is the line before this one that holds something; 0 for none.
func (e *syntaxError) above() int { return e.aboveLine(e.at.Line) }

func (e *syntaxError) aboveLine(n int) int {
	n--
	for n > 0 && nothingThere.MatchString(e.line(n)) {
		n--
	}
	return n
}

// first is a file that does not begin at the margin, and goes on there.
func (e *syntaxError) first() (mistake, bool) {
	if !strings.Contains(e.said, "<document start>") || e.at.Col != 1 {
		return mistake{}, false
	}
	for i, line := range e.src.lines[:e.at.Line-1] {
		if !nothingThere.MatchString(line) && strings.HasPrefix(line, " ") {
			at := e.src.clamp(Pos{Line: i + 1, Col: len(line) - len(strings.TrimLeft(line, " ")) + 1})
			return e.found(at, fmt.Sprintf("this line is indented, and line %d is not", e.at.Line), "begin both without spaces")
		}
	}
	return mistake{}, false
}

// indentation is a key that stands further left or right than its neighbours.
func (e *syntaxError) indentation() (mistake, bool) {
	if strings.Contains(e.said, "expected '-' indicator") {
		hint := "indent it as far as the keys of the item that it belongs to, or begin an item with -"
		if n := e.above(); n > 0 && itemLine.MatchString(e.line(n)) {
			hint = fmt.Sprintf("indent it by %d spaces, as the key above", keyColumn(e.line(n)))
		}
		return e.found(e.at, "this line is indented like a list, and is no item of it", hint)
	}
	if strings.Contains(e.said, "did not find expected key") && e.from.Line < e.at.Line && e.from.Col != e.at.Col {
		return e.found(e.at, fmt.Sprintf("this line is indented by %d, and line %d, which it belongs to, by %d", e.at.Col-1, e.from.Line, e.from.Col-1),
			"let all keys of one thing begin in the same column")
	}
	line := e.src.runes(e.at.Line)
	before := string(line[:e.at.Col-1])
	if !strings.Contains(e.said, "mapping values are not allowed") || !keyAlone.MatchString(before) {
		return mistake{}, false
	}
	above := e.above()
	if above == 0 {
		return mistake{}, false
	}
	indent, want := len(before)-len(strings.TrimLeft(before, " ")), keyColumn(e.line(above))
	if indent <= want {
		return mistake{}, false
	}
	return e.found(e.src.clamp(Pos{Line: e.at.Line, Col: indent + 1}), "this line is indented further than the one above", fmt.Sprintf("indent it by %d spaces", want))
}

// keyColumn is how many characters stand before the key of a line: white space,
// and the dash of an item.
func keyColumn(line string) int {
	return len(line) - len(strings.TrimLeft(line, " -"))
}

// openBracket is the innermost bracket that is open where a line begins, and which it
// is; zero for none. Text in quotes that goes over several lines is not understood.
func (s *source) openBracket(line int) (Pos, string) {
	type open struct {
		at      Pos
		bracket string
	}
	var all []open
lines:
	for n, text := range s.lines[:line-1] {
		quote, before := rune(0), ' '
		for col, c := range []rune(text) {
			begins := strings.ContainsRune(" [{,", before)
			switch {
			case quote != 0:
				if c == quote {
					quote = 0
				}
			case c == '#' && before == ' ':
				continue lines
			case begins && (c == '"' || c == '\''):
				quote = c
			case (c == '[' || c == '{') && (begins || len(all) > 0):
				all = append(all, open{s.clamp(Pos{Line: n + 1, Col: col + 1}), string(c)})
			case (c == ']' || c == '}') && len(all) > 0:
				all = all[:len(all)-1]
			}
			before = c
		}
	}
	if len(all) == 0 {
		return Pos{}, ""
	}
	return all[len(all)-1].at, all[len(all)-1].bracket
}
