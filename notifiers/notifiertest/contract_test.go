package notifiertest_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/feedwatch/feedwatch/notifiers"
	"github.com/feedwatch/feedwatch/notifiers/notifiertest"
	"github.com/feedwatch/feedwatch/notifiers/pagerduty"
	"github.com/feedwatch/feedwatch/notifiers/slack"
	"github.com/feedwatch/feedwatch/rules"
	"github.com/feedwatch/feedwatch/watchdog"
	"github.com/feedwatch/feedwatch/watchdog/delivery"
	"github.com/feedwatch/feedwatch/watchdog/said"
)

// wire is a fake server whose exchanges are kept.
type wire struct {
	*httptest.Server
	mu   sync.Mutex
	kept []exchange
}

func listen(t *testing.T, fake http.Handler, prefix string) *wire {
	w := &wire{}
	w.Server = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		answer := httptest.NewRecorder()
		fake.ServeHTTP(answer, r)
		w.mu.Lock()
		w.kept = append(w.kept, exchange{
			method: r.Method, path: strings.TrimPrefix(r.URL.Path, prefix), header: r.Header, query: r.URL.Query(),
			body: body, status: answer.Code, answer: answer.Body.Bytes(),
		})
		w.mu.Unlock()
		for k, v := range answer.Header() {
			rw.Header()[k] = v
		}
		rw.WriteHeader(answer.Code)
		_, _ = rw.Write(answer.Body.Bytes()) // the client may be gone
	}))
	t.Cleanup(w.Close)
	return w
}

// hold holds every exchange against a document, each finding said once, and wants
// every one of paths among them. newer are parameters younger than the document.
func (w *wire) hold(t *testing.T, d *document, paths, newer []string) {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	seen, said := map[string]bool{}, map[string]bool{}
	say := func(x exchange, what string) {
		if line := x.method + " " + x.path + ": " + what; !said[line] {
			said[line] = true
			t.Errorf("%s: %s", d.name, line)
		}
	}
	for _, x := range w.kept {
		if !slices.Contains(paths, x.path) {
			continue
		}
		for _, wrong := range d.request(x, newer) {
			say(x, "the request: "+wrong)
		}
		held, err := d.answered(x)
		if err != nil {
			say(x, "the fake's answer: "+err.Error())
		}
		if held {
			seen[x.path] = true
		}
	}
	for _, path := range paths {
		if !seen[path] {
			t.Errorf("%s: no answer of %s was held against it", d.name, path)
		}
	}
}

const routingKey = "fwsecret6789abcdef0123456789abcd"

// nobody keeps no incidents.
type nobody struct{}

func (nobody) Find(context.Context, string) (*watchdog.Incident, error) { return nil, nil }

func (nobody) Acknowledge(context.Context, string, string, time.Duration) error { return nil }

func (nobody) Resolve(context.Context, string, string, string) error { return nil }

func (nobody) Told(rules.Target) []delivery.Told { return nil }

func (nobody) Again(rules.Target, string, int) {}

func TestPagerDutyAsPublished(t *testing.T) {
	fake := notifiertest.NewPagerDutyServer(routingKey)
	t.Cleanup(fake.Close)
	events, rest := listen(t, fake, "/v2"), listen(t, fake, "")
	n, err := pagerduty.New(pagerduty.Config{RoutingKey: notifiers.NewSecret(routingKey), APIURL: events.URL, PageURL: "https://feedwatch.example.com"})
	if err != nil {
		t.Fatal(err)
	}
	target := rules.Target{Kind: "pagerduty", Name: "cdp"}
	for _, scene := range notifiertest.Scenes() {
		if len(scene.Incident.Pages) == 0 {
			continue
		}
		for _, minimal := range []bool{true, false} {
			for _, kind := range []delivery.OpKind{delivery.Trigger, delivery.Acknowledge, delivery.Resolve} {
				op := scene.Op(kind, target)
				op.Minimal = minimal
				if _, err := n.Deliver(t.Context(), op); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	change := &notifiers.RuleChange{Install: "prod", From: "7f3a9c", To: "8b1d02", At: time.Unix(1763942700, 0), PageURL: "https://feedwatch.example.com"}
	if err := n.TellChange(t.Context(), change); err != nil {
		t.Fatal(err)
	}
	events.hold(t, pagerDutyEvents.open(t), []string{"/enqueue", "/change/enqueue"}, nil)

	for _, status := range []string{"triggered", "acknowledged", "resolved"} {
		key := "fw/prod/external-profiles/1763942700000-" + status + "/p1"
		fake.Put(key, time.Now())
		fake.Decide(key, status, "Anna")
	}
	reader, err := pagerduty.NewReader(pagerduty.ReaderConfig{Token: notifiers.NewSecret(notifiertest.PagerDutyToken), Service: notifiertest.PagerDutyService, APIURL: rest.URL})
	if err != nil {
		t.Fatal(err)
	}
	desk := &pagerduty.Desk{Install: "prod", Keeper: nobody{}, Log: said.Log(), Metrics: pagerduty.NewMetrics(prometheus.NewRegistry()), Now: time.Now}
	poller := pagerduty.NewPoller(target, n, reader, nobody{}, desk)
	poller.Look(t.Context())
	if why := poller.Failing(); why != "" {
		t.Fatal(why)
	}
	rest.hold(t, pagerDutyREST.open(t), []string{"/incidents"}, nil)
}

func TestSlackAsPublished(t *testing.T) {
	const channel = "C0123456789"
	const token = "xoxb-fwsecret-published"
	fake := notifiertest.NewSlackServer(token, channel)
	t.Cleanup(fake.Close)
	w := listen(t, fake, "/api")
	n, err := slack.New(slack.Config{App: slack.App{Token: notifiers.NewSecret(token), APIURL: w.URL + "/api/"}, Channel: channel, PageURL: "https://feedwatch.example.com", Pressable: true})
	if err != nil {
		t.Fatal(err)
	}
	target := rules.Target{Kind: "slack", Name: "cdp-alerts"}
	for _, scene := range notifiertest.Scenes() {
		deliver := func(kind delivery.OpKind, root string, maybe bool) string {
			op := scene.Op(kind, target)
			op.Ref, op.MaybeSent = root, maybe
			ref, err := n.Deliver(t.Context(), op)
			if err != nil {
				t.Fatal(err)
			}
			return ref
		}
		root := deliver(delivery.Post, "", false)
		deliver(delivery.Update, root, false)
		deliver(delivery.Reply, root, false)
		deliver(delivery.Reply, root, true)
		deliver(delivery.Post, "", true)
	}
	for _, f := range n.Check(t.Context(), true) {
		if !f.OK() && !f.Pages {
			t.Errorf("%+v", f)
		}
	}
	fake.Leave(channel)
	if _, err := n.Deliver(t.Context(), notifiertest.Open().Op(delivery.Post, target)); err == nil {
		t.Error("posted into a channel that the bot left")
	}
	w.hold(t, slackWeb.open(t), []string{
		"/auth.test", "/chat.postMessage", "/chat.update", "/chat.delete", "/conversations.info", "/conversations.history", "/conversations.replies",
	}, []string{
		"metadata", "include_all_metadata", // newer than the document
		"unfurl_links", "unfurl_media", // an update has no use for them, and Slack does not mind
	})
}

// TestTheContractNotices: what is wrong with a request or an answer is found, in
// the published documents and in our excerpts of them.
func TestTheContractNotices(t *testing.T) {
	event := func(body string) exchange {
		return exchange{method: http.MethodPost, path: "/enqueue", body: []byte(body), status: http.StatusAccepted, answer: []byte(`{"status":"success"}`)}
	}
	form := func(path, body, answer string) exchange {
		return exchange{
			method: http.MethodPost, path: path, body: []byte(body), status: http.StatusOK, answer: []byte(answer),
			header: http.Header{"Content-Type": {"application/x-www-form-urlencoded"}},
		}
	}
	get := func(query url.Values, answer string) exchange {
		return exchange{method: http.MethodGet, path: "/incidents", query: query, status: http.StatusOK, answer: []byte(answer)}
	}
	const posted = `{"ok":true,"channel":"C0123456789","ts":"1763942700.000001","message":{"type":"message","text":"x","ts":"1763942700.000001"}}`
	events, rest, slack := pagerDutyEvents.open(t), pagerDutyREST.open(t), slackWeb.open(t)
	for _, c := range []struct {
		name            string
		d               *document
		x               exchange
		request, answer bool // are right
	}{
		{"an event", events, event(`{"routing_key":"k","event_action":"resolve","dedup_key":"d"}`), true, true},
		{"no routing key", events, event(`{"event_action":"resolve"}`), false, true},
		{"no such action", events, event(`{"routing_key":"k","event_action":"snooze"}`), false, true},
		{"no such severity", events, event(`{"routing_key":"k","event_action":"trigger","payload":{"summary":"s","source":"s","severity":"fatal"}}`), false, true},
		{"a summary is missing", events, event(`{"routing_key":"k","event_action":"trigger","payload":{"source":"s","severity":"info"}}`), false, true},
		{"an answer of nothing", events, exchange{method: http.MethodPost, path: "/enqueue", body: []byte(`{"routing_key":"k","event_action":"resolve"}`), status: 202, answer: []byte(`{}`)}, true, false},
		{"no such path", events, exchange{method: http.MethodPost, path: "/queue", body: []byte(`{}`)}, false, true},
		{"a list", rest, get(url.Values{"statuses[]": {"triggered"}, "limit": {"100"}}, `{"incidents":[]}`), true, true},
		{"no such status", rest, get(url.Values{"statuses[]": {"open"}}, `{"incidents":[]}`), false, true},
		{"no such parameter", rest, get(url.Values{"status": {"triggered"}}, `{"incidents":[]}`), false, true},
		{"no number", rest, get(url.Values{"limit": {"all"}}, `{"incidents":[]}`), false, true},
		{"a status of our own", rest, get(nil, `{"incidents":[{"type":"incident","status":"open"}]}`), true, false},
		{"a message", slack, form("/chat.postMessage", "channel=C0123456789&text=x", posted), true, true},
		{"no channel", slack, form("/chat.postMessage", "text=x", posted), false, true},
		{"a word of our own", slack, form("/chat.postMessage", "channel=C0123456789&body=x", posted), false, true},
		{"no truth", slack, form("/chat.postMessage", "channel=C0123456789&reply_broadcast=perhaps", posted), false, true},
		{"no ts", slack, form("/chat.postMessage", "channel=C0123456789", `{"ok":true,"channel":"C0123456789"}`), true, false},
		{"an error", slack, form("/chat.postMessage", "channel=C0123456789", `{"ok":false,"error":"not_in_channel"}`), true, true},
		{"an error without a reason", slack, form("/chat.postMessage", "channel=C0123456789", `{"ok":false}`), true, false},
	} {
		if wrong := c.d.request(c.x, nil); (len(wrong) == 0) != c.request {
			t.Errorf("%s: of the request it says %q", c.name, wrong)
		}
		if _, err := c.d.answered(c.x); (err == nil) != c.answer {
			t.Errorf("%s: of the answer it says %v", c.name, err)
		}
	}
}
