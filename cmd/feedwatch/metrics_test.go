package main

import (
	"bytes"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
)

var family = regexp.MustCompile(`(?m)^# TYPE (feedwatch_\w+) `)

// metricsAreDocumented holds what the running binary exposes against
// docs/metrics.md and against promtool's idea of good metrics.
func (w *world) metricsAreDocumented() {
	w.t.Helper()
	status, body := w.get("/metrics")
	if status != http.StatusOK {
		w.t.Fatalf("/metrics answers %d", status)
	}
	docs, err := os.ReadFile("../../docs/metrics.md")
	if err != nil {
		w.t.Fatal(err)
	}
	found := family.FindAllSubmatch(body, -1)
	if len(found) < 20 {
		w.t.Errorf("only %d families of ours are exposed", len(found))
	}
	for _, m := range found {
		if !strings.Contains(string(docs), "`"+string(m[1])+"`") {
			w.t.Errorf("docs/metrics.md does not have %s", m[1])
		}
	}
	promtool := exec.Command("promtool", "check", "metrics")
	promtool.Stdin = bytes.NewReader(body)
	if out, err := promtool.CombinedOutput(); err != nil || len(out) > 0 {
		w.t.Errorf("promtool check metrics: %v\n%s", err, out)
	}
}
