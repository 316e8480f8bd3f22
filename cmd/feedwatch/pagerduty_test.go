package main

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/feedwatch/feedwatch/notifiers/notifiertest"
)

const e2eHookSecret = "fwsecret-signing-of-the-end-to-end-test"

// TestPagerDutyDecides: a person's acknowledgement in PagerDuty stops the ladder
// under their name, once, also after a kill; one over the API reaches PagerDuty;
// and what stayed open there for nothing is resolved.
func TestPagerDutyDecides(t *testing.T) {
	w := newWorld(t)
	t.Setenv("FW_PD_HOOK", e2eHookSecret)
	t.Setenv("FW_PD_REST", notifiertest.PagerDutyToken)
	w.edit("feedwatch.yaml", "{name: cdp, ", "{name: cdp, service: "+notifiertest.PagerDutyService+", api_token_env: FW_PD_REST, api_url: "+w.pagerduty.URL()+", ")
	text, err := os.ReadFile(w.dir + "/feedwatch.yaml")
	if err != nil {
		t.Fatal(err)
	}
	w.write("feedwatch.yaml", string(text)+"pagerduty_webhook:\n  secrets: [{secret_env: FW_PD_HOOK}]\n")
	pinged := make(chan struct{}, 100)
	outside := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { pinged <- struct{}{} }))
	t.Cleanup(outside.Close)
	t.Setenv("FW_PING", outside.URL+"/5f1c-fwsecret")
	w.edit("feedwatch.yaml", "pagerduty_webhook:", "watch: {ping_url_env: FW_PING, every: 10s}\npagerduty_webhook:")
	w.pagerduty.Put("fw/e2e/external-profiles/1-gone/p1", time.Now().Add(-time.Hour))
	w.start()
	w.push(4, "cluster", "fsn1")
	w.eventually("PagerDuty rings", 20*time.Second, func() bool { return len(w.pagerduty.Alerts()) == 2 })
	key := w.pagerduty.Alerts()[1].Key

	at := time.Now()
	hook := func(id, secret string) int {
		body, signature := notifiertest.PagerDutyWebhook(id, "incident.acknowledged", key, "Anna Example", at, secret)
		req, err := http.NewRequest(http.MethodPost, "http://"+w.address+"/pagerduty/webhook", bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("X-PagerDuty-Signature", signature)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		return resp.StatusCode
	}
	if code := hook("e0", "another-secret-altogether"); code != http.StatusUnauthorized {
		t.Errorf("a forged webhook: %d", code)
	}
	if code := hook("e1", e2eHookSecret); code != http.StatusAccepted {
		t.Errorf("a webhook: %d", code)
	}
	acknowledged := func() (by []string) {
		_, body := w.get("/api/v1/incidents/" + w.incident().ID)
		var inc struct {
			Timeline []struct{ Kind, Who string } `json:"timeline"`
		}
		_ = json.Unmarshal(body, &inc)
		for _, e := range inc.Timeline {
			if e.Kind == "acknowledged" {
				by = append(by, e.Who)
			}
		}
		return by
	}
	w.eventually("it is acknowledged", 5*time.Second, func() bool { return w.incident().State == "acknowledged" })
	if by := acknowledged(); len(by) != 1 || by[0] != "Anna Example (PagerDuty)" {
		t.Errorf("acknowledged by %q", by)
	}
	root := w.slack.Roots(e2eChannel)[0]
	w.eventually("the thread names her", 10*time.Second, func() bool {
		for _, m := range w.slack.Thread(e2eChannel, root.TS) {
			if strings.Contains(m.Text, "Anna Example (PagerDuty)") {
				return true
			}
		}
		return false
	})
	w.eventually("what was open for nothing is resolved", 20*time.Second, func() bool { return w.pagerduty.Alerts()[0].Status == "resolved" })

	select {
	case <-pinged:
	case <-time.After(20 * time.Second):
		t.Error("the watch outside heard nothing")
	}

	w.kill()
	w.start()
	if code := hook("e1", e2eHookSecret); code != http.StatusAccepted { // sent again
		t.Errorf("a webhook after the restart: %d", code)
	}
	if by := acknowledged(); len(by) != 1 {
		t.Errorf("acknowledged by %q after a replay, want once", by)
	}
	if status, said := w.acknowledge(w.incident().ID); status != http.StatusOK {
		t.Errorf("acknowledging over the API: %d %s", status, said)
	}
	w.eventually("PagerDuty knows", 10*time.Second, func() bool { return w.pagerduty.Alerts()[1].Status == "acknowledged" })
	if rings := w.pagerduty.Rings(key); rings != 1 {
		t.Errorf("it rang %d times", rings)
	}
	w.metricsAreDocumented()
	w.stop()
	for _, secret := range []string{e2eHookSecret, notifiertest.PagerDutyToken, "5f1c-fwsecret"} {
		if strings.Contains(w.log.String(), secret) {
			t.Errorf("the log holds a secret: %.12s...", secret)
		}
	}
}
