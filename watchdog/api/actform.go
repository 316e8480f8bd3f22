package api

import (
	"net/http"
	"net/url"

	"github.com/feedwatch/feedwatch/watchdog"
)

// actForm is a form with which a person decides something about an incident.
type actForm struct {
	Act, Title, Says, Button string
	For                      []choice
	To                       bool
	Reason                   string // what its field is called; "" for none
	Reasoned                 bool
	Sent                     decision // what was typed before
	Problem                  string
	Open                     bool
}

// choice is an option of a list.
type choice struct {
	Value, Text string
	On          bool
}

// choices are times to choose from; the one that is on first is chosen.
func choices(on string, values ...choice) []choice {
	for i := range values {
		values[i].On = values[i].Value == on
	}
	return values
}

// actForms are what a person can decide about inc now.
func actForms(inc *watchdog.Incident, sent sentForm) []actForm {
	taken := inc.State == watchdog.StateAcknowledged
	title := "Acknowledge"
	if taken {
		title = "Acknowledge again"
	}
	forms := []actForm{
		{
			Act: "ack", Title: title, Button: "Acknowledge", Open: !taken && sent.act == "",
			Says: "You are on it: the ladder stops for that time, for the clients now shown.",
			For:  choices("4h", choice{"30m", "30 min", false}, choice{"1h", "1 h", false}, choice{"4h", "4 h", false}, choice{"8h", "8 h", false}, choice{"1d", "1 d", false}),
		},
		{
			Act: "snooze", Title: "Snooze", Button: "Snooze",
			Says: "It can wait: it pages again after that time if it goes on.",
			For:  choices("1h", choice{"1h", "1 h", false}, choice{"4h", "4 h", false}, choice{"24h", "24 h", false}),
		},
		{
			Act: "handover", Title: "Hand over", Button: "Hand over", To: true,
			Says: "Somebody else is on it, for what is left of the acknowledgement.",
		},
		{
			Act: "resolve", Title: "Resolve", Button: "Resolve", Reason: "Why it is over",
			Says: "It is over. If it is not, it pages again in 30 min; it resolves by itself once updates arrive.",
		},
	}
	if inc.Drill != nil {
		forms = []actForm{{Act: "ack", Title: title, Button: "Acknowledge", Open: !taken, Says: "This is a drill: you show that pages are heard."}}
	}
	if !inc.Loss.Begins.IsZero() && inc.Loss.Accepted == nil {
		forms = append(forms, actForm{
			Act: "accept-loss", Title: "Accept the loss", Button: "Accept the loss", Reason: "Why the data may be lost", Reasoned: true,
			Says: "The data may be lost: nobody is paged any more because of the loss clock.",
		})
	}
	for i := range forms {
		if f := &forms[i]; f.Act == sent.act {
			f.Sent, f.Problem, f.Open = sent.asked, sent.problem, true
			for n := range f.For {
				f.For[n].On = f.For[n].Value == sent.asked.For
			}
		}
	}
	return forms
}

// actForm is POST /incidents/{id}.
func (a *API) actForm(w http.ResponseWriter, r *http.Request, _ *Token) {
	id := r.PathValue("id")
	sent := func() sentForm {
		return sentForm{act: r.PostFormValue("do"), asked: decision{
			By: r.PostFormValue("by"), For: r.PostFormValue("for"), To: r.PostFormValue("to"), Reason: r.PostFormValue("reason"),
		}}
	}
	a.form(w, r, "/incidents/"+url.PathEscape(id), func(who *Token) error {
		do := actNamed(sent().act)
		if do == nil {
			return &refusal{http.StatusBadRequest, "the form does not say what to do: open the incident's page again"}
		}
		_, err := a.decide(r.Context(), who, id, do, sent().asked)
		return err
	}, func(reader *Token, code int, problem string) {
		again := sent()
		again.problem = problem
		a.showIncident(w, r, reader, code, again)
	})
}

func actNamed(name string) *act {
	for i := range acts {
		if acts[i].name == name {
			return &acts[i]
		}
	}
	return nil
}
