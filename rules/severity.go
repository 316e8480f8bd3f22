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
