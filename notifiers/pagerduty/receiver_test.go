package pagerduty_test

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/feedwatch/feedwatch/notifiers"
	"github.com/feedwatch/feedwatch/notifiers/notifiertest"
	"github.com/feedwatch/feedwatch/notifiers/pagerduty"
	"github.com/feedwatch/feedwatch/watchdog"
	"github.com/feedwatch/feedwatch/watchdog/bubble"
)

const (
	oldSecret = "fwsecret-signing-of-before"
	newSecret = "fwsecret-signing-of-now-on"
)

func newReceiver(t testing.TB, d *desk) *pagerduty.Receiver {
	r, err := pagerduty.NewReceiver([]notifiers.Secret{notifiers.NewSecret(oldSecret), notifiers.NewSecret(newSecret)}, d.Desk)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func post(r http.Handler, body []byte, signature string) int {
	req := httptest.NewRequest(http.MethodPost, "/pagerduty/webhook", bytes.NewReader(body))
	req.Header.Set("X-PagerDuty-Signature", signature)
	w := httptest.NewRecorder()
	r.ServeHTTP(w, req)
	return w.Code
}

func TestWebhookSignatures(t *testing.T) {
	for _, secret := range []string{"", "  ", "short"} {
		if _, err := pagerduty.NewReceiver([]notifiers.Secret{notifiers.NewSecret(newSecret), notifiers.NewSecret(secret)}, newDesk(t).Desk); err == nil {
			t.Errorf("the secret %q was taken", secret)
		}
	}
	if _, err := pagerduty.NewReceiver(nil, newDesk(t).Desk); err == nil {
		t.Error("a receiver without a secret was made")
	}
	d := newDesk(t)
	body, _ := notifiertest.PagerDutyWebhook("e1", "incident.acknowledged", d.key(1), "Anna", d.now, newSecret)
	signed := func(secrets ...string) string {
		_, s := notifiertest.PagerDutyWebhook("e1", "incident.acknowledged", d.key(1), "Anna", d.now, secrets...)
		return s
	}
	cases := []struct {
		name, signature string
		want            int
	}{
		{"none", "", 401},
		{"of nobody", "v1=", 401},
		{"no hex", "v1=zz", 401},
		{"of an empty secret", signed(""), 401},
		{"of another secret", signed("fwsecret-signing-of-others"), 401},
		{"of another version", strings.Replace(signed(newSecret), "v1", "v2", 1), 401},
		{"many of others", strings.Repeat("v1=00,", 100) + signed(newSecret), 401},
		{"the old key", signed(oldSecret), 202},
		{"the new key", signed(newSecret), 202},
		{"both keys", signed(oldSecret, newSecret), 202},
		{"ours after another's", signed("fwsecret-signing-of-others", newSecret), 202},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			d := newDesk(t)
			if code := post(newReceiver(t, d), body, c.signature); code != c.want {
				t.Errorf("code %d, want %d", code, c.want)
			}
			if (len(d.decided) == 1) != (c.want == 202) {
				t.Errorf("decided %q", d.decided)
			}
		})
	}
	if code := post(newReceiver(t, d), append(body, ' '), signed(newSecret)); code != 401 {
		t.Errorf("a body that was changed: code %d", code)
	}
}

// TestWebhookAuthentic: whatever is authentic is answered 202.
func TestWebhookAuthentic(t *testing.T) {
	d := newDesk(t)
	r := newReceiver(t, d)
	send := func(id, kind, key, by string) {
		t.Helper()
		body, signature := notifiertest.PagerDutyWebhook(id, kind, key, by, d.now, newSecret)
		if code := post(r, body, signature); code != 202 {
			t.Errorf("%s %s: code %d", id, kind, code)
		}
	}
	send("e1", "pagey.ping", "", "Anna")
	send("e2", "incident.triggered", d.key(1), "")
	send("e3", "incident.acknowledged", d.key(1), "") // the echo of our own
	send("e4", "incident.acknowledged", "somebody-else's", "Anna")
	send("e5", "incident.acknowledged", "fw/other/feed/1-2/p1", "Anna")
	send("e6", "incident.acknowledged", "fw/"+installOf(d.incident)+"/feed/99-unknown/p1", "Anna")
	send("e7", "incident.resolved", d.key(1), "") // PagerDuty's own timer
	d.want()
	for _, text := range []string{"", "null", "[]", "{", `{"event":{}}`, `{"event":{"id":"x","occurred_at":"soon"}}`, strings.Repeat(" ", 3<<20)} {
		if code := post(r, []byte(text), notifiertest.PagerDutySignature([]byte(text), newSecret)); code != 202 {
			t.Errorf("authentic %.20q: code %d", text, code)
		}
	}
	if code := post(r, make([]byte, 17<<20), "v1=00"); code/100 != 4 {
		t.Errorf("an endless body: code %d", code)
	}
	send("e8", "incident.acknowledged", d.key(1), "Anna")
	send("e8", "incident.acknowledged", d.key(1), "Anna") // sent twice
	d.want("acknowledged by Anna (PagerDuty)")
}

// TestNoLoop: nothing that was heard once, or decided since, or that is an echo,
// extends or repeats a decision.
func TestNoLoop(t *testing.T) {
	d := newDesk(t)
	acked := d.now
	alert := 1
	hear := func(id, kind string, at time.Time) { // each time by a receiver that has restarted
		t.Helper()
		body, signature := notifiertest.PagerDutyWebhook(id, kind, d.key(alert), "Anna", at, newSecret)
		if code := post(newReceiver(t, d), body, signature); code != 202 {
			t.Fatalf("code %d", code)
		}
	}
	d.now = d.now.Add(time.Minute)
	hear("e1", "incident.acknowledged", acked)
	until := d.incident.Ack.Until.Time()
	if want := acked.Add(watchdog.AcknowledgeForDefault); !until.Equal(want) {
		t.Errorf("acknowledged until %s, want %s: from when it was made", until, want)
	}
	d.now = d.now.Add(time.Hour)
	hear("e1", "incident.acknowledged", acked)
	hear("e2", "incident.acknowledged", acked.Add(30*time.Second)) // another echo, their clock ahead of ours
	if !d.incident.Ack.Until.Time().Equal(until) || len(d.decided) != 1 {
		t.Fatalf("an echo changed it: %q, until %s", d.decided, d.incident.Ack.Until)
	}
	// It ends, and pages: the old acknowledgement does not cover the new page.
	d.now = acked.Add(2 * time.Hour)
	d.page(watchdog.ReasonGrew)
	hear("e1", "incident.acknowledged", acked)
	hear("e3", "incident.resolved", acked.Add(time.Minute))
	if len(d.decided) != 1 {
		t.Fatalf("what was decided before a page covers it: %q", d.decided)
	}
	// A person decides anew, of the new page; PagerDuty's clock is behind.
	alert = 2
	hear("e4", "incident.acknowledged", d.now.Add(-15*time.Second))
	d.now = d.now.Add(time.Minute)
	hear("e5", "incident.resolved", d.now)
	hear("e5", "incident.resolved", d.now)
	d.want("acknowledged by Anna (PagerDuty)", "acknowledged by Anna (PagerDuty)", "resolved_early by Anna (PagerDuty)")
	d.now = d.now.Add(5 * time.Hour)
	d.incident.Ack = nil
	hear("e6", "incident.acknowledged", d.now.Add(-5*time.Hour)) // long over
	d.incident.State = watchdog.StateResolved
	hear("e7", "incident.acknowledged", d.now)
	if len(d.decided) != 3 {
		t.Errorf("decided %q", d.decided)
	}
}

// TestWebhookLater: what cannot be passed on is answered 202 all the same, and
// passed on when it can be.
func TestWebhookLater(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		d := newDesk(t)
		r := newReceiver(t, d)
		d.busy.Store(true)
		body, signature := notifiertest.PagerDutyWebhook("e1", "incident.acknowledged", d.key(1), "Anna", d.now, newSecret)
		if code := post(r, body, signature); code != 202 {
			t.Fatalf("code %d", code)
		}
		go func() { _ = r.Run(t.Context()) }()
		time.Sleep(10 * time.Second)
		synctest.Wait()
		d.want()
		d.busy.Store(false)
		time.Sleep(10 * time.Second)
		synctest.Wait()
		d.want("acknowledged by Anna (PagerDuty)")
	})
}

func TestKeysOfOthers(t *testing.T) {
	d := newDesk(t)
	r := newReceiver(t, d)
	prefix := "fw/" + installOf(d.incident) + "/"
	for i, key := range []string{"", prefix, prefix + "p1", prefix + "/p1", prefix + "x/p1", prefix + "a/b", prefix + "a/b/p", prefix + "a/b/p0", prefix + "a/b/p-1", prefix + "a//p1", strings.Repeat("/p1", 1000)} {
		body, signature := notifiertest.PagerDutyWebhook("k"+string(rune('a'+i)), "incident.acknowledged", key, "Anna", d.now, newSecret)
		if code := post(r, body, signature); code != 202 {
			t.Errorf("key %.40q: code %d", key, code)
		}
	}
	d.want()
}
