package notifiers

import (
	"fmt"
	"strings"

	"github.com/feedwatch/feedwatch/watchdog"
)

// editCharsMax bounds one change in a timeline; it is shorter unless names are long.
const editCharsMax = 200

// ruleChanged tells of an edit of the rules under an open incident.
func (w words) ruleChanged(e *watchdog.Event) Line {
	ruleless := plain("No rule governs this any more. It stays open until it recovers or a person closes it.")
	switch {
	case e.Edit == nil && e.Note == "":
		return Line{ruleless}
	case e.Edit == nil:
		return Line{plain("The rules changed: "), code(e.Note), plain(" governs this now.")}
	}
	var parts []string
	for _, c := range e.Edit.Changes {
		parts = append(parts, Clean(c.String(), editCharsMax))
	}
	if e.Edit.More > 0 {
		parts = append(parts, fmt.Sprintf("and %d more", e.Edit.More))
	}
	line := Line{bold("The rules under this changed"), plain(" (set " + Clean(e.Edit.Set, nameRunesMax) + "): " + strings.Join(parts, "; ") + ".")}
	if e.Note == "" {
		line = append(line, plain(" "), ruleless)
	}
	return line
}
