package api

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/feedwatch/feedwatch/watchdog"
	"github.com/feedwatch/feedwatch/watchdog/engine"
)

const openID = "1763942700000-0a1b2c"

func TestStatusIsAnsweredAsJSON(t *testing.T) {
	tests := map[string]struct {
		path   string
		code   int
		pieces []string
	}{
		"feeds":              {"/api/v1/feeds", 200, []string{`"now": "2025-11-24T00:05:00Z"`, `"name": "consent"`, `"verdict": "stale"`, `"time_to_loss_seconds": 604500`}},
		"feed":               {"/api/v1/feeds/consent", 200, []string{`"name": "consent"`, `"fresh": 1`}},
		"no feed":            {"/api/v1/feeds/segments", 404, []string{"no feed has that name; GET /api/v1/feeds lists them"}},
		"clients":            {"/api/v1/feeds/external-profiles/clients?limit=2", 200, []string{`"client": "acme"`, `"next_cursor": 2`}},
		"clients after":      {"/api/v1/feeds/external-profiles/clients?limit=2&cursor=2", 200, []string{`"client": "never"`}},
		"clients by verdict": {"/api/v1/feeds/external-profiles/clients?verdict=pending", 200, []string{`"client": "never"`}},
		"one client":         {"/api/v1/feeds/external-profiles/clients?client=never", 200, []string{`"client": "never"`}},
		"no client":          {"/api/v1/feeds/external-profiles/clients?verdict=frozen", 200, []string{`"clients": []`}},
		"no such verdict":    {"/api/v1/feeds/consent/clients?verdict=stael", 400, []string{`unknown verdict \"stael\": unwatched, retired`}},
		"limit past its end": {"/api/v1/feeds/consent/clients?limit=1001", 400, []string{"from 1 to 1000"}},
		"a bad cursor":       {"/api/v1/feeds/consent/clients?cursor=x", 400, []string{"next_cursor of the page before"}},
		"clients of no feed": {"/api/v1/feeds/segments/clients", 404, []string{"no feed has that name"}},
		"incidents":          {"/api/v1/incidents", 200, []string{openID, `"state": "resolved"`}},
		"open ones":          {"/api/v1/incidents?state=unresolved", 200, []string{openID}},
		"no such state":      {"/api/v1/incidents?state=closed", 400, []string{`unknown state \"closed\"`}},
		"incident":           {"/api/v1/incidents/" + openID, 200, []string{`"timeline": [`, `"kind": "opened"`, `"begins": "2025-12-01T00:00:00Z"`}},
		"no incident":        {"/api/v1/incidents/1-2", 404, []string{"no incident has that id"}},
		"nothing":            {"/api/v2/feeds", 404, []string{"/api/v1/openapi.yaml"}},
		"healthy":            {"/-/healthy", 200, []string{"ok"}},
		"ready":              {"/-/ready", 200, []string{"ok"}},
		"the description":    {"/api/v1/openapi.yaml", 200, []string{"openapi: 3.1.0"}},
		"metrics":            {"/metrics", 200, []string{`feedwatch_feed_silent{feed="external-profiles"} 1`}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			w := newRig(t, open).do("GET", tt.path, "", "")
			want(t, w, tt.code, tt.pieces...)
			if strings.HasPrefix(tt.path, "/api/") && !strings.HasSuffix(tt.path, ".yaml") && !json.Valid(w.Body.Bytes()) {
				t.Errorf("not JSON:\n%s", w.Body)
			}
		})
	}
}

func TestIncidentsByStateLeaveTheOthersOut(t *testing.T) {
	r := newRig(t, open)
	for state, n := range map[string]int{"": 2, "open": 1, "resolved": 1, "acknowledged": 0, "unresolved": 1} {
		var got struct{ Incidents []map[string]any }
		if err := json.Unmarshal(r.do("GET", "/api/v1/incidents?state="+state, "", "").Body.Bytes(), &got); err != nil {
			t.Fatal(err)
		}
		if len(got.Incidents) != n {
			t.Errorf("state %q: %d incidents, want %d", state, len(got.Incidents), n)
		}
		for _, inc := range got.Incidents {
			if inc["timeline"] != nil || inc["pages"] != nil {
				t.Errorf("state %q: the list has a timeline", state)
			}
		}
	}
	if len(r.engine.status.Incidents[0].Events) == 0 {
		t.Error("the published incident was written to")
	}
}

func TestReadersSeeTheirFeedsOnly(t *testing.T) {
	tests := map[string]struct {
		path, secret string
		code         int
	}{
		"no token":              {"/api/v1/feeds", "", 401},
		"a feeder's token":      {"/api/v1/feeds", pushSecret, 403},
		"a reader's token":      {"/api/v1/feeds", readSecret, 200},
		"an admin's":            {"/api/v1/feeds", adminSecret, 200},
		"another feed":          {"/api/v1/feeds/external-profiles", readSecret, 403},
		"clients of another":    {"/api/v1/feeds/external-profiles/clients", readSecret, 403},
		"an incident elsewhere": {"/api/v1/incidents/" + openID, readSecret, 403},
		"metrics of all":        {"/metrics", readSecret, 403},
		"metrics for an admin":  {"/metrics", adminSecret, 200},
		"the page":              {"/", "", 401},
		"the page of another":   {"/feeds/external-profiles", readSecret, 403},
		"health":                {"/-/healthy", "", 200},
		"readiness":             {"/-/ready", "", 200},
		"a style sheet":         {"/assets/page.css", "", 200},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			want(t, newRig(t).do("GET", tt.path, tt.secret, ""), tt.code)
		})
	}
	for _, path := range []string{"/api/v1/feeds", "/api/v1/incidents", "/", "/metrics/clients"} {
		if body := newRig(t).do("GET", path, readSecret, "").Body.String(); strings.Contains(body, "external-profiles") {
			t.Errorf("GET %s shows a feed that is not the token's:\n%s", path, body)
		}
	}
}

func TestABrowserMayGiveTheTokenAsAPassword(t *testing.T) {
	r := newRig(t)
	w := r.do("GET", "/", "", "")
	want(t, w, http.StatusUnauthorized, "give the token as the password")
	if got := w.Header().Get("WWW-Authenticate"); got != `Basic realm="feedwatch"` {
		t.Errorf("challenge %q", got)
	}
	req, err := http.NewRequest("GET", "/", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.SetBasicAuth("anybody", adminSecret)
	want(t, r.do("GET", "/", "", "", "Authorization", req.Header.Get("Authorization")), http.StatusOK, "Open incidents")
}

func TestReadySaysWhyNot(t *testing.T) {
	r := newRig(t)
	r.engine.status.Ready = false
	r.engine.status.Rules.Version = ""
	r.engine.status.Sources[0].KnownThrough = 0
	r.engine.status.Sources = append(r.engine.status.Sources, r.engine.status.Sources[0])
	r.engine.status.Sources[1].Name = "prom-eu"
	want(t, r.do("GET", "/-/ready", "", ""), http.StatusServiceUnavailable,
		"the first complete evaluation is not done\nno rule set is in force\nsource prom-eu has not been read yet\n")
	r.engine.status = nil
	want(t, r.do("GET", "/-/ready", "", ""), http.StatusServiceUnavailable, "the engine has not begun")
	for _, path := range []string{"/", "/api/v1/feeds", "/api/v1/incidents", "/feeds/consent"} {
		want(t, r.do("GET", path, adminSecret, ""), http.StatusServiceUnavailable, "feedwatch is starting")
	}
	want(t, r.do("GET", "/metrics", adminSecret, ""), http.StatusOK, "feedwatch_ready 0")
	want(t, r.do("GET", "/-/healthy", "", ""), http.StatusOK)
}

// What fails does not make it unready: heartbeats must still come in. But both
// say it, to everybody and so without customers' names.
func TestReadyAndHealthySayWhatFails(t *testing.T) {
	r := newRig(t)
	s := *r.engine.Status()
	s.Store = engine.StoreStatus{Failing: "no space left for /var/lib/feedwatch.db", Since: now.Add(-minute)}
	s.Rules.RefusedAt, s.Rules.Refusal = now.Add(-minute), "acme.yaml:1:1: unknown key"
	s.Sources = []watchdog.SourceView{{Name: "prom-eu", Blind: true, KnownThrough: now.Add(-minute)}}
	s.Trouble = []string{"acme refuses us"}
	r.engine.outside = "not watched from outside: its pings are not taken"
	r.engine.publish(&s)
	for _, path := range []string{"/-/ready", "/-/healthy"} {
		w := r.do("GET", path, "", "")
		want(t, w, http.StatusOK, `ok, but
nothing can be stored since 2025-11-24T00:04:00Z: no space left for /var/lib/feedwatch.db
the rule files of 2025-11-24T00:04:00Z were refused; the rules before them are in force
source prom-eu cannot be read: its clients may be fine or silent
1 more trouble of its own stands on the page of feedwatch
not watched from outside: its pings are not taken
`)
		if strings.Contains(w.Body.String(), "acme") {
			t.Errorf("%s names a customer", path)
		}
	}
}

func TestAWatchThatHangsIsSaid(t *testing.T) {
	r := newRig(t, open)
	r.engine.status.Now = now.Add(-2 * minute)
	want(t, r.do("GET", "/-/healthy", "", ""), http.StatusServiceUnavailable, "stands still since 2025-11-24T00:03:00Z")
	want(t, r.do("GET", "/", "", ""), http.StatusOK, "The watch stands still since 00:03:00 UTC (2m0s)", "Feedwatch itself has trouble")
}

func TestDecide(t *testing.T) {
	const act = "/api/v1/incidents/" + openID + "/"
	const path = act + "ack"
	tests := map[string]struct {
		path, secret, body string
		code               int
		piece, ack         string
	}{
		"by default":         {path, adminSecret, `{"by":"kari"}`, 200, openID, openID + " by kari for 4h0m0s"},
		"for a time":         {path, adminSecret, `{"by":" Ola Nordmann ","for":"1d"}`, 200, openID, openID + " by Ola Nordmann for 24h0m0s"},
		"nobody":             {path, adminSecret, `{"for":"1h"}`, 400, "give a name", ""},
		"a name too long":    {path, adminSecret, `{"by":"` + strings.Repeat("x", 201) + `"}`, 400, "longer than 200 bytes", ""},
		"unprintable":        {path, adminSecret, `{"by":"a\u202eb"}`, 400, "does not print", ""},
		"too long":           {path, adminSecret, `{"by":"kari","for":"8d"}`, 400, "from 1m to 7d", ""},
		"too short":          {path, adminSecret, `{"by":"kari","for":"1s"}`, 400, "from 1m to 7d", ""},
		"no time":            {path, adminSecret, `{"by":"kari","for":"soon"}`, 400, "not \\\"soon\\\"", ""},
		"unknown field":      {path, adminSecret, `{"by":"kari","until":"x"}`, 400, `unknown field`, ""},
		"a stray reason":     {path, adminSecret, `{"by":"kari","reason":"x"}`, 400, `\"reason\" says nothing here`, ""},
		"snooze":             {act + "snooze", adminSecret, `{"by":"kari"}`, 200, openID, "snooze " + openID + " by kari for 1h0m0s"},
		"hand over":          {act + "handover", adminSecret, `{"by":"kari","to":" bo "}`, 200, openID, "hand over " + openID + " by kari to bo"},
		"to nobody":          {act + "handover", adminSecret, `{"by":"kari"}`, 400, `\"to\" is missing`, ""},
		"hand over for":      {act + "handover", adminSecret, `{"by":"kari","to":"bo","for":"1h"}`, 400, `\"for\" says nothing here`, ""},
		"resolve":            {act + "resolve", adminSecret, `{"by":"kari"}`, 200, openID, "resolve " + openID + " by kari: "},
		"a stray to":         {act + "resolve", adminSecret, `{"by":"kari","to":"bo"}`, 400, `\"to\" says nothing here`, ""},
		"a long reason":      {act + "resolve", adminSecret, `{"by":"kari","reason":"` + strings.Repeat("x", 2001) + `"}`, 400, "longer than 2000", ""},
		"too much":           {act + "resolve", adminSecret, `{"by":"kari","reason":"` + strings.Repeat("x", 20000) + `"}`, 400, "too large", ""},
		"accept the loss":    {act + "accept-loss", adminSecret, `{"by":"kari","reason":"test data"}`, 200, openID, "accept the loss of " + openID + " by kari: test data"},
		"without a reason":   {act + "accept-loss", adminSecret, `{"by":"kari","reason":" "}`, 400, `\"reason\" is missing`, ""},
		"not JSON":           {path, adminSecret, `by=kari`, 400, `the body is {\"by\"`, ""},
		"no incident":        {"/api/v1/incidents/1-2/ack", adminSecret, `{"by":"kari"}`, 404, "no incident has", ""},
		"a resolved one":     {"/api/v1/incidents/1763900000000-ffff00/ack", adminSecret, `{"by":"kari"}`, 409, "is resolved", ""},
		"no token":           {path, "", `{"by":"kari"}`, 401, "role admin", ""},
		"a reader's":         {path, readSecret, `{"by":"kari"}`, 403, "this needs admin", ""},
		"an admin of others": {path, otherSecret, `{"by":"kari"}`, 403, "may not touch feed", ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, open) // open reading opens nothing else
			want(t, r.do("POST", tt.path, tt.secret, tt.body), tt.code, tt.piece)
			if got := strings.Join(r.engine.acks, "\n"); got != tt.ack {
				t.Errorf("kept %q, want %q", got, tt.ack)
			}
		})
	}
}

func TestAcknowledgeThatCannotBeKeptIsNotAnsweredAsIfItWere(t *testing.T) {
	r := newRig(t)
	r.engine.ackErr = errors.New("the acknowledgement could not be stored: disk full")
	w := r.do("POST", "/api/v1/incidents/"+openID+"/ack", adminSecret, `{"by":"kari"}`)
	want(t, w, http.StatusServiceUnavailable, "disk full; try again")
	r.engine.ackErr = &engine.Refusal{Err: errors.New("nobody has acknowledged it")}
	want(t, r.do("POST", "/api/v1/incidents/"+openID+"/handover", adminSecret, `{"by":"kari","to":"bo"}`), http.StatusConflict, "nobody has acknowledged it")
	r.engine.ackErr = engine.ErrNoIncident // it resolved in between
	want(t, r.do("POST", "/api/v1/incidents/"+openID+"/ack", adminSecret, `{"by":"kari"}`), http.StatusNotFound)
}

func TestAPageOfAnotherSiteChangesNothing(t *testing.T) {
	r := newRig(t)
	for _, path := range []string{"/api/v1/incidents/" + openID + "/ack", "/-/reload", "/incidents/" + openID, "/silences", "/api/v1/silences"} {
		want(t, r.do("POST", path, adminSecret, `{"by":"kari"}`, "Sec-Fetch-Site", "cross-site"), http.StatusForbidden, "another site")
	}
	if len(r.engine.acks) > 0 || r.engine.reloads > 0 {
		t.Errorf("acks %v, reloads %d", r.engine.acks, r.engine.reloads)
	}
}

func TestReload(t *testing.T) {
	r := newRig(t, open)
	want(t, r.do("POST", "/-/reload", "", ""), http.StatusUnauthorized)
	want(t, r.do("POST", "/-/reload", otherSecret, ""), http.StatusForbidden)
	want(t, r.do("GET", "/-/reload", adminSecret, ""), http.StatusMethodNotAllowed, "use POST here, not GET")
	if r.engine.reloads != 0 {
		t.Fatalf("reloaded %d times", r.engine.reloads)
	}
	want(t, r.do("POST", "/-/reload", adminSecret, ""), http.StatusOK, `"rules": "7f3a9c000000"`)
	r.engine.reloadErr = errors.New(`rules/a.yaml:1:1: unknown key "fed"`)
	want(t, r.do("POST", "/-/reload", adminSecret, ""), http.StatusUnprocessableEntity, `a.yaml:1:1`)
}

func TestClientSeries(t *testing.T) {
	full := "# HELP feedwatch_client_last_update_timestamp_seconds When the last update of the client was received; clients that never had one are not shown.\n" +
		"# TYPE feedwatch_client_last_update_timestamp_seconds gauge\n" +
		"feedwatch_client_last_update_timestamp_seconds{client=\"acme\",feed=\"consent\"} 1763942700\n" +
		"feedwatch_client_last_update_timestamp_seconds{client=\"acme\",feed=\"external-profiles\"} 1763942400\n" +
		"feedwatch_client_last_update_timestamp_seconds{client=\"<script>alert(\\\"x\\\")</script>\",feed=\"external-profiles\"} 1763942340\n" +
		"# HELP feedwatch_client_series_omitted Clients that this answer does not show because it is at its cap.\n" +
		"# TYPE feedwatch_client_series_omitted gauge\n"
	r := newRig(t, open)
	if got := r.do("GET", "/metrics/clients", "", "").Body.String(); got != full+"feedwatch_client_series_omitted 0\n" {
		t.Errorf("got\n%s", got)
	}
	capped := newRig(t, open, func(cfg *Config) { cfg.ClientSeriesMax = 2 })
	want(t, capped.do("GET", "/metrics/clients", "", ""), http.StatusOK, "feedwatch_client_series_omitted 2\n")
	none := newRig(t, open, func(cfg *Config) { cfg.ClientSeriesMax = 0 })
	want(t, none.do("GET", "/metrics/clients", "", ""), http.StatusNotFound)
	for range clientScrapesMax {
		r.api.clientScrapes <- struct{}{}
	}
	want(t, r.do("GET", "/metrics/clients", "", ""), http.StatusServiceUnavailable, "scrape it less often")
}

func TestTokensThatCannotBeToldApart(t *testing.T) {
	a := token(t, "a", pushSecret, []Role{RolePush}, []string{AllFeeds})
	same := token(t, "b", pushSecret, []Role{RolePush}, []string{AllFeeds})
	cfg := newRig(t).api.cfg
	for name, tokens := range map[string][]Token{"two tokens are called": {a, a}, "have the same secret": {a, same}} {
		cfg.Tokens = tokens
		if _, err := New(cfg); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestNewTokenRefuses(t *testing.T) {
	all := []string{AllFeeds}
	push := []Role{RolePush}
	tests := map[string]struct {
		name, secret string
		roles        []Role
		feeds        []string
	}{
		"needs a name":          {"", pushSecret, push, all},
		"16 to 512 bytes":       {"a", "short", push, all},
		"white space":           {"a", pushSecret + "\n", push, all},
		"give it roles":         {"a", pushSecret, nil, all},
		"unknown role \"root\"": {"a", pushSecret, []Role{"root"}, all},
		"give it feeds":         {"a", pushSecret, push, nil},
		"bad name":              {"a", pushSecret, push, []string{"profiles-*"}},
	}
	for piece, tt := range tests {
		_, err := NewToken(tt.name, tt.secret, tt.roles, tt.feeds)
		if err == nil || !strings.Contains(err.Error(), piece) || strings.Contains(err.Error(), pushSecret) {
			t.Errorf("%s: %v", piece, err)
		}
	}
}

func TestParseFor(t *testing.T) {
	const longest = 7 * 24 * time.Hour
	for text, d := range map[string]time.Duration{"90m": 90 * minute, "1h30m": 90 * minute, "7d": 7 * 24 * time.Hour} {
		if got, err := parseFor(text, longest); err != nil || got != d {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "d", "-1h", "8d", "99999999999999999999d", "NaNh", "169h", "1d1d", "0"} {
		if got, err := parseFor(text, longest); err == nil {
			t.Errorf("%q is taken as %v", text, got)
		}
	}
}
