package notifiers

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Style is how a span stands out.
type Style uint8

// The styles. Name is text from outside in running text (a client's name):
// shown plain, but never read as markup.
const (
	Plain Style = iota
	Bold
	Code
	Name
)

// Span is a run of text in one style: one line, printable, of bounded length.
type Span struct {
	Text  string
	Style Style
}

// Line is a line of a message.
type Line []Span

// String is the line without styles.
func (l Line) String() string {
	var b strings.Builder
	for _, s := range l {
		b.WriteString(s.Text)
	}
	return b.String()
}

// Bounds on texts from outside, in characters.
const (
	nameRunesMax = 60
	noteRunesMax = 300
)

func plain(text string) Span { return Span{Text: text} }

func bold(text string) Span { return Span{Text: text, Style: Bold} }

func code(text string) Span { return Span{Text: Clean(text, nameRunesMax), Style: Code} }

// name is text from outside. One that is written from right to left is
// isolated, so that it does not carry the time behind it along.
func name(text string) Span { return nameWithin(text, nameRunesMax) }

func nameWithin(text string, runesMax int) Span {
	text = Clean(text, runesMax)
	if strings.ContainsFunc(text, rightToLeft) {
		text = "\u2068" + text + "\u2069"
	}
	return Span{Text: text, Style: Name}
}

func note(text string) Span { return Span{Text: Clean(text, noteRunesMax), Style: Name} }

func rightToLeft(r rune) bool {
	return unicode.In(r, unicode.Hebrew, unicode.Arabic, unicode.Syriac, unicode.Thaana, unicode.Nko)
}

// Clean is s made fit to show: valid UTF-8 on one line, without control
// characters, terminal escapes or marks that turn the direction of text, and
// at most runesMax characters long; a longer one is cut, never inside a
// character, and ends in "…".
func Clean(s string, runesMax int) string {
	var b strings.Builder
	runes := 0
	var ends []int // byte length before each character
	for i := 0; i < len(s) && runes <= runesMax; {
		r, size := utf8.DecodeRuneInString(s[i:])
		i += size
		switch {
		case unicode.IsControl(r), r == '\u2028', r == '\u2029':
			r = ' '
		case unicode.Is(unicode.Cf, r) && r != '\u200c' && r != '\u200d':
			continue // direction marks, byte order marks and the like
		}
		ends = append(ends, b.Len())
		b.WriteRune(r) // an invalid byte was decoded as U+FFFD
		runes++
	}
	if runes <= runesMax {
		return b.String()
	}
	return b.String()[:cut(b.String(), ends, runesMax-1)] + "…"
}

// cut is the byte length of the first n characters, or of fewer where that
// would tear a combined character apart.
func cut(s string, ends []int, n int) int {
	for i := n; i > n-8 && i > 0; i-- {
		next, _ := utf8.DecodeRuneInString(s[ends[i]:])
		last, _ := utf8.DecodeLastRuneInString(s[:ends[i]])
		if !joins(next) && last != '\u200d' {
			return ends[i]
		}
	}
	return ends[max(n, 0)]
}

func joins(r rune) bool { return unicode.In(r, unicode.M) || r == '\u200d' }
