package alertmanager_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/feedwatch/feedwatch/notifiers"
	"github.com/feedwatch/feedwatch/notifiers/alertmanager"
	"github.com/feedwatch/feedwatch/notifiers/notifiertest"
	"github.com/feedwatch/feedwatch/rules"
	"github.com/feedwatch/feedwatch/watchdog/delivery"
)

const (
	urlPassword = "fwsecret-in-the-url"
	token       = "fwsecret-bearer-token"
)

var target = rules.Target{Kind: "alertmanager", Name: "main"}

func config(urls ...string) alertmanager.Config {
	c := alertmanager.Config{Install: "prod", PageURL: "https://feedwatch.example.com", Labels: map[string]string{"team": "cdp"}}
	for _, u := range urls {
		c.URLs = append(c.URLs, notifiers.NewSecret(u))
	}
	return c
}

func newNotifier(t testing.TB, c alertmanager.Config) *alertmanager.Notifier {
	n, err := alertmanager.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestConformance(t *testing.T) {
	for name, kind := range map[string]delivery.OpKind{"trigger": delivery.Trigger, "acknowledge": delivery.Acknowledge, "resolve": delivery.Resolve} {
		t.Run(name, func(t *testing.T) {
			notifiertest.Run(t, notifiertest.Harness{
				New: func(t *testing.T, url string) delivery.Notifier {
					scheme, host, _ := strings.Cut(url, "://")
					c := config(scheme + "://feedwatch:" + urlPassword + "@" + host + "/am/")
					if name == "acknowledge" {
						c.Username, c.Password = "feedwatch", notifiers.NewSecret(urlPassword)
					} else {
						c.Token = notifiers.NewSecret(token)
					}
					return newNotifier(t, c)
				},
				Server: func(*testing.T) http.Handler {
					mux := http.NewServeMux()
					mux.HandleFunc("POST /am/api/v2/alerts", func(http.ResponseWriter, *http.Request) {})
					return mux
				},
				Op:          func() delivery.Op { return notifiertest.Open().Op(kind, target) },
				Secrets:     []string{urlPassword, token},
				EmptyBody:   true,
				Reasons:     `"bad matcher format: no such label"`,
				ReasonsWord: "no such label",
			})
		})
	}
}

// alert is one as it was posted.
type alert struct {
	Labels, Annotations map[string]string
	StartsAt, EndsAt    time.Time
	GeneratorURL        string
}

// recorder is an Alertmanager that takes everything, or answers as told.
type recorder struct {
	*httptest.Server
	mu     sync.Mutex
	posts  [][]alert
	answer int // 0: it takes it
	authed string
}

func newRecorder(t *testing.T) *recorder {
	r := &recorder{}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, err := io.ReadAll(req.Body)
		if err != nil {
			return
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		r.authed = req.Header.Get("Authorization")
		if r.answer != 0 {
			w.WriteHeader(r.answer)
			return
		}
		var post []alert
		if err := json.Unmarshal(body, &post); err != nil {
			t.Error(err)
		}
		r.posts = append(r.posts, post)
	}))
	t.Cleanup(r.Close)
	return r
}

func (r *recorder) refuse(status int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answer = status
}

func (r *recorder) all() [][]alert {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.posts)
}

func (r *recorder) last(t rapid.TB) []alert {
	all := r.all()
	if len(all) == 0 {
		t.Fatal("nothing was posted")
	}
	return all[len(all)-1]
}

func TestAlert(t *testing.T) {
	r := newRecorder(t)
	c := config(r.URL)
	c.Username, c.Password = "fw", notifiers.NewSecret("fwsecret-basic")
	n := newNotifier(t, c)
	op := notifiertest.OneCluster().Op(delivery.Trigger, target)
	ref, err := n.Deliver(t.Context(), op)
	if err != nil || ref != op.Incident.PageKey(1) || !strings.HasPrefix(r.authed, "Basic ") {
		t.Fatalf("ref %q, error %v, authorization %q", ref, err, r.authed)
	}
	got := r.last(t)[0]
	want := map[string]string{
		"alertname": "FeedSilent", "install": "prod", "feed": "external-profiles", "incident": op.Incident.ID, "page": "1",
		"severity": op.Incident.Severity.String(), "team": "cdp",
	}
	if !reflect.DeepEqual(got.Labels, want) {
		t.Errorf("labels %v, want %v", got.Labels, want)
	}
	now := op.Now.Time()
	if !got.StartsAt.Equal(op.Page.At.Time()) || !got.EndsAt.Equal(now.Add(alertmanager.Lease)) {
		t.Errorf("from %s to %s", got.StartsAt, got.EndsAt)
	}
	for name, begins := range map[string]string{
		"summary": "external-profiles silent: 312/1,248", "description": "external-profiles is silent for 312", "since": "No update from them since 24 Nov",
		"scope": "312 of 318 clients", "time_to_loss": "Data loss begins 1 Dec", "runbook_url": "https://", "why": "it is silent",
	} {
		if !strings.HasPrefix(got.Annotations[name], begins) {
			t.Errorf("annotation %s is %q, want %q...", name, got.Annotations[name], begins)
		}
	}
	if !strings.HasPrefix(got.GeneratorURL, "https://feedwatch.example.com/incidents/") {
		t.Errorf("generatorURL %q", got.GeneratorURL)
	}
	op.Minimal = true
	if _, err := n.Deliver(t.Context(), op); err != nil {
		t.Fatal(err)
	}
	if got := r.last(t)[0]; len(got.Annotations) != 1 || !reflect.DeepEqual(got.Labels, want) {
		t.Errorf("minimal: %+v", got)
	}
	if _, err := n.Deliver(t.Context(), notifiertest.OneCluster().Op(delivery.Resolve, target)); err != nil {
		t.Fatal(err)
	}
	if got := r.last(t); len(got) != 1 || !got[0].EndsAt.Equal(now) || !reflect.DeepEqual(got[0].Labels, want) {
		t.Errorf("the end is %+v", got)
	}
}

// TestSeverityRises: the labels of an alert are its name, so the former one ends.
func TestSeverityRises(t *testing.T) {
	r := newRecorder(t)
	n := newNotifier(t, config(r.URL))
	op := notifiertest.Open().Op(delivery.Trigger, target)
	op.Incident.Severity = rules.Warning
	deliver := func() {
		t.Helper()
		if _, err := n.Deliver(t.Context(), op); err != nil {
			t.Fatal(err)
		}
	}
	deliver()
	op.Incident.Severity = rules.Critical
	deliver()
	if got := r.last(t); len(got) != 2 || got[0].Labels["severity"] != "warning" || !got[0].EndsAt.Equal(op.Now.Time()) ||
		got[1].Labels["severity"] != "critical" || !got[1].EndsAt.After(op.Now.Time()) {
		t.Errorf("posted %+v", got)
	}
	deliver()
	if got := r.last(t); len(got) != 1 {
		t.Errorf("the former ended twice: %+v", got)
	}
}

// TestSeveral: one of several is enough, and one that takes nothing is said.
func TestSeveral(t *testing.T) {
	a, b := newRecorder(t), newRecorder(t)
	n := newNotifier(t, config(a.URL, b.URL))
	op := notifiertest.Open().Op(delivery.Trigger, target)
	deliver := func() error {
		_, err := n.Deliver(t.Context(), op)
		return err
	}
	if err := deliver(); err != nil || len(a.all()) != 1 || len(b.all()) != 1 || n.Trouble() != nil {
		t.Errorf("error %v, posts %d and %d, trouble %q", err, len(a.all()), len(b.all()), n.Trouble())
	}
	b.refuse(503)
	if err := deliver(); err != nil || len(n.Trouble()) != 1 || !strings.Contains(n.Trouble()[0], "503") {
		t.Errorf("error %v, trouble %q", err, n.Trouble())
	}
	for _, c := range []struct {
		a, b int
		want delivery.Class
	}{{401, 503, delivery.Ambiguous}, {429, 401, delivery.RateLimited}, {400, 401, delivery.BadPayload}, {401, 403, delivery.Refused}} {
		a.refuse(c.a)
		b.refuse(c.b)
		err := deliver()
		var failed *delivery.Error
		if !errors.As(err, &failed) || failed.Class != c.want || n.Trouble() != nil {
			t.Errorf("%d and %d: %v, want %s; trouble %q", c.a, c.b, err, c.want, n.Trouble())
		}
	}
}

// TestNastyAlerts: whatever names mean harm, labels are printable, bounded, and
// the same for the end as for the beginning.
func TestNastyAlerts(t *testing.T) {
	r := newRecorder(t)
	n := newNotifier(t, config(r.URL))
	rapid.Check(t, func(t *rapid.T) {
		scene := notifiertest.NastyScene(t)
		if len(scene.Incident.Pages) == 0 {
			return
		}
		var labels []map[string]string
		for _, kind := range []delivery.OpKind{delivery.Trigger, delivery.Resolve} {
			if _, err := n.Deliver(t.Context(), scene.Op(kind, target)); err != nil {
				t.Fatal(err)
			}
			last := r.last(t)
			labels = append(labels, last[len(last)-1].Labels)
		}
		if !reflect.DeepEqual(labels[0], labels[1]) {
			t.Fatalf("%v ends as %v", labels[0], labels[1])
		}
		for name, value := range labels[0] {
			if value == "" || !utf8.ValidString(value) || utf8.RuneCountInString(value) > 200 || strings.ContainsAny(value, "\x00\n\r\x1b") {
				t.Fatalf("%s is %q", name, value)
			}
		}
	})
}

func TestNew(t *testing.T) {
	cases := []struct {
		name string
		set  func(*alertmanager.Config)
		want string
	}{
		{"good", func(*alertmanager.Config) {}, ""},
		{"none", func(c *alertmanager.Config) { c.URLs = nil }, "there are 0 urls"},
		{"no URL", func(c *alertmanager.Config) { c.URLs = []notifiers.Secret{notifiers.NewSecret("am:9093")} }, "https://"},
		{"twice", func(c *alertmanager.Config) {
			c.URLs = append(c.URLs, notifiers.NewSecret("http://am:9093/api/v2/alerts"))
		}, "twice"},
		{"two ways", func(c *alertmanager.Config) {
			c.Token, c.Username, c.Password = notifiers.NewSecret(token), "fw", notifiers.NewSecret(urlPassword)
		}, "not both"},
		{"half an account", func(c *alertmanager.Config) { c.Username = "fw" }, "belong together"},
		{"our label", func(c *alertmanager.Config) { c.Labels = map[string]string{"severity": "page"} }, "feedwatch's own"},
		{"no label", func(c *alertmanager.Config) { c.Labels = map[string]string{"on-call": "cdp"} }, "no label name"},
		{"no value", func(c *alertmanager.Config) { c.Labels = map[string]string{"team": ""} }, "empty"},
		{"bad page", func(c *alertmanager.Config) { c.PageURL = "x" }, "page's URL"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			cfg := config("http://am:9093")
			c.set(&cfg)
			if _, err := alertmanager.New(cfg); (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %q", err, c.want)
			}
		})
	}
}
