package api

import (
	"fmt"
	"strings"

	"github.com/feedwatch/feedwatch/watchdog"
	"github.com/feedwatch/feedwatch/watchdog/engine"
)

// overall is the first thing that the page says.
type overall struct {
	Tone string // "bad", "warn" or "good": the colour; the words say it too
	Text string
	More string
}

// overallOf says what is wrong, for whom, since when; or that nothing is.
func (w Words) overallOf(s *engine.Status, feeds []watchdog.FeedView, active []*watchdog.Incident) overall {
	switch {
	case len(active) == 1:
		return overall{"bad", w.Headline(active[0]), "since " + w.moment(active[0].Opened, s.Now).Text}
	case len(active) > 1:
		touched := map[string]bool{}
		for _, inc := range active {
			touched[inc.Feed] = true
		}
		return overall{"bad", fmt.Sprintf("%s incidents are open, on %s of %s", w.Count(len(active)), w.Count(len(touched)), w.feeds(len(feeds))), ""}
	case !s.Ready:
		return overall{"warn", "feedwatch is starting", "Nothing is known yet of feeds that have not been heard from since."}
	case len(feeds) == 0:
		return overall{"warn", "No feed is watched", "No rule file names one, and no heartbeat has come."}
	}
	fresh, others := 0, []string{}
	for i := range feeds {
		switch f := &feeds[i]; {
		case f.Verdict == watchdog.Fresh:
			fresh++
		case len(others) < 5:
			others = append(others, f.Name+" is "+verdictText(f.Verdict))
		}
	}
	if fresh == len(feeds) {
		if fresh == 1 {
			return overall{"good", "The one feed is fresh", ""}
		}
		return overall{"good", fmt.Sprintf("All %s are fresh", w.feeds(fresh)), ""}
	}
	more := strings.Join(others, "; ")
	if rest := len(feeds) - fresh - len(others); rest > 0 {
		more += fmt.Sprintf("; and %s more", w.Count(rest))
	}
	return overall{"warn", fmt.Sprintf("%s of %s fresh, no incident is open", w.Count(fresh), w.feeds(len(feeds))), more}
}

func (w Words) feeds(n int) string {
	if n == 1 {
		return "1 feed"
	}
	return w.Count(n) + " feeds"
}

// verdictText is a verdict in running text.
func verdictText(v watchdog.Verdict) string { return strings.ReplaceAll(v.String(), "_", " ") }
