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
		if scheme, _, address := strings.Cut(s, "://"); address { // which may be a secret, and this is told to people
			return Target{}, fmt.Errorf("an address (%s://...) names no notifier; name one of the service's configuration, which has the addresses, for example slack/cdp-alerts", shortened(scheme))
		}
		return Target{}, fmt.Errorf("%q names no notifier; write %s", shortened(s), likeTarget(s))
	}
	return Target{Kind: kind, Name: name}, nil
}

// likeTarget is the notifier that was probably meant, or what one looks like.
func likeTarget(wrong string) string {
	kind, name, _ := strings.Cut(strings.ReplaceAll(wrong, " ", ""), ":")
	if channel, ok := strings.CutPrefix(wrong, "#"); ok {
		kind, name = "slack", channel
	}
	if targetPart(kind) && targetPart(name) {
		return "kind/name: " + kind + "/" + name
	}
	return "kind/name, for example slack/cdp-alerts"
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

// mention is one place where the files name a target.
type mention struct {
	target Target
	at     spot
}

// checkTargets refuses notifiers that a service does not have.
func (r *reader) checkTargets(known []Target) {
	exists := make(map[Target]bool, len(known))
	for _, t := range known {
		exists[t] = true
	}
	otherwise := "no notifier is configured: add it to the service's configuration"
	names := make([]string, len(known))
	if len(known) > 0 {
		for i, t := range known {
			names[i] = t.String()
		}
		otherwise = "configured are " + listed(names, 8)
	}
	for _, m := range r.mentions {
		if !exists[m.target] {
			r.found.add(m.at, noSuchNotifier, fmt.Sprintf("no notifier is called %q", m.target),
				didYouMean(m.target.String(), names, otherwise))
		}
	}
}
