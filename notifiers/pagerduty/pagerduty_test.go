package pagerduty_test

import (
	"encoding/json"
	"errors"
	"flag"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/feedwatch/feedwatch/notifiers"
	"github.com/feedwatch/feedwatch/notifiers/notifiertest"
	"github.com/feedwatch/feedwatch/notifiers/pagerduty"
	"github.com/feedwatch/feedwatch/rules"
	"github.com/feedwatch/feedwatch/watchdog/delivery"
)

const key = "fwsecret0123456789abcdef01ABCDEF"

var (
	update = flag.Bool("update", false, "write the golden files anew")
	target = rules.Target{Kind: "pagerduty", Name: "cdp"}
)

func newNotifier(t testing.TB, url string) *pagerduty.Notifier {
	n, err := pagerduty.New(pagerduty.Config{
		RoutingKey: notifiers.NewSecret(key), APIURL: url, PageURL: "https://feedwatch.example.com",
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func newServer(t testing.TB) *notifiertest.PagerDutyServer {
	s := notifiertest.NewPagerDutyServer(key)
	t.Cleanup(s.Close)
	return s
}

func TestConformance(t *testing.T) {
	for name, kind := range map[string]delivery.OpKind{
		"trigger": delivery.Trigger, "acknowledge": delivery.Acknowledge, "resolve": delivery.Resolve,
	} {
		t.Run(name, func(t *testing.T) {
			notifiertest.Run(t, notifiertest.Harness{
				New:         func(t *testing.T, url string) delivery.Notifier { return newNotifier(t, url) },
				Server:      func(t *testing.T) http.Handler { return newServer(t) },
				Op:          func() delivery.Op { return notifiertest.Open().Op(kind, target) },
				Secrets:     []string{key},
				Reasons:     `{"status":"invalid event","message":"Event object is invalid","errors":["first","'payload.severity' is invalid","third"]}`,
				ReasonsWord: "'payload.severity' is invalid; third",
			})
		})
	}
}

// TestAnswers: what the library takes for success, or tells without its reason.
func TestAnswers(t *testing.T) {
	cases := []struct {
		name, body string
		status     int
		class      delivery.Class
		says       string
	}{
		{"success for another key", `{"status":"success","dedup_key":"other"}`, 202, delivery.Ambiguous, "another key"},
		{"success without a key", `{"status":"success"}`, 202, delivery.Ambiguous, "another key"},
		{"no success", `{"status":"throttled","dedup_key":"x"}`, 202, delivery.Ambiguous, "throttled"},
		{"bad routing key", `{"status":"invalid event","message":"Event object is invalid","errors":["Invalid routing key"]}`, 400, delivery.Refused, "integration key"},
		{"bad routing_key", `{"status":"invalid event","message":"'routing_key' is missing"}`, 400, delivery.Refused, "integration key"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s := newServer(t)
			s.Fail(notifiertest.Answer(c.status, c.body, "Content-Type", "application/json"))
			_, err := newNotifier(t, s.URL()).Deliver(t.Context(), notifiertest.Open().Op(delivery.Trigger, target))
			var failed *delivery.Error
			if !errors.As(err, &failed) || failed.Class != c.class || !strings.Contains(err.Error(), c.says) {
				t.Errorf("error %v, want %s saying %q", err, c.class, c.says)
			}
		})
	}
}

func TestLife(t *testing.T) {
	s := newServer(t)
	n := newNotifier(t, s.URL())
	scene := notifiertest.Open()
	deliver := func(kind delivery.OpKind) {
		t.Helper()
		ref, err := n.Deliver(t.Context(), scene.Op(kind, target))
		if err != nil || ref != scene.Incident.PageKey(1) {
			t.Fatalf("ref %q, error %v", ref, err)
		}
	}
	s.Fail(notifiertest.AcceptThenCut())
	if _, err := n.Deliver(t.Context(), scene.Op(delivery.Trigger, target)); err == nil {
		t.Fatal("a cut connection was taken for an answer")
	}
	deliver(delivery.Trigger)
	deliver(delivery.Acknowledge)
	deliver(delivery.Trigger)
	if rings, a := s.Rings(scene.Incident.PageKey(1)), s.Alerts(); rings != 1 || len(a) != 1 || a[0].Status != "acknowledged" || a[0].Triggers != 3 {
		t.Errorf("%d rings, alerts %+v, want one ring for all repeats", rings, a)
	}
	deliver(delivery.Resolve)
	deliver(delivery.Resolve)
	if a := s.Alerts(); len(a) != 1 || a[0].Status != "resolved" {
		t.Errorf("alerts %+v, want one, resolved", a)
	}
}

// TestGolden holds the event of each kind of page.
func TestGolden(t *testing.T) {
	for _, scene := range notifiertest.Scenes() {
		if len(scene.Incident.Pages) == 0 {
			continue
		}
		t.Run(scene.Name, func(t *testing.T) {
			s := newServer(t)
			if _, err := newNotifier(t, s.URL()).Deliver(t.Context(), scene.Op(delivery.Trigger, target)); err != nil {
				t.Fatal(err)
			}
			got, err := json.MarshalIndent(s.Calls()[0].Event, "", "  ")
			if err != nil {
				t.Fatal(err)
			}
			golden(t, scene.Name+".json", append(got, '\n'))
		})
	}
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != string(want) {
		t.Errorf("%s (run with -update to accept):\n%s", name, got)
	}
}

func TestMinimal(t *testing.T) {
	s := newServer(t)
	op := notifiertest.Open().Op(delivery.Trigger, target)
	op.Minimal = true
	if _, err := newNotifier(t, s.URL()).Deliver(t.Context(), op); err != nil {
		t.Fatal(err)
	}
	e := s.Calls()[0].Event
	if e.Payload.Details != nil || len(e.Links) > 0 || e.Client != "" || e.Payload.Group != "" {
		t.Errorf("a minimal event has more than it must: %+v", e)
	}
}

// TestNastyNames: whatever the names are, PagerDuty takes the event.
func TestNastyNames(t *testing.T) {
	s := newServer(t)
	n := newNotifier(t, s.URL())
	rapid.Check(t, func(t *rapid.T) {
		scene := notifiertest.NastyScene(t)
		if len(scene.Incident.Pages) == 0 {
			return
		}
		if _, err := n.Deliver(t.Context(), scene.Op(delivery.Trigger, target)); err != nil {
			t.Fatal(err)
		}
		calls := s.Calls()
		payload := calls[len(calls)-1].Event.Payload
		if len(payload.Details) > 32<<10 || utf8.RuneCountInString(payload.Summary) > notifiers.SummaryCharsMax {
			t.Fatalf("%d bytes of details, %d characters of summary", len(payload.Details), utf8.RuneCountInString(payload.Summary))
		}
	})
}

func TestNew(t *testing.T) {
	cases := []struct {
		name   string
		config pagerduty.Config
		want   string
	}{
		{"good", pagerduty.Config{RoutingKey: notifiers.NewSecret(key)}, ""},
		{"the documented URL", pagerduty.Config{RoutingKey: notifiers.NewSecret(key), APIURL: "https://events.eu.pagerduty.com/v2/enqueue"}, ""},
		{"no key", pagerduty.Config{}, "routing key is empty"},
		{"a REST key", pagerduty.Config{RoutingKey: notifiers.NewSecret("u+short")}, "32 letters"},
		{"bad URL", pagerduty.Config{RoutingKey: notifiers.NewSecret(key), APIURL: "events.pagerduty.com"}, "https://"},
		{"bad page", pagerduty.Config{RoutingKey: notifiers.NewSecret(key), PageURL: "ftp://x"}, "page's URL"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			_, err := pagerduty.New(c.config)
			if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %q", err, c.want)
			}
		})
	}
}
