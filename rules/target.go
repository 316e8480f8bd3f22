package rules

import (
	"fmt"
	"strings"
)

// ParseTarget reads "kind/name", e.g. slack/cdp-alerts. Both are 1 to
// NameBytesMax of [A-Za-z0-9._-], a letter or digit first.
func ParseTarget(s string) (Target, error) {
	kind, name, ok := strings.Cut(s, "/")
	if !ok || !targetPart(kind) || !targetPart(name) {
		return Target{}, fmt.Errorf("%q names no notifier; write kind/name, for example slack/cdp-alerts", shortened(s))
	}
	return Target{Kind: kind, Name: name}, nil
}

func targetPart(s string) bool {
	if s == "" || len(s) > NameBytesMax {
		return false
	}
	for i := range len(s) {
		b := s[i]
		ok := 'a' <= b && b <= 'z' || 'A' <= b && b <= 'Z' || '0' <= b && b <= '9' ||
			i > 0 && (b == '.' || b == '_' || b == '-')
		if !ok {
			return false
		}
	}
	return true
}

// mention is one place where the files name a target, kept so that a set can
// be checked against the notifiers of a service after it was parsed.
type mention struct {
	target Target
	place  Finding // without a message
}

// Targets are all destinations that the files name, each once, in order of
// first mention.
func (s *Set) Targets() []Target {
	var all []Target
	seen := map[Target]bool{}
	for _, m := range s.mentions {
		if !seen[m.target] {
			seen[m.target] = true
			all = append(all, m.target)
		}
	}
	return all
}

// CheckTargets refuses a set that names a notifier that is not known. The
// error is a *Findings.
func (s *Set) CheckTargets(known []Target) error {
	exists := make(map[Target]bool, len(known))
	names := make([]string, 0, len(known))
	for _, t := range known {
		exists[t] = true
		names = append(names, t.String())
	}
	otherwise := "no notifier is configured: add it to the service's configuration"
	if len(names) > 0 {
		otherwise = "configured are " + listed(names, 8)
	}
	found := &Findings{Files: s.files}
	for _, m := range s.mentions {
		if !exists[m.target] {
			f := m.place
			f.Message = fmt.Sprintf("no notifier is called %q", m.target)
			f.Hint = didYouMean(m.target.String(), names, otherwise)
			found.All = append(found.All, f)
		}
	}
	return found.err()
}
