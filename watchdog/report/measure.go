package report

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// Measure is what is to be done so that it does not happen again.
type Measure struct {
	What   string `json:"what"`
	Owner  string `json:"owner"`
	Status Status `json:"status"`
	Due    Date   `json:"due"` // "": to be filled in
}

// Limits on a list of measures.
const (
	MeasuresMax          = 100
	MeasureTextRunesMax  = 1_000
	MeasureOwnerRunesMax = 100
)

// Check says what is wrong with a measure, or nil.
func (m Measure) Check() error {
	switch {
	case strings.TrimSpace(m.What) == "":
		return fmt.Errorf("a measure does not say what is to be done; write what: and a sentence")
	case utf8.RuneCountInString(m.What) > MeasureTextRunesMax:
		return fmt.Errorf("what has more than %d characters; write the rest where the work is tracked", MeasureTextRunesMax)
	case utf8.RuneCountInString(m.Owner) > MeasureOwnerRunesMax:
		return fmt.Errorf("owner has more than %d characters; write a team or a person", MeasureOwnerRunesMax)
	}
	return nil
}

// Status is how far a measure has come.
type Status string

// The statuses.
const (
	StatusOpen       Status = "open"
	StatusInProgress Status = "in_progress"
	StatusDone       Status = "done"
)

// ParseStatus reads open, in_progress or done; "" is open.
func ParseStatus(s string) (Status, error) {
	switch Status(s) {
	case "":
		return StatusOpen, nil
	case StatusOpen, StatusInProgress, StatusDone:
		return Status(s), nil
	default:
		return "", fmt.Errorf("status %.40q: write open, in_progress or done", s)
	}
}

// String is the status for people.
func (s Status) String() string { return strings.ReplaceAll(string(s), "_", " ") }

// Date is a day as 2026-01-31; "" for none yet.
type Date string

// ParseDate reads a day; "" is none yet.
func ParseDate(s string) (Date, error) {
	if s == "" {
		return "", nil
	}
	if _, err := time.Parse(time.DateOnly, s); err != nil {
		return "", fmt.Errorf("due %.40q is not a day: write it as 2026-01-31", s)
	}
	return Date(s), nil
}
