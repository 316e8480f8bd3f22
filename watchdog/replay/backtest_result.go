package replay

import (
	"iter"
	"slices"
	"time"

	"github.com/feedwatch/feedwatch/watchdog"
	"github.com/feedwatch/feedwatch/watchdog/feed"
)

// Backtest is what a set of rules would have made of a history.
type Backtest struct {
	Rules      string       `json:"rules"` // version of the set
	From       feed.Instant `json:"from"`
	Until      feed.Instant `json:"until"`
	Heartbeats int          `json:"heartbeats"`
	Clients    int          `json:"clients"` // that were heard of
	// Late is how many heartbeats stood too far behind newer ones to be put in order.
	Late      int    `json:"late"`
	LateFirst string `json:"late_first,omitempty"`
	// Refused are heartbeats that the service would not have taken either, or not
	// their event time, by why.
	Refused map[feed.Refusal]int `json:"refused,omitempty"`
	// Unheard are feeds that rules watch and the history has nothing of: what the
	// rules say of them is not told.
	Unheard []string `json:"feeds_unheard,omitempty"`
	// Unwatched are feeds that the history has, and no rule watches.
	Unwatched []string   `json:"feeds_unwatched,omitempty"`
	Summary   Summary    `json:"summary"`
	Incidents []*Outcome `json:"incidents"` // in order of opening

	lane *lane
}

// Summary is a backtest in figures.
type Summary struct {
	Incidents       int           `json:"incidents"`
	Pages           int           `json:"pages"`
	PagesPerWeek    float64       `json:"pages_per_week"`
	DetectionMedian time.Duration `json:"detection_median_ns,omitempty"` // from the last update to the first page
	DetectionMax    time.Duration `json:"detection_max_ns,omitempty"`
	TimeToLossMin   time.Duration `json:"time_to_loss_min_ns,omitempty"` // that was left at a first page; where loss can begin
	PagedTooLate    int           `json:"paged_after_loss_began,omitempty"`
	Unpaged         int           `json:"incidents_unpaged,omitempty"` // held back, or over before anybody was told
}

const week = 7 * 24 * time.Hour

func (l *lane) result(until feed.Instant) *Backtest {
	b := &Backtest{Rules: l.set.Version(), From: l.from, Until: until, Refused: l.refused, Incidents: []*Outcome{}, lane: l}
	unheard := map[string]bool{}
	for _, f := range l.machine.Feeds() {
		heard := !f.Newest.IsZero()
		switch {
		case f.Watched && !heard:
			b.Unheard = append(b.Unheard, f.Name)
			unheard[f.Name] = true
		case !f.Watched && heard:
			b.Unwatched = append(b.Unwatched, f.Name)
		}
		if heard {
			for c := range l.clients(watchdog.ClientQuery{Feed: f.Name, Any: true}) {
				if !c.Arrival.IsZero() {
					b.Clients++
				}
			}
		}
	}
	for _, o := range l.order {
		if !unheard[o.Incident.Feed] {
			o.LostFrom, o.LostTo = o.Incident.Loss.LostAt(until)
			b.Incidents = append(b.Incidents, o)
		}
	}
	b.summarise()
	return b
}

func (b *Backtest) summarise() {
	s := &b.Summary
	var delays []time.Duration
	for _, o := range b.Incidents {
		s.Incidents++
		s.Pages += o.Pages
		if o.FirstPage.IsZero() {
			s.Unpaged++
			continue
		}
		if o.Incident.Opened >= b.From && !o.Incident.Since.IsZero() && o.Incident.Trickle == nil {
			delays = append(delays, o.Detection)
		}
		switch {
		case o.LossBegins.IsZero():
		case o.TimeToLoss == 0:
			s.PagedTooLate++
		case s.TimeToLossMin == 0 || o.TimeToLoss < s.TimeToLossMin:
			s.TimeToLossMin = o.TimeToLoss
		}
	}
	if span := b.Until.Sub(b.From); span > 0 {
		s.PagesPerWeek = float64(s.Pages) * float64(week) / float64(span)
	}
	if len(delays) > 0 {
		slices.Sort(delays)
		s.DetectionMedian, s.DetectionMax = delays[len(delays)/2], delays[len(delays)-1]
	}
}

// Feeds are all that the rules watch or the history has.
func (b *Backtest) Feeds() []watchdog.FeedView { return b.lane.machine.Feeds() }

// ClientsOf yields the clients of a feed as they were at the end, those of a
// roster that were never heard of among them.
func (b *Backtest) ClientsOf(name string) iter.Seq[*watchdog.ClientView] {
	return b.lane.clients(watchdog.ClientQuery{Feed: name, Any: true})
}
