package api

import (
	"context"
	"fmt"
	"net/http"

	"github.com/feedwatch/feedwatch/watchdog"
	"github.com/feedwatch/feedwatch/watchdog/engine"
	"github.com/feedwatch/feedwatch/watchdog/feed"
)

// stateAny in ?state= stands for every incident that is not resolved.
const stateUnresolved = "unresolved"

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
