package notifiers_test

import (
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/feedwatch/feedwatch/notifiers"
	"github.com/feedwatch/feedwatch/notifiers/notifiertest"
	"github.com/feedwatch/feedwatch/rules"
	"github.com/feedwatch/feedwatch/watchdog"
	"github.com/feedwatch/feedwatch/watchdog/delivery"
)

var (
	slackTarget = rules.Target{Kind: "slack", Name: "cdp-alerts"}
	pagerTarget = rules.Target{Kind: "pagerduty", Name: "cdp"}
)

// tell prints the events of a scene from the given number on.
func tell(t *testing.T, c *notifiers.Console, s notifiertest.Scene, target rules.Target, from int) {
	t.Helper()
	for i := range s.Incident.Events {
		e := &s.Incident.Events[i]
		if e.N < from {
			continue
		}
		op := delivery.Op{Kind: delivery.Tell, Name: "e", Target: target, Incident: s.Incident, Event: e, Now: e.At}
		if e.Kind == watchdog.EventPaged {
			op.Page = &s.Incident.Pages[e.Page-1]
		}
		if ref, err := c.Deliver(t.Context(), op); err != nil || ref == "" {
			t.Fatalf("ref %q, error %v", ref, err)
		}
	}
}

func TestConsole(t *testing.T) {
	for _, colour := range []bool{false, true} {
		var out strings.Builder
		terminal := notifiers.NewTerminal(&out, colour)
		slack := notifiers.NewConsole(terminal, "slack/cdp-alerts (printed here)", "http://127.0.0.1:8080")
		pager := notifiers.NewConsole(terminal, "pagerduty/cdp (printed here)", "http://127.0.0.1:8080")
		tell(t, slack, notifiertest.Open(), slackTarget, 2)
		tell(t, pager, notifiertest.Acknowledged(), pagerTarget, 3)
		tell(t, slack, notifiertest.Resolved(), slackTarget, 9)
		if !colour {
			golden(t, "console.out", out.String())
			continue
		}
		plain := strings.NewReplacer("\x1b[1m", "", "\x1b[2m", "", "\x1b[1;41;97m", "", "\x1b[0m", "").Replace(out.String())
		golden(t, "console.out", plain)
		if plain == out.String() {
			t.Error("no colour on a terminal")
		}
	}
}

func TestConsoleInsteadOf(t *testing.T) {
	var out strings.Builder
	c := notifiers.NewConsole(notifiers.NewTerminal(&out, false), "console/oncall", "")
	s := notifiertest.Open()
	op := s.Op(delivery.Tell, rules.Target{Kind: "console", Name: "oncall"})
	op.InsteadOf = slackTarget
	if _, err := c.Deliver(t.Context(), op); err != nil {
		t.Fatal(err)
	}
	if got := out.String(); !strings.Contains(got, " PAGE ") || !strings.Contains(got, "In the place of Slack cdp-alerts") || strings.Contains(got, "Open:") {
		t.Errorf("printed:\n%s", got)
	}
	if _, err := c.Deliver(t.Context(), s.Op(delivery.Post, slackTarget)); err == nil {
		t.Error("it took an op that it cannot do")
	}
}

type brokenPipe struct{}

func (brokenPipe) Write([]byte) (int, error) { return 0, errors.New("broken pipe") }

func TestConsoleCannotPrint(t *testing.T) {
	c := notifiers.NewConsole(notifiers.NewTerminal(brokenPipe{}, false), "console/oncall", "")
	var failed *delivery.Error
	if _, err := c.Deliver(t.Context(), notifiertest.Open().Op(delivery.Tell, slackTarget)); !errors.As(err, &failed) || failed.Class != delivery.Ambiguous {
		t.Errorf("error %v, want ambiguous", err)
	}
}

// TestConsoleNastyNames: no name reaches the terminal as an escape.
func TestConsoleNastyNames(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		var out strings.Builder
		s := notifiertest.NastyScene(rt)
		tell(t, notifiers.NewConsole(notifiers.NewTerminal(&out, false), "slack/x", "http://127.0.0.1"), s, slackTarget, 1)
		if strings.ContainsAny(out.String(), "\x1b\x00\r\u202e\u2066") {
			rt.Fatalf("printed %q", out.String())
		}
	})
}
