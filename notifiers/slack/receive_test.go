package slack_test

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/feedwatch/feedwatch/notifiers/notifiertest"
)

// TestSignatures: only what Slack signed, just now, once.
func TestSignatures(t *testing.T) {
	p := newPeople(t, notifiertest.Open())
	body := p.body("Acknowledge", "anna")
	sign := func(secret string, at time.Time) http.Header { return notifiertest.SignSlack(secret, at, body) }
	now := time.Now()
	bad := map[string]http.Header{
		"no headers":            {},
		"another secret":        sign("another-fwsecret-of-somebody", now),
		"an empty secret":       sign("", now),
		"six minutes old":       sign(signingSecret, now.Add(-6*time.Minute)),
		"six minutes too early": sign(signingSecret, now.Add(6*time.Minute)),
	}
	change := func(name, header string, f func(string) string) {
		h := sign(signingSecret, now)
		h.Set(header, f(h.Get(header)))
		bad[name] = h
	}
	const signature, timestamp = "X-Slack-Signature", "X-Slack-Request-Timestamp"
	change("another version", signature, func(s string) string { return strings.Replace(s, "v0=", "v1=", 1) })
	change("cut", signature, func(s string) string { return s[:len(s)-2] })
	change("no hex", signature, func(s string) string { return "v0=" + strings.Repeat("zz", 32) })
	change("another time", timestamp, func(string) string { return strconv.FormatInt(now.Unix()+1, 10) })
	change("no time", timestamp, func(string) string { return "soon" })
	for name, header := range bad {
		if code := send(p.desk.Interactions(), body, header); code != http.StatusUnauthorized {
			t.Errorf("%s: answered %d", name, code)
		}
	}
	if code := send(p.desk.Interactions(), body+"&x=1", sign(signingSecret, now)); code != http.StatusUnauthorized {
		t.Errorf("another body: answered %d", code)
	}
	p.decided("")
	good := sign(signingSecret, now)
	upper := good.Clone()
	upper.Set(signature, "v0="+strings.ToUpper(strings.TrimPrefix(good.Get(signature), "v0=")))
	for _, h := range []http.Header{good, good, upper} {
		if code := send(p.desk.Interactions(), body, h); code != http.StatusOK {
			t.Errorf("what Slack signed: answered %d", code)
		}
	}
	p.told("Acknowledged by @anna")
	p.press("Snooze 1 h", "bo") // had a replay been taken, its answer would come first
	p.told("this was decided before your press arrived")
	p.decided("acknowledged by @anna")
	err := testutil.GatherAndCompare(p.counts, strings.NewReader(`
# HELP feedwatch_slack_requests_total What people pressed and typed in Slack, by the way it came and what became of it.
# TYPE feedwatch_slack_requests_total counter
feedwatch_slack_requests_total{result="repeated",way="http"} 2
feedwatch_slack_requests_total{result="taken",way="http"} 2
feedwatch_slack_requests_total{result="unsigned",way="http"} 11
`), "feedwatch_slack_requests_total")
	if err != nil {
		t.Error(err)
	}
}

// TestOddBodies: what is signed may still be of no use.
func TestOddBodies(t *testing.T) {
	p := newPeople(t, notifiertest.Open())
	for name, c := range map[string]struct {
		body string
		code int
	}{
		"empty":          {"", http.StatusBadRequest},
		"no form":        {"payload=%zz", http.StatusBadRequest},
		"no JSON":        {"payload={", http.StatusBadRequest},
		"too long":       {"payload=" + strings.Repeat("x", 1<<20), http.StatusRequestEntityTooLarge},
		"another type":   {"payload=" + url.QueryEscape(`{"type":"shortcut"}`), http.StatusOK},
		"a link":         {"payload=" + url.QueryEscape(`{"type":"block_actions","actions":[{"action_id":"open"}]}`), http.StatusOK},
		"no value":       {"payload=" + url.QueryEscape(`{"type":"block_actions","actions":[{"action_id":"acknowledge"}]}`), http.StatusBadRequest},
		"a bad time":     {"payload=" + url.QueryEscape(`{"type":"block_actions","actions":[{"action_id":"snooze_for","selected_option":{"value":"a 0 -1h"}}]}`), http.StatusBadRequest},
		"another form":   {"payload=" + url.QueryEscape(`{"type":"view_submission","view":{"callback_id":"x"}}`), http.StatusOK},
		"a broken form":  {"payload=" + url.QueryEscape(`{"type":"view_submission","view":{"callback_id":"resolve_form","private_metadata":"x"}}`), http.StatusBadRequest},
		"odd characters": {"payload=" + url.QueryEscape("{\"type\":\"block_actions\",\"actions\":[{\"action_id\":\"\xff\x00\"}]}"), http.StatusBadRequest},
	} {
		if code := p.post(p.desk.Interactions(), c.body); code != c.code {
			t.Errorf("%s: answered %d, want %d", name, code, c.code)
		}
	}
	gone := p.body("Acknowledge", "anna")
	gone = strings.ReplaceAll(gone, "1763942700000-5f3a9c+", "1763942700000-000000+")
	if code := p.post(p.desk.Interactions(), gone); code != http.StatusOK {
		t.Errorf("an incident that is gone: answered %d", code)
	}
	p.told("Nothing was changed: the incident is not to be found")
	p.decided("")
}

// TestAnswersGoToSlackOnly: whatever a payload says.
func TestAnswersGoToSlackOnly(t *testing.T) {
	p := newPeople(t, notifiertest.Open())
	for _, to := range []string{"http://127.0.0.1:1/latest/meta-data", "", "file:///etc/passwd", "gopher://x"} {
		body := url.Values{"text": {"status"}, "response_url": {to}}.Encode()
		if code := p.post(p.desk.Commands(), body); code != http.StatusOK {
			t.Errorf("answered %d", code)
		}
	}
	p.press("Acknowledge", "anna")
	p.told("Acknowledged by @anna")
}
