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

// headlinesMax is how many incidents the first thing that the page says names.
const headlinesMax = 3

// overallOf says what is wrong, for whom, since when; or that nothing is.
func (w Words) overallOf(p picture, troubles int) overall {
	out := w.feedsOf(p.Status, p.feeds, p.active)
	blind := 0
	for _, src := range p.Sources {
		if src.Blind {
			blind++
		}
	}
	if blind > 0 {
		troubles++
	}
	if troubles == 0 {
		return out
	}
	if out.Tone == "good" {
		out.Tone = "warn"
	}
	if out.More != "" {
		out.More += ". "
	}
	out.More += "Feedwatch itself has trouble: see below."
	return out
}

func (w Words) feedsOf(s *engine.Status, feeds []watchdog.FeedView, active []*watchdog.Incident) overall {
	switch {
	case len(active) == 1:
		m := w.moment(active[0].Opened, s.Now)
		return overall{"bad", w.Headline(active[0]), "Opened " + m.Text + ", " + m.Age}
	case len(active) > 1:
		return w.several(len(feeds), active)
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

func (w Words) several(feeds int, active []*watchdog.Incident) overall {
	touched := map[string]bool{}
	var headlines []string
	for i, inc := range active {
		touched[inc.Feed] = true
		if i < headlinesMax {
			headlines = append(headlines, w.Headline(inc))
		}
	}
	more := strings.Join(headlines, "; ")
	if rest := len(active) - len(headlines); rest > 0 {
		more += fmt.Sprintf("; and %s more", w.Count(rest))
	}
	return overall{"bad", fmt.Sprintf("%s incidents are open, on %s of %s", w.Count(len(active)), w.Count(len(touched)), w.feeds(feeds)), more}
}

func (w Words) feeds(n int) string {
	if n == 1 {
		return "1 feed"
	}
	return w.Count(n) + " feeds"
}

// verdictText is a verdict in running text.
func verdictText(v watchdog.Verdict) string { return strings.ReplaceAll(v.String(), "_", " ") }
