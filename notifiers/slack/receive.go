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
func (d *Desk) receive(read func(a *app, form url.Values) (j job, asks bool, err error)) http.Handler {
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
		result, err := d.signed(r.Header, body, read)
		d.metrics.request(overHTTP, result)
		switch result {
		case unsigned:
			refuse(w, http.StatusUnauthorized, err.Error())
		case unreadable:
			d.config.Log.Warn("something that Slack sent could not be read", slog.Any("error", err))
			refuse(w, http.StatusBadRequest, err.Error())
		case full:
			refuse(w, http.StatusServiceUnavailable, "too many presses wait already; press again")
		default:
			w.WriteHeader(http.StatusOK) // an empty body also closes a form
		}
	})
}

// signed hands on what a body asks for, once, if it is Slack's.
func (d *Desk) signed(header http.Header, body []byte, read func(a *app, form url.Values) (job, bool, error)) (result string, err error) {
	a, name, err := d.signedBy(header, body)
	switch {
	case errors.Is(err, errReplayed):
		return repeated, nil
	case errors.Is(err, errTooMany):
		return full, nil
	case err != nil:
		return unsigned, err
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return unreadable, errors.New("the body is no form")
	}
	j, asks, err := read(a, form)
	if err != nil {
		return unreadable, err
	}
	if result = d.hand(j, asks); result == full {
		d.seen.forget(name)
	}
	return result, nil
}

func refuse(w http.ResponseWriter, code int, text string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(map[string]string{"error": text}) // the client may be gone
}
