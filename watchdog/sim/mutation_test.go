package sim

import (
	"bytes"
	"context"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var mutantsFlag = flag.Bool("mutants", false, "TestMutants also runs the simulator on each broken copy")

// mutant is one way to break the watchdog on purpose.
type mutant struct {
	name     string
	file     string
	old, new string // old stands in the file once
}

// mutants are what the simulator must notice.
var mutants = []mutant{
	{
		"a deadline is ten minutes late", "rules/set.go",
		"return r.active.After(a, r.staleAfter)", "return r.active.After(a, r.staleAfter+10*time.Minute)",
	},
	{
		"no grace after a restart", "watchdog/judge.go",
		"if f.horizon < f.grace {", "if f.horizon < 0 {",
	},
	{
		"a write that makes a deadline earlier does not lower the bound", "watchdog/table.go",
		"f.bound = min(f.bound, t)", "f.bound = min(f.bound, t+3600_000)",
	},
	{
		"fresh while blind", "watchdog/view_machine.go",
		"\t\treturn Blind\n\t}\n\treturn v\n", "\t\treturn v\n\t}\n\treturn v\n",
	},
	{
		"an acknowledgement holds the loss clock", "watchdog/ladder.go",
		"if inc.trouble > 0 {\n\t\tm.nextLoss(inc)", "if inc.trouble > 0 && inc.Ack == nil {\n\t\tm.nextLoss(inc)",
	},
	{
		"an acknowledgement lasts for ever", "watchdog/ladder.go",
		"if inc.Ack == nil || m.now < inc.Ack.Until {", "if inc.Ack == nil || m.now < inc.Ack.Until.Add(1e6*time.Hour) {",
	},
	{
		"resolved while the last one is silent", "watchdog/incident_members.go",
		"if inc.unwell == 0 && inc.WellSince.IsZero() {", "if inc.unwell <= 1 && inc.WellSince.IsZero() {",
	},
	{
		"a restart forgets open incidents", "watchdog/restore.go",
		"m.restoreIncident(inc)\n", "_ = inc\n",
	},
	{
		"a restart takes what resumed once as resumed", "watchdog/restore.go",
		"inc.resumed = false", "inc.resumed = true",
	},
	{
		"sent before it is durable", "watchdog/engine/committer.go",
		"err = commit.save(ctx, c.store)", "c.delivery.Apply(commit.incidents, true)\n\terr = commit.save(ctx, c.store)",
	},
	{
		"watermarks are flushed once an hour", "watchdog/engine/engine.go",
		"now.Sub(e.flushed) >= flushEvery", "now.Sub(e.flushed) >= 360*flushEvery",
	},
	{
		"a message that may be there is posted anew", "watchdog/delivery/plan.go",
		"MaybeSent: h.maybe[rootName] || h.earlier.page(page), InsteadOf", "InsteadOf",
	},
	{
		"an alert of which only an attempt is known is not resolved", "watchdog/delivery/plan.go",
		"may := h.maybe[trigger] || h.flying == trigger || h.earlier.page(p)", "may := false",
	},
	{
		"an alert is triggered again after its resolve", "watchdog/delivery/plan.go",
		"case in.State == watchdog.StateResolved:\n", "case in.State == watchdog.StateResolved && h.settled(trigger):\n",
	},
	{
		"a hold keeps back pages about loss", "watchdog/ladder.go",
		"if inc.trouble > 0 {\n\t\tm.nextLoss(inc)", "if inc.trouble > 0 && inc.Hold == nil {\n\t\tm.nextLoss(inc)",
	},
	{
		"one series that is silenced silences its incident", "watchdog/hold.go",
		"\t\t\t\ts.free = true\n\t\t\t\treturn\n", "\t\t\t\tcontinue\n",
	},
	{
		"nobody is paged when a hold ends", "watchdog/hold.go",
		"m.pageEngaged(inc, ReasonHoldEnded)", "_ = inc",
	},
	{
		"a silence is in force before it is durable", "watchdog/engine/people.go",
		"if err := e.keepSilence(ctx, s); err != nil {", "if err := ctx.Err(); err != nil {",
	},
	{
		"a maintenance leaves no time to arrive first", "watchdog/hold.go",
		"return r.Active().After(h.Until, r.StaleAfter())", "return h.Until",
	},
	{
		"a person resolves what is still silent", "watchdog/people.go",
		"case inc.trouble == 0 || inc.ungoverned():", "case inc.trouble >= 0:",
	},
	{
		"the ledger ends a day too early", "watchdog/ledger.go",
		"row.To, row.AtRisk = t1.Add(-l.Retention), r.doubt", "row.To, row.AtRisk = t1.Add(-l.Retention-24*time.Hour), r.doubt",
	},
	{
		"the ledger of who was silent by itself begins with the others", "watchdog/ledger.go",
		"!was.seen.IsZero() && (r == nil || r.Deadline(start) >= l.Start) {\n\t\tif doubt = rate > 0 &&", "r == nil || !l.Start.IsZero() {\n\t\tif doubt = rate < 0 &&",
	},
	{
		"the clock is set back and what was heard keeps its stamps", "watchdog/rewind.go",
		"b.rows[i].arrival = a - by", "b.rows[i].arrival = a",
	},
	{
		"stragglers get no incident of their own", "watchdog/stragglers.go",
		"f.countUnplaced(b, false, b.rows[i].verdict.Opens())", "_ = b",
	},
	{
		"a client is forgotten too early", "watchdog/forget.go",
		"b.rows[i].arrival.Add(r.ForgetAfter())", "b.rows[i].arrival.Add(r.ForgetAfter() / 2)",
	},
}

// slowMutants are those that only fleets of twelve days show.
var slowMutants = []mutant{
	{
		"what fell behind and stopped keeps the clock of its last speed", "watchdog/drain.go",
		"stopped != never && (l.Begins.IsZero() || begins < l.Begins)", "stopped != never && l.Begins.IsZero() && begins < l.Begins",
	},
}

// TestMutants breaks a copy of the watchdog in each of these ways. That they still
// fit the code is always tested; with -mutants each copy is run as well, and the
// simulator has to find something wrong: make mutants.
func TestMutants(t *testing.T) {
	running := make(chan struct{}, 2)
	for _, fleets := range []struct {
		days   string // that each is watched
		notice []mutant
	}{{"12", slowMutants}, {"4", mutants}} {
		for _, m := range fleets.notice {
			t.Run(strings.ReplaceAll(m.name, " ", "_"), func(t *testing.T) {
				m.fits(t)
				if !*mutantsFlag {
					return
				}
				t.Parallel()
				running <- struct{}{}
				defer func() { <-running }()
				m.run(t, fleets.days)
			})
		}
	}
}

// fits expects the code to have what the mutant changes.
func (m *mutant) fits(t *testing.T) {
	t.Helper()
	source, err := os.ReadFile(filepath.Join(module, m.file))
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(source), m.old); n != 1 {
		t.Fatalf("%q is %d times in %s, want it once: write the mutant anew", m.old, n, m.file)
	}
}

const module = "../.."

// run expects the simulator to fail on the mutant.
func (m *mutant) run(t *testing.T, days string) {
	dir := t.TempDir()
	for _, part := range []string{"go.mod", "go.sum", "rules", "watchdog", "watchdog/feed", "watchdog/engine", "watchdog/delivery", "watchdog/store", "watchdog/bubble", "watchdog/sim"} {
		m.copy(t, dir, part)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	begun := time.Now()
	cmd := exec.CommandContext(ctx, "go", "test", "-trimpath", "./watchdog/sim", "-run", "TestSeeds$", "-days", days, "-seeds", "300", "-failures", "1")
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if !bytes.Contains(out, []byte("run it again")) {
		t.Fatalf("nobody noticed: %v\n%s", err, out[max(0, len(out)-2000):])
	}
	_, first, _ := strings.Cut(string(out), "with")
	lines := strings.SplitN(first, "\n", 3)
	t.Logf("noticed after %s: %s", time.Since(begun).Round(time.Second), strings.TrimSpace(lines[min(1, len(lines)-1)]))
}

// copy copies a file, or the Go files of a folder: of the simulator with its
// tests, of others without.
func (m *mutant) copy(t *testing.T, dir, part string) {
	info, err := os.Stat(filepath.Join(module, part))
	if err != nil {
		t.Fatal(err)
	}
	names := []string{part}
	if info.IsDir() {
		entries, err := os.ReadDir(filepath.Join(module, part))
		if err != nil {
			t.Fatal(err)
		}
		names = nil
		for _, e := range entries {
			if strings.HasSuffix(e.Name(), ".go") && (part == "watchdog/sim" || !strings.HasSuffix(e.Name(), "_test.go")) {
				names = append(names, filepath.Join(part, e.Name()))
			}
		}
	}
	for _, name := range names {
		data, err := os.ReadFile(filepath.Join(module, name))
		if err != nil {
			t.Fatal(err)
		}
		if name == m.file {
			data = bytes.Replace(data, []byte(m.old), []byte(m.new), 1)
		}
		to := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(to, data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
