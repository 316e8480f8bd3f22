package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/feedwatch/feedwatch/watchdog"
	"github.com/feedwatch/feedwatch/watchdog/feed"
	"github.com/feedwatch/feedwatch/watchdog/replay"
)

var updateReplay = flag.Bool("update-replay", false, "write what replay prints as its golden output")

const incident = "../../deploy/examples/incident-2025-11-24.yaml"

// runReplayCommand runs feedwatch replay with args and returns what it printed.
func runReplayCommand(t *testing.T, args ...string) (out, errs string, err error) {
	t.Helper()
	var o, e bytes.Buffer
	root := newRootCommand()
	root.SetOut(&o)
	root.SetErr(&e)
	root.SetArgs(append([]string{"replay"}, args...))
	err = root.Execute()
	return o.String(), e.String(), err
}

// TestReplayIncident holds what the example prints, to the letter.
func TestReplayIncident(t *testing.T) {
	out, errs, err := runReplayCommand(t, incident)
	if err != nil || errs != "" {
		t.Fatalf("%v; on stderr %q", err, errs)
	}
	golden := filepath.Join("testdata", "replay-incident.txt")
	if *updateReplay {
		if err := os.WriteFile(golden, []byte(out), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if out != string(want) {
		t.Fatalf("%s differs (go test ./cmd/feedwatch -run TestReplayIncident -update-replay writes it anew)\n--- got\n%s", golden, out)
	}
}

// TestReplayIncidentFigures holds the times that the incident's report has.
func TestReplayIncidentFigures(t *testing.T) {
	out, _, err := runReplayCommand(t, "--format", "json", incident)
	if err != nil {
		t.Fatal(err)
	}
	var r replay.Result
	if err := json.Unmarshal([]byte(out), &r); err != nil {
		t.Fatal(err)
	}
	if len(r.Incidents) != 1 {
		t.Fatalf("%d incidents, want 1", len(r.Incidents))
	}
	o := r.Incidents[0]
	for _, c := range []struct {
		what string
		got  feed.Instant
		want string
	}{
		{"first page", o.FirstPage, "2025-11-24T00:05:00Z"},
		{"loss begins", o.LossBegins, "2025-12-01T00:00:00Z"},
		{"lost from", o.LostFrom, "2025-11-24T00:00:00Z"},
		{"lost to", o.LostTo, "2025-11-26T18:00:00Z"},
		{"updates arrive again", o.Resumed, "2025-12-03T18:00:00Z"},
	} {
		if c.got.String() != c.want {
			t.Errorf("%s %s, want %s", c.what, c.got, c.want)
		}
	}
	drained := feed.At(time.Date(2025, 12, 4, 12, 30, 0, 0, time.UTC))
	if late := o.Current.Sub(drained); late < 0 || late > 10*time.Minute {
		t.Errorf("current again %s, want within 10 min after %s", o.Current, drained)
	}
	if held := o.Resolved.Sub(o.Current); held != 5*time.Minute {
		t.Errorf("resolved %s after it was current, want resolve_after", held)
	}
	if o.Incident.Scope.Of != 300 || o.Incident.Loss.AtRisk {
		t.Errorf("%d clients, at risk %v", o.Incident.Scope.Of, o.Incident.Loss.AtRisk)
	}
	etas := 0
	for _, e := range o.Incident.Events {
		if e.Kind != watchdog.EventCatchUp {
			continue
		}
		etas++
		if miss := e.Until.Sub(drained); e.From > drained || miss < -10*time.Minute || miss > time.Hour {
			t.Errorf("ETA at %s: %s to %s, and it was %s", e.At, e.From, e.Until, drained)
		}
	}
	if etas != 1 {
		t.Errorf("the ETA of a backlog that drains evenly was said %d times", etas)
	}
}

func TestReplayRefuses(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	text, err := os.ReadFile(incident)
	if err != nil {
		t.Fatal(err)
	}
	rules, err := filepath.Abs("../../deploy/examples/rules")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		args []string
		want string
	}{
		{"format", []string{"--format", "xml", incident}, `--format "xml": write text or json`},
		{"missing", []string{filepath.Join(dir, "none.yaml")}, "read scenario"},
		{"key", []string{write("key.yaml", strings.Replace(string(text), "  seed:", "  sede:", 1))}, `key.yaml:12:3: unknown key "sede"`},
		{"no rules", []string{write("rules.yaml", string(text))}, "read rule files"},
		{"feed", []string{"--rules", rules, write("feed.yaml", strings.Replace(string(text), "external-profiles", "consent", 1))}, `names the feed "consent"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			out, _, err := runReplayCommand(t, c.args...)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %q", err, c.want)
			}
			if out != "" {
				t.Errorf("printed %q", out)
			}
		})
	}
}

// failing is an output that takes nothing, like a closed pipe.
type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, os.ErrClosed }

func TestReplayStopsWithItsOutput(t *testing.T) {
	root := newRootCommand()
	root.SetOut(failing{})
	root.SetArgs([]string{"replay", incident})
	if err := root.Execute(); err == nil || !strings.Contains(err.Error(), os.ErrClosed.Error()) {
		t.Errorf("error %v, want that of the output", err)
	}
}
