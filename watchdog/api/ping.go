package api

import (
	"errors"
	"net/http"

	"github.com/feedwatch/feedwatch/watchdog/feed"
)

// ping is GET, POST and HEAD /ping/{token}/{feed}/{client}: a heartbeat now, for
// a line of shell or cron. The token is in the path, so the path is never
// logged, shown or counted by.
func (a *API) ping(w http.ResponseWriter, r *http.Request, _ *Token) {
	who, err := a.permitSecret(r.PathValue("token"), RolePush)
	name := r.PathValue("feed")
	if err == nil && !who.reaches(name) {
		err = outOfReach(who, name)
	}
	if err != nil {
		code, text := explain(err)
		challenge(w, code, "Bearer")
		answerText(w, code, text)
		return
	}
	key, err := feed.ParseKey(name, r.PathValue("client"))
	if err != nil {
		answerText(w, http.StatusBadRequest, err.Error()+"; a ping is /ping/TOKEN/FEED/CLIENT")
		return
	}
	beat := feed.Heartbeat{Key: key, Arrival: feed.At(a.now()), Count: 1}
	refused, err := a.cfg.Ingest.Submit(r.Context(), feed.Report{Source: feed.Push, Heartbeats: []feed.Heartbeat{beat}, Quota: who.quota})
	if err == nil && len(refused) > 0 && refused[0] != feed.Accepted {
		err = refusalText(who, refused[0])
	}
	if err != nil {
		code := http.StatusServiceUnavailable
		if no := (*refusal)(nil); errors.As(err, &no) {
			code = no.code
		}
		answerText(w, code, "the ping was not taken: "+err.Error())
		return
	}
	answerText(w, http.StatusOK, "ok")
}
