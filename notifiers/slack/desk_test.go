package slack_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/feedwatch/feedwatch/notifiers"
	"github.com/feedwatch/feedwatch/notifiers/notifiertest"
	"github.com/feedwatch/feedwatch/notifiers/slack"
	"github.com/feedwatch/feedwatch/watchdog"
	"github.com/feedwatch/feedwatch/watchdog/delivery"
	"github.com/feedwatch/feedwatch/watchdog/feed"
	"github.com/feedwatch/feedwatch/watchdog/said"
)

const signingSecret = "fwsecret31b10e8888abcd99yyyzzz85"

// fakeKeeper is an engine with one incident.
type fakeKeeper struct {
	mu      sync.Mutex
	inc     *watchdog.Incident
	feeds   []watchdog.FeedView
	others  []*watchdog.Incident
	trouble []string
	starts  bool
	decided []string
	fail    error         // after taking it
	refuse  error         // instead of taking it
	hold    chan struct{} // if any: a decision waits until it is closed
	took    chan struct{} // gets one for each decision
	now     feed.Instant
}

func (k *fakeKeeper) Incident(_ context.Context, id string) (*watchdog.Incident, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if id != k.inc.ID {
		return nil, errors.New("no such incident")
	}
	return k.inc, nil
}

func (k *fakeKeeper) Picture() slack.Picture {
	k.mu.Lock()
	defer k.mu.Unlock()
	return slack.Picture{Ready: !k.starts, Feeds: k.feeds, Incidents: append([]*watchdog.Incident{k.inc}, k.others...), Trouble: k.trouble}
}

func (k *fakeKeeper) Acknowledge(_ context.Context, _, by string, d time.Duration) error {
	return k.decide("acknowledged by "+by, watchdog.AckTaken, by, max(d, 4*time.Hour))
}

func (k *fakeKeeper) Snooze(_ context.Context, _, by string, d time.Duration) error {
	return k.decide("snoozed by "+by+" for "+d.String(), watchdog.AckSnoozed, by, max(d, time.Hour))
}

func (k *fakeKeeper) Resolve(_ context.Context, _, by, reason string) error {
	return k.decide("resolved by "+by+": "+reason, watchdog.AckResolved, by, 30*time.Minute)
}

func (k *fakeKeeper) decide(what string, kind watchdog.AckKind, by string, d time.Duration) error {
	if k.hold != nil {
		<-k.hold
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.refuse != nil {
		return k.refuse
	}
	k.decided = append(k.decided, what)
	if k.took != nil {
		k.took <- struct{}{}
	}
	k.now = k.now.Add(time.Millisecond)
	after := *k.inc
	after.State = watchdog.StateAcknowledged
	after.Ack = &watchdog.Ack{Kind: kind, By: by, At: k.now, Until: k.now.Add(d)}
	k.inc = &after
	return k.fail
}

func (k *fakeKeeper) all() string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return strings.Join(k.decided, "; ")
}

func (k *fakeKeeper) set(inc *watchdog.Incident) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.inc = inc
}

// people are a workspace with a message of an incident, and the desk behind it.
type people struct {
	t      *testing.T
	server *notifiertest.SlackServer
	keeper *fakeKeeper
	desk   *slack.Desk
	log    *strings.Builder
	counts *prometheus.Registry
	root   string // ts
	nonce  int
}

func newPeople(t *testing.T, scene notifiertest.Scene, change ...func(*slack.App)) *people {
	t.Helper()
	p := &people{t: t, server: newServer(t), keeper: &fakeKeeper{inc: scene.Incident, now: scene.Now}, log: &strings.Builder{}, counts: prometheus.NewPedanticRegistry()}
	app := slack.App{Token: notifiers.NewSecret(token), SigningSecret: notifiers.NewSecret(signingSecret), APIURL: p.server.URL()}
	for _, c := range change {
		c(&app)
	}
	var err error
	p.desk, err = slack.NewDesk(slack.DeskConfig{
		Apps: []slack.App{app}, Keeper: p.keeper, Watch: p.keeper, Threads: noThreads{}, PageURL: "https://feedwatch.example.com",
		Log: slog.New(slog.NewTextHandler(said.Also(p.log), nil)), Now: func() time.Time { return scene.Now.Time() },
		Registerer: p.counts,
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- p.desk.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		for _, secret := range []string{token, signingSecret, notifiertest.SlackAppToken, "fwsecret-of-the-answer"} {
			if strings.Contains(p.log.String(), secret) {
				t.Errorf("the log holds %q: %s", secret, p.log)
			}
		}
	})
	p.root = timestamp(deliver(t, newNotifier(t, p.server.URL()), scene.Op(delivery.Post, target)))
	return p
}

func (p *people) context() context.Context {
	ctx, cancel := context.WithTimeout(p.t.Context(), 10*time.Second)
	p.t.Cleanup(cancel)
	return ctx
}

// post signs a body and posts it, and is the status.
func (p *people) post(handler http.Handler, body string) int {
	p.t.Helper()
	return send(handler, body, notifiertest.SignSlack(signingSecret, time.Now(), body))
}

func send(handler http.Handler, body string, header http.Header) int {
	r := httptest.NewRequest(http.MethodPost, slack.InteractionsPath, strings.NewReader(body))
	r.Header = header
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	return w.Code
}

// body is what Slack posts when user presses what says label.
func (p *people) body(label, user string) string {
	p.t.Helper()
	payload, err := p.server.Press(channel, p.root, label, user)
	if err != nil {
		p.t.Fatal(err)
	}
	p.nonce++
	return url.Values{"payload": {payload}, "nonce": {strings.Repeat("x", p.nonce)}}.Encode()
}

func (p *people) press(label, user string) {
	p.t.Helper()
	if code := p.post(p.desk.Interactions(), p.body(label, user)); code != http.StatusOK {
		p.t.Fatalf("%s is answered %d", label, code)
	}
}

// told is what a person is told next; it must hold each of words.
func (p *people) told(words ...string) string {
	p.t.Helper()
	m, err := p.server.Said(p.context())
	if err != nil {
		p.t.Fatal(err)
	}
	for _, w := range words {
		if !strings.Contains(m.Reading(), w) {
			p.t.Errorf("told\n%s\nwant %q in it", m.Reading(), w)
		}
	}
	if rings := m.Rings(); len(rings) > 0 {
		p.t.Errorf("it rings %v", rings)
	}
	return m.Reading()
}

func (p *people) decided(want string) {
	p.t.Helper()
	if got := p.keeper.all(); got != want {
		p.t.Errorf("decided %q, want %q", got, want)
	}
}

func TestPresses(t *testing.T) {
	cases := []struct {
		scene        notifiertest.Scene
		label, taken string
		told         []string
	}{
		{notifiertest.Open(), "Acknowledge", "acknowledged by @anna", []string{"external-profiles is silent", "Acknowledged by @anna at 00:05 until 04:05 UTC"}},
		{notifiertest.Open(), "Snooze 1 h", "snoozed by @anna for 0s", []string{"Snoozed by @anna at 00:05 until 01:05 UTC"}},
		{notifiertest.Open(), "30 min", "snoozed by @anna for 30m0s", []string{"Snoozed by @anna"}},
		{notifiertest.Open(), "24 h", "snoozed by @anna for 24h0m0s", []string{"Snoozed by @anna"}},
		{notifiertest.Acknowledged(), "Take over", "acknowledged by @anna", []string{"Acknowledged by @anna at 00:12"}},
		{notifiertest.Snoozed(), "Acknowledge", "acknowledged by @anna", []string{"Acknowledged by @anna"}},
		{notifiertest.ResolvedEarly(), "Acknowledge", "acknowledged by @anna", []string{"Acknowledged by @anna"}},
	}
	for _, c := range cases {
		t.Run(c.scene.Name+" "+c.label, func(t *testing.T) {
			p := newPeople(t, c.scene)
			p.press(c.label, "anna")
			p.told(c.told...)
			p.decided(c.taken)
		})
	}
}

// TestDoublePress: the second of a double click, and the slower of two people,
// change nothing and learn what holds.
func TestDoublePress(t *testing.T) {
	p := newPeople(t, notifiertest.Open())
	p.keeper.hold = make(chan struct{})
	for range 20 {
		p.press("Acknowledge", "anna")
	}
	close(p.keeper.hold)
	done := 0
	for range 20 {
		if text := p.told("Acknowledged by @anna at 00:05 until 04:05 UTC"); !strings.Contains(text, "Nothing was changed") {
			done++
		}
	}
	p.decided("acknowledged by @anna")
	if done != 1 {
		t.Errorf("%d presses are told that they were taken, want one", done)
	}
	p.press("Snooze 1 h", "bo") // the message shows the old buttons still
	p.told("Nothing was changed: this was decided before your press arrived", "Acknowledged by @anna")
	p.decided("acknowledged by @anna")
}

// TestPointlessPresses: a message may be old.
func TestPointlessPresses(t *testing.T) {
	cases := []struct {
		drawn, now notifiertest.Scene
		label      string
		told       []string
	}{
		{notifiertest.Open(), notifiertest.Resolved(), "Acknowledge", []string{"Nothing was changed: it is resolved.", "Resolved: external-profiles"}},
		{notifiertest.Open(), notifiertest.Resolved(), "Resolve…", []string{"Nothing was changed: it is resolved."}},
		{notifiertest.Open(), notifiertest.CatchingUp(), "Snooze 1 h", []string{"it is recovering, and nobody is paged meanwhile"}},
		{notifiertest.Acknowledged(), notifiertest.Open(), "Take over", []string{"what your button showed has ended"}},
		{notifiertest.HandedOver(), notifiertest.HandedOver(), "Take over", []string{"you are on it already"}},
	}
	for _, c := range cases {
		t.Run(c.drawn.Name+" "+c.now.Name+" "+c.label, func(t *testing.T) {
			p := newPeople(t, c.drawn)
			inc := *c.now.Incident
			if inc.Ack != nil && inc.Ack.By == "bo" {
				ack := *inc.Ack
				ack.By = "@anna"
				inc.Ack = &ack
			}
			p.keeper.set(&inc)
			p.press(c.label, "anna")
			p.told(c.told...)
			p.decided("")
		})
	}
}

func TestResolveAsksForAReason(t *testing.T) {
	p := newPeople(t, notifiertest.Open())
	p.press("Resolve…", "anna")
	form, err := p.server.Form(p.context())
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "form.golden", form.Reading()+"\n")
	p.decided("")
	reason := "restarted it, <!channel> & done " + strings.Repeat("é", 3000)
	if code := p.post(p.desk.Interactions(), url.Values{"payload": {p.server.Submit(form, reason, "anna")}}.Encode()); code != http.StatusOK {
		t.Fatalf("the form is answered %d", code)
	}
	p.told("Resolved by @anna at 00:05 UTC, but it is still silent")
	got := p.keeper.all()
	if !strings.HasPrefix(got, "resolved by @anna: restarted it, <!channel> & done é") || len(got) > watchdog.ReasonBytesMax+40 {
		t.Errorf("decided %.80q of %d bytes", got, len(got))
	}
	if code := p.post(p.desk.Interactions(), url.Values{"payload": {p.server.Submit(form, "again", "anna")}}.Encode()); code != http.StatusOK {
		t.Fatalf("the form is answered %d", code)
	}
	p.told("it was resolved by hand before")
}

// TestFormFails: Slack waits three seconds only until a form must be open.
func TestFormFails(t *testing.T) {
	p := newPeople(t, notifiertest.Open())
	p.server.Fail(notifiertest.Answer(200, `{"ok":false,"error":"expired_trigger_id"}`, "Content-Type", "application/json"))
	p.press("Resolve…", "anna")
	p.told("Nothing was changed: the form could not be opened", "Press again")
}

// TestNotDurable: what was taken but not written down holds, and says so.
func TestNotDurable(t *testing.T) {
	p := newPeople(t, notifiertest.Open())
	p.keeper.fail = errors.New("taken, but not yet durable: disk full")
	p.press("Acknowledge", "anna")
	p.told("Acknowledged by @anna", "It could not be written down yet: taken, but not yet durable: disk full.")
	p = newPeople(t, notifiertest.Open())
	p.keeper.refuse = errors.New("the engine is busy")
	p.press("Acknowledge", "anna")
	p.told("Nothing was changed: the engine is busy.", "external-profiles is silent")
}

// TestSlackHangs: a Slack that takes no answers does not hold up decisions.
func TestSlackHangs(t *testing.T) {
	p := newPeople(t, notifiertest.Open())
	p.keeper.took = make(chan struct{}, 10)
	hung := make([]chan struct{}, 4)
	for i := range hung {
		hung[i] = make(chan struct{})
		p.server.Fail(notifiertest.AcceptThenHang(hung[i]))
	}
	for range hung {
		p.press("Acknowledge", "anna")
	}
	for _, h := range hung {
		<-h
	}
	for range hung { // what was accepted all the same
		p.told("Acknowledged by @anna")
	}
	p.keeper.set(notifiertest.Open().Incident)
	p.press("Snooze 1 h", "bo")
	for ctx := p.context(); p.keeper.all() != "acknowledged by @anna; snoozed by @bo for 0s"; {
		select {
		case <-p.keeper.took:
		case <-ctx.Done():
			t.Fatalf("decided %q", p.keeper.all())
		}
	}
}

// TestStopping: who is waiting when feedwatch stops is told to try again.
func TestStopping(t *testing.T) {
	s := newServer(t)
	scene := notifiertest.Open()
	keeper := &fakeKeeper{inc: scene.Incident}
	desk, err := slack.NewDesk(slack.DeskConfig{
		Apps:   []slack.App{{Token: notifiers.NewSecret(token), SigningSecret: notifiers.NewSecret(signingSecret), APIURL: s.URL()}},
		Keeper: keeper, Watch: keeper, Threads: noThreads{}, Log: said.Log(), Now: time.Now, Registerer: prometheus.NewPedanticRegistry(),
	})
	if err != nil {
		t.Fatal(err)
	}
	p := &people{t: t, server: s, keeper: keeper, desk: desk}
	p.root = timestamp(deliver(t, newNotifier(t, s.URL()), scene.Op(delivery.Post, target)))
	p.press("Acknowledge", "anna")
	for range 255 {
		p.press("Acknowledge", "bo")
	}
	body := p.body("Acknowledge", "bo")
	if code := p.post(desk.Interactions(), body); code != http.StatusServiceUnavailable {
		t.Errorf("one press too many is answered %d", code)
	}
	stopped, cancel := context.WithCancel(t.Context())
	cancel()
	if err := desk.Run(stopped); err != nil {
		t.Fatal(err)
	}
	p.told()
	if code := p.post(desk.Interactions(), body); code != http.StatusOK {
		t.Errorf("what was not taken for want of room is answered %d when it comes again", code)
	}
}

func TestNames(t *testing.T) {
	for user, want := range map[string]string{
		"anna.hansen": "@anna.hansen", " anna\x00\u202e ": "@anna", "<!channel>": "@<!channel>", "": "@U0ANNA",
		strings.Repeat("👩‍👩‍👧‍👦", 100): "", "שלום": "@שלום",
	} {
		p := newPeople(t, notifiertest.Open())
		p.press("Acknowledge", user)
		p.told()
		by := p.keeper.inc.Ack.By
		if want != "" && by != want {
			t.Errorf("%q goes into the timeline as %q, want %q", user, by, want)
		}
		if err := watchdog.CheckPerson(by); err != nil {
			t.Errorf("%q: %v", user, err)
		}
	}
}
