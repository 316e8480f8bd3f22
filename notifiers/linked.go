package notifiers

import "github.com/feedwatch/feedwatch/watchdog"

// linkedShown is how many feeds with the same cause are named.
const linkedShown = 5

// linkedLine names the other feeds that are in trouble for the same cause.
func linkedLine(inc *watchdog.Incident) Line {
	if len(inc.Linked) == 0 || inc.State == watchdog.StateResolved {
		return nil
	}
	shown := inc.Linked[:min(len(inc.Linked), linkedShown)]
	var line Line
	for i, l := range shown {
		if i > 0 {
			line = append(line, plain(", "))
		}
		line = append(line, name(l.Feed))
		if l.Of > 0 {
			line = append(line, plain(" ("+Count(l.Silent)+" of "+plural(l.Of, "client")+")"))
		}
	}
	if more := len(inc.Linked) - len(shown) + inc.LinkedMore; more > 0 {
		line = append(line, plain(" and "+plural(more, "more feed")))
	}
	return append(line, plain("."))
}
