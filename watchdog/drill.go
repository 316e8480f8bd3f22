package watchdog

import (
	"fmt"
	"slices"
	"time"

	"github.com/feedwatch/feedwatch/rules"
	"github.com/feedwatch/feedwatch/watchdog/feed"
)

// CauseDrill is none of the machine's: nothing is wrong, and what is asked is
// whether the way to people works. Such an incident has a Drill.
const CauseDrill Cause = "drill"

// DrillHumanDefault is how long a drill waits for a person where nobody says, and
// DrillHumanMax how long it may.
const (
	DrillHumanDefault = 15 * time.Minute
	DrillHumanMax     = 4 * time.Hour
)

// CheckDrillWithin says what is wrong with how long a drill waits for a person.
func CheckDrillWithin(d time.Duration) error {
	if d < time.Minute || d > DrillHumanMax {
		return fmt.Errorf("a drill waits for a person from 1 min to %d h", DrillHumanMax/time.Hour)
	}
	return nil
}

// Drill is what is tried, and what came of it.
type Drill struct {
	Escalations []string      `json:"escalations"`
	By          string        `json:"by"`               // who began it
	Human       bool          `json:"human"`            // it asks for an acknowledgement
	Until       feed.Instant  `json:"until"`            // when what has not happened has failed
	Notifiers   []DrillResult `json:"notifiers"`        // each once
	CutShort    string        `json:"cut,omitempty"`    // why it ended without a result
	Over        bool          `json:"over"`             // nothing more comes of it
	Failed      string        `json:"failed,omitempty"` // of the whole: nobody acknowledged
}

// DrillResult is how far the message came at one notifier.
type DrillResult struct {
	Notifier rules.Target `json:"notifier"`
	State    DrillState   `json:"state"`
	At       feed.Instant `json:"at,omitzero"`    // since when it is in that state
	Told     feed.Instant `json:"told,omitzero"`  // when it was accepted
	Why      string       `json:"why,omitempty"`  // it failed, or cannot be seen back
	Mend     string       `json:"mend,omitempty"` // what a person must do then
}

// DrillState is how far a message came.
type DrillState string

// The states. The first two are on the way.
const (
	DrillWaiting  DrillState = "waiting"
	DrillAccepted DrillState = "accepted"       // by its API
	DrillSeen     DrillState = "seen"           // read back from there
	DrillUnseen   DrillState = "cannot_be_seen" // accepted, and nothing can be read back from there
	DrillFailed   DrillState = "failed"
)

// Settled says that nothing more comes of it.
func (r *DrillResult) Settled() bool { return r.State != DrillWaiting && r.State != DrillAccepted }

// Passed says that a drill is over and went well, as far as can be seen.
func (d *Drill) Passed() bool {
	return d.Over && d.CutShort == "" && d.Failed == "" &&
		!slices.ContainsFunc(d.Notifiers, func(r DrillResult) bool { return r.State == DrillFailed })
}
