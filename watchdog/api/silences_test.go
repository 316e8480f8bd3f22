package api

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/feedwatch/feedwatch/watchdog"
	"github.com/feedwatch/feedwatch/watchdog/engine"
)

func TestSilencesAndMaintenancesAreListed(t *testing.T) {
	r := newRig(t)
	r.engine.publish(held())
	list := func(path, secret, field string) string {
		var got map[string]json.RawMessage
		if err := json.Unmarshal(r.do("GET", path, secret, "").Body.Bytes(), &got); err != nil {
			t.Fatal(err)
		}
		var rows []struct{ ID, Name, State string }
		if err := json.Unmarshal(got[field], &rows); err != nil || rows == nil {
			t.Fatalf("%s: %v: %s", path, err, got[field])
		}
		var out []string
		for _, row := range rows {
			out = append(out, row.ID+row.Name+" "+row.State)
		}
		return strings.Join(out, ", ")
	}
	const silences, maintenances = "/api/v1/silences", "/api/v1/maintenances"
	for _, tt := range []struct{ path, secret, field, want string }{
		{silences, adminSecret, "silences", "s-1 active, s-2 pending"},
		{silences, readSecret, "silences", "s-2 pending"},
		{maintenances, adminSecret, "maintenances", "fsn1 move active, weekly pending"},
		{maintenances, readSecret, "maintenances", "fsn1 move active"},
	} {
		if got := list(tt.path, tt.secret, tt.field); got != tt.want {
			t.Errorf("GET %s: %s, want %s", tt.path, got, tt.want)
		}
	}
	r.engine.publish(silentFeed())
	if got := list(silences, adminSecret, "silences") + list(maintenances, adminSecret, "maintenances"); got != "" {
		t.Errorf("there are none, and listed are %s", got)
	}
	want(t, r.do("GET", silences, "", ""), http.StatusUnauthorized)
	want(t, r.do("GET", "/api/v1/incidents/"+openID, adminSecret, ""), http.StatusOK)
}

func TestSilence(t *testing.T) {
	const hour = `,"by":"kari","comment":"racks","for":"1h"}`
	tests := map[string]struct {
		secret, body string
		code         int
		piece, kept  string
	}{
		"for a time": {
			adminSecret, `{"match":"cluster=\"fsn1\""` + hour, 201, `"state": "active"`,
			`silence cluster="fsn1" by kari from 2025-11-24T00:05:00Z until 2025-11-24T01:05:00Z: racks`,
		},
		"until a time": {
			adminSecret, `{"match":"{feed=~\".+\"}","by":"kari","comment":"all","from":"2025-11-25T02:00:00+01:00","until":"2025-11-25T04:00:00+01:00"}`, 201, `"state": "pending"`,
			`silence {feed=~".+"} by kari from 2025-11-25T01:00:00Z until 2025-11-25T03:00:00Z: all`,
		},
		"one's own feed":   {otherSecret, `{"match":"feed=\"consent\", cluster=\"fsn1\""` + hour, 201, `"id": "s-1763942700000-`, `silence feed="consent", cluster="fsn1" by kari from 2025-11-24T00:05:00Z until 2025-11-24T01:05:00Z: racks`},
		"another's feed":   {otherSecret, `{"match":"feed=~\"consent|external-profiles\""` + hour, 403, "may not touch feed", ""},
		"any feed":         {otherSecret, `{"match":"cluster=\"fsn1\""` + hour, 403, `begin the matchers with feed=\"consent\"`, ""},
		"all but one":      {otherSecret, `{"match":"feed!=\"external-profiles\""` + hour, 403, "may silence its feeds only", ""},
		"no matcher":       {adminSecret, `{"match":""` + hour, 400, "whom it silences", ""},
		"no comment":       {adminSecret, `{"match":"cluster=\"fsn1\"","by":"kari","for":"1h"}`, 400, "say why", ""},
		"nobody":           {adminSecret, `{"match":"cluster=\"fsn1\"","comment":"x","for":"1h"}`, 400, `\"by\" is missing`, ""},
		"no end":           {adminSecret, `{"match":"cluster=\"fsn1\"","by":"kari","comment":"x"}`, 400, "say when the silence ends", ""},
		"two ends":         {adminSecret, `{"match":"cluster=\"fsn1\"","by":"kari","comment":"x","for":"1h","until":"2025-11-25T04:00:00Z"}`, 400, "not both", ""},
		"an end long over": {adminSecret, `{"match":"cluster=\"fsn1\"","by":"kari","comment":"x","until":"2025-11-23T04:00:00Z"}`, 400, "later than now", ""},
		"for ever":         {adminSecret, `{"match":"cluster=\"fsn1\"","by":"kari","comment":"x","until":"2035-11-23T04:00:00Z"}`, 400, "at most 31 days", ""},
		"for too long":     {adminSecret, `{"match":"cluster=\"fsn1\"","by":"kari","comment":"x","for":"32d"}`, 400, "from 1m to 31d", ""},
		"no time":          {adminSecret, `{"match":"cluster=\"fsn1\"","by":"kari","comment":"x","until":"soon"}`, 400, "RFC 3339", ""},
		"unknown field":    {adminSecret, `{"matchers":[]}`, 400, `the body is {\"match\"`, ""},
		"a reader's":       {readSecret, `{"match":"feed=\"consent\""` + hour, 403, "this needs admin", ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			want(t, r.do("POST", "/api/v1/silences", tt.secret, tt.body), tt.code, tt.piece)
			if got := strings.Join(r.engine.acks, "\n"); got != tt.kept {
				t.Errorf("kept %q, want %q", got, tt.kept)
			}
		})
	}
}

func TestEndSilence(t *testing.T) {
	const path = "/api/v1/silences/"
	tests := map[string]struct {
		path, secret string
		code         int
		piece, kept  string
	}{
		"one":            {path + "s-1?by=kari", adminSecret, 200, `"ended_by": "kari"`, "end s-1 by kari"},
		"one's own":      {path + "s-2?by=kari", otherSecret, 200, `"id": "s-2"`, "end s-2 by kari"},
		"another's":      {path + "s-1?by=kari", otherSecret, 403, "may not touch feed", ""},
		"none":           {path + "s-3?by=kari", adminSecret, 404, "GET /api/v1/silences lists them", ""},
		"by nobody":      {path + "s-1", adminSecret, 400, "DELETE /api/v1/silences/ID?by=NAME", ""},
		"without a role": {path + "s-2?by=kari", readSecret, 403, "this needs admin", ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			r.engine.publish(held())
			want(t, r.do("DELETE", tt.path, tt.secret, ""), tt.code, tt.piece)
			if got := strings.Join(r.engine.acks, "\n"); got != tt.kept {
				t.Errorf("kept %q, want %q", got, tt.kept)
			}
		})
	}
}

func TestWhatCannotBeKeptIsNotAnsweredAsIfItWere(t *testing.T) {
	r := newRig(t)
	r.engine.publish(held())
	r.engine.ackErr = errors.New("disk full")
	want(t, r.do("POST", "/api/v1/silences", adminSecret, `{"match":"cluster=\"fsn1\"","by":"kari","comment":"x","for":"1h"}`), http.StatusServiceUnavailable, "disk full; try again")
	want(t, r.do("DELETE", "/api/v1/silences/s-1?by=kari", adminSecret, ""), http.StatusServiceUnavailable, "holds back no page any more", "disk full")
	r.engine.ackErr = &engine.Refusal{Err: errors.New("there are 1000 silences already: end some first")}
	want(t, r.do("POST", "/api/v1/silences", adminSecret, `{"match":"cluster=\"fsn1\"","by":"kari","comment":"x","for":"1h"}`), http.StatusConflict, "end some first")
	r.engine.ackErr = watchdog.ErrNoSilence // it ended in between
	r.engine.publish(held())
	want(t, r.do("GET", "/api/v1/incidents/"+openID, adminSecret, ""), http.StatusOK, `"kind": "silence"`, `"name": "moving racks"`)
	want(t, r.do("GET", "/api/v1/feeds/external-profiles", adminSecret, ""), http.StatusOK, `"held": 1`)
}
