package api

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/feedwatch/feedwatch/rules"
	"github.com/feedwatch/feedwatch/watchdog"
	"github.com/feedwatch/feedwatch/watchdog/engine"
	"github.com/feedwatch/feedwatch/watchdog/feed"
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

func TestABacklogThatDrainsIsWaiting(t *testing.T) {
	r := newRig(t, open)
	profiles := &r.engine.status.Feeds[1]
	profiles.LossBegins = 0
	for v, says := range map[watchdog.Verdict]string{watchdog.Fresh: "nothing is waiting", watchdog.CatchingUp: "a backlog drains"} {
		profiles.Verdict = v
		want(t, r.do("GET", "/", "", ""), http.StatusOK, says)
	}
}

func TestFeedwatchsOwnTroubleIsShown(t *testing.T) {
	r := newRig(t, open)
	s := r.engine.status
	s.Store = engine.StoreStatus{Failing: "disk full", Since: now.Add(-minute)}
	s.Trouble = []string{"Slack refuses our token."}
	r.engine.outside = "not watched from outside: its pings are not taken"
	s.Rules.RefusedAt, s.Rules.Refusal = now.Add(-minute), "rules/a.yaml:14:9: unknown key"
	s.Rules.Warnings = "rules/b.yaml:3:5: warning: rule"
	s.Sources = append(s.Sources, watchdog.SourceView{Name: "prom-eu", Blind: true, Failure: "connection refused"})
	want(t, r.do("GET", "/", "", ""), http.StatusOK,
		"Nothing can be stored since 00:04:00 UTC: disk full", "Slack refuses our token.", "The newest rule files were refused, 00:04:00 UTC",
		"rules/a.yaml:14:9: unknown key", "rules/b.yaml:3:5: warning: rule", "cannot see", "connection refused", "not read yet",
		"feedwatch is not watched from outside: its pings are not taken.")
}

func TestAcknowledgeForm(t *testing.T) {
	path := "/incidents/" + openID
	const ack = "do=ack&"
	tests := map[string]struct {
		form  string
		code  int
		piece string
		ack   string
	}{
		"taken":             {ack + "by=kari&for=1h&token=" + adminSecret, 303, "", openID + " by kari for 1h0m0s"},
		"no token":          {ack + "by=kari&for=1h&token=", 401, "Not taken: the token is missing", ""},
		"a wrong token":     {ack + "by=kari&for=1h&token=nobody-has-this-token", 401, "Not taken: unknown token", ""},
		"a reader's":        {ack + "by=kari&for=1h&token=" + readSecret, 403, "this needs admin", ""},
		"nobody":            {ack + "by=&for=1h&token=" + adminSecret, 400, "give a name", ""},
		"snoozed":           {"do=snooze&by=kari&for=24h&token=" + adminSecret, 303, "", "snooze " + openID + " by kari for 24h0m0s"},
		"handed over":       {"do=handover&by=kari&to=bo&token=" + adminSecret, 303, "", "hand over " + openID + " by kari to bo"},
		"resolved":          {"do=resolve&by=kari&reason=restarted+it&token=" + adminSecret, 303, "", "resolve " + openID + " by kari: restarted it"},
		"a loss accepted":   {"do=accept-loss&by=kari&reason=test+data&token=" + adminSecret, 303, "", "accept the loss of " + openID + " by kari: test data"},
		"not accepted":      {"do=accept-loss&by=kari&reason=&token=" + adminSecret, 400, `<details class="act" id="accept-loss" open>`, ""},
		"nothing to do":     {"do=dance&by=kari&token=" + adminSecret, 400, "does not say what to do", ""},
		"not kept as typed": {ack + "by=%3Cb%3E&for=x&token=" + adminSecret, 400, `value="&lt;b&gt;"`, ""},
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

func TestAFormForWhatIsOverSaysSo(t *testing.T) {
	r := newRig(t, open)
	w := r.do("POST", "/incidents/1763900000000-ffff00", "", "do=ack&by=kari&for=1h&token="+adminSecret, "Content-Type", "application/x-www-form-urlencoded")
	want(t, w, http.StatusConflict, "Not taken: the incident is resolved")
}

func TestALossCanBeAcceptedOnlyWhileItsClockRuns(t *testing.T) {
	r := newRig(t, open)
	want(t, r.do("GET", "/incidents/"+openID, "", ""), http.StatusOK, `id="accept-loss"`, `id="snooze"`, `href="/silences?match=feed%3D%22external-profiles%22#new"`)
	r.engine.status.Incidents[0].Loss.Accepted = &watchdog.Accepted{By: "kari"}
	if strings.Contains(r.do("GET", "/incidents/"+openID, "", "").Body.String(), `id="accept-loss"`) {
		t.Error("it can be accepted twice")
	}
}

// What the page offers to silence is just what the incident is about.
func TestMatchOfAnIncident(t *testing.T) {
	labels, err := feed.ParseLabels(map[string]string{"cluster": "fsn1", "zone": `a "b", \c`})
	if err != nil {
		t.Fatal(err)
	}
	match := matchOf(&watchdog.Incident{Feed: "profiles", Scope: watchdog.Scope{Labels: labels}})
	selector, err := rules.ParseSelector(match)
	if err != nil || !selector.Matches("profiles", "acme", labels) || selector.Matches("consent", "acme", labels) || selector.Matches("profiles", "acme", feed.Labels{}) {
		t.Errorf("%s: %v", match, err)
	}
}

func TestWhatHoldsIsOnThePage(t *testing.T) {
	r := newRig(t, open)
	r.engine.publish(held())
	want(t, r.do("GET", "/", "", ""), http.StatusOK, "Nobody is paged now for", "moving &lt;racks&gt;", "silenced by anna", "fsn1 move", `<span class="tag held">held</span>`)
	if strings.Contains(r.do("GET", "/", "", "").Body.String(), "a new queue") {
		t.Error("home says that what is to come holds")
	}
	want(t, r.do("GET", "/silences?match=client%3D%22a%22", "", ""), http.StatusOK,
		"moving &lt;racks&gt;", "a new queue", "to come", "weekly", `action="/silences/s-1"`, `value="client=&#34;a&#34;"`)
	other := newRig(t)
	other.engine.publish(held())
	body := other.do("GET", "/silences", readSecret, "").Body.String()
	if !strings.Contains(body, "fsn1 move") || !strings.Contains(body, "a new queue") || strings.Contains(body, "racks") || strings.Contains(body, "weekly") {
		t.Errorf("a reader of consent sees\n%s", body)
	}
	want(t, other.do("GET", "/silences", "", ""), http.StatusUnauthorized, "give the token as the password")
}

func TestSilenceForms(t *testing.T) {
	const match = "match=cluster%3D%22fsn1%22&comment=racks&"
	tests := map[string]struct {
		path, form string
		code       int
		piece      string
		kept       string
	}{
		"new":         {"/silences", match + "by=kari&for=2h&token=" + adminSecret, 303, "", `silence cluster="fsn1" by kari from 2025-11-24T00:05:00Z until 2025-11-24T02:05:00Z: racks`},
		"later":       {"/silences", match + "by=kari&for=1d&from=2025-11-25T02:00&token=" + adminSecret, 303, "", `silence cluster="fsn1" by kari from 2025-11-25T02:00:00Z until 2025-11-26T02:00:00Z: racks`},
		"no token":    {"/silences", match + "by=kari&for=2h", 401, "Not silenced: the token is missing", ""},
		"kept typed":  {"/silences", match + "by=&for=8h&token=" + adminSecret, 400, `<option value="8h" selected>`, ""},
		"bad from":    {"/silences", match + "by=kari&for=8h&from=soon&token=" + adminSecret, 400, "in UTC", ""},
		"bad match":   {"/silences", "match=fsn1&comment=x&by=kari&for=8h&token=" + adminSecret, 400, "is not a matcher", ""},
		"end":         {"/silences/s-1", "by=kari&token=" + adminSecret, 303, "", "end s-1 by kari"},
		"end nothing": {"/silences/s-9", "by=kari&token=" + adminSecret, 404, "Not ended: no silence", ""},
		"end unnamed": {"/silences/s-1", "by=&token=" + adminSecret, 400, "Not ended: &#34;by&#34; is missing", ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, open)
			r.engine.publish(held())
			want(t, r.do("POST", tt.path, "", tt.form, "Content-Type", "application/x-www-form-urlencoded"), tt.code, tt.piece)
			if got := strings.Join(r.engine.acks, "\n"); got != tt.kept {
				t.Errorf("kept %q, want %q", got, tt.kept)
			}
			if strings.Contains(r.log.String(), adminSecret) {
				t.Error("the token is told")
			}
		})
	}
}

func TestAcknowledgeFormShowsNothingToThoseWhoMayNotRead(t *testing.T) {
	r := newRig(t)
	w := r.do("POST", "/incidents/"+openID, "", "do=ack&by=kari&token=nobody-has-this-token", "Content-Type", "application/x-www-form-urlencoded")
	want(t, w, http.StatusUnauthorized, "unknown token")
	if strings.Contains(w.Body.String(), "external-profiles") {
		t.Errorf("shows the incident:\n%s", w.Body)
	}
}

func TestWithoutAnAdminTheFormSaysSo(t *testing.T) {
	r := newRig(t, open, func(cfg *Config) { cfg.Tokens = nil })
	want(t, r.do("GET", "/incidents/"+openID, "", ""), http.StatusOK, "nobody can acknowledge here")
}
