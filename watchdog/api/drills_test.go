package api

import (
	"context"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/feedwatch/feedwatch/watchdog"
)

func TestDrills(t *testing.T) {
	var asked []DrillAsk
	var fails error
	r := newRig(t, func(c *Config) {
		c.Drill = func(_ context.Context, ask DrillAsk) ([]*watchdog.Incident, error) {
			asked = append(asked, ask)
			return []*watchdog.Incident{{ID: "7-1", Drill: &watchdog.Drill{By: ask.By}}}, fails
		}
	})
	const path = "/api/v1/drills"
	want(t, r.do("POST", path, "", `{"by":"anna"}`), http.StatusUnauthorized)
	want(t, r.do("POST", path, pushSecret, `{"by":"anna"}`), http.StatusForbidden)
	want(t, r.do("POST", path, otherSecret, `{"by":"anna"}`), http.StatusForbidden) // of one feed
	for body, says := range map[string]string{
		`{}`:                          `\"by\" is missing`,
		`{"by":"anna","within":"5m"}`: `it needs \"human\"`,
		`{"by":"anna","humans":true}`: "unknown field",
		`{"by":"anna","human":true,"within":"5h"}`:  "from 1m to 4h",
		`{"by":"anna","human":true,"within":"30s"}`: "from 1m to 4h",
		`{"by":"anna","human":true,"within":"x"}`:   "from 1m to 4h",
	} {
		want(t, r.do("POST", path, adminSecret, body), http.StatusBadRequest, says)
	}
	if len(asked) > 0 {
		t.Fatalf("begun: %+v", asked)
	}
	want(t, r.do("POST", path, adminSecret, `{"by":" anna "}`), http.StatusAccepted, `"id": "7-1"`)
	want(t, r.do("POST", path, adminSecret, `{"by":"anna","escalation":"cdp","human":true}`), http.StatusAccepted)
	want(t, r.do("POST", path, adminSecret, `{"by":"anna","human":true,"within":"90s"}`), http.StatusAccepted)
	all := []DrillAsk{{By: "anna"}, {Escalation: "cdp", Human: true, Within: 15 * time.Minute, By: "anna"}, {Human: true, Within: 90 * time.Second, By: "anna"}}
	if fmt.Sprint(asked) != fmt.Sprint(all) {
		t.Errorf("asked for %+v, want %+v", asked, all)
	}
	fails = fmt.Errorf("%w: 7-1", ErrDrillUnderWay)
	want(t, r.do("POST", path, adminSecret, `{"by":"anna"}`), http.StatusConflict, "7-1")
	fails = fmt.Errorf("%w: cpd", ErrNoDrillEscalation)
	want(t, r.do("POST", path, adminSecret, `{"by":"anna"}`), http.StatusNotFound, "cpd")
	fails = context.DeadlineExceeded
	want(t, r.do("POST", path, adminSecret, `{"by":"anna"}`), http.StatusServiceUnavailable)
}
