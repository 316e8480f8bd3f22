package api

import (
	"encoding/json"
	"errors"
	"net/http"

	"github.com/feedwatch/feedwatch/watchdog"
	"github.com/feedwatch/feedwatch/watchdog/engine"
)

// problem is every answer that is not what was asked for.
type problem struct {
	Error string `json:"error"`
}

func answer(w http.ResponseWriter, code int, body any) {
	text, err := json.MarshalIndent(body, "", "  ")
	if err != nil {
		code, text = http.StatusInternalServerError, []byte(`{"error":"the answer cannot be written as JSON"}`)
	}
	answerJSON(w, code, append(text, '\n'))
}

// Values of headers that every answer to a heartbeat has, made once. Nobody changes
// them: Header.Set puts another in their place.
var (
	noSniff  = []string{"nosniff"}
	noStore  = []string{"no-store"}
	jsonText = []string{"application/json; charset=utf-8"}
)

func answerJSON(w http.ResponseWriter, code int, text []byte) {
	h := w.Header()
	h["Content-Type"], h["Cache-Control"] = jsonText, noStore
	w.WriteHeader(code)
	_, _ = w.Write(text) // a client that left needs no answer
}

func answerText(w http.ResponseWriter, code int, text string) {
	h := w.Header()
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(code)
	_, _ = w.Write([]byte(text + "\n"))
}

func refuse(w http.ResponseWriter, code int, text string) {
	challenge(w, code, "Bearer")
	answer(w, code, problem{text})
}

// challenge tells the client how to say who it is; a browser asks the person
// for a password when the scheme is Basic.
func challenge(w http.ResponseWriter, code int, scheme string) {
	if code == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", scheme+` realm="feedwatch"`)
	}
}

// refuseError answers what the engine, or permit, said.
func refuseError(w http.ResponseWriter, err error) {
	code, text := explain(err)
	refuse(w, code, text)
}

// explain is the status code and the words for an error.
func explain(err error) (int, string) {
	var no *refusal
	var refused *engine.Refusal
	switch {
	case errors.As(err, &no):
		return no.code, no.text
	case errors.As(err, &refused):
		return http.StatusConflict, refused.Error()
	case errors.Is(err, watchdog.ErrNoSilence):
		return http.StatusNotFound, "no silence that holds or is to come has that id; GET /api/v1/silences lists them"
	case errors.Is(err, engine.ErrNoIncident), errors.Is(err, watchdog.ErrNoIncident):
		return http.StatusNotFound, "no incident has that id; GET /api/v1/incidents lists them"
	case errors.Is(err, engine.ErrNoFeed):
		return http.StatusNotFound, "no feed has that name; GET /api/v1/feeds lists them"
	default:
		return http.StatusServiceUnavailable, err.Error() + "; try again"
	}
}
