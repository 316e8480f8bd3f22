package api

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/feedwatch/feedwatch/watchdog"
	"github.com/feedwatch/feedwatch/watchdog/engine"
)

func TestOverallIsTheFirstThingThatThePageSays(t *testing.T) {
	tests := map[string]struct {
		change     func(s *engine.Status)
		tone, text string
		more       string
	}{
		"one incident": {func(*engine.Status) {}, "bad", "external-profiles is silent for all clients", "Opened 00:05:00 UTC, 0s ago"},
		"several": {
			func(s *engine.Status) {
				second := *s.Incidents[0]
				second.Feed = "consent"
				s.Incidents = append(s.Incidents, &second)
			},
			"bad", "2 incidents are open, on 2 of 2 feeds", "external-profiles is silent for all clients; consent is silent for all clients",
		},
		"all well": {
			func(s *engine.Status) { s.Incidents = nil; s.Feeds[1].Verdict = watchdog.Fresh },
			"good", "All 2 feeds are fresh", "",
		},
		"all well but nothing can be stored": {
			func(s *engine.Status) {
				s.Incidents = nil
				s.Feeds[1].Verdict = watchdog.Fresh
				s.Store.Failing = "disk full"
			},
			"warn", "All 2 feeds are fresh", "Feedwatch itself has trouble: see below.",
		},
		"all well but a source is blind": {
			func(s *engine.Status) {
				s.Incidents = nil
				s.Feeds[1].Verdict = watchdog.Fresh
				s.Sources[0].Blind = true
			},
			"warn", "All 2 feeds are fresh", "Feedwatch itself has trouble: see below.",
		},
		"not quite well": {
			func(s *engine.Status) { s.Incidents = nil; s.Feeds[1].Verdict = watchdog.CatchingUp },
			"warn", "1 of 2 feeds fresh, no incident is open", "external-profiles is catching up",
		},
		"starting": {func(s *engine.Status) { s.Incidents = nil; s.Ready = false }, "warn", "feedwatch is starting", "Nothing is known yet"},
		"no feed":  {func(s *engine.Status) { s.Incidents = nil; s.Feeds = nil }, "warn", "No feed is watched", "No rule file names one"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, open)
			tt.change(r.engine.status)
			w := r.do("GET", "/", "", "")
			want(t, w, http.StatusOK, `<div class="overall `+tt.tone+`">`, ">"+tt.text+"</h1>", tt.more)
		})
	}
}

func TestPages(t *testing.T) {
	tests := map[string]struct {
		path   string
		code   int
		pieces []string
	}{
		"home": {"/", 200, []string{
			"(1) feedwatch: external-profiles is silent", "167h55m0s", "until updates begin to be lost", "PagerDuty cdp at 00:10 UTC",
			`href="/incidents/` + openID + `#ack"`, "3 stale", "Resolved lately", "7f3a9c000000", "its rule file gives no retention",
		}},
		"feed":             {"/feeds/external-profiles", 200, []string{"external-profiles is stale", "cdp-team", "&lt;script&gt;alert(", "never", `aria-current="page"`}},
		"feed by verdict":  {"/feeds/external-profiles?verdict=pending", 200, []string{"Clients that are pending"}},
		"feed in pages":    {"/feeds/external-profiles?limit=1&cursor=1", 200, []string{"First page", "Next page", `cursor=2&amp;limit=1`}},
		"feed with a slip": {"/feeds/external-profiles?verdict=x", 400, []string{"unknown verdict"}},
		"no feed":          {"/feeds/segments", 404, []string{"no feed has that name"}},
		"incident":         {"/incidents/" + openID, 200, []string{"2025-11-24T00:05:00Z paged", "24 November 2025", `<form method="post"`, "wiki.example.com"}},
		"a resolved one":   {"/incidents/1763900000000-ffff00", 200, []string{"Resolved", "consent is silent for cluster=fsn1"}},
		"no incident":      {"/incidents/1-2", 404, []string{"no incident has that id"}},
		"an asset":         {"/assets/page.js", 200, []string{"refresh"}},
		"no asset":         {"/assets/home.html", 404, nil},
		"nothing beyond":   {"/assets/..%2Fpages.go", 404, nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			w := newRig(t, open).do("GET", tt.path, "", "")
			want(t, w, tt.code, tt.pieces...)
			body := w.Body.String()
			for _, bad := range []string{"<script>alert", " style=", " onclick=", "http://"} {
				if strings.Contains(w.Header().Get("Content-Type"), "html") && strings.Contains(body, bad) {
					t.Errorf("the page has %q", bad)
				}
			}
			if strings.Contains(w.Header().Get("Content-Type"), "html") && w.Header().Get("Content-Security-Policy") != pagePolicy {
				t.Error("the page has no policy")
			}
		})
	}
}

func TestResolvedIncidentsHaveNoForm(t *testing.T) {
	if body := newRig(t, open).do("GET", "/incidents/1763900000000-ffff00", "", "").Body.String(); strings.Contains(body, "<form") {
		t.Error("a resolved incident can be acknowledged")
	}
}

func TestFeedwatchsOwnTroubleIsShown(t *testing.T) {
	r := newRig(t, open)
	s := r.engine.status
	s.Store = engine.StoreStatus{Failing: "disk full", Since: now.Add(-minute)}
	s.Trouble = []string{"Slack refuses our token."}
	s.Rules.RefusedAt, s.Rules.Refusal = now.Add(-minute), "rules/a.yaml:14:9: unknown key"
	s.Sources = append(s.Sources, watchdog.SourceView{Name: "prom-eu", Blind: true, Failure: "connection refused"})
	want(t, r.do("GET", "/", "", ""), http.StatusOK,
		"Nothing can be stored since 00:04:00 UTC: disk full", "Slack refuses our token.", "The newest rule files were refused, 00:04:00 UTC",
		"rules/a.yaml:14:9: unknown key", "cannot see", "connection refused", "not read yet")
}

func TestAcknowledgeForm(t *testing.T) {
	path := "/incidents/" + openID
	tests := map[string]struct {
		form  string
		code  int
		piece string
		ack   string
	}{
		"taken":             {"by=kari&for=1h&token=" + adminSecret, 303, "", openID + " by kari for 1h0m0s"},
		"no token":          {"by=kari&for=1h&token=", 401, "Not acknowledged: the token is missing", ""},
		"a wrong token":     {"by=kari&for=1h&token=nobody-has-this-token", 401, "Not acknowledged: unknown token", ""},
		"a reader's":        {"by=kari&for=1h&token=" + readSecret, 403, "this needs admin", ""},
		"nobody":            {"by=&for=1h&token=" + adminSecret, 400, "say who is on it", ""},
		"not kept as typed": {"by=%3Cb%3E&for=x&token=" + adminSecret, 400, `value="&lt;b&gt;"`, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, open)
			w := r.do("POST", path, "", tt.form, "Content-Type", "application/x-www-form-urlencoded")
			want(t, w, tt.code, tt.piece)
			if got := strings.Join(r.engine.acks, "\n"); got != tt.ack {
				t.Errorf("kept %q, want %q", got, tt.ack)
			}
			if v, _ := url.ParseQuery(tt.form); len(v.Get("token")) > 0 && strings.Contains(w.Body.String()+r.log.String(), v.Get("token")) {
				t.Error("the token is told")
			}
			if tt.code == 303 && w.Header().Get("Location") != path {
				t.Errorf("goes on to %q", w.Header().Get("Location"))
			}
		})
	}
}

func TestAcknowledgeFormShowsNothingToThoseWhoMayNotRead(t *testing.T) {
	r := newRig(t)
	w := r.do("POST", "/incidents/"+openID, "", "by=kari&token=nobody-has-this-token", "Content-Type", "application/x-www-form-urlencoded")
	want(t, w, http.StatusUnauthorized, "unknown token")
	if strings.Contains(w.Body.String(), "external-profiles") {
		t.Errorf("shows the incident:\n%s", w.Body)
	}
}

func TestWithoutAnAdminTheFormSaysSo(t *testing.T) {
	r := newRig(t, open, func(cfg *Config) { cfg.Tokens = nil })
	want(t, r.do("GET", "/incidents/"+openID, "", ""), http.StatusOK, "nobody can acknowledge here")
}
