package api

import (
	"net/http"
	"time"

	"github.com/feedwatch/feedwatch/watchdog/engine"
	"github.com/feedwatch/feedwatch/watchdog/feed"
)

// silencesBody is the content of the page of silences and maintenances.
type silencesBody struct {
	Silences     []holdingRow
	Maintenances []holdingRow
	New          silenceForm
	NoAdmin      bool
	Problem      string // of a silence that could not be ended
}

// holdingRow is a silence or a maintenance in a list.
type holdingRow struct {
	ID          string // of a silence
	Name        string // the comment, or the maintenance's name
	By          string // of a silence
	Match       string
	From, Until *moment
	Active      bool
}

// silenceForm is the form of a new silence.
type silenceForm struct {
	Sent    silenceAsk // what was typed before
	From    string
	For     []choice
	Problem string
}

func newSilenceForm(sent silenceAsk, from, problem string) silenceForm {
	on := sent.For
	if on == "" {
		on = "2h"
	}
	return silenceForm{Sent: sent, From: from, Problem: problem, For: choices(on,
		choice{"30m", "30 min", false}, choice{"1h", "1 h", false}, choice{"2h", "2 h", false}, choice{"4h", "4 h", false},
		choice{"8h", "8 h", false}, choice{"1d", "1 d", false}, choice{"3d", "3 d", false}, choice{"7d", "7 d", false}, choice{"31d", "31 d", false})}
}

// holding are the silences and maintenances that hold now.
func (w Words) holding(who *Token, s *engine.Status) []holdingRow {
	var all []holdingRow
	for _, row := range append(w.silenceRows(who, s), w.maintenanceRows(who, s)...) {
		if row.Active {
			all = append(all, row)
		}
	}
	return all
}

func (w Words) silenceRows(who *Token, s *engine.Status) []holdingRow {
	var all []holdingRow
	for _, v := range silencesFor(who, s) {
		all = append(all, holdingRow{v.ID, v.Comment, v.By, v.Match, w.moment(v.From, s.Now), w.moment(v.Until, s.Now), v.Active(s.Now)})
	}
	return all
}

func (w Words) maintenanceRows(who *Token, s *engine.Status) []holdingRow {
	var all []holdingRow
	for _, v := range maintenancesFor(who, s) {
		all = append(all, holdingRow{"", v.Name, "", v.Match, w.moment(v.From, s.Now), w.moment(v.Until, s.Now), v.Active(s.Now)})
	}
	return all
}

// silencesPage is GET /silences; ?match= fills the form in.
func (a *API) silencesPage(w http.ResponseWriter, r *http.Request, who *Token) {
	form := newSilenceForm(silenceAsk{Match: r.URL.Query().Get("match")}, "", "")
	a.showSilences(w, r, who, http.StatusOK, form, "")
}

func (a *API) showSilences(w http.ResponseWriter, r *http.Request, who *Token, code int, form silenceForm, problem string) {
	s, err := a.status()
	if err != nil {
		a.renderError(w, r, err)
		return
	}
	words := a.cfg.Words
	a.render(w, r, code, pageSilences, frame{Title: "Silences and maintenance: feedwatch", Body: silencesBody{
		Silences: words.silenceRows(who, s), Maintenances: words.maintenanceRows(who, s),
		New: form, NoAdmin: !a.tokens.anyMay(RoleAdmin), Problem: problem,
	}})
}

// fromLayout is how a browser sends a time that a person chose.
const fromLayout = "2006-01-02T15:04"

// addSilenceForm is POST /silences.
func (a *API) addSilenceForm(w http.ResponseWriter, r *http.Request, _ *Token) {
	a.form(w, r, "/silences", func(who *Token) error {
		ask, err := sentSilence(r)
		if err == nil {
			_, err = a.silence(r.Context(), who, ask)
		}
		return err
	}, func(reader *Token, code int, text string) {
		ask, _ := sentSilence(r) // what could be read of it
		a.showSilences(w, r, reader, code, newSilenceForm(ask, r.PostFormValue("from"), text), "")
	})
}

func sentSilence(r *http.Request) (silenceAsk, error) {
	ask := silenceAsk{
		Match: r.PostFormValue("match"), By: r.PostFormValue("by"), Comment: r.PostFormValue("comment"), For: r.PostFormValue("for"),
	}
	if from := r.PostFormValue("from"); from != "" {
		t, err := time.Parse(fromLayout, from)
		if err != nil {
			return ask, &refusal{http.StatusBadRequest, "the time from which on is one such as 2026-01-31T02:00, in UTC"}
		}
		ask.From = feed.At(t)
	}
	return ask, nil
}

// endSilenceForm is POST /silences/{id}.
func (a *API) endSilenceForm(w http.ResponseWriter, r *http.Request, _ *Token) {
	a.form(w, r, "/silences", func(who *Token) error {
		by, err := person("by", r.PostFormValue("by"))
		if err != nil {
			return &refusal{http.StatusBadRequest, err.Error()}
		}
		_, err = a.end(r.Context(), who, r.PathValue("id"), by)
		return err
	}, func(reader *Token, code int, text string) {
		a.showSilences(w, r, reader, code, newSilenceForm(silenceAsk{}, "", ""), text)
	})
}
