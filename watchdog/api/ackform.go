package api

import (
	"net/http"
	"net/url"

	"github.com/feedwatch/feedwatch/watchdog"
	"github.com/feedwatch/feedwatch/watchdog/feed"
)

// incidentBody is the content of an incident's page.
type incidentBody struct {
	Incident incidentCard
	Timeline []eventRow
	Ack      *ackForm // nil once it is resolved
}

// eventRow is an event of the timeline.
type eventRow struct {
	ISO, Day string
	Lines    []string
}

// ackForm is the form with which a person acknowledges.
type ackForm struct {
	By      string
	Problem string
	Again   bool // somebody has acknowledged already
	NoAdmin bool // no token may: the form would be of no use
}

// incidentPage is GET /incidents/{id}.
func (a *API) incidentPage(w http.ResponseWriter, r *http.Request, who *Token) {
	a.showIncident(w, r, who, http.StatusOK, ackForm{})
}

func (a *API) showIncident(w http.ResponseWriter, r *http.Request, who *Token, code int, form ackForm) {
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
	if inc.State != watchdog.StateResolved {
		form.Again = inc.State == watchdog.StateAcknowledged
		form.NoAdmin = !a.tokens.anyMay(RoleAdmin)
		body.Ack = &form
	}
	a.render(w, r, code, pageIncident, frame{Title: body.Incident.Headline + ": feedwatch", Body: body})
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

// acknowledgeForm is POST /incidents/{id}: the form of the page, for a person
// with a browser and an admin token.
func (a *API) acknowledgeForm(w http.ResponseWriter, r *http.Request, _ *Token) {
	r.Body = http.MaxBytesReader(w, r.Body, ackBodyBytesMax)
	if err := r.ParseForm(); err != nil {
		a.renderError(w, r, &refusal{http.StatusBadRequest, "the form could not be read: send it again"})
		return
	}
	id, by := r.PathValue("id"), r.PostFormValue("by")
	secret := r.PostFormValue("token")
	if secret == "" {
		secret = secretOf(r) // a browser that was asked for a password sends it along
	}
	who, err := a.permitSecret(secret, RoleAdmin)
	if err == nil {
		_, err = a.take(r.Context(), who, ack{id, by, r.PostFormValue("for")})
	}
	if err == nil {
		http.Redirect(w, r, "/incidents/"+url.PathEscape(id), http.StatusSeeOther)
		return
	}
	code, text := explain(err)
	if secret == "" {
		text = "the token is missing: give one that has the role admin"
	}
	// What is shown around the form is for readers.
	reader, readErr := a.permit(r, RoleRead)
	if readErr != nil || code == http.StatusNotFound {
		a.renderError(w, r, &refusal{code, text})
		return
	}
	a.showIncident(w, r, reader, code, ackForm{By: by, Problem: text})
}
