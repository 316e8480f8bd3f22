package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// TestSilenceEndToEnd silences a feed as a person with curl does, over an outage
// and a kill -9: nobody is told until the silence ends, and then everybody is.
func TestSilenceEndToEnd(t *testing.T) {
	w := newWorld(t)
	w.start()
	w.push(20, "cluster", "fsn1", "hel1")
	w.stop() // now the clients are on disk: a silence of a cluster is for clients that are known
	w.start()
	id := w.decide(http.MethodPost, "/api/v1/silences",
		`{"match":"feed=\"external-profiles\", cluster=~\"fsn1|hel1\"","by":"anna","comment":"moving racks","for":"1h"}`, http.StatusCreated)["id"].(string)
	w.eventually("the outage is held", 15*time.Second, func() bool { return w.heldBy() == "moving racks" })
	time.Sleep(e2eSecondStep + time.Second) // whatever pages in spite of it would do so now
	w.toldNobody("while it is silenced")

	w.kill()
	w.start()
	w.eventually("it is silenced after the restart", 10*time.Second, func() bool {
		_, body := w.get("/api/v1/silences")
		return strings.Contains(string(body), id) && w.heldBy() == "moving racks"
	})
	time.Sleep(e2eStaleAfter + e2eSecondStep + time.Second) // the grace after a restart, and the ladder
	w.toldNobody("after a restart")
	w.eventually("Prometheus has scraped it", 20*time.Second, func() bool {
		return w.query(`feedwatch_incidents_held{by="silence"}`) == "1" && w.query(`feedwatch_silences{state="active"}`) == "1"
	})

	ended := time.Now()
	if by := w.decide(http.MethodDelete, "/api/v1/silences/"+id+"?by=bo", "", http.StatusOK)["ended_by"]; by != "bo" {
		t.Errorf("ended by %v, want bo", by)
	}
	w.eventually("a Slack message", 15*time.Second, func() bool { return len(w.slack.Roots(e2eChannel)) == 1 })
	w.within("Slack message after the silence", w.slack.Roots(e2eChannel)[0].At.Sub(ended), 2*time.Second)
	w.eventually("a PagerDuty alert", 15*time.Second, func() bool { return len(w.pagerduty.Alerts()) == 1 })
	w.says(w.slack.Roots(e2eChannel)[0].Text, "external-profiles is silent for all 20 clients")

	// Whoever says that it is over when it is not stops the ladder, and PagerDuty's.
	incident := "/api/v1/incidents/" + w.incident().ID
	w.decide(http.MethodPost, incident+"/snooze", `{"by":"anna","for":"1h"}`, http.StatusOK)
	w.decide(http.MethodPost, incident+"/handover", `{"by":"anna","to":"bo"}`, http.StatusOK)
	w.decide(http.MethodPost, incident+"/resolve", `{"by":"bo","reason":"restarted it"}`, http.StatusOK)
	w.decide(http.MethodPost, incident+"/accept-loss", `{"by":"anna","reason":"test data"}`, http.StatusOK)
	w.decide(http.MethodPost, incident+"/accept-loss", `{"by":"anna"}`, http.StatusBadRequest)
	w.eventually("PagerDuty is acknowledged", 10*time.Second, func() bool { return w.pagerduty.Alerts()[0].Status == "acknowledged" })
	w.eventually("the thread tells all of it", 15*time.Second, func() bool {
		var thread strings.Builder
		for _, m := range w.slack.Thread(e2eChannel, w.slack.Roots(e2eChannel)[0].TS) {
			thread.WriteString(m.Text + "\n")
		}
		for _, part := range []string{"Snoozed by anna", "Handed over by anna to bo", "Resolved by bo, but it is still silent", "anna accepts the loss: test data."} {
			if !strings.Contains(thread.String(), part) {
				return false
			}
		}
		return true
	})
	w.stop()
}

// decide sends what a person decides, and returns the answer.
func (w *world) decide(method, path, body string, want int) map[string]any {
	w.t.Helper()
	req, err := http.NewRequest(method, "http://"+w.address+path, strings.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+e2ePushToken)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != want {
		w.t.Fatalf("%s %s: %s, want %d: %v\n%s", method, path, resp.Status, want, err, text)
	}
	var answer map[string]any
	if err := json.Unmarshal(text, &answer); err != nil {
		w.t.Fatalf("%s %s: %v\n%s", method, path, err, text)
	}
	return answer
}

// heldBy is what holds the newest incident; "" for nothing.
func (w *world) heldBy() string {
	_, body := w.get("/api/v1/incidents/" + url.PathEscape(w.incident().ID))
	var v struct{ Hold struct{ Name string } }
	_ = json.Unmarshal(body, &v)
	return v.Hold.Name
}

func (w *world) toldNobody(when string) {
	w.t.Helper()
	if roots, calls := w.slack.Roots(e2eChannel), w.pagerduty.Calls(); len(roots) > 0 || len(calls) > 0 {
		w.t.Fatalf("%s: %d Slack messages and %d calls of PagerDuty", when, len(roots), len(calls))
	}
}
