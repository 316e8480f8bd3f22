package rules

import (
	"errors"
	"strings"
	"testing"
)

// A file that is wrong in every line is refused at once: to compare each key with all
// before it took minutes, in which no other set was taken.
func TestWrongInEveryLine(t *testing.T) {
	text := "feeds:\n" + strings.Repeat("nobody-knows: 1\n", 60_000)
	_, err := Parse([]File{{Name: "rules.yaml", Data: []byte(text)}})
	var found *Findings
	if !errors.As(err, &found) || !found.Cut {
		t.Errorf("found %v", err)
	}
}
