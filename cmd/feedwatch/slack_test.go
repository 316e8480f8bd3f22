package main

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/feedwatch/feedwatch/notifiers/notifiertest"
)

const e2eSigningSecret = "fwsecret-signing-of-the-end-to-end-test"

// TestSlackEndToEnd is a person with a phone: the buttons under a message, over HTTP
// and then, after a restart, over Socket Mode; and the command.
func TestSlackEndToEnd(t *testing.T) {
	t.Setenv("FW_SIGNING", e2eSigningSecret)
	t.Setenv("FW_APP", notifiertest.SlackAppToken)
	w := newWorld(t)
	w.edit("feedwatch.yaml", "token_env: FW_SLACK", "token_env: FW_SLACK, signing_secret_env: FW_SIGNING")
	w.start()
	w.push(20, "cluster", "fsn1", "hel1")
	w.eventually("a Slack message", 15*time.Second, func() bool { return len(w.slack.Roots(e2eChannel)) == 1 })
	ts := w.slack.Roots(e2eChannel)[0].TS

	payload := w.pressed(ts, "Acknowledge", "anna")
	begun := time.Now()
	w.slackPosts("/slack/interactions", url.Values{"payload": {payload}}, http.StatusOK)
	w.within("the answer to a press", time.Since(begun), 3*time.Second)
	w.says(w.said(), "external-profiles is silent for all 20 clients", "Acknowledged by @anna at")
	root := func() string { return w.slack.Roots(e2eChannel)[0].Reading() }
	w.eventually("the message says who is on it", 15*time.Second, func() bool {
		return strings.Contains(root(), "Acknowledged by @anna") && strings.Contains(root(), "[Take over]")
	})
	w.slackPosts("/slack/interactions", url.Values{"payload": {payload}, "again": {"1"}}, http.StatusOK)
	w.says(w.said(), "Nothing was changed: this was decided before your press arrived", "Acknowledged by @anna")
	w.slackPosts("/slack/commands", url.Values{"text": {"status external-profiles"}, "response_url": {w.slack.AnswerURL()}}, http.StatusOK)
	w.says(w.said(), "external-profiles is silent for all 20 clients", "Acknowledged by @anna", "external-profiles* as a whole is stale. Of its clients ")
	w.stop()

	w.edit("feedwatch.yaml", "signing_secret_env: FW_SIGNING", "app_token_env: FW_APP")
	w.start()
	socket, err := w.slack.Socket(w.soon())
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	w.slackPosts("/slack/interactions", url.Values{"payload": {payload}}, http.StatusNotFound)
	if err := socket.Send("interactive", "e1", w.pressed(ts, "Resolve…", "bo")); err != nil {
		t.Fatal(err)
	}
	form, err := w.slack.Form(w.soon())
	if err != nil {
		t.Fatal(err)
	}
	if err := socket.Send("interactive", "e2", w.slack.Submit(form, "restarted the <feeder>", "bo")); err == nil {
		w.says(w.said(), "Resolved by @bo", "but it is still silent")
	} else {
		t.Fatal(err)
	}
	w.eventually("the thread tells all of it", 15*time.Second, func() bool {
		var thread strings.Builder
		for _, m := range w.slack.Thread(e2eChannel, ts) {
			thread.WriteString(m.Reading() + "\n")
		}
		text := thread.String()
		return strings.Count(text, "*Acknowledged* by @anna") == 1 && strings.Contains(text, "Reason: restarted the <feeder>.")
	})
	w.stop()
	for _, secret := range []string{e2eSlackToken, e2eSigningSecret, notifiertest.SlackAppToken, "fwsecret-of-the-answer"} {
		if strings.Contains(w.log.String(), secret) {
			t.Errorf("the log holds a secret: %.12s...", secret)
		}
	}
}

func (w *world) pressed(ts, label, user string) string {
	w.t.Helper()
	payload, err := w.slack.Press(e2eChannel, ts, label, user)
	if err != nil {
		w.t.Fatal(err)
	}
	return payload
}

// slackPosts posts a form as Slack signs it.
func (w *world) slackPosts(path string, form url.Values, want int) {
	w.t.Helper()
	body := form.Encode()
	req, err := http.NewRequest(http.MethodPost, "http://"+w.address+path, strings.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	req.Header = notifiertest.SignSlack(e2eSigningSecret, time.Now(), body)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != want {
		w.t.Errorf("POST %s: %s, want %d", path, resp.Status, want)
	}
}

// said is what a person is told next, alone.
func (w *world) said() string {
	w.t.Helper()
	m, err := w.slack.Said(w.soon())
	if err != nil {
		w.t.Fatal(err)
	}
	return m.Reading()
}

func (w *world) soon() context.Context {
	ctx, cancel := context.WithTimeout(w.t.Context(), 10*time.Second)
	w.t.Cleanup(cancel)
	return ctx
}
