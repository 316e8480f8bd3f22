package api

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/feedwatch/feedwatch/watchdog"
)

// DrillAsk is what somebody wants to have tried.
type DrillAsk struct {
	Escalation string
	Human      bool
	Within     time.Duration
	By         string
}

// Why a drill did not begin, for Config.Drill to wrap.
var (
	ErrDrillUnderWay     = errors.New("no second drill at once")
	ErrNoDrillEscalation = errors.New("nothing to drill")
)

// drillBody is the body of POST /api/v1/drills.
type drillBody struct {
	Escalation string `json:"escalation"`
	Human      bool   `json:"human"`
	Within     string `json:"within"`
	By         string `json:"by"`
}

const drillExample = `{"by":"NAME","escalation":"NAME","human":true,"within":"15m"}`

func (b *drillBody) ask() (ask DrillAsk, err error) {
	ask = DrillAsk{Escalation: b.Escalation, Human: b.Human}
	if ask.By, err = person("by", b.By); err != nil {
		return ask, err
	}
	switch {
	case b.Within != "" && !b.Human:
		return ask, errors.New(`"within" is how long a person has to acknowledge, so it needs "human"`)
	case b.Human:
		ask.Within, err = parseWithin(cmp.Or(b.Within, watchdog.DrillHumanDefault.String()))
	}
	return ask, err
}

func parseWithin(text string) (time.Duration, error) {
	d, err := time.ParseDuration(text)
	if err == nil {
		err = watchdog.CheckDrillWithin(d)
	}
	if err != nil {
		return 0, errors.New(`"within" is a time such as 15m, from 1m to 4h`)
	}
	return d, nil
}

// drill is POST /api/v1/drills. What comes of it is read with the incidents.
func (a *API) drill(w http.ResponseWriter, r *http.Request, who *Token) {
	if !who.reachesAll() {
		refuseError(w, outOfReach(who, AllFeeds))
		return
	}
	var body drillBody
	err := readDecision(w, r, &body)
	var ask DrillAsk
	if err == nil {
		ask, err = body.ask()
	}
	if err != nil {
		refuse(w, http.StatusBadRequest, "the body is "+drillExample+": "+err.Error())
		return
	}
	// Whoever asked may go: what was begun goes on.
	drills, err := a.cfg.Drill(context.WithoutCancel(r.Context()), ask)
	switch {
	case errors.Is(err, ErrDrillUnderWay):
		refuse(w, http.StatusConflict, err.Error())
		return
	case errors.Is(err, ErrNoDrillEscalation):
		refuse(w, http.StatusNotFound, err.Error())
		return
	case err != nil:
		refuseError(w, err)
		return
	}
	a.cfg.Log.LogAttrs(r.Context(), slog.LevelInfo, "a person began a drill", slog.String("by", ask.By), slog.String("token", who.Name()))
	answer(w, http.StatusAccepted, struct {
		Drills []*watchdog.Incident `json:"drills"`
	}{drills})
}
