package rules

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// allowance is one comment "# feedwatch: allow NAME reason": findings of that name
// on its line, or on the next line that is no comment, are meant.
type allowance struct {
	at     spot
	check  Check
	reason string
	line   int // that it is about
	used   bool
}

var (
	allowComment = regexp.MustCompile(`(?:^|[ \t])#[ \t]*feedwatch:[ \t]*allow\b[ \t]*(\S*)[ \t]*(.*)`)
	onlyComment  = regexp.MustCompile(`^[ \t]*#`)
)

// allowances are those of a file, in its order.
func (s *source) allowances() []*allowance {
	if !strings.Contains(s.text, "feedwatch:") {
		return nil
	}
	s.split()
	var all []*allowance
	for i, line := range s.lines {
		m := allowComment.FindStringSubmatchIndex(line)
		if m == nil {
			continue
		}
		col := utf8.RuneCountInString(line[:strings.IndexByte(line[m[0]:], '#')+m[0]]) + 1
		a := &allowance{
			at:    spot{src: s, pos: Pos{Line: i + 1, Col: col}},
			check: Check(line[m[2]:m[3]]), reason: strings.TrimSpace(line[m[4]:m[5]]), line: i + 1,
		}
		if onlyComment.MatchString(line) {
			for a.line <= len(s.lines) && onlyComment.MatchString(s.lines[a.line-1]) {
				a.line++
			}
		}
		all = append(all, a)
	}
	return all
}

// allow takes away the warnings that the files allow, and notes what allows
// nothing or gives no reason.
func (r *reader) allow() {
	// With errors some warnings are not looked for, so one that is allowed may not be there.
	whole := r.found.err() == nil
	for _, src := range r.sources {
		all := src.allowances()
		if len(all) == 0 {
			continue
		}
		kept := r.found.All[:0]
		for _, f := range r.found.All {
			if f.File != src.name || !f.allowedBy(all) {
				kept = append(kept, f)
			}
		}
		r.found.All = kept
		for _, a := range all {
			r.judge(a, whole)
		}
	}
}

func (f *Finding) allowedBy(all []*allowance) bool {
	allowed := false
	for _, a := range all {
		if f.Line == a.line && f.Check == a.check && a.check.allowable() && a.reason != "" {
			a.used, allowed = true, true
		}
	}
	return allowed
}

// judge notes what is wrong with an allowance itself; whole says that all warnings
// there are were looked for.
func (r *reader) judge(a *allowance, whole bool) {
	var names []string
	for _, c := range warningChecks {
		if c.allowable() {
			names = append(names, string(c))
		}
	}
	name := shortened(string(a.check))
	switch {
	case a.check == "":
		r.found.add(a.at, allowOfNothing, "an allow without a name allows nothing", "write # feedwatch: allow NAME reason, with one of "+listed(names, len(names)))
	case !a.check.allowable() && slices.Contains(Checks(), a.check):
		r.found.add(a.at, allowOfNothing, fmt.Sprintf("%s cannot be allowed", name), "mend what it says, and remove the comment")
	case !a.check.allowable():
		r.found.add(a.at, allowOfNothing, fmt.Sprintf("no warning is called %q", name), didYouMean(string(a.check), names, "known: "+listed(names, len(names))))
	case a.reason == "":
		r.found.add(a.at, allowWithoutReason, fmt.Sprintf("%s is allowed without a reason, so it is not", name), "write why, behind the name")
	case !a.used && whole:
		r.found.add(a.at, allowOfNothing, fmt.Sprintf("%s is allowed here, and nothing of that name is found", name), "remove the comment; it belongs on the line of the warning, or on a line of its own before it")
	}
}
