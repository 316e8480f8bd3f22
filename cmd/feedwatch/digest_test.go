package main

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// TestDigestEndToEnd is twelve feeds that never deliver: one message in the channel,
// one press that takes them on, an alert for each, and after a kill nothing twice.
func TestDigestEndToEnd(t *testing.T) {
	t.Setenv("FW_SIGNING", e2eSigningSecret)
	w := newWorld(t)
	w.edit("feedwatch.yaml", "token_env: FW_SLACK", "token_env: FW_SLACK, signing_secret_env: FW_SIGNING")
	rules := "feeds:\n"
	for i := range 12 {
		name := "external-profiles"
		if i > 0 {
			name = fmt.Sprintf("feed-%02d", i)
		}
		rules += "  - {name: " + name + ", escalation: on-call, rules: [{name: whole, per: feed, stale_after: 3s}, {name: everyone, stale_after: 3s}]}\n"
	}
	w.write("rules/profiles.yaml", rules+`escalations:
  - name: on-call
    steps:
      - notify: [slack/cdp-alerts, pagerduty/cdp]
`)
	w.start()
	root := func() string { return w.slack.Roots(e2eChannel)[0].Reading() }
	w.eventually("one message of twelve", 20*time.Second, func() bool {
		return len(w.slack.Roots(e2eChannel)) == 1 && strings.Contains(root(), "# 12 feeds are silent")
	})
	w.says(root(), "external-profiles is silent", "feed-11 is silent", "Told in one message")
	w.eventually("an alert for each", 20*time.Second, func() bool { return len(w.pagerduty.Alerts()) == 12 })

	ts := w.slack.Roots(e2eChannel)[0].TS
	payload, presses := w.pressed(ts, "Acknowledge all 12", "anna"), 0
	w.eventually("the press is taken", 20*time.Second, func() bool { // not while Slack's answer to the message is on its way
		presses++
		w.slackPosts("/slack/interactions", url.Values{"payload": {payload}, "n": {fmt.Sprint(presses)}}, http.StatusOK)
		return strings.Contains(w.said(), "You acknowledged 12 incidents")
	})
	w.eventually("the message says who is on them", 20*time.Second, func() bool {
		return strings.Count(root(), "acknowledged by @anna") == 12 && !strings.Contains(root(), "[Acknowledge")
	})
	thread := func() (text string) {
		for _, m := range w.slack.Thread(e2eChannel, ts) {
			text += m.Reading() + "\n"
		}
		return text
	}
	w.eventually("the thread says so of each", 20*time.Second, func() bool { return strings.Count(thread(), "*Acknowledged* by @anna") == 12 })

	w.kill()
	w.start()
	w.push(1, "cluster", "fsn1")
	w.eventually("what comes next is told in the same thread", 30*time.Second, func() bool {
		return strings.Contains(thread(), "*external-profiles*: ") && strings.Contains(thread(), "Updates arrive again")
	})
	if roots, acks := len(w.slack.Roots(e2eChannel)), strings.Count(thread(), "*Acknowledged* by @anna"); roots != 1 || acks != 12 {
		t.Errorf("after a kill %d messages and %d acknowledgements, want 1 and 12", roots, acks)
	}
}
