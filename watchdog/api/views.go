package api

import (
	"cmp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/feedwatch/feedwatch/watchdog"
	"github.com/feedwatch/feedwatch/watchdog/engine"
	"github.com/feedwatch/feedwatch/watchdog/feed"
)

// resolvedShownMax is how many resolved incidents the page lists.
const resolvedShownMax = 10

// verdictOrder is that of bars and lists: what needs a person first.
var verdictOrder = []watchdog.Verdict{
	watchdog.Stale, watchdog.Frozen, watchdog.FallingBehind, watchdog.Trickling, watchdog.Blind, watchdog.CatchingUp,
	watchdog.Late, watchdog.Pending, watchdog.Fresh, watchdog.Unwatched, watchdog.Retired,
}

// verdictView is a verdict with the class that colours it.
type verdictView struct{ Word, Text string }

func newVerdictView(v watchdog.Verdict) verdictView { return verdictView{v.String(), verdictText(v)} }

// share is how many clients have a verdict, and its piece of a bar of width 100.
type share struct {
	verdictView
	Count    string
	X, Width float64
}

func (w Words) shares(counts watchdog.ByVerdict) []share {
	total := 0
	for _, n := range counts {
		total += n
	}
	var out []share
	x := 0.0
	for _, v := range verdictOrder {
		n := counts[v]
		if n == 0 {
			continue
		}
		width := 100 * float64(n) / float64(total)
		out = append(out, share{newVerdictView(v), w.Count(n), x, width})
		x += width
	}
	return out
}

// feedRow is a feed in the table.
type feedRow struct {
	Name, Description, Owner, Runbook string
	Watched                           bool
	Verdict                           verdictView
	Clients                           string
	Shares                            []share
	Newest, Oldest                    *moment
	Retention                         string
	Loss                              *lossView
	Incidents                         []string
}

func (w Words) feedRow(f *watchdog.FeedView, now feed.Instant) feedRow {
	row := feedRow{
		Name: f.Name, Description: f.Description, Owner: f.Owner, Runbook: f.Runbook, Watched: f.Watched,
		Verdict: newVerdictView(f.Verdict), Clients: w.Count(f.Clients), Shares: w.shares(f.ByVerdict),
		Newest: w.moment(f.Newest, now), Oldest: w.moment(f.Oldest, now),
		Loss: w.loss(f.LossBegins, f.Retention, now), Incidents: f.Incidents,
	}
	if f.Retention > 0 {
		row.Retention = w.Age(f.Retention)
	}
	return row
}

// lossView is the clock that matters.
type lossView struct {
	Begun  bool
	Left   string // until, or since when it has begun
	Begins *moment
	Spent  float64 // of the retention, 0 to 100
}

func (w Words) loss(begins feed.Instant, retention interface{ Seconds() float64 }, now feed.Instant) *lossView {
	if begins.IsZero() {
		return nil
	}
	left := begins.Sub(now)
	v := &lossView{Begun: left <= 0, Left: w.Age(left.Abs()), Begins: w.moment(begins, now), Spent: 100}
	if r := retention.Seconds(); r > 0 {
		v.Spent = min(100, max(0, 100*(1-left.Seconds()/r)))
	}
	return v
}

// incidentCard is an incident with what a person needs.
type incidentCard struct {
	ID, Feed, Headline, State, Severity string
	Opened, Resolved                    *moment
	Facts                               []Fact
	Loss                                *lossView
	Runbook                             string
	Active, Held                        bool
}

func (w Words) incidentCard(inc *watchdog.Incident, now feed.Instant) incidentCard {
	card := incidentCard{
		ID: inc.ID, Feed: inc.Feed, Headline: w.Headline(inc), State: string(inc.State), Severity: inc.Severity.String(),
		Opened: w.moment(inc.Opened, now), Resolved: w.moment(inc.Resolved, now),
		Facts: w.facts(inc, now), Runbook: inc.Runbook, Active: inc.State != watchdog.StateResolved,
		Held: inc.Hold != nil,
	}
	if card.Active {
		card.Loss = w.loss(inc.Loss.Begins, inc.Loss.Retention, now)
	}
	return card
}

// facts are those of the words; a sentence that begins with its own name, as it
// must in a message, does not say it twice in a list.
func (w Words) facts(inc *watchdog.Incident, now feed.Instant) []Fact {
	facts := w.Facts(inc, now)
	for i := range facts {
		if rest, ok := strings.CutPrefix(facts[i].Text, facts[i].Name+": "); ok && rest != "" {
			first, size := utf8.DecodeRuneInString(rest)
			facts[i].Text = string(unicode.ToUpper(first)) + rest[size:]
		}
	}
	return facts
}

// sourceRow is a source in the table.
type sourceRow struct {
	Name, Failure string
	Blind         bool
	Known         *moment
}

// picture is what a viewer may see of a Status, sorted: what needs a person first.
type picture struct {
	*engine.Status
	feeds            []watchdog.FeedView
	active, resolved []*watchdog.Incident
}

func pictureFor(who *Token, s *engine.Status) picture {
	p := picture{Status: s}
	for _, f := range s.Feeds {
		if who.reaches(f.Name) {
			p.feeds = append(p.feeds, f)
		}
	}
	slices.SortStableFunc(p.feeds, func(a, b watchdog.FeedView) int {
		return cmp.Or(cmp.Compare(slices.Index(verdictOrder, a.Verdict), slices.Index(verdictOrder, b.Verdict)), cmp.Compare(a.Name, b.Name))
	})
	for _, inc := range s.Incidents {
		switch {
		case !who.reaches(inc.Feed):
		case inc.State != watchdog.StateResolved:
			p.active = append(p.active, inc)
		case len(p.resolved) < resolvedShownMax:
			p.resolved = append(p.resolved, inc)
		}
	}
	slices.SortStableFunc(p.active, func(a, b *watchdog.Incident) int {
		return cmp.Or(cmp.Compare(stateRank(a.State), stateRank(b.State)), cmp.Compare(heldRank(a), heldRank(b)), cmp.Compare(b.Severity, a.Severity), cmp.Compare(b.Opened, a.Opened))
	})
	return p
}

func stateRank(s watchdog.State) int {
	return slices.Index([]watchdog.State{watchdog.StateOpen, watchdog.StateAcknowledged, watchdog.StateRecovering}, s)
}

func heldRank(inc *watchdog.Incident) int {
	if inc.Hold != nil {
		return 1
	}
	return 0
}
