package api

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"

	"github.com/feedwatch/feedwatch/watchdog"
	"github.com/feedwatch/feedwatch/watchdog/feed"
)

// incidentBody is the content of an incident's page.
type incidentBody struct {
	Incident incidentCard
	Timeline []eventRow
	Acts     []actForm // none once it is resolved
	NoAdmin  bool      // no token may: the forms would be of no use
	Silence  string    // where to silence for longer
	Problem  string    // of a form that is not among Acts (any more)
}

// eventRow is an event of the timeline.
type eventRow struct {
	ISO, Day string
	Lines    []string
}

// incidentPage is GET /incidents/{id}.
func (a *API) incidentPage(w http.ResponseWriter, r *http.Request, who *Token) {
	a.showIncident(w, r, who, http.StatusOK, sentForm{})
}

// sentForm is a form that was sent and not taken: it is shown again as it was.
type sentForm struct {
	act     string
	asked   decision
	problem string
}

func (a *API) showIncident(w http.ResponseWriter, r *http.Request, who *Token, code int, sent sentForm) {
	s, err := a.status()
	if err != nil {
		a.renderError(w, r, err)
		return
	}
	inc, err := a.findIncident(r.Context(), r.PathValue("id"), who)
	if err != nil {
		a.renderError(w, r, err)
		return
	}
	words := a.cfg.Words
	// An incident is newer than the picture when it was asked for in between.
	now := max(s.Now, inc.Seen)
	body := incidentBody{Incident: words.incidentCard(inc, now), Timeline: words.timeline(inc)}
	if inc.State != watchdog.StateResolved && !inc.Cause.OfItself() { // that ends by itself
		body.NoAdmin = !a.tokens.anyMay(RoleAdmin)
		body.Acts = actForms(inc, sent)
		if inc.Drill == nil {
			body.Silence = "/silences?match=" + url.QueryEscape(matchOf(inc)) + "#new"
		}
	}
	if !slices.ContainsFunc(body.Acts, func(f actForm) bool { return f.Act == sent.act }) {
		body.Problem = sent.problem
	}
	a.render(w, r, code, pageIncident, frame{Title: body.Incident.Headline + ": feedwatch", Body: body})
}

// matchOf picks what the incident is about.
func matchOf(inc *watchdog.Incident) string {
	match := fmt.Sprintf("feed=%q", inc.Feed)
	for label, value := range inc.Scope.Labels.All() {
		match += fmt.Sprintf(", %s=%q", label, value)
	}
	return match
}

// timeline has the newest event first, with the day where it changes.
func (w Words) timeline(inc *watchdog.Incident) []eventRow {
	var out []eventRow
	day := ""
	for i := len(inc.Events) - 1; i >= 0; i-- {
		e := &inc.Events[i]
		row := eventRow{ISO: e.At.String(), Lines: w.EventLines(inc, e)}
		if d := dayOf(e.At); d != day {
			day, row.Day = d, d
		}
		out = append(out, row)
	}
	return out
}

func dayOf(i feed.Instant) string { return i.Time().Format("2 January 2006") }
