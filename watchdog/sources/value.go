package sources

import (
	"math"

	"github.com/feedwatch/feedwatch/watchdog/feed"
)

// Reason says why a value is no heartbeat; it is a metric's label.
type Reason string

// The reasons.
const (
	taken      Reason = ""
	NotANumber Reason = "not_a_number" // NaN, infinite, or a histogram
	Never      Reason = "zero"         // 0: the feeder has seen nothing yet
	NotATime   Reason = "not_a_time"   // negative, or long before there were feeds: an age, perhaps
	TooLate    Reason = "too_late"     // after the year 2200: milliseconds, perhaps
	BadName    Reason = "bad_name"     // of the feed or the client
	BadLabels  Reason = "bad_labels"   // the heartbeat is taken without them
)

// The seconds between which a value is taken for a time.
const (
	secondsMin = 1e9        // 9 September 2001
	secondsMax = 7258118400 // 1 January 2200
)

// hints say what to do about a reason.
var hints = map[Reason]string{
	NotANumber: "the query or the exporter computes with a value that is not there",
	Never:      "taken as: nothing has arrived yet",
	NotATime:   "unix seconds are expected; is it an age? then write time() - (...) around it",
	TooLate:    "unix seconds are expected; is it in milliseconds? then divide it by 1000",
	BadName:    "set the right feed and client labels",
	BadLabels:  "the heartbeat was taken without its labels",
}

// instantOf is a value in unix seconds as an Instant, or why it is none.
func instantOf(seconds float64) (feed.Instant, Reason) {
	switch {
	case math.IsNaN(seconds), math.IsInf(seconds, 0):
		return 0, NotANumber
	case seconds == 0:
		return 0, Never
	case seconds < secondsMin:
		return 0, NotATime
	case seconds >= secondsMax:
		return 0, TooLate
	}
	return feed.Instant(math.Round(seconds * 1000)), taken
}

// Stamp is a value in unix seconds as an Instant; why is "" when it is one, and
// hint says what to do when it is not.
func Stamp(seconds float64) (at feed.Instant, why Reason, hint string) {
	at, why = instantOf(seconds)
	return at, why, hints[why]
}
