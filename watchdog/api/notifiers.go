package api

import (
	"log/slog"
	"net/http"

	"github.com/feedwatch/feedwatch/watchdog/feed"
)

// NotifierView is one way to tell people, and how it is doing.
type NotifierView struct {
	Name         string       `json:"name"` // kind/name
	Pending      int          `json:"pending"`
	Refuses      string       `json:"refuses,omitempty"`      // why it refuses us; its pages go to others
	GivenUp      int          `json:"given_up"`               // messages that it refused in any form, since the start or a retry
	GivenUpWhy   string       `json:"given_up_why,omitempty"` // of the last
	LastSuccess  feed.Instant `json:"last_success,omitzero"`  // since the start
	LastError    string       `json:"last_error,omitempty"`   // after that
	FailingSince feed.Instant `json:"failing_since,omitzero"` // the first failure after that
}

// notifiers is GET /api/v1/notifiers.
func (a *API) notifiers(w http.ResponseWriter, _ *http.Request, who *Token) {
	if !who.reachesAll() {
		refuseError(w, outOfReach(who, AllFeeds))
		return
	}
	all := a.cfg.Notifiers()
	if all == nil {
		all = []NotifierView{}
	}
	answer(w, http.StatusOK, struct {
		Now       feed.Instant   `json:"now"`
		Notifiers []NotifierView `json:"notifiers"`
	}{feed.At(a.now()), all})
}

// retryNotifier is POST /api/v1/notifiers/{kind}/{name}/retry.
func (a *API) retryNotifier(w http.ResponseWriter, r *http.Request, who *Token) {
	if !who.reachesAll() {
		refuseError(w, outOfReach(who, AllFeeds))
		return
	}
	kind, name := r.PathValue("kind"), r.PathValue("name")
	if !a.cfg.Retry(kind, name) {
		refuse(w, http.StatusNotFound, "no notifier has that name; GET /api/v1/notifiers lists them")
		return
	}
	a.cfg.Log.LogAttrs(r.Context(), slog.LevelInfo, "a notifier is tried again", slog.String("notifier", kind+"/"+name), slog.String("token", who.Name()))
	a.notifiers(w, r, who)
}
