package api

import (
	"time"

	"github.com/feedwatch/feedwatch/watchdog"
)

// came is how many updates came to a client whose rule asks for some, for people; "" for
// others: "12 updates since 05:00 UTC, at least 100 in 1 h".
func (w Words) came(u *watchdog.UpdatesView, now time.Time) string {
	if u == nil {
		return ""
	}
	layout := "15:04 UTC"
	if from := u.From.Time().UTC(); from.Format(time.DateOnly) != now.UTC().Format(time.DateOnly) {
		layout = "2 Jan 15:04 UTC"
	}
	noun := " updates since "
	if u.Came == 1 {
		noun = " update since "
	}
	return w.Count(u.Came) + noun + u.From.Time().UTC().Format(layout) + ", at least " + w.Count(u.AtLeast) + " in " + w.Age(u.Per)
}
