package rules

import (
	"fmt"
	"slices"
)

// ParseSeverity reads info, warning, error or critical.
func ParseSeverity(s string) (Severity, error) {
	if i := slices.Index(severityNames[:], s); i >= 0 {
		return Severity(i), nil
	}
	return 0, fmt.Errorf("unknown severity %q; write info, warning, error or critical", s)
}
