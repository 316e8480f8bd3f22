package rules

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// Limits on findings. Past FindingsShown, Findings.Error only counts; past
// FindingsMax, none is kept.
const (
	FindingsShown = 100
	FindingsMax   = 10_000
)

// Finding is one mistake in the rule files.
type Finding struct {
	Pos            // zero for a mistake that stands in no file: a directory without any
	Check   Check  `json:"check,omitempty"`  // its name; "" for what is found in files of another kind
	Level   Level  `json:"level"`            // whether it refuses the set
	Message string `json:"message"`          // what is wrong
	Hint    string `json:"hint,omitempty"`   // what to write instead
	Source  string `json:"source,omitempty"` // the line that it stands on
	Width   int    `json:"width,omitempty"`  // characters of Source, from Col, that are meant
	when    stretch
}

// title is the message with what it weighs and its name.
func (f Finding) title() string {
	title := f.Message
	if f.Level == LevelWarning {
		title = "warning: " + title
	}
	if f.Check != "" {
		title += " [" + string(f.Check) + "]"
	}
	return title
}

// String is file:line:col, the message, and the line with a caret.
func (f Finding) String() string {
	if f.File == "" {
		if f.Hint == "" {
			return f.title()
		}
		return f.title() + "\n" + f.Hint
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s", f.Pos, f.title())
	line, before, width := f.window()
	number := fmt.Sprint(f.Line)
	fmt.Fprintf(&b, "\n%s | %s", number, line)
	fmt.Fprintf(&b, "\n%s | %s%s", strings.Repeat(" ", len(number)), strings.Repeat(" ", before), strings.Repeat("^", width))
	if f.Hint != "" {
		b.WriteString(" " + f.Hint)
	}
	return b.String()
}

// How much of a long line is shown, and how much of that stands before the caret.
const (
	sourceWidthMax = 120
	sourceLead     = 60
)

// window is the part of the source line that is shown, one cell a character,
// fit for a terminal; how many stand before the caret, and how wide that is.
func (f Finding) window() (line string, before, width int) {
	runes := []rune(f.Source)
	for i, r := range runes {
		if r == '\t' {
			runes[i] = ' '
		} else if !unicode.IsPrint(r) {
			runes[i] = unicode.ReplacementChar
		}
	}
	before = min(max(f.Col-1, 0), len(runes))
	width = max(f.Width, 1)
	if len(runes) > sourceWidthMax {
		from := max(before-sourceLead, 0)
		to := min(from+sourceWidthMax, len(runes))
		runes = runes[from:to]
		before -= from
		width = max(min(width, len(runes)-before), 1)
	}
	return string(runes), before, width
}

// String is file:line:col.
func (p Pos) String() string { return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Col) }

// Findings is the error of a set that is refused: every mistake in every file,
// with the warnings among them.
type Findings struct {
	All   []Finding `json:"findings"` // by file, line and column
	Files int       `json:"files"`    // how many files were read
	Cut   bool      `json:"cut"`      // there are more than FindingsMax

	// The same mistake at the same place may be reached often, through aliases.
	told map[told]bool
}

type told struct {
	pos     Pos
	message string
}

// Error is all findings as people read them, and how many there are.
func (f *Findings) Error() string {
	var b strings.Builder
	for i, finding := range f.All {
		if i == FindingsShown {
			fmt.Fprintf(&b, "... and %d more.\n\n", len(f.All)-i)
			break
		}
		b.WriteString(finding.String())
		b.WriteString("\n\n")
	}
	b.WriteString(f.Summary())
	return b.String()
}

// Summary is "2 errors and 1 warning in 3 files."
func (f *Findings) Summary() string {
	warnings := f.Warnings()
	errs := len(f.All) - warnings
	var parts []string
	if errs > 0 || warnings == 0 {
		parts = append(parts, counted(errs, "error"))
	}
	if warnings > 0 {
		parts = append(parts, counted(warnings, "warning"))
	}
	atLeast := ""
	if f.Cut {
		atLeast = "at least "
	}
	return fmt.Sprintf("%s%s in %s.", atLeast, strings.Join(parts, " and "), counted(f.Files, "file"))
}

// Warnings is how many of them do not refuse the set.
func (f *Findings) Warnings() int {
	n := 0
	for i := range f.All {
		if f.All[i].Level == LevelWarning {
			n++
		}
	}
	return n
}

// counted is "1 file", "3 files".
func counted(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// add notes a mistake at a place, once.
func (f *Findings) add(at spot, check Check, message, hint string) {
	finding := at.finding(check, message, hint)
	key := told{finding.Pos, message}
	switch {
	case f.told[key]:
	case len(f.All) == FindingsMax:
		f.Cut = true
	default:
		if f.told == nil {
			f.told = map[told]bool{}
		}
		f.told[key] = true
		f.All = append(f.All, finding)
	}
}

// err is f in order, or nil when nothing refuses the set.
func (f *Findings) err() error {
	f.sort()
	if len(f.All) == f.Warnings() {
		return nil
	}
	return f
}

func (f *Findings) sort() {
	slices.SortStableFunc(f.All, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line),
			cmp.Compare(a.Col, b.Col), cmp.Compare(a.Message, b.Message))
	})
}
