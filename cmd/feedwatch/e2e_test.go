package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/feedwatch/feedwatch/deploy"
	"github.com/feedwatch/feedwatch/notifiers/notifiertest"
	"github.com/feedwatch/feedwatch/watchdog/said"
	"github.com/feedwatch/feedwatch/watchdog/sources/sourcetest"
)

const (
	e2eSlackToken = "xoxb-fwsecret-end-to-end"
	e2eChannel    = "C0123456789"
	e2eRoutingKey = "fwsecret6789abcdef0123456789abcd"
	e2ePushToken  = "push-fwsecret-of-the-end-to-end-test"
)

// TestEndToEnd is the main job with nothing of ours replaced but the two services
// that need an account: the real binary, over HTTP, scraped by a real Prometheus.
func TestEndToEnd(t *testing.T) {
	w := newWorld(t)
	w.start()
	w.push(20, "cluster", "fsn1", "hel1")
	w.eventually("every client is fresh", 10*time.Second, func() bool { return w.verdict("fresh") == 20 })

	// The feed stops: a page by Slack at the deadline, by PagerDuty a step later.
	last := w.pushed
	deadline := last.Add(e2eStaleAfter)
	w.eventually("a Slack message", 15*time.Second, func() bool { return len(w.slack.Roots(e2eChannel)) == 1 })
	root := w.slack.Roots(e2eChannel)[0]
	w.within("Slack message after the deadline", root.At.Sub(deadline), 2*time.Second)
	w.says(root.Text, "external-profiles is silent for all 20 clients")
	w.says(string(root.Blocks), "Data loss begins", "whole-feed", "PagerDuty")
	w.eventually("a PagerDuty alert", 15*time.Second, func() bool { return len(w.pagerduty.Alerts()) == 1 })
	w.within("PagerDuty trigger after its step", w.pagerduty.Calls()[0].At.Sub(deadline.Add(e2eSecondStep)), 2*time.Second)
	alert := w.pagerduty.Alerts()[0]
	w.says(alert.Event.Payload.Summary, "external-profiles silent: 20/20 since")
	w.says(alert.Key, "fw/e2e/external-profiles/", "/p2")
	if alert.Event.Payload.Severity != "critical" {
		t.Errorf("severity %q, want critical", alert.Event.Payload.Severity)
	}
	w.eventually("Prometheus has scraped the silence", 20*time.Second, func() bool {
		return w.query(`feedwatch_incidents{state="open",severity="critical"}`) == "1"
	})

	// kill -9 and restart: nobody is paged again, the incident is the same.
	before := w.incident()
	w.kill()
	w.start()
	w.eventually("the incident is back", 10*time.Second, func() bool { return w.incident().ID == before.ID })
	time.Sleep(3 * time.Second) // whatever would page twice would do it now
	if n := len(w.slack.Roots(e2eChannel)); n != 1 {
		t.Errorf("%d Slack messages after the restart, want the one of before", n)
	}
	if rings := w.pagerduty.Rings(alert.Key); rings != 1 || len(w.pagerduty.Alerts()) != 1 {
		t.Errorf("PagerDuty rang %d times with %d alerts after the restart, want once and one", rings, len(w.pagerduty.Alerts()))
	}

	// Heartbeats again: one resolve, and the thread says so.
	stop := w.keepPushing(20)
	defer stop()
	w.eventually("the alert is resolved", 25*time.Second, func() bool { return w.pagerduty.Alerts()[0].Status == "resolved" })
	w.eventually("the thread says that it is over", 15*time.Second, func() bool {
		thread := w.slack.Thread(e2eChannel, root.TS)
		return strings.Contains(thread[len(thread)-1].Text, "Resolved") && strings.Contains(strings.ToLower(w.slack.Roots(e2eChannel)[0].Text), "resolved")
	})
	resolves := 0
	for _, c := range w.pagerduty.Calls() {
		if c.Event.Action == "resolve" {
			resolves++
		}
	}
	if resolves != 1 {
		t.Errorf("%d resolves, want 1", resolves)
	}
	w.dashboards()
	w.metricsAreDocumented()
	w.eventually("Prometheus has scraped the recovery", 20*time.Second, func() bool {
		return w.query(`feedwatch_feed_clients{verdict="fresh"}`) == "20"
	})
	stop() // nobody pushes to a server that is shutting down
	w.stop()
	for _, secret := range []string{e2eSlackToken, e2eRoutingKey, e2ePushToken} {
		if strings.Contains(w.log.String(), secret) {
			t.Errorf("the log holds a secret: %.12s...", secret)
		}
	}
}

const (
	e2eStaleAfter = 3 * time.Second
	e2eSecondStep = 2 * time.Second
)

// world is the binary and everything around it.
type world struct {
	t          *testing.T
	dir        string
	binary     string
	address    string
	prometheus *sourcetest.Prometheus
	slack      *notifiertest.SlackServer
	pagerduty  *notifiertest.PagerDutyServer
	process    *exec.Cmd
	log        lockedBuffer
	pushed     time.Time
}

func newWorld(t *testing.T) *world {
	w := &world{
		t: t, dir: t.TempDir(), address: sourcetest.FreeAddress(t),
		slack:     notifiertest.NewSlackServer(e2eSlackToken, e2eChannel),
		pagerduty: notifiertest.NewPagerDutyServer(e2eRoutingKey),
	}
	t.Cleanup(w.slack.Close)
	t.Cleanup(w.pagerduty.Close)
	w.binary = buildBinary(t)
	w.write("rules/profiles.yaml", fmt.Sprintf(`feeds:
  - name: external-profiles
    retention: 7d
    escalation: cdp-on-call
    rules:
      - {name: whole-feed, per: feed, stale_after: %s, resolve_after: 2s, severity: critical}
      - {name: everyone, stale_after: 5s, resolve_after: 2s}
escalations:
  - name: cdp-on-call
    steps:
      - notify: [slack/cdp-alerts]
      - after: %s
        notify: [pagerduty/cdp]
`, e2eStaleAfter, e2eSecondStep))
	w.write("feedwatch.yaml", fmt.Sprintf(`install: e2e
listen: %s
rules: rules
store: {path: feedwatch.db}
tokens:
  - {name: feeder, token_env: FW_PUSH, feeds: ["*"], roles: [push, admin]}
notifiers:
  slack:
    - {name: cdp-alerts, channel: %s, token_env: FW_SLACK, api_url: %q}
  pagerduty:
    - {name: cdp, routing_key_env: FW_PD, events_url: %q}
`, w.address, e2eChannel, w.slack.URL(), w.pagerduty.URL()))
	w.prometheus = sourcetest.StartPrometheus(t, w.address, time.Second)
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("feedwatch said:\n%s", w.log.String())
		}
	})
	return w
}

func (w *world) write(name, text string) {
	w.t.Helper()
	path := filepath.Join(w.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		w.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		w.t.Fatal(err)
	}
}

// edit replaces a piece of a file.
func (w *world) edit(name, old, by string) {
	w.t.Helper()
	text, err := os.ReadFile(filepath.Join(w.dir, name))
	if err != nil || !strings.Contains(string(text), old) {
		w.t.Fatalf("%s has no %q: %v", name, old, err)
	}
	w.write(name, strings.ReplaceAll(string(text), old, by))
}

func (w *world) move(from, to string) {
	w.t.Helper()
	if err := os.Rename(filepath.Join(w.dir, from), filepath.Join(w.dir, to)); err != nil {
		w.t.Fatal(err)
	}
}

// buildBinary builds feedwatch as a user would.
func buildBinary(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "feedwatch")
	if out, err := exec.Command("go", "build", "-o", path, ".").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return path
}

func (w *world) start() {
	w.t.Helper()
	w.process = exec.Command(w.binary, "serve", "--config", filepath.Join(w.dir, "feedwatch.yaml"))
	w.process.Env = append(os.Environ(), "FW_PUSH="+e2ePushToken, "FW_SLACK="+e2eSlackToken, "FW_PD="+e2eRoutingKey)
	w.process.Stdout, w.process.Stderr = said.Also(&w.log), said.Also(&w.log)
	if err := w.process.Start(); err != nil {
		w.t.Fatal(err)
	}
	process := w.process
	w.t.Cleanup(func() { _ = process.Process.Kill(); _ = process.Wait() })
	w.eventually("feedwatch is ready", 20*time.Second, func() bool {
		status, _ := w.get("/-/ready")
		return status == http.StatusOK
	})
}

func (w *world) kill() {
	if err := w.process.Process.Kill(); err != nil {
		w.t.Fatal(err)
	}
	_ = w.process.Wait()
}

// stop is what Ctrl-C does; it must end cleanly.
func (w *world) stop() {
	w.t.Helper()
	if err := w.process.Process.Signal(os.Interrupt); err != nil {
		w.t.Fatal(err)
	}
	if err := w.process.Wait(); err != nil {
		w.t.Errorf("after an interrupt feedwatch ended with %v", err)
	}
}

func (w *world) get(path string) (int, []byte) {
	resp, err := http.Get("http://" + w.address + path)
	if err != nil {
		return 0, nil
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(resp.Body)
	return resp.StatusCode, body
}

// push sends one heartbeat for each of n clients, half on each cluster.
func (w *world) push(n int, label string, values ...string) {
	w.t.Helper()
	var body bytes.Buffer
	for i := range n {
		fmt.Fprintf(&body, `{"feed":"external-profiles","client":"client-%02d","event_time":%d,"labels":{%q:%q}}`+"\n",
			i, time.Now().UnixMilli(), label, values[i%len(values)])
	}
	req, err := http.NewRequest(http.MethodPost, "http://"+w.address+"/api/v1/heartbeats", &body)
	if err != nil {
		w.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-ndjson")
	req.Header.Set("Authorization", "Bearer "+e2ePushToken)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer resp.Body.Close()
	w.pushed = time.Now()
	if resp.StatusCode != http.StatusAccepted {
		answer, _ := io.ReadAll(resp.Body)
		w.t.Fatalf("push: %s: %s", resp.Status, answer)
	}
}

func (w *world) keepPushing(n int) (stop func()) {
	done := make(chan struct{})
	var ended sync.WaitGroup
	ended.Go(func() {
		ticker := time.NewTicker(500 * time.Millisecond)
		defer ticker.Stop()
		for {
			w.push(n, "cluster", "fsn1", "hel1")
			select {
			case <-done:
				return
			case <-ticker.C:
			}
		}
	})
	return sync.OnceFunc(func() { close(done); ended.Wait() })
}

func (w *world) verdict(name string) int {
	_, body := w.get("/api/v1/feeds/external-profiles")
	var v struct {
		ByVerdict map[string]int `json:"by_verdict"`
	}
	_ = json.Unmarshal(body, &v)
	return v.ByVerdict[name]
}

type e2eIncident struct {
	ID    string `json:"id"`
	State string `json:"state"`
}

// incident is the newest one.
func (w *world) incident() e2eIncident {
	_, body := w.get("/api/v1/incidents")
	var v struct {
		Incidents []e2eIncident `json:"incidents"`
	}
	if err := json.Unmarshal(body, &v); err != nil || len(v.Incidents) == 0 {
		return e2eIncident{}
	}
	return v.Incidents[0]
}

// acknowledge is the answer to an acknowledgement of that incident.
func (w *world) acknowledge(id string) (int, string) {
	w.t.Helper()
	req, err := http.NewRequest(http.MethodPost, "http://"+w.address+"/api/v1/incidents/"+url.PathEscape(id)+"/ack", strings.NewReader(`{"by":"anna"}`))
	if err != nil {
		w.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+e2ePushToken)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(resp.Body)
	return resp.StatusCode, string(body)
}

// query is the value of the first sample that Prometheus answers, or "".
func (w *world) query(expr string) string {
	value, _ := w.queryAll(expr)
	return value
}

func (w *world) queryAll(expr string) (string, error) {
	req, _ := http.NewRequest(http.MethodGet, w.prometheus.URL+"/api/v1/query", nil)
	q := req.URL.Query()
	q.Set("query", expr)
	req.URL.RawQuery = q.Encode()
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	var v struct {
		Status, Error string
		Data          struct {
			Result []struct{ Value [2]any }
		}
	}
	if err := json.NewDecoder(resp.Body).Decode(&v); err != nil {
		return "", err
	}
	if v.Status != "success" {
		return "", fmt.Errorf("%s: %s", expr, v.Error)
	}
	if len(v.Data.Result) == 0 {
		return "", nil
	}
	return fmt.Sprint(v.Data.Result[0].Value[1]), nil
}

func (w *world) eventually(what string, within time.Duration, is func() bool) {
	w.t.Helper()
	for end := time.Now().Add(within); ; time.Sleep(20 * time.Millisecond) {
		if is() {
			return
		}
		if time.Now().After(end) {
			w.t.Fatalf("not within %s: %s", within, what)
		}
	}
}

func (w *world) within(what string, d, most time.Duration) {
	w.t.Helper()
	w.t.Logf("%s: %s", what, d.Round(time.Millisecond))
	if d < -50*time.Millisecond || d > most { // the deadline is reckoned from our clock, the push a moment before
		w.t.Errorf("%s: %s, want at most %s", what, d, most)
	}
}

func (w *world) says(text string, parts ...string) {
	w.t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			w.t.Errorf("it does not say %q:\n%s", part, text)
		}
	}
}

// lockedBuffer takes the output of several processes.
type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// dashboards runs every query of the Grafana dashboard against the Prometheus
// that scraped feedwatch: each must be valid, and most must have data.
func (w *world) dashboards() {
	w.t.Helper()
	all, err := deploy.Expressions()
	if err != nil || len(all) == 0 {
		w.t.Fatalf("the dashboard has %d queries: %v", len(all), err)
	}
	for _, e := range all {
		value, err := w.queryAll(e.Query)
		if err != nil {
			w.t.Errorf("panel %q: %v", e.Panel, err)
		}
		// Pull sources are the only metrics that this installation lacks.
		if value == "" && !strings.Contains(e.Query, "source") {
			w.t.Errorf("panel %q shows nothing: %s", e.Panel, e.Query)
		}
	}
}
