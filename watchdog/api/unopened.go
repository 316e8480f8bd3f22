package api

import (
	"fmt"

	"github.com/feedwatch/feedwatch/watchdog"
)

// unopened is why a client's silence opens no incident, for people; "" where it would.
func unopened(c *watchdog.ClientView) string {
	const minute = "2 Jan 2006 15:04 UTC"
	switch {
	case c.Ignored != nil:
		return fmt.Sprintf("ignored until %s: %s", c.Ignored.Until.Time().UTC().Format(minute), c.Ignored.Reason)
	case c.Quorum == nil:
		return ""
	}
	text := fmt.Sprintf("stale since %s, and %d of the %d that it takes to page", c.Quorum.Since.Time().UTC().Format(minute), c.Quorum.Overdue, c.Quorum.Needs)
	if until := c.Quorum.Until; !until.IsZero() {
		text += fmt.Sprintf("; it pages by itself %s, before data is lost", until.Time().UTC().Format(minute))
	}
	return text
}
