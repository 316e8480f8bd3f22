package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/feedwatch/feedwatch/notifiers/notifiertest"
)

// TestRuleEdits edits rule files under a running service: a wrong edit is refused
// whole and shown, the old rules go on paging, a right edit comes in force.
func TestRuleEdits(t *testing.T) {
	w := newWorld(t)
	notes := notifiertest.NewSlackServer(e2eSlackToken, e2eChannel)
	defer notes.Close()
	w.edit("feedwatch.yaml", "notifiers:\n  slack:\n", fmt.Sprintf(
		"notifiers:\n  slack:\n    - {name: notes, channel: %s, token_env: FW_SLACK, api_url: %q, rule_changes: true}\n", e2eChannel, notes.URL()))
	good, err := os.ReadFile(filepath.Join(w.dir, "rules/profiles.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	w.start()
	w.push(20, "cluster", "fsn1", "hel1")
	stop := w.keepPushing(20)
	w.write("rules/profiles.yaml", strings.Replace(string(good), "stale_after", "stale_afer", 1))
	w.eventually("the wrong edit is refused", 15*time.Second, func() bool {
		return w.query("feedwatch_rules_last_reload_successful") == "0"
	})
	_, page := w.get("/")
	w.says(string(page), "stale_afer", "did you mean")
	if n := w.verdict("fresh"); n != 20 {
		t.Errorf("%d clients fresh under the old rules, want 20", n)
	}
	w.write("rules/profiles.yaml", "feeds: []\n")
	time.Sleep(time.Second)
	if err := w.process.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	stop()
	w.eventually("the old rules page", 20*time.Second, func() bool { return len(w.slack.Roots(e2eChannel)) == 1 })
	w.write("rules/profiles.yaml", strings.Replace(string(good), "name: everyone", "name: every-client", 1))
	w.eventually("the right edit is in force", 15*time.Second, func() bool {
		return w.query("feedwatch_rules_last_reload_successful") == "1"
	})
	_, body := w.get("/api/v1/feeds/external-profiles/clients?limit=1")
	w.says(string(body), "every-client")
	w.eventually("the change is noted in Slack", 15*time.Second, func() bool {
		roots := notes.Roots(e2eChannel)
		return len(roots) > 0 && strings.Contains(roots[len(roots)-1].Reading(), "rule every-client")
	})
	w.move("rules", "rules.away")
	w.eventually("the missing directory is said", 15*time.Second, func() bool {
		_, page := w.get("/")
		return strings.Contains(string(page), "no such file") && w.query("feedwatch_rules_last_reload_successful") == "0"
	})
	w.write("v2/profiles.yaml", strings.Replace(string(good), "name: everyone", "name: all-of-them", 1))
	if err := os.Symlink("v2", filepath.Join(w.dir, "rules")); err != nil {
		t.Fatal(err)
	}
	w.eventually("what stands in its place is in force", 15*time.Second, func() bool {
		_, body := w.get("/api/v1/feeds/external-profiles/clients?limit=1")
		return strings.Contains(string(body), "all-of-them") && w.query("feedwatch_rules_last_reload_successful") == "1"
	})
	if w.incident().State == "resolved" {
		t.Error("an edit resolved an open incident")
	}
	w.stop()
}

// TestDamagedState damages the state file between two runs: it is moved aside,
// that is said, and the service watches on.
func TestDamagedState(t *testing.T) {
	w := newWorld(t)
	w.start()
	w.push(20, "cluster", "fsn1", "hel1")
	w.stop()
	if err := os.WriteFile(filepath.Join(w.dir, "feedwatch.db"), []byte(strings.Repeat("damage", 4096)), 0o600); err != nil {
		t.Fatal(err)
	}
	w.start()
	aside, _ := filepath.Glob(filepath.Join(w.dir, "feedwatch.db.corrupt-*"))
	if len(aside) == 0 {
		t.Error("the damaged file is not kept aside")
	}
	w.eventually("the page says so", 10*time.Second, func() bool {
		_, page := w.get("/")
		return strings.Contains(string(page), "corrupt-")
	})
	w.push(20, "cluster", "fsn1", "hel1")
	w.eventually("a Slack message", 20*time.Second, func() bool { return len(w.slack.Roots(e2eChannel)) == 1 })
}

// TestRemovedState takes the state directory away under a running service, with
// an incident open: that is said, nothing is answered as if it were durable, and
// once there is a directory again all of it is there: a kill pages nobody twice.
func TestRemovedState(t *testing.T) {
	w := newWorld(t)
	w.edit("feedwatch.yaml", "path: feedwatch.db", "path: state/feedwatch.db")
	state := filepath.Join(w.dir, "state")
	if err := os.Mkdir(state, 0o700); err != nil {
		t.Fatal(err)
	}
	w.start()
	w.push(20, "cluster", "fsn1", "hel1")
	w.eventually("PagerDuty has the page", 20*time.Second, func() bool { return len(w.pagerduty.Alerts()) == 1 })
	before := w.incident()
	away := filepath.Join(w.dir, "away") // at once: a file may be made while others are removed
	if err := os.Rename(state, away); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(away); err != nil {
		t.Fatal(err)
	}
	if code, body := w.acknowledge(before.ID); code == http.StatusOK || !strings.Contains(body, "not yet durable") {
		t.Errorf("an acknowledgement that cannot be saved: %d: %s", code, body)
	}
	w.eventually("the page says that nothing can be stored", 10*time.Second, func() bool {
		_, page := w.get("/")
		return strings.Contains(string(page), "Nothing can be stored") && strings.Contains(string(page), "create it")
	})
	if err := os.Mkdir(state, 0o700); err != nil {
		t.Fatal(err)
	}
	w.eventually("it can be stored again", 10*time.Second, func() bool {
		code, _ := w.acknowledge(before.ID)
		return code == http.StatusOK
	})
	if err := os.Remove(filepath.Join(state, "feedwatch.db")); err != nil {
		t.Fatal(err)
	}
	if code, body := w.acknowledge(before.ID); code != http.StatusOK {
		t.Errorf("the file alone was removed: %d: %s", code, body)
	}
	w.kill()
	w.start()
	if after := w.incident(); after.ID != before.ID || after.State != "acknowledged" {
		t.Errorf("after the kill the incident is %+v, want %s, acknowledged", after, before.ID)
	}
	stop := w.keepPushing(20)
	defer stop()
	w.eventually("the alert is resolved", 25*time.Second, func() bool { return w.pagerduty.Alerts()[0].Status == "resolved" })
	if n := len(w.pagerduty.Alerts()); n != 1 {
		t.Errorf("%d alerts, want the one of before", n)
	}
}

// TestBlindSource configures a source that cannot be reached: its feed is never
// fresh, and past the rule's time that pages.
func TestBlindSource(t *testing.T) {
	w := newWorld(t)
	config, err := os.ReadFile(filepath.Join(w.dir, "feedwatch.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	w.write("feedwatch.yaml", string(config)+`sources:
  scrape:
    - {name: feeder, url: "http://127.0.0.1:1/metrics", metric: last_update_seconds, feed: external-profiles, interval: 1s, timeout: 500ms}
`)
	w.start()
	w.eventually("somebody is told that we cannot see", 30*time.Second, func() bool {
		for _, m := range w.slack.Roots(e2eChannel) {
			if strings.Contains(m.Text, "annot see") {
				return true
			}
		}
		return false
	})
	status, body := w.get("/api/v1/feeds/external-profiles")
	var v struct{ Verdict string }
	if err := json.Unmarshal(body, &v); err != nil || status != http.StatusOK || v.Verdict == "fresh" {
		t.Errorf("%d: the feed is %q: %v", status, v.Verdict, err)
	}
}

// TestKilledRightAfterTheResolve kills the service between the resolve and the
// next periodic flush: the watermarks of before would be silent, with no open
// incident that says why, and page for nothing.
func TestKilledRightAfterTheResolve(t *testing.T) {
	w := newWorld(t)
	w.start()
	w.push(20, "cluster", "fsn1", "hel1")
	w.eventually("a page", 20*time.Second, func() bool { return len(w.pagerduty.Alerts()) == 1 })
	w.stop()
	w.start()
	for range 30 { // fresh for longer than resolve_after
		w.push(20, "cluster", "fsn1", "hel1")
		if w.incident().State == "resolved" {
			break
		}
		time.Sleep(200 * time.Millisecond)
	}
	w.kill()
	w.start()
	time.Sleep(e2eStaleAfter - time.Second) // whatever would page for nothing would do it now
	stop := w.keepPushing(20)
	defer stop()
	time.Sleep(3 * time.Second)
	if n := len(w.slack.Roots(e2eChannel)); n != 1 {
		t.Errorf("%d Slack messages, want the one of the silence", n)
	}
	if n := len(w.pagerduty.Alerts()); n != 1 {
		t.Errorf("%d PagerDuty alerts, want 1", n)
	}
}
