package main

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/feedwatch/feedwatch/notifiers/notifiertest"
)

// drillWorld is a world whose PagerDuty can be looked into, and whose Slack hears presses.
func drillWorld(t *testing.T) *world {
	t.Setenv("FW_SIGNING", e2eSigningSecret)
	t.Setenv("FW_PD_REST", notifiertest.PagerDutyToken)
	t.Setenv(tokenEnvDefault, e2ePushToken)
	w := newWorld(t)
	w.edit("feedwatch.yaml", "{name: cdp, ", "{name: cdp, service: "+notifiertest.PagerDutyService+", api_token_env: FW_PD_REST, api_url: "+w.pagerduty.URL()+", ")
	w.edit("feedwatch.yaml", "token_env: FW_SLACK", "token_env: FW_SLACK, signing_secret_env: FW_SIGNING")
	return w
}

// drill runs the command.
func (w *world) drill(args ...string) (string, error) {
	var out bytes.Buffer
	cmd := newDrillCommand()
	cmd.SetArgs(append(args, "--server", "http://"+w.address))
	cmd.SetOut(&out)
	cmd.SetErr(&out)
	cmd.SilenceUsage, cmd.SilenceErrors = true, true
	err := cmd.ExecuteContext(w.t.Context())
	return out.String(), err
}

// drilling runs the command beside the test.
func (w *world) drilling(args ...string) <-chan string {
	ended := make(chan string, 1)
	go func() {
		said, err := w.drill(args...)
		if err != nil {
			said += "error: " + err.Error()
		}
		ended <- said
	}()
	return ended
}

// lastRoot is the newest message of the channel.
func (w *world) lastRoot() notifiertest.SlackMessage {
	roots := w.slack.Roots(e2eChannel)
	if len(roots) == 0 {
		return notifiertest.SlackMessage{}
	}
	return roots[len(roots)-1]
}

func (w *world) openAlerts() (n int) {
	for _, a := range w.pagerduty.Alerts() {
		if a.Status != "resolved" {
			n++
		}
	}
	return n
}

// TestDrill: a drill by hand, seen back from both; one that a person in Slack
// acknowledges; and one that a notifier refuses.
func TestDrill(t *testing.T) {
	w := drillWorld(t)
	w.start()
	rest := w.keepPushing(4) // so that all is well but for the drills
	said, err := w.drill("--by", "anna")
	if err != nil {
		t.Errorf("%v\n%s", err, said)
	}
	w.says(said, "DRILL of cdp-on-call (", "  ok    slack/cdp-alerts: seen back after", "  ok    pagerduty/cdp: seen back after")
	w.eventually("Slack says how it went", 15*time.Second, func() bool { return strings.HasPrefix(w.lastRoot().Text, "DRILL over, it went well") })
	w.says(w.lastRoot().Reading(), "Begun by anna", "PagerDuty cdp: seen back after")
	w.eventually("PagerDuty has nothing open", 10*time.Second, func() bool { return len(w.pagerduty.Alerts()) == 1 && w.openAlerts() == 0 })
	if _, body := w.get("/api/v1/incidents"); countIncidents(t, body) != 0 {
		t.Errorf("a drill is among the incidents: %s", body)
	}
	_, metrics := w.get("/metrics")
	w.says(string(metrics), `feedwatch_drill_last_success_timestamp_seconds{notifier="pagerduty/cdp"} `, `feedwatch_drills_total{result="passed"} 1`,
		`feedwatch_incidents{severity="info",state="open"} 0`)
	w.metricsAreDocumented()

	ended := w.drilling("--human", "--within", "5m", "--escalation", "cdp-on-call")
	w.eventually("Slack asks", 15*time.Second, func() bool {
		m := w.lastRoot()
		return strings.HasPrefix(m.Text, "DRILL, nothing is wrong: press Acknowledge by ") && strings.Contains(m.Reading(), "[Acknowledge] [Open page]")
	})
	if said, err := w.drill(); err == nil || !strings.Contains(err.Error(), "a drill is under way") {
		t.Errorf("a second drill: %v\n%s", err, said)
	}
	payload := w.pressed(w.lastRoot().TS, "Acknowledge", "anna")
	w.slackPosts("/slack/interactions", url.Values{"payload": {payload}}, http.StatusOK)
	w.says(w.said(), "DRILL", "Acknowledged by @anna")
	w.says(<-ended, "seen back after", "  ok    acknowledged by @anna after")

	w.eventually("PagerDuty has nothing open", 10*time.Second, func() bool { return w.openAlerts() == 0 })
	w.pagerduty.Fail(notifiertest.Answer(http.StatusUnauthorized, "{}"))
	said, err = w.drill("--format", "json")
	if err == nil || !strings.Contains(err.Error(), "it did not get through 1 of 2 notifiers") || !json.Valid([]byte(said)) || !strings.Contains(said, `"state": "failed"`) {
		t.Errorf("%v\n%s", err, said)
	}
	w.eventually("Slack is told", 10*time.Second, func() bool {
		return slices.ContainsFunc(w.slack.Roots(e2eChannel), func(m notifiertest.SlackMessage) bool {
			return strings.HasPrefix(m.Text, "feedwatch cannot page through PagerDuty cdp")
		})
	})
	if said, err := w.drill("--escalation", "cpd"); err == nil || !strings.Contains(err.Error(), "the rules have cdp-on-call") {
		t.Errorf("another escalation: %v\n%s", err, said)
	}
	rest()
	w.stop()
}

// TestDrillKilled: a drill in the middle of which feedwatch is killed is resolved
// everywhere by the next.
func TestDrillKilled(t *testing.T) {
	w := drillWorld(t)
	w.start()
	ended := w.drilling("--human")
	w.eventually("both are told", 15*time.Second, func() bool { return w.openAlerts() == 1 && w.lastRoot().Text != "" })
	w.kill()
	w.start()
	w.eventually("PagerDuty has nothing open", 15*time.Second, func() bool { return w.openAlerts() == 0 })
	w.eventually("Slack says so", 15*time.Second, func() bool {
		return strings.HasPrefix(w.lastRoot().Text, "DRILL over, cut short") && !strings.Contains(w.lastRoot().Reading(), "[Acknowledge]")
	})
	w.says(<-ended, "cut short: feedwatch was restarted in the middle of it", "error: what came of the drill is not known")
	if n := len(w.slack.Roots(e2eChannel)); n != 1 || w.pagerduty.Rings(w.pagerduty.Alerts()[0].Key) != 1 {
		t.Errorf("%d messages in Slack, %d rings", n, w.pagerduty.Rings(w.pagerduty.Alerts()[0].Key))
	}
	w.stop()
}

// TestDrillConfig: mistakes in scheduled drills are said where they stand.
func TestDrillConfig(t *testing.T) {
	for drills, says := range map[string]string{
		`{cron: "0 25 * * *"}`:                                 "the hour cannot be 25",
		`{cron: "0 9 * * *", timezone: Europe/Olso}`:           "Europe/Olso",
		`{cron: "0 9 * * *", within: 5m}`:                      "it needs human: true",
		`{cron: "0 9 * * *", human: true, within: 9h}`:         "from 1 min to 4 h",
		`{cron: "0 9 * * *", escalation: cpd}`:                 "the rules have cdp-on-call",
		`{cron: "0 9 * * *", escalation: cdp-on-call, who: x}`: "who",
	} {
		w := &world{t: t, dir: t.TempDir()}
		w.write("rules/a.yaml", "feeds:\n  - {name: f, escalation: cdp-on-call, rules: [{name: all, stale_after: 5m}]}\nescalations:\n  - name: cdp-on-call\n    steps: [{notify: [console/t]}]\n")
		w.write("feedwatch.yaml", "install: e2e\nrules: rules\nnotifiers:\n  console: [{name: t}]\ndrills:\n  - "+drills+"\n")
		cmd := newCheckCommand()
		cmd.SetArgs([]string{"--config", w.dir + "/feedwatch.yaml"})
		cmd.SilenceUsage, cmd.SilenceErrors = true, true
		if err := cmd.ExecuteContext(t.Context()); err == nil || !strings.Contains(err.Error(), says) || !strings.Contains(err.Error(), "feedwatch.yaml:6") {
			t.Errorf("%s: %v, want %q in it", drills, err, says)
		}
	}
}
