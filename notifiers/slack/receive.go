package slack

import (
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/url"
)

// The paths that the app's settings name.
const (
	InteractionsPath = "/slack/interactions"
	CommandsPath     = "/slack/commands"
)

// requestBytesMax is far above a message of ours, which comes back with a press.
const requestBytesMax = 1 << 20

// Listens says that an app has a signing secret, so that Slack may post to us.
func (d *Desk) Listens() bool {
	for _, a := range d.apps {
		if !a.config.SigningSecret.IsZero() {
			return true
		}
	}
	return false
}

// Interactions takes what people press.
func (d *Desk) Interactions() http.Handler {
	return d.receive(func(a *app, form url.Values) (job, bool, error) {
		p, ok, err := parsePress([]byte(form.Get("payload")))
		return d.pressed(a, p), ok, err
	})
}

// Commands takes what people type.
func (d *Desk) Commands() http.Handler {
	return d.receive(func(a *app, form url.Values) (job, bool, error) {
		return d.typed(a, parseCommand(form)), form.Get("ssl_check") == "", nil
	})
}

// receive takes what Slack signed, and answers before the work is done. What was
// taken before is answered as it was then: Slack may have missed the answer.
func (d *Desk) receive(read func(a *app, form url.Values) (j job, ok bool, err error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, requestBytesMax))
		if err != nil {
			if errors.As(err, new(*http.MaxBytesError)) {
				refuse(w, http.StatusRequestEntityTooLarge, "the body is longer than 1 MiB")
				return
			}
			refuse(w, http.StatusBadRequest, "the body broke off")
			return
		}
		a, name, err := d.signedBy(r.Header, body)
		switch {
		case errors.Is(err, errReplayed):
			w.WriteHeader(http.StatusOK)
			return
		case errors.Is(err, errTooMany):
			refuse(w, http.StatusServiceUnavailable, err.Error())
			return
		case err != nil:
			refuse(w, http.StatusUnauthorized, err.Error())
			return
		}
		form, err := url.ParseQuery(string(body))
		if err != nil {
			refuse(w, http.StatusBadRequest, "the body is no form")
			return
		}
		j, ok, err := read(a, form)
		switch {
		case err != nil:
			d.config.Log.Warn("something that Slack sent could not be read", slog.Any("error", err))
			refuse(w, http.StatusBadRequest, err.Error())
		case ok && !d.take(j):
			d.seen.forget(name)
			refuse(w, http.StatusServiceUnavailable, "too many presses wait already; press again")
		default:
			w.WriteHeader(http.StatusOK) // an empty body also closes a form
		}
	})
}

func refuse(w http.ResponseWriter, code int, text string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(map[string]string{"error": text}) // the client may be gone
}
