package main

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/feedwatch/feedwatch/notifiers/notifiertest"
)

// TestNotifierThatRefuses: who refuses us is listed with the reason, and tried
// again when a person says so.
func TestNotifierThatRefuses(t *testing.T) {
	w := newWorld(t)
	w.pagerduty.Fail(notifiertest.Answer(http.StatusUnauthorized, "{}"))
	w.start()
	run := func(args ...string) (string, error) {
		var out bytes.Buffer
		t.Setenv(tokenEnvDefault, e2ePushToken)
		cmd := newNotifiersCommand()
		cmd.SetArgs(append(args, "--server", "http://"+w.address))
		cmd.SetOut(&out)
		cmd.SetErr(&out)
		cmd.SilenceUsage = true
		err := cmd.ExecuteContext(t.Context())
		return out.String(), err
	}
	if said, err := run("status"); err != nil || !strings.Contains(said, "pagerduty/cdp") || !strings.Contains(said, "none since the start") {
		t.Errorf("status: %v\n%s", err, said)
	}
	w.push(4, "cluster", "fsn1")
	w.eventually("PagerDuty refuses us", 20*time.Second, func() bool {
		said, err := run("status")
		return err != nil && strings.Contains(said, "refuses us") && strings.Contains(said, "HTTP 401")
	})
	if said, err := run("status", "--format", "json"); err == nil || !strings.Contains(said, `"refuses": "refused: pagerduty trigger: HTTP 401`) {
		t.Errorf("status: %v\n%s", err, said)
	}
	w.eventually("Slack says so", 5*time.Second, func() bool {
		for _, m := range w.slack.Roots(e2eChannel) {
			if strings.Contains(m.Text, "feedwatch cannot page through PagerDuty cdp") && !strings.Contains(string(m.Blocks), "Acknowledge") {
				return true
			}
		}
		return false
	})
	if said, err := run("retry", "pagerduty/cpd"); err == nil || !strings.Contains(fmt.Sprint(err), "no notifier has that name") {
		t.Errorf("retry of another: %v\n%s", err, said)
	}
	if said, err := run("retry", "pagerduty/cdp"); err != nil || !strings.Contains(said, "is tried again") {
		t.Errorf("retry: %v\n%s", err, said)
	}
	w.eventually("PagerDuty takes it", 5*time.Second, func() bool { return len(w.pagerduty.Alerts()) > 0 })
	w.eventually("all is well", 5*time.Second, func() bool {
		_, err := run("status")
		return err == nil
	})
	w.kill()
	w.start() // what is open about it goes on: it is not told again
	told := func() (n int) {
		for _, m := range w.slack.Roots(e2eChannel) {
			if strings.Contains(m.Text, "cannot page through") {
				n++
			}
		}
		return n
	}
	w.pagerduty.Fail(notifiertest.Answer(http.StatusUnauthorized, "{}"), notifiertest.Answer(http.StatusUnauthorized, "{}"))
	w.push(4, "cluster", "fsn1") // a resolve that is refused
	w.eventually("PagerDuty refuses us again", 20*time.Second, func() bool {
		_, err := run("status")
		return err != nil
	})
	time.Sleep(3 * time.Second) // whatever would tell it twice would do it now
	if n := told(); n != 1 {
		t.Errorf("told %d times, want once", n)
	}
	w.stop()
}
