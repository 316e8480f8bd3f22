package api

import (
	_ "embed"
	"log/slog"
	"net/http"
	"strconv"
	"strings"

	"github.com/feedwatch/feedwatch/watchdog/engine"
	"github.com/feedwatch/feedwatch/watchdog/feed"
)

//go:embed openapi.yaml
var openapiDocument []byte

// openapi is GET /api/v1/openapi.yaml.
func (a *API) openapi(w http.ResponseWriter, _ *http.Request, _ *Token) {
	w.Header().Set("Content-Type", "application/yaml; charset=utf-8")
	_, _ = w.Write(openapiDocument)
}

// healthy is GET /-/healthy: the listener answers and the watch does not hang,
// so that a restart would not help. Whether it sees anything is for /-/ready.
func (a *API) healthy(w http.ResponseWriter, _ *http.Request, _ *Token) {
	if s := a.cfg.Watch.Status(); s != nil && a.standstill(s) > 0 {
		answerText(w, http.StatusServiceUnavailable, "the watch stands still since "+s.Now.String())
		return
	}
	answerText(w, http.StatusOK, okBut(a.cfg.Watch.Status(), a.cfg.Outside()))
}

// okBut is "ok", and what fails all the same, a reason a line. Everybody may read
// it: it names no client, and leaves findings to the page.
func okBut(s *engine.Status, outside string) string {
	lines := []string{"ok"}
	if s == nil {
		return lines[0]
	}
	if s.Store.Failing != "" {
		lines = append(lines, "nothing can be stored since "+s.Store.Since.String()+": "+s.Store.Failing)
	}
	if !s.Rules.RefusedAt.IsZero() {
		lines = append(lines, "the rule files of "+s.Rules.RefusedAt.String()+" were refused; the rules before them are in force")
	}
	for _, src := range s.Sources {
		if src.Blind {
			lines = append(lines, "source "+src.Name+" cannot be read: its clients may be fine or silent")
		}
	}
	switch n := len(s.Trouble); {
	case n == 1:
		lines = append(lines, "1 more trouble of its own stands on the page of feedwatch")
	case n > 1:
		lines = append(lines, strconv.Itoa(n)+" more troubles of its own stand on the page of feedwatch")
	}
	if outside != "" {
		lines = append(lines, outside)
	}
	if len(lines) > 1 {
		lines[0] = "ok, but"
	}
	return strings.Join(lines, "\n")
}

// ready is GET /-/ready: the first complete evaluation is done. It stays so while
// something fails, for heartbeats must still come in; what fails is said.
func (a *API) ready(w http.ResponseWriter, _ *http.Request, _ *Token) {
	s := a.cfg.Watch.Status()
	if s != nil && s.Ready {
		answerText(w, http.StatusOK, okBut(s, a.cfg.Outside()))
		return
	}
	reasons := []string{"not ready: the first complete evaluation is not done"}
	if s == nil {
		reasons = append(reasons, "the engine has not begun")
	} else {
		if s.Rules.Version == "" {
			reasons = append(reasons, "no rule set is in force")
		}
		for _, src := range s.Sources {
			if src.KnownThrough.IsZero() && src.Name != feed.Push.Name {
				reasons = append(reasons, "source "+src.Name+" has not been read yet")
			}
		}
	}
	answerText(w, http.StatusServiceUnavailable, strings.Join(reasons, "\n"))
}

// reload is POST /-/reload.
func (a *API) reload(w http.ResponseWriter, r *http.Request, who *Token) {
	if !who.reachesAll() {
		refuseError(w, outOfReach(who, AllFeeds))
		return
	}
	if err := a.cfg.Reload(r.Context()); err != nil {
		a.cfg.Log.LogAttrs(r.Context(), slog.LevelWarn, "reload refused", slog.String("token", who.Name()))
		refuse(w, http.StatusUnprocessableEntity, err.Error())
		return
	}
	out := struct {
		Rules string `json:"rules,omitempty"`
	}{}
	if s := a.cfg.Watch.Status(); s != nil {
		out.Rules = s.Rules.Version
	}
	answer(w, http.StatusOK, out)
}
