package pagerduty_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/feedwatch/feedwatch/notifiers"
	"github.com/feedwatch/feedwatch/notifiers/notifiertest"
	"github.com/feedwatch/feedwatch/rules"
	"github.com/feedwatch/feedwatch/watchdog/delivery"
)

func TestChangeConformance(t *testing.T) {
	notifiertest.Run(t, notifiertest.Harness{
		New: func(t *testing.T, url string) delivery.Notifier {
			return notifiertest.Changer{Teller: newNotifier(t, url)}
		},
		Server:      func(t *testing.T) http.Handler { return newServer(t) },
		Op:          func() delivery.Op { return notifiertest.Open().Op(delivery.Tell, target) },
		Secrets:     []string{key},
		Reasons:     `{"status":"invalid event","message":"Event object is invalid","errors":["'payload.summary' is missing"]}`,
		ReasonsWord: "'payload.summary' is missing",
	})
}

func TestChange(t *testing.T) {
	s := newServer(t)
	n := newNotifier(t, s.URL())
	one, many := notifiertest.RuleChange(), notifiertest.RuleChange()
	for range 200 {
		many.Changes = append(many.Changes, rules.Change{What: strings.Repeat("long\n", 500), Was: "1", Now: "2"})
	}
	many.More = 7
	for _, c := range []*notifiers.RuleChange{one, many} {
		if err := n.TellChange(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
	got := s.Changes()
	if want := "feedwatch rules changed: feed profiles, rule everyone, stale_after: 45m, was 30m"; got[0].Payload.Summary != want {
		t.Errorf("summary %q, want %q", got[0].Payload.Summary, want)
	}
	if got[1].Payload.Summary != "feedwatch rules changed: 208 changes" || len(got[1].Payload.Details) > 100<<10 {
		t.Errorf("summary %q, %d bytes of details", got[1].Payload.Summary, len(got[1].Payload.Details))
	}
	if len(s.Alerts()) != 0 {
		t.Error("a change event made an alert")
	}
}
