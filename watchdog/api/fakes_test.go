package api

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/feedwatch/feedwatch/rules"
	"github.com/feedwatch/feedwatch/watchdog"
	"github.com/feedwatch/feedwatch/watchdog/engine"
	"github.com/feedwatch/feedwatch/watchdog/feed"
	"github.com/feedwatch/feedwatch/watchdog/said"
)

// The tokens of the tests.
const (
	pushSecret  = "push-fwsecret-of-the-feeder"
	readSecret  = "read-fwsecret-of-the-readers"
	adminSecret = "admin-fwsecret-of-on-call"
	otherSecret = "other-fwsecret-for-consent"
)

const (
	minute = time.Minute
	now    = feed.Instant(1_763_942_700_000) // 24 Nov 2025 00:05:00 UTC
)

// fakeEngine is all that the API talks to.
type fakeEngine struct {
	mu        sync.Mutex
	reports   [][]feed.Heartbeat
	refuse    map[string]feed.Refusal // by client
	submitErr error
	outside   string
	status    *engine.Status
	clients   map[string][]watchdog.ClientView
	acks      []string    // all that people decided
	acked     chan string // gets each, where there is one
	ackErr    error
	reloads   int
	reloadErr error
}

func (f *fakeEngine) Submit(_ context.Context, r feed.Report) ([]feed.Refusal, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.submitErr != nil {
		return nil, f.submitErr
	}
	f.reports = append(f.reports, append([]feed.Heartbeat(nil), r.Heartbeats...))
	var out []feed.Refusal
	for i, h := range r.Heartbeats {
		if why, ok := f.refuse[h.Key.Client()]; ok {
			if out == nil {
				out = make([]feed.Refusal, len(r.Heartbeats))
			}
			out[i] = why
		}
	}
	return out, nil
}

func (f *fakeEngine) Status() *engine.Status {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.status
}

// publish puts a new picture in place of the old.
func (f *fakeEngine) publish(s *engine.Status) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.status = s
}

func (f *fakeEngine) Clients(_ context.Context, q watchdog.ClientQuery) (watchdog.ClientPage, error) {
	all, ok := f.clients[q.Feed]
	if !ok {
		return watchdog.ClientPage{}, engine.ErrNoFeed
	}
	var out watchdog.ClientPage
	for i := q.Cursor; i < len(all); i++ {
		if len(out.Clients) == q.Limit {
			out.Next = i
			break
		}
		if q.Client != "" && all[i].Client != q.Client {
			continue
		}
		if q.Any || all[i].Verdict == q.Verdict {
			out.Clients = append(out.Clients, all[i])
		}
	}
	return out, nil
}

func (f *fakeEngine) Incident(_ context.Context, id string) (*watchdog.Incident, error) {
	for _, inc := range f.Status().Incidents {
		if inc.ID == id {
			return inc, nil
		}
	}
	return nil, engine.ErrNoIncident
}

func (f *fakeEngine) Acknowledge(_ context.Context, id, by string, d time.Duration) error {
	return f.decided(id + " by " + by + " for " + d.String())
}

func (f *fakeEngine) Snooze(_ context.Context, id, by string, d time.Duration) error {
	return f.decided("snooze " + id + " by " + by + " for " + d.String())
}

func (f *fakeEngine) HandOver(_ context.Context, id, by, to string) error {
	return f.decided("hand over " + id + " by " + by + " to " + to)
}

func (f *fakeEngine) Resolve(_ context.Context, id, by, reason string) error {
	return f.decided("resolve " + id + " by " + by + ": " + reason)
}

func (f *fakeEngine) AcceptLoss(_ context.Context, id, by, reason string) error {
	return f.decided("accept the loss of " + id + " by " + by + ": " + reason)
}

func (f *fakeEngine) Silence(_ context.Context, s watchdog.Silence) (watchdog.Silence, error) {
	if s.From.IsZero() {
		s.From = now
	}
	return s, f.decided("silence " + s.Match + " by " + s.By + " from " + s.From.String() + " until " + s.Until.String() + ": " + s.Comment)
}

func (f *fakeEngine) EndSilence(_ context.Context, id, by string) (watchdog.Silence, error) {
	s := watchdog.Silence{ID: id, EndedBy: by}
	return s, f.decided("end " + id + " by " + by)
}

func (f *fakeEngine) decided(what string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.ackErr != nil {
		return f.ackErr
	}
	f.acks = append(f.acks, what)
	if f.acked != nil {
		f.acked <- what
	}
	return nil
}

func (f *fakeEngine) reload(context.Context) error {
	f.reloads++
	return f.reloadErr
}

// testWords are plain: the real ones are of package notifiers.
func testWords() Words {
	return Words{
		Headline: func(inc *watchdog.Incident) string { return inc.Feed + " is silent for " + inc.Scope.String() },
		Facts: func(inc *watchdog.Incident, _ feed.Instant) []Fact {
			return []Fact{{"Scope", inc.Scope.String()}, {"Next", "PagerDuty cdp at 00:10 UTC unless someone acknowledges."}}
		},
		EventLines: func(_ *watchdog.Incident, e *watchdog.Event) []string {
			return []string{e.At.String() + " " + string(e.Kind)}
		},
		Age:   func(d time.Duration) string { return d.Round(time.Second).String() },
		Count: strconv.Itoa,
	}
}

// silentFeed is the state of the incident that feedwatch exists for, five
// minutes in, with a second feed that is well and a resolved incident.
func silentFeed() *engine.Status {
	start := now.Add(-5 * minute)
	silent := &watchdog.Incident{
		ID: "1763942700000-0a1b2c", Key: "fw/test/external-profiles/1763942700000-0a1b2c", Feed: "external-profiles",
		Cause: watchdog.CauseSilent, Opened: now, Seen: now, Anchor: "external-profiles/acme", Revision: 3,
		State: watchdog.StateOpen, Severity: rules.Critical, Rule: "whole-feed", Allowed: 5 * minute, Escalation: "cdp-on-call",
		Runbook: "https://wiki.example.com/runbooks/external-profiles", Owner: "cdp-team",
		Scope: watchdog.Scope{Silent: 3, Of: 3, Spread: []string{"cluster=2"}}, Since: start,
		Loss:   watchdog.Loss{Retention: 7 * 24 * time.Hour, Start: start, Begins: start.Add(7 * 24 * time.Hour)},
		Next:   &watchdog.Next{At: now.Add(5 * minute), Targets: []rules.Target{{Kind: "pagerduty", Name: "cdp"}}, Why: watchdog.ReasonStep},
		Pages:  []watchdog.Page{{N: 1, At: now, Reason: watchdog.ReasonOpened, Targets: []rules.Target{{Kind: "slack", Name: "cdp-alerts"}}}},
		Events: []watchdog.Event{{N: 1, At: now, Kind: watchdog.EventOpened}, {N: 2, At: now, Kind: watchdog.EventPaged, Page: 1}},
	}
	fsn1, err := feed.ParseLabels(map[string]string{"cluster": "fsn1"})
	if err != nil {
		panic(err)
	}
	resolved := &watchdog.Incident{
		ID: "1763900000000-ffff00", Feed: "consent", Cause: watchdog.CauseSilent, Opened: 1_763_900_000_000, Seen: 1_763_900_000_000,
		State: watchdog.StateResolved, Severity: rules.Error, Resolved: 1_763_900_900_000, Scope: watchdog.Scope{Labels: fsn1},
	}
	profiles := watchdog.FeedView{
		Name: "external-profiles", Description: "External user profile updates into the CDP", Owner: "cdp-team", Watched: true, Clients: 3,
		Verdict: watchdog.Stale, Newest: start, Oldest: start.Add(-minute), Retention: 7 * 24 * time.Hour,
		LossBegins: silent.Loss.Begins, Incidents: []string{silent.ID},
	}
	profiles.ByVerdict[watchdog.Stale] = 3
	consent := watchdog.FeedView{Name: "consent", Watched: true, Clients: 1, Verdict: watchdog.Fresh, Newest: now, Oldest: now}
	consent.ByVerdict[watchdog.Fresh] = 1
	return &engine.Status{
		Now: now, Started: now.Add(-60 * minute), Ready: true, Install: "test",
		Rules: engine.RulesStatus{Version: "7f3a9c000000", LoadedAt: now.Add(-60 * minute)},
		Feeds: []watchdog.FeedView{consent, profiles}, Incidents: []*watchdog.Incident{silent, resolved},
		Sources: []watchdog.SourceView{{Name: "push", KnownThrough: now, LagMax: 30 * time.Second}},
	}
}

// held is silentFeed with a silence over it, one to come, and a maintenance of each kind.
func held() *engine.Status {
	s := silentFeed()
	s.Incidents[0].Hold = &watchdog.Hold{Kind: watchdog.HoldSilence, Name: "moving racks", By: "anna", Since: now, Until: now.Add(60 * minute)}
	s.Feeds[1].Held = 1
	s.Silences = []watchdog.Silence{
		{ID: "s-2", Match: `feed="consent", cluster="fsn1"`, By: "bo", Comment: "a new queue", From: now.Add(60 * minute), Until: now.Add(120 * minute)},
		{ID: "s-1", Match: `feed="external-profiles"`, By: "anna", Comment: "moving <racks>", From: now, Until: now.Add(60 * minute)},
	}
	s.Maintenances = []watchdog.MaintenanceView{
		{Name: "weekly", Match: `feed="external-profiles"`, From: now.Add(24 * 60 * minute), Until: now.Add(26 * 60 * minute)},
		{Name: "fsn1 move", Match: `cluster="fsn1"`, From: now.Add(-minute), Until: now.Add(30 * minute)},
	}
	return s
}

func silentClients() map[string][]watchdog.ClientView {
	start := now.Add(-5 * minute)
	return map[string][]watchdog.ClientView{
		"external-profiles": {
			{Client: "acme", Verdict: watchdog.Stale, Rule: "enterprise", Arrival: start, Deadline: now, Incident: "1763942700000-0a1b2c"},
			{Client: `<script>alert("x")</script>`, Verdict: watchdog.Stale, Arrival: start.Add(-minute), Deadline: now},
			{Client: "never", Verdict: watchdog.Pending},
		},
		"consent": {{Client: "acme", Verdict: watchdog.Fresh, Arrival: now}},
	}
}

// rig is an API over a fakeEngine.
type rig struct {
	t        *testing.T
	engine   *fakeEngine
	api      *API
	registry *prometheus.Registry
	log      *bytes.Buffer
}

func received(w http.ResponseWriter, r *http.Request) {
	_, _ = io.WriteString(w, "received at "+r.URL.Path)
}

func newRig(t *testing.T, change ...func(*Config)) *rig {
	t.Helper()
	r := &rig{
		t:        t,
		engine:   &fakeEngine{status: silentFeed(), clients: silentClients(), refuse: map[string]feed.Refusal{}},
		registry: prometheus.NewPedanticRegistry(), log: &bytes.Buffer{},
	}
	all := []string{AllFeeds}
	cfg := Config{
		Ingest: r.engine, Watch: r.engine, Keeper: r.engine, Ledger: fakeLedger{}, Reload: r.engine.reload,
		Tokens: []Token{
			token(t, "feeder", pushSecret, []Role{RolePush}, []string{"external-profiles", "consent"}),
			token(t, "readers", readSecret, []Role{RoleRead}, []string{"consent"}),
			token(t, "on-call", adminSecret, []Role{RoleAdmin}, all),
			token(t, "consent-admin", otherSecret, []Role{RoleAdmin}, []string{"consent"}),
		},
		Gatherer: r.registry, Registerer: r.registry, ClientSeriesMax: 10, Words: testWords(), Version: "v0.0.0",
		Outside: func() string { return r.engine.outside }, Notifiers: func() []NotifierView { return nil },
		Retry: func(string, string) bool { return false },
		Drill: func(context.Context, DrillAsk) ([]*watchdog.Incident, error) { return nil, nil },
		Log:   slog.New(slog.NewTextHandler(said.Also(r.log), nil)),
	}
	for _, path := range []string{"/slack/interactions", "/slack/commands", "/pagerduty/webhook"} {
		cfg.Receivers = append(cfg.Receivers, Receiver{path, http.HandlerFunc(received)})
	}
	for _, c := range change {
		c(&cfg)
	}
	r.registry.MustRegister(engine.NewCollector(r.engine.Status))
	var err error
	if r.api, err = New(cfg); err != nil {
		t.Fatal(err)
	}
	r.api.now = now.Time
	return r
}

func open(cfg *Config) { cfg.ReadOpen = true }

func token(t *testing.T, name, secret string, roles []Role, feeds []string) Token {
	t.Helper()
	tok, err := NewToken(name, secret, roles, feeds)
	if err != nil {
		t.Fatal(err)
	}
	return tok
}

// do sends a request with a bearer token; headers come as name, value.
func (r *rig) do(method, path, secret, body string, headers ...string) *httptest.ResponseRecorder {
	r.t.Helper()
	req := httptest.NewRequest(method, path, strings.NewReader(body))
	if secret != "" {
		req.Header.Set("Authorization", "Bearer "+secret)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	r.api.ServeHTTP(w, req)
	said.Answer(w.Result())
	return w
}

// want fails unless the answer has that code and those pieces of text.
func want(t *testing.T, w *httptest.ResponseRecorder, code int, pieces ...string) {
	t.Helper()
	body, err := io.ReadAll(w.Result().Body)
	if err != nil {
		t.Fatal(err)
	}
	if w.Code != code {
		t.Fatalf("answered %d %s, want %d:\n%s", w.Code, http.StatusText(w.Code), code, body)
	}
	for _, piece := range pieces {
		if !strings.Contains(string(body), piece) {
			t.Errorf("the answer lacks %q:\n%s", piece, body)
		}
	}
}
