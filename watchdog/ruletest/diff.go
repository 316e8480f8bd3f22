package ruletest

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/feedwatch/feedwatch/rules"
)

// compare holds pages and resolves against those that were expected.
func (r *run) compare() {
	slices.SortStableFunc(r.pages, func(a, b Page) int { return cmp.Compare(a.At, b.At) })
	if r.test.Pages != nil {
		r.diff("pages", r.test.Line, compared(*r.test.Pages, r.pages, Page.fits, Page.String))
	}
	if r.test.Resolves != nil {
		r.diff("resolves", r.test.Line, compared(*r.test.Resolves, r.resolves, Resolve.fits, Resolve.String))
	}
}

func (r *run) diff(what string, line int, lines []string) {
	if slices.ContainsFunc(lines, func(l string) bool { return l[0] != ' ' }) {
		text := what + " differ (- expected, + happened):\n" + strings.Join(shortened(lines), "\n")
		r.differences = append(r.differences, Difference{line, text})
	}
}

// linesMax bounds one difference.
const linesMax = 40

func shortened(lines []string) []string {
	if more := len(lines) - linesMax; more > 0 {
		lines = append(lines[:linesMax:linesMax], fmt.Sprintf("  ... and %d more", more))
	}
	return lines
}

// compared are the lines of a diff, by the longest common subsequence: what fits,
// what was expected alone, what happened alone.
func compared[T any](want, got []T, fits func(want, got T) bool, text func(T) string) []string {
	longest := make([][]int, len(want)+1)
	for i := range longest {
		longest[i] = make([]int, len(got)+1)
	}
	for i := len(want) - 1; i >= 0; i-- {
		for j := len(got) - 1; j >= 0; j-- {
			longest[i][j] = max(longest[i+1][j], longest[i][j+1])
			if fits(want[i], got[j]) {
				longest[i][j] = max(longest[i][j], 1+longest[i+1][j+1])
			}
		}
	}
	var lines []string
	for i, j := 0, 0; i < len(want) || j < len(got); {
		switch {
		case i < len(want) && j < len(got) && fits(want[i], got[j]) && longest[i][j] == 1+longest[i+1][j+1]:
			lines = append(lines, "  "+text(got[j]))
			i, j = i+1, j+1
		case j == len(got) || i < len(want) && longest[i+1][j] >= longest[i][j+1]:
			lines = append(lines, "- "+text(want[i]))
			i++
		default:
			lines = append(lines, "+ "+text(got[j]))
			j++
		}
	}
	return lines
}

func (p Page) fits(got Page) bool {
	return p.At == got.At && slices.Equal(p.To, got.To) && (p.Feed == "" || p.Feed == got.Feed) &&
		(p.Reason == "" || p.Reason == got.Reason) && (p.Scope == "" || p.Scope == got.Scope)
}

// String is the page as a test expects it.
func (p Page) String() string {
	to := make([]string, len(p.To))
	for i, t := range p.To {
		to[i] = t.String()
	}
	return written([][2]string{
		{"at", rules.FormatDuration(p.At)},
		{"to", "[" + strings.Join(to, ", ") + "]"},
		{"feed", p.Feed},
		{"reason", string(p.Reason)},
		{"scope", p.Scope},
	})
}

func (r Resolve) fits(got Resolve) bool {
	return r.At == got.At && (r.Feed == "" || r.Feed == got.Feed) && (r.Scope == "" || r.Scope == got.Scope)
}

// String is the resolve as a test expects it.
func (r Resolve) String() string {
	return written([][2]string{{"at", rules.FormatDuration(r.At)}, {"feed", r.Feed}, {"scope", r.Scope}})
}

// written is a YAML mapping on one line, without what is empty.
func written(pairs [][2]string) string {
	var parts []string
	for _, pair := range pairs {
		key, value := pair[0], pair[1]
		switch {
		case value == "":
			continue
		case key == "scope" && strings.ContainsAny(value, ",:"):
			value = `"` + value + `"`
		}
		parts = append(parts, key+": "+value)
	}
	return "{" + strings.Join(parts, ", ") + "}"
}
