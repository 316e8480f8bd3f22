package api

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/feedwatch/feedwatch/watchdog"
	"github.com/feedwatch/feedwatch/watchdog/engine"
	"github.com/feedwatch/feedwatch/watchdog/feed"
)

// stateAny in ?state= stands for every incident that is not resolved.
const stateUnresolved = "unresolved"

// Bounds on what an acknowledgement says.
const (
	ackBodyBytesMax = 4 << 10
	ackByRunesMax   = 100
)

// incidents is GET /api/v1/incidents?state=. Timelines are left to the single
// incident.
func (a *API) incidents(w http.ResponseWriter, r *http.Request, who *Token) {
	s, err := a.status()
	if err != nil {
		refuseError(w, err)
		return
	}
	state := r.URL.Query().Get("state")
	switch watchdog.State(state) {
	case "", stateUnresolved, watchdog.StateOpen, watchdog.StateAcknowledged, watchdog.StateRecovering, watchdog.StateResolved:
	default:
		refuse(w, http.StatusBadRequest,
			fmt.Sprintf("unknown state %.40q: open, acknowledged, recovering, resolved and unresolved are known", state))
		return
	}
	out := struct {
		Now       feed.Instant         `json:"now"`
		Incidents []*watchdog.Incident `json:"incidents"`
	}{s.Now, []*watchdog.Incident{}}
	for _, inc := range s.Incidents {
		if who.reaches(inc.Feed) && inState(inc, state) {
			short := *inc
			short.Events, short.Pages = nil, nil
			out.Incidents = append(out.Incidents, &short)
		}
	}
	answer(w, http.StatusOK, out)
}

func inState(inc *watchdog.Incident, state string) bool {
	switch state {
	case "":
		return true
	case stateUnresolved:
		return inc.State != watchdog.StateResolved
	default:
		return string(inc.State) == state
	}
}

// incident is GET /api/v1/incidents/{id}.
func (a *API) incident(w http.ResponseWriter, r *http.Request, who *Token) {
	inc, err := a.findIncident(r.Context(), r.PathValue("id"), who)
	if err != nil {
		refuseError(w, err)
		return
	}
	answer(w, http.StatusOK, inc)
}

func (a *API) findIncident(ctx context.Context, id string, who *Token) (*watchdog.Incident, error) {
	inc, err := a.cfg.Watch.Incident(ctx, id)
	if err != nil {
		return nil, err
	}
	if inc == nil {
		return nil, engine.ErrNoIncident
	}
	if !who.reaches(inc.Feed) {
		return nil, outOfReach(who, inc.Feed)
	}
	return inc, nil
}

// acknowledge is POST /api/v1/incidents/{id}/ack.
func (a *API) acknowledge(w http.ResponseWriter, r *http.Request, who *Token) {
	var body struct{ By, For string }
	dec := json.NewDecoder(http.MaxBytesReader(w, r.Body, ackBodyBytesMax))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&body); err != nil {
		refuse(w, http.StatusBadRequest, `the body is {"by":"NAME","for":"4h"}: `+err.Error())
		return
	}
	inc, err := a.take(r.Context(), who, ack{r.PathValue("id"), body.By, body.For})
	if err != nil {
		refuseError(w, err)
		return
	}
	answer(w, http.StatusOK, inc)
}

// ack is an acknowledgement as it is asked for.
type ack struct{ id, by, lasts string }

// take checks an acknowledgement, has it kept, and returns the incident as it
// is then.
func (a *API) take(ctx context.Context, who *Token, ask ack) (*watchdog.Incident, error) {
	by := strings.TrimSpace(ask.by)
	switch {
	case by == "":
		return nil, &refusal{http.StatusBadRequest, `"by" is missing: say who is on it`}
	case len([]rune(by)) > ackByRunesMax:
		return nil, &refusal{http.StatusBadRequest, fmt.Sprintf(`"by" is longer than %d characters`, ackByRunesMax)}
	case strings.ContainsFunc(by, func(r rune) bool { return !strconv.IsPrint(r) }):
		return nil, &refusal{http.StatusBadRequest, `"by" has a character that does not print`}
	}
	lasts, err := parseFor(ask.lasts)
	if err != nil {
		return nil, &refusal{http.StatusBadRequest, err.Error()}
	}
	inc, err := a.findIncident(ctx, ask.id, who)
	if err != nil {
		return nil, err
	}
	if inc.State == watchdog.StateResolved {
		return nil, &refusal{http.StatusConflict, "the incident is resolved: there is nothing to acknowledge"}
	}
	if err := a.cfg.Keeper.Acknowledge(ctx, ask.id, by, lasts); err != nil {
		return nil, err
	}
	a.cfg.Log.LogAttrs(ctx, slog.LevelInfo, "acknowledgement taken",
		slog.String("incident", ask.id), slog.String("by", by), slog.Duration("for", lasts), slog.String("token", who.Name()))
	return a.findIncident(ctx, ask.id, who)
}

// parseFor reads how long an acknowledgement lasts: 90m, 4h, 1d.
func parseFor(text string) (time.Duration, error) {
	if text == "" {
		return watchdog.AcknowledgeForDefault, nil
	}
	d, err := time.ParseDuration(text)
	if days, ok := strings.CutSuffix(text, "d"); ok {
		var n int
		if n, err = strconv.Atoi(days); err == nil && n <= 365 {
			d = time.Duration(n) * 24 * time.Hour
		}
	}
	const shortest = time.Minute
	if err != nil || d < shortest || d > watchdog.AcknowledgeForMax {
		return 0, fmt.Errorf(`"for" is a time such as 90m, 4h or 1d, from 1m to %dd, not %.40q`,
			watchdog.AcknowledgeForMax/(24*time.Hour), text)
	}
	return d, nil
}
