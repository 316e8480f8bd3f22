package notifiers

import (
	"time"
)

// Again tells of pages that only repeat the one at first: "and again every 1 h,
// 118 times, until 28 Nov 2025 23:35 UTC". There are more of them, the last at
// last; seconds are shown where the last page has them.
func Again(first, last time.Time, more int) string {
	every := (last.Sub(first) / time.Duration(max(more, 1))).Round(time.Second)
	times := "once"
	if more != 1 {
		times = Count(more) + " times"
	}
	return "and again every " + Duration(every) + ", " + times + ", until " + Day(last) + " UTC"
}

// Day is a time with its day and year, exact to the second where that matters:
// "24 Nov 2025 00:05".
func Day(t time.Time) string {
	layout := "2 Jan 2006 15:04"
	if t.Truncate(time.Minute) != t.Truncate(time.Second) {
		layout += ":05"
	}
	return t.UTC().Format(layout)
}
