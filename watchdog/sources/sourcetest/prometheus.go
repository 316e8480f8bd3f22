package sourcetest

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// Prometheus is a real one, running.
type Prometheus struct {
	URL    string
	Exited chan struct{} // closed once it has ended
	Output *bytes.Buffer // complete then

	process *os.Process
}

// StartPrometheus starts the prometheus on the PATH until the test ends. It
// scrapes one target, which must be a host and port.
func StartPrometheus(t *testing.T, target string, every time.Duration) *Prometheus {
	t.Helper()
	binary, err := exec.LookPath("prometheus")
	if err != nil {
		t.Fatal("this test needs Prometheus on the PATH: run `make test`, which installs it")
	}
	dir := t.TempDir()
	configFile := filepath.Join(dir, "prometheus.yml")
	config := fmt.Sprintf("global: {scrape_interval: %s, scrape_timeout: %s}\nscrape_configs:\n  - job_name: target\n    static_configs: [{targets: [%q]}]\n", every, every, target)
	if err := os.WriteFile(configFile, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	address := FreeAddress(t)
	p := &Prometheus{URL: "http://" + address, Exited: make(chan struct{}), Output: new(bytes.Buffer)}
	command := exec.CommandContext(context.WithoutCancel(t.Context()), binary, "--config.file="+configFile,
		"--storage.tsdb.path="+filepath.Join(dir, "data"), "--web.listen-address="+address)
	command.Stdout, command.Stderr = p.Output, p.Output
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	p.process = command.Process
	go func() {
		_ = command.Wait() // killed, or its output says why
		close(p.Exited)
	}()
	t.Cleanup(p.Stop)
	return p
}

// Stop ends it, and waits for that.
func (p *Prometheus) Stop() {
	_ = p.process.Kill() // it may have ended
	<-p.Exited
}
