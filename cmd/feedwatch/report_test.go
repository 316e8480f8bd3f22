package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/feedwatch/feedwatch/watchdog"
	"github.com/feedwatch/feedwatch/watchdog/feed"
	"github.com/feedwatch/feedwatch/watchdog/report"
	"github.com/feedwatch/feedwatch/watchdog/sources/sourcetest"
)

// runCommand runs feedwatch with args and returns what it printed.
func runCommand(t *testing.T, args ...string) (string, error) {
	t.Helper()
	var out bytes.Buffer
	root := newRootCommand()
	root.SetOut(&out)
	root.SetErr(&out)
	root.SetArgs(args)
	err := root.Execute()
	return out.String(), err
}

// TestReportOfTheIncident holds the document of the example to the letter.
func TestReportOfTheIncident(t *testing.T) {
	out, err := runCommand(t, "replay", "--report", "markdown", incident)
	if err != nil {
		t.Fatal(err)
	}
	golden := filepath.Join("testdata", "report-incident.md")
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
		t.Errorf("%s differs (-update-replay writes it anew)\n--- got\n%s", golden, out)
	}
}

// TestReportEqualsTheIncidentsOwn holds every time and interval of the incident's
// own root-cause document that a machine can know. What it says beside them is how
// the outage was found then: by a customer's e-mail on 3 December at 15:00, nine
// days later, seen by the team at 17:00; with feedwatch that is 24 November, 00:05.
func TestReportEqualsTheIncidentsOwn(t *testing.T) {
	out, err := runCommand(t, "replay", "--report", "json", incident)
	if err != nil {
		t.Fatal(err)
	}
	var r report.Report
	if err := json.Unmarshal([]byte(out), &r); err != nil {
		t.Fatal(err)
	}
	if r.Lost == nil || r.Late == nil {
		t.Fatalf("lost %v, late %v", r.Lost, r.Late)
	}
	for _, c := range []struct {
		what string
		got  feed.Instant
		want string
	}{
		{"outage began", r.Times.Began, "2025-11-24T00:00:00Z"},
		{"detected", r.Times.Detected, "2025-11-24T00:05:00Z"},
		{"first page", r.Times.FirstPage, "2025-11-24T00:05:00Z"},
		{"data loss began", r.Times.LossBegan, "2025-12-01T00:00:00Z"},
		{"feeder restarted", r.Times.UpdatesAgain, "2025-12-03T18:00:00Z"},
		{"normal again", r.Times.NormalAgain, "2025-12-04T12:30:00Z"},
		{"lost from", r.Lost.From, "2025-11-24T00:00:00Z"},
		{"lost to", r.Lost.To, "2025-11-26T18:00:00Z"},
		{"late from", r.Late.From, "2025-11-26T18:00:00Z"},
		{"late to", r.Late.To, "2025-12-04T12:30:00Z"},
	} {
		if c.got.String() != c.want {
			t.Errorf("%s %s, want %s", c.what, c.got, c.want)
		}
	}
	const day = 24 * time.Hour
	for _, c := range []struct {
		what      string
		got, want time.Duration
	}{
		{"time to detect", r.Intervals.Detect, 5 * time.Minute},
		{"silent", r.Intervals.Silent, 9*day + 18*time.Hour},
		{"catching up", r.Intervals.CatchUp, 18*time.Hour + 30*time.Minute},
		{"duration", r.Intervals.Duration, 10*day + 12*time.Hour + 30*time.Minute},
		{"lost", r.Lost.Length, 2*day + 18*time.Hour},
		{"retention", r.Retention, 7 * day},
	} {
		if c.got != c.want {
			t.Errorf("%s %s, want %s", c.what, c.got, c.want)
		}
	}
	if r.Clients != (report.Clients{Affected: 300, Of: 300}) || r.Severity.String() != "critical" || r.Feeds[0].Name != "external-profiles" {
		t.Errorf("%+v, %s, %+v", r.Clients, r.Severity, r.Feeds)
	}
	if r.Times.AcknowledgedBy != "" || r.Intervals.Acknowledge != 0 || r.Lost.AtRisk || r.Lost.ByArrival || r.Lost.Growing {
		t.Errorf("acknowledged by %q, lost %+v", r.Times.AcknowledgedBy, r.Lost)
	}
	if len(r.Measures) < 3 {
		t.Errorf("only %d measures are drafted", len(r.Measures))
	}
}

// TestReport drafts the document of an incident of a real server.
func TestReport(t *testing.T) {
	w := &world{t: t, dir: t.TempDir(), address: sourcetest.FreeAddress(t), binary: buildBinary(t)}
	w.write("rules/profiles.yaml", `feeds:
  - name: external-profiles
    retention: 7d
    escalation: on-call
    rules:
      - {name: everyone, stale_after: 2s}
escalations:
  - {name: on-call, steps: [{notify: [console/terminal]}]}
`)
	w.write("feedwatch.yaml", fmt.Sprintf(`install: e2e
listen: %s
read: token
tokens:
  - {name: feeder, token_env: FW_PUSH, feeds: ["*"], roles: [push, read]}
notifiers: {console: [{name: terminal}]}
`, w.address))
	w.start()
	w.push(5, "cluster", "fsn1", "hel1")
	t.Setenv("REPORT_TOKEN", e2ePushToken)
	here := []string{"--server", "http://" + w.address, "--token-env", "REPORT_TOKEN"}
	ask := func(args ...string) (string, error) {
		return runCommand(t, append(append([]string{"report"}, here...), args...)...)
	}
	if _, err := ask("latest"); err == nil || !strings.Contains(err.Error(), "no incident yet") {
		t.Errorf("before anything happened: %v", err)
	}
	var r report.Report
	w.eventually("the silence is an incident", 15*time.Second, func() bool {
		out, err := ask("latest", "--format", "json")
		return err == nil && json.Unmarshal([]byte(out), &r) == nil
	})
	if r.Clients.Of != 5 || r.Environment.Install != "e2e" || r.Times.UpdatesAgain != 0 || r.Intervals.Detect.Round(100*time.Millisecond) != 2*time.Second {
		t.Errorf("clients %+v, environment %+v, times %+v", r.Clients, r.Environment, r.Times)
	}

	file := filepath.Join(w.dir, "report.html")
	w.write("measures.yaml", "- {what: Review all alerts, owner: cdp-team, status: in_progress, due: 2026-01-31}\n")
	if out, err := ask(r.Incident[:12], "--format", "html", "-o", file, "--measures", filepath.Join(w.dir, "measures.yaml")); err != nil || out != "" {
		t.Fatalf("%v, printed %q", err, out)
	}
	page, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	w.says(string(page), "<h1>Incident report: external-profiles", "Review all alerts", "in progress", "2026-01-31")
	if left, _ := filepath.Glob(filepath.Join(w.dir, "*.part")); left != nil {
		t.Errorf("it left %v behind", left)
	}
	out, err := ask(r.Incident)
	if err != nil {
		t.Fatal(err)
	}
	w.says(out, "# Incident report: external-profiles", "5 of 5", "| Name the root cause, and remove it.")

	// The measures that were drafted can be edited and given back.
	drafted, err := json.Marshal(r.Measures)
	if err != nil {
		t.Fatal(err)
	}
	w.write("drafted.yaml", string(drafted))
	if listed, err := readMeasures(filepath.Join(w.dir, "drafted.yaml")); err != nil || !slices.Equal(listed, r.Measures) {
		t.Errorf("%v: %+v came back of %+v", err, listed, r.Measures)
	}

	for _, c := range []struct {
		name string
		args []string
		want string
	}{
		{"unknown", append([]string{"9"}, here...), `no incident's id begins with "9"; there are ` + r.Incident + " (external-profiles, open)"},
		{"no token", []string{"latest", "--server", "http://" + w.address}, "--token-env names the environment variable with a token that may read"},
		{"unset", []string{"latest", "--token-env", "NOT_SET_HERE"}, "NOT_SET_HERE is empty or not set"},
		{"nobody there", []string{"latest", "--server", "http://" + sourcetest.FreeAddress(t)}, "connection refused; does feedwatch run there?"},
		{"address", []string{"latest", "--server", "127.0.0.1:8787"}, "write it as http://127.0.0.1:8787"},
		{"format", append([]string{"latest", "--format", "pdf"}, here...), `--format "pdf": write markdown, html or json`},
		{"folder", append([]string{"latest", "-o", filepath.Join(w.dir, "none", "x.md")}, here...), "none"},
	} {
		if _, err := runCommand(t, append([]string{"report"}, c.args...)...); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", c.name, err, c.want)
		}
	}
	w.stop()
}

// What is not feedwatch, or sends the token elsewhere, is not believed.
func TestReportOfAnotherServer(t *testing.T) {
	t.Setenv(tokenEnvDefault, e2ePushToken)
	elsewhere := 0
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { elsewhere++ }))
	defer other.Close()
	for answer, want := range map[string]string{
		"redirect": "answers 302", "text": "does not answer as feedwatch does", "none": "answers 404; is --server right?",
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			switch answer {
			case "redirect":
				http.Redirect(w, r, other.URL, http.StatusFound)
			case "none":
				http.NotFound(w, r)
			default:
				fmt.Fprint(w, "<html>")
			}
		}))
		if _, err := runCommand(t, "report", "latest", "--server", server.URL); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", answer, err, want)
		}
		server.Close()
	}
	if elsewhere > 0 {
		t.Error("a redirect was followed")
	}
}

func TestPick(t *testing.T) {
	all := []*watchdog.Incident{{ID: "17-a", Opened: 17}, {ID: "18-b", Opened: 18}, {ID: "16-c", Opened: 16}}
	for which, want := range map[string]string{"latest": "18-b", "16": "16-c", "17-a": "17-a", "1": "", "2": ""} {
		got, err := pick(all, which)
		if (err != nil) != (want == "") || got != nil && got.ID != want {
			t.Errorf("%s is %v, %v; want %s", which, got, err, want)
		}
		if err != nil && !strings.Contains(err.Error(), "17-a") {
			t.Errorf("%v does not say which there are", err)
		}
	}
}

func TestReadMeasures(t *testing.T) {
	path := filepath.Join(t.TempDir(), "m.yaml")
	read := func(text string) ([]report.Measure, error) {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return readMeasures(path)
	}
	got, err := read("- what: Review all alerts\n  owner: cdp-team\n  due: 2026-01-31\n- {what: Practise, status: done}\n")
	want := []report.Measure{{What: "Review all alerts", Owner: "cdp-team", Status: report.StatusOpen, Due: "2026-01-31"}, {What: "Practise", Status: report.StatusDone}}
	if err != nil || len(got) != 2 || got[0] != want[0] || got[1] != want[1] {
		t.Errorf("%+v, %v", got, err)
	}
	for _, none := range []string{"", "# none\n", "[]\n"} {
		if got, err := read(none); err != nil || got == nil || len(got) != 0 {
			t.Errorf("%q is %v, %v; want an empty list", none, got, err)
		}
	}
	for text, want := range map[string]string{
		"- {what: x, owner: a, stauts: open}\n":   `m.yaml:1:23: unknown key "stauts"`,
		"- what: x\n  status: closed\n":           `m.yaml:2:11: status "closed": write open, in_progress or done`,
		"- what: x\n  due: soon\n":                `due "soon" is not a day: write it as 2026-01-31`,
		"- {owner: x}\n":                          "measure 1: a measure does not say what is to be done",
		"what: x\n":                               "m.yaml:1:1: the file is no list; write a list of measures",
		"- what: x\n- y\n":                        "m.yaml:2:3: a measure is keys and values",
		"- what: [\n":                             "m.yaml:",
		strings.Repeat("- {what: x}\n", 101):      "lists 101 measures; at most 100 are allowed",
		strings.Repeat("#", measuresBytesMax+100): "leave something out",
	} {
		if _, err := read(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40q: error %v, want %q", text, err, want)
		}
	}
}

func TestReplayReportRefuses(t *testing.T) {
	quiet := filepath.Join(t.TempDir(), "quiet.yaml")
	text, err := os.ReadFile(incident)
	if err != nil {
		t.Fatal(err)
	}
	head, _, _ := strings.Cut(string(text), "outages:")
	rules, err := filepath.Abs("../../deploy/examples/rules")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(quiet, []byte(head), 0o600); err != nil {
		t.Fatal(err)
	}
	for want, args := range map[string][]string{
		`--report "pdf": write markdown, html or json`: {"--report", "pdf", incident},
		"leave --format out":                           {"--report", "html", "--format", "json", incident},
		"nothing happened in the scenario":             {"--report", "html", "--rules", rules, quiet},
	} {
		if _, err := runCommand(t, append([]string{"replay"}, args...)...); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}
