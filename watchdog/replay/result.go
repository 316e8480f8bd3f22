package replay

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/feedwatch/feedwatch/rules"
	"github.com/feedwatch/feedwatch/watchdog"
	"github.com/feedwatch/feedwatch/watchdog/feed"
)

// Result is what came of a replay.
type Result struct {
	Title      string       `json:"title,omitempty"`
	Feed       string       `json:"feed"`
	Clients    int          `json:"clients"`
	From       feed.Instant `json:"from"`
	Until      feed.Instant `json:"until"`
	Rules      string       `json:"rules"` // version of the set
	Heartbeats int          `json:"heartbeats"`
	Incidents  []*Outcome   `json:"incidents"` // in order of opening
}

// Outcome is one incident and the figures that a review asks for.
type Outcome struct {
	// FirstPage is when somebody was told first; zero: nobody was.
	FirstPage feed.Instant `json:"first_page,omitzero"`
	// Detection is the time from the last update to FirstPage; of a trickle, from the
	// begin of the window in which it was found.
	Detection time.Duration `json:"detection_ns,omitempty"`
	// TimeToLoss is what was left at FirstPage until updates were deleted unread;
	// zero where the feed has no retention, or loss had begun.
	TimeToLoss time.Duration `json:"time_to_loss_ns,omitempty"`
	LossBegins feed.Instant  `json:"loss_begins,omitzero"` // as known at FirstPage
	LostFrom   feed.Instant  `json:"lost_from,omitzero"`
	LostTo     feed.Instant  `json:"lost_to,omitzero"`
	Resumed    feed.Instant  `json:"resumed,omitzero"` // the first update that arrived again
	// Current is when all was current again for good; zero: not within the scenario.
	Current  feed.Instant `json:"current,omitzero"`
	Resolved feed.Instant `json:"resolved,omitzero"`
	Pages    int          `json:"pages"`
	// Ledger is what each client lost, by client.
	Ledger []watchdog.LedgerRow `json:"ledger,omitempty"`
	// Incident is it at the end of the scenario, with its pages and timeline.
	Incident *watchdog.Incident `json:"incident"`
}

func newResult(s *Scenario, set *rules.Set) *Result {
	return &Result{
		Title: s.Title, Feed: s.Generator.Feed, Clients: s.Generator.Clients,
		From: s.From, Until: s.Until, Rules: set.Version(), Incidents: []*Outcome{},
	}
}

// keep takes rows of the ledger over, the newer in place of the older.
func (r *Result) keep(rows []watchdog.LedgerRow) {
	type once struct {
		incident, client string
		from             feed.Instant
	}
	newest := map[once]watchdog.LedgerRow{}
	for _, row := range rows {
		newest[once{row.Incident, row.Client, row.From}] = row
	}
	for _, row := range newest {
		for _, o := range r.Incidents {
			if o.Incident.ID == row.Incident {
				o.Ledger = append(o.Ledger, row)
			}
		}
	}
	for _, o := range r.Incidents {
		slices.SortFunc(o.Ledger, func(a, b watchdog.LedgerRow) int {
			return cmp.Or(strings.Compare(a.Client, b.Client), cmp.Compare(a.From, b.From))
		})
	}
}

// changed takes over what an incident is now.
func (r *Result) changed(inc *watchdog.Incident) {
	i := slices.IndexFunc(r.Incidents, func(o *Outcome) bool { return o.Incident.ID == inc.ID })
	if i < 0 {
		i = len(r.Incidents)
		r.Incidents = append(r.Incidents, &Outcome{})
	}
	o := r.Incidents[i]
	o.take(inc)
	o.LostFrom, o.LostTo = inc.Loss.LostAt(r.Until)
}

// take takes over what an incident is now, but for what is lost.
func (o *Outcome) take(inc *watchdog.Incident) {
	o.Incident = inc
	o.Pages = len(inc.Pages)
	o.Resumed, o.Current, o.Resolved = inc.Loss.FirstAgain, inc.WellSince, inc.Resolved
	if o.FirstPage.IsZero() && len(inc.Pages) > 0 {
		o.FirstPage = inc.Pages[0].At
		since := inc.Since
		switch {
		case inc.Trickle != nil: // updates go on; the first window to which too few came began then
			since = inc.Trickle.From
		case since.IsZero():
			since = inc.Opened
		}
		o.Detection = o.FirstPage.Sub(since)
		o.LossBegins = inc.Loss.Begins
		if left := o.LossBegins.Sub(o.FirstPage); !o.LossBegins.IsZero() && left > 0 {
			o.TimeToLoss = left
		}
	}
}
