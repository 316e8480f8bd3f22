package api

import (
	"net/http"
	"testing"
)

// Receivers ask by themselves who it is; a path that there is none for is no path.
func TestReceivers(t *testing.T) {
	r := newRig(t)
	w := r.do("POST", "/slack/interactions", "", "payload=x")
	want(t, w, http.StatusOK)
	if got := w.Body.String(); got != "received at /slack/interactions" {
		t.Errorf("answered %q", got)
	}
	want(t, r.do("GET", "/slack/interactions", "", ""), http.StatusMethodNotAllowed)
	without := newRig(t, func(c *Config) { c.Receivers = nil })
	want(t, without.do("POST", "/slack/interactions", "", ""), http.StatusNotFound)
}
