package notifiertest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// Alertmanager is a real one, running.
type Alertmanager struct {
	URL    string
	exited chan struct{}
	output *bytes.Buffer // complete once it has exited
}

// StartAlertmanager starts the Alertmanager on the PATH until the test ends. What
// it tells its people is posted to receiver, as its webhooks are.
func StartAlertmanager(t *testing.T, receiver string) *Alertmanager {
	t.Helper()
	binary, err := exec.LookPath("prometheus-alertmanager") // as Debian calls it
	if err != nil {
		t.Fatal("this test needs Alertmanager on the PATH: run `make test`, which installs it")
	}
	dir := t.TempDir()
	file := filepath.Join(dir, "alertmanager.yml")
	config := fmt.Sprintf(`route: {receiver: all, group_by: [incident], group_wait: 10ms, group_interval: 100ms, repeat_interval: 1h}
receivers: [{name: all, webhook_configs: [{url: %q, send_resolved: true}]}]
`, receiver)
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	address := freeAddress(t)
	a := &Alertmanager{URL: "http://" + address, exited: make(chan struct{}), output: new(bytes.Buffer)}
	command := exec.CommandContext(context.WithoutCancel(t.Context()), binary, "--config.file="+file,
		"--storage.path="+dir, "--web.listen-address="+address, "--cluster.listen-address=")
	command.Stdout, command.Stderr = a.output, a.output
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = command.Wait() // killed, or its output says why
		close(a.exited)
	}()
	t.Cleanup(func() {
		_ = command.Process.Kill() // it may have ended
		<-a.exited
	})
	a.Until(t, "it is ready", func() bool { return a.get("/-/ready", nil) == nil })
	return a
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// Until waits for what happens in another process, 20 s at most.
func (a *Alertmanager) Until(t *testing.T, what string, so func() bool) {
	t.Helper()
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	late := time.After(20 * time.Second)
	for !so() {
		select {
		case <-ticker.C:
		case <-a.exited:
			t.Fatalf("Alertmanager has ended:\n%s", a.output)
		case <-late:
			t.Fatalf("waited in vain until %s", what)
		}
	}
}

// AlertmanagerAlert is an alert as Alertmanager shows it.
type AlertmanagerAlert struct {
	Labels       map[string]string `json:"labels"`
	Annotations  map[string]string `json:"annotations"`
	StartsAt     time.Time         `json:"startsAt"`
	EndsAt       time.Time         `json:"endsAt"`
	GeneratorURL string            `json:"generatorURL"`
}

// Alerts are those that are not over.
func (a *Alertmanager) Alerts(t *testing.T) []AlertmanagerAlert {
	t.Helper()
	var all []AlertmanagerAlert
	if err := a.get("/api/v2/alerts", &all); err != nil {
		t.Fatal(err)
	}
	return all
}

func (a *Alertmanager) get(path string, into any) error {
	resp, err := http.Get(a.URL + path)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return errors.New(resp.Status)
	}
	if into == nil {
		return nil
	}
	return json.NewDecoder(resp.Body).Decode(into)
}
