package rules

import (
	"fmt"
	"slices"
	"strings"
)

// likeSeverity says what to write in place of a word that is no severity.
func likeSeverity(wrong string) string {
	for _, name := range severityNames {
		if len(wrong) > 2 && strings.HasPrefix(name, strings.ToLower(wrong)) {
			return fmt.Sprintf("did you mean %q?", name)
		}
	}
	return didYouMean(wrong, severityNames[:], "write info, warning, error or critical")
}

// ParseSeverity reads info, warning, error or critical.
func ParseSeverity(s string) (Severity, error) {
	if i := slices.Index(severityNames[:], s); i >= 0 {
		return Severity(i), nil
	}
	return 0, fmt.Errorf("unknown severity %q; %s", shortened(s), likeSeverity(s))
}

// Severities is how severe an incident is: Base, and critical once CriticalFrom percent
// of the clients of its feed are in trouble; 0: never for that.
type Severities struct {
	Base         Severity
	CriticalFrom float64
}

// At is the severity while so many of the feed's clients are in trouble.
func (s Severities) At(silent, of int) Severity {
	if s.CriticalFrom > 0 && of > 0 && 100*float64(silent) >= s.CriticalFrom*float64(of) {
		return max(s.Base, Critical)
	}
	return s.Base
}

// Worst is the severity that it may reach.
func (s Severities) Worst() Severity {
	if s.CriticalFrom > 0 {
		return Critical
	}
	return s.Base
}

// String is "error", or "error, critical from 50% of the clients".
func (s Severities) String() string {
	if s.CriticalFrom == 0 {
		return s.Base.String()
	}
	return s.Base.String() + ", critical from " + Lead{Percent: s.CriticalFrom}.String() + " of the clients"
}
