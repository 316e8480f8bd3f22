package webhook_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/feedwatch/feedwatch/notifiers"
	"github.com/feedwatch/feedwatch/notifiers/notifiertest"
	"github.com/feedwatch/feedwatch/notifiers/webhook"
	"github.com/feedwatch/feedwatch/rules"
	"github.com/feedwatch/feedwatch/watchdog/delivery"
)

const (
	urlToken = "fwsecret-in-the-path"
	password = "fwsecret-of-user"
	secret   = "fwsecret-0123456789abcdef"
)

var target = rules.Target{Kind: "webhook", Name: "ops"}

func newNotifier(t testing.TB, base string) *webhook.Notifier {
	scheme, host, _ := strings.Cut(base, "://")
	n, err := webhook.New(webhook.Config{
		URL:    notifiers.NewSecret(scheme + "://user:" + password + "@" + host + "/hooks/" + urlToken + "?k=" + urlToken),
		Secret: notifiers.NewSecret(secret), PageURL: "https://feedwatch.example.com",
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestConformance(t *testing.T) {
	notifiertest.Run(t, notifiertest.Harness{
		New: func(t *testing.T, url string) delivery.Notifier { return newNotifier(t, url) },
		Server: func(*testing.T) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "received") })
		},
		Op:          func() delivery.Op { return notifiertest.Open().Op(delivery.Tell, target) },
		Secrets:     []string{urlToken, password, secret},
		AnyBody:     true,
		Reasons:     `{"detail":"no such tenant"}`,
		ReasonsWord: "no such tenant",
	})
}

// received is one request that was verified as a receiver would.
type received struct {
	header  http.Header
	message webhook.Message
}

func receive(t *testing.T, op delivery.Op) received {
	t.Helper()
	var got received
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		if err := webhook.Verify(secret, r.Header.Get(webhook.SignatureHeader), body, time.Now()); err != nil {
			t.Errorf("the signature does not fit: %v", err)
		}
		got.header = r.Header
		var loose map[string]json.RawMessage
		if err := json.Unmarshal(body, &loose); err != nil {
			t.Error(err)
		}
		delete(loose, "incident") // its own form is the core's business
		rest, _ := json.Marshal(loose)
		if err := json.Unmarshal(rest, &got.message); err != nil {
			t.Error(err)
		}
	}))
	defer server.Close()
	if ref, err := newNotifier(t, server.URL).Deliver(t.Context(), op); err != nil || ref != op.ID() {
		t.Fatalf("ref %q, error %v", ref, err)
	}
	return got
}

// TestDrill: a program can tell, also where the message is the shortest.
func TestDrill(t *testing.T) {
	op := notifiertest.Drill().Op(delivery.Tell, target)
	op.Minimal = true
	if got := receive(t, op).message; !got.Drill || !strings.HasPrefix(got.Headline, "DRILL") {
		t.Errorf("message %+v", got)
	}
	if receive(t, notifiertest.Open().Op(delivery.Tell, target)).message.Drill {
		t.Error("a real incident is marked as a drill")
	}
}

func TestMessage(t *testing.T) {
	op := notifiertest.OneCluster().Op(delivery.Tell, target)
	got := receive(t, op)
	m := got.message
	if got.header.Get("Idempotency-Key") != op.ID() || m.ID != op.ID() || m.Version != webhook.Version {
		t.Errorf("id %q, header %q, want %q", m.ID, got.header.Get("Idempotency-Key"), op.ID())
	}
	if m.Headline != "external-profiles is silent for 312 of 1,248 clients: cluster fsn1" || len(m.Facts) < 5 || m.Page == nil {
		t.Errorf("message %+v", m)
	}
	if got.header.Get("Content-Type") != "application/json" {
		t.Errorf("content type %q", got.header.Get("Content-Type"))
	}
	op.Minimal = true
	if m := receive(t, op).message; m.Facts != nil || m.Summary != "" || m.Headline == "" || m.Event == nil {
		t.Errorf("minimal message %+v", m)
	}
}

func TestVerify(t *testing.T) {
	now := time.Unix(1763942700, 0)
	body := []byte(`{"version":1}`)
	good := webhook.Sign(secret, now, body)
	cases := []struct {
		name, secret, header, body string
		at                         time.Time
		ok                         bool
	}{
		{"good", secret, good, string(body), now, true},
		{"another body", secret, good, `{"version":2}`, now, false},
		{"another secret", secret + "x", good, string(body), now, false},
		{"no secret", "", webhook.Sign("", now, body), string(body), now, false},
		{"replayed", secret, good, string(body), now.Add(6 * time.Minute), false},
		{"from the future", secret, good, string(body), now.Add(-6 * time.Minute), false},
		{"empty", secret, "", string(body), now, false},
		{"no time", secret, good[strings.Index(good, ",")+1:], string(body), now, false},
		{"another time", secret, strings.Replace(good, "t=17639427", "t=17639428", 1), string(body), now.Add(100 * time.Second), false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if err := webhook.Verify(c.secret, c.header, []byte(c.body), c.at); (err == nil) != c.ok {
				t.Errorf("error %v", err)
			}
		})
	}
}

func FuzzVerify(f *testing.F) {
	now := time.Unix(1763942700, 0)
	f.Add(webhook.Sign(secret, now, []byte("x")), []byte("x"))
	f.Add("t=,v1=", []byte(""))
	f.Add("t=1,v1=zz", []byte("x"))
	f.Fuzz(func(t *testing.T, header string, body []byte) {
		if webhook.Verify(secret, header, body, now) == nil && !strings.HasPrefix(header, "t=") {
			t.Errorf("%q was taken", header)
		}
	})
}

func TestNew(t *testing.T) {
	good := notifiers.NewSecret("https://hooks.example.com/" + urlToken)
	cases := []struct {
		name   string
		config webhook.Config
		want   string
	}{
		{"good", webhook.Config{URL: good}, ""},
		{"no URL", webhook.Config{}, "the URL is empty"},
		{"bad URL", webhook.Config{URL: notifiers.NewSecret("hooks.example.com/" + urlToken)}, "https://"},
		{"unparsable URL", webhook.Config{URL: notifiers.NewSecret("https://x/%zz" + urlToken)}, "does not parse"},
		{"short secret", webhook.Config{URL: good, Secret: notifiers.NewSecret("short")}, "openssl"},
		{"bad page", webhook.Config{URL: good, PageURL: "x"}, "page's URL"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			_, err := webhook.New(c.config)
			if (err == nil) != (c.want == "") || err != nil && (!strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), urlToken)) {
				t.Errorf("error %v, want %q", err, c.want)
			}
		})
	}
}
