package report

import "strings"

// page is a report as Markdown and HTML show it: texts only, so that both say the
// same.
type page struct {
	Title, Headline, Summary, Drafted string
	Runbook                           string
	Facts                             []figure
	Moments                           []moment
	Losses                            []lostRow
	LossesMore                        int
	Kept                              string // in place of Losses where there are none
	Late                              string // which updates came late; "" for none
	Counted, Noted                    bool   // any row of Losses counts updates, has a note
	Timeline                          []line
	Measures                          []Measure
}

// line is an entry of the timeline.
type line struct{ At, Text string }

func (r *Report) page() page {
	p := page{
		Title: r.Title, Headline: r.Headline, Summary: r.Summary, Drafted: r.stamp(r.Drafted),
		Runbook: r.words.Link(r.Feeds[0].Runbook), Facts: r.facts(), Moments: r.moments(),
	}
	for _, m := range r.Measures {
		m.What, m.Owner = r.words.Clean(m.What, MeasureTextRunesMax), r.name(m.Owner)
		p.Measures = append(p.Measures, m)
	}
	p.Losses, p.LossesMore = r.losses()
	if p.Kept = "Nothing was lost that is known of."; neverCame(r.inc) {
		p.Kept = "What was lost is not known: no update came again."
	}
	if l := r.Late; l != nil {
		p.Late = "Updates made from " + r.span(l.From, l.To) + " (" + r.words.Age(l.Length) + ") came late."
	}
	for _, l := range p.Losses {
		p.Counted = p.Counted || strings.HasPrefix(l.Updates, "about")
		p.Noted = p.Noted || l.Note != ""
	}
	for _, e := range r.Timeline {
		p.Timeline = append(p.Timeline, line{r.day(e.At), strings.Join(e.Text, " ")})
	}
	return p
}

// What stands in every document.
const (
	draftNote = "Draft of %s, from what feedwatch recorded. All times are UTC."
	causeNote = "To be written: what failed, why, and why it was not noticed or handled sooner."
	lossNote  = "Updates are told by the time at which they were made."
)
