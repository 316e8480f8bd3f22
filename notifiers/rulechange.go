package notifiers

import (
	"fmt"
	"slices"
	"time"

	"github.com/feedwatch/feedwatch/rules"
)

// RuleChange is another rule set in force.
type RuleChange struct {
	Install  string
	From, To string // versions of the sets
	Changes  []rules.Change
	More     int
	At       time.Time
	PageURL  string
}

// changeRunesMax bounds a line; a Change is shorter unless its names are long.
const changeRunesMax = 300

// Summary is the change if it is one, or how many there are.
func (c *RuleChange) Summary() string {
	n := len(c.Changes) + c.More
	text := fmt.Sprintf("feedwatch rules changed: %d changes", n)
	if n == 1 && len(c.Changes) == 1 {
		text = "feedwatch rules changed: " + c.Changes[0].String()
	}
	return Clean(text, SummaryCharsMax)
}

// Lines are at most so many of the changes, and how many there are besides.
func (c *RuleChange) Lines(atMost int) (lines []string, more int) {
	shown := c.Changes[:min(len(c.Changes), atMost)]
	for _, one := range shown {
		lines = append(lines, Clean(one.String(), changeRunesMax))
	}
	return lines, len(c.Changes) - len(shown) + c.More
}

// then is c and the change after it as one.
func (c *RuleChange) then(next *RuleChange) *RuleChange {
	both := *next
	both.From, both.Changes, both.More = c.From, slices.Concat(c.Changes, next.Changes), c.More+next.More
	return &both
}
