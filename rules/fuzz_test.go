package rules

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// No text makes Parse panic, every finding stands inside its file and says what to
// write, a set that is accepted keeps what its accessors promise.
func FuzzParse(f *testing.F) {
	for _, c := range allWrongFiles() {
		f.Add([]byte(c.file))
	}
	files, err := filepath.Glob("testdata/*/*.yaml")
	if err != nil || len(files) == 0 {
		f.Fatalf("no seeds: %v", err)
	}
	deeper, err := filepath.Glob("testdata/*/*/*.yaml")
	if err != nil || len(deeper) == 0 {
		f.Fatalf("no seeds: %v", err)
	}
	pages, err := filepath.Glob(filepath.Join(pagesDir, "*.md"))
	if err != nil || len(pages) == 0 {
		f.Fatalf("no pages: %v", err)
	}
	for _, name := range pages {
		text, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		for _, example := range yamlFence.FindAllStringSubmatch(string(text), -1) {
			f.Add([]byte(example[2]))
		}
	}
	for _, name := range append(files, deeper...) {
		text, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Add([]byte("feeds: &a [*a]\r\nescalations: {<<: *a}\r"))
	f.Fuzz(func(t *testing.T, text []byte) {
		set, err := Parse([]File{{"a.yaml", text}})
		if err != nil {
			checkFindings(t, text, err)
			return
		}
		if warnings := set.Warnings(); len(warnings.All) > 0 {
			if warnings.Warnings() != len(warnings.All) {
				t.Fatalf("errors of a set that is taken: %v", warnings)
			}
			checkFindings(t, text, warnings)
		}
		for _, feed := range set.Feeds() {
			checkFeed(t, feed)
		}
		for _, m := range set.Maintenances() {
			checkMaintenance(t, m)
		}
	})
}

func checkFindings(t *testing.T, text []byte, err error) {
	t.Helper()
	var found *Findings
	if !errors.As(err, &found) || len(found.All) == 0 {
		t.Fatalf("error %v is no *Findings", err)
	}
	if err.Error() == "" {
		t.Fatal("an error without text")
	}
	lines := strings.Split(lineEnds.Replace(strings.ReplaceAll(string(text), "\r\n", "\n")), "\n")
	for _, f := range found.All {
		if f.Message == "" || !slices.Contains(Checks(), f.Check) {
			t.Fatalf("a finding without a message or a name: %+v", f)
		}
		if f.Hint == "" {
			t.Fatalf("a finding that does not say what to write: %v", f)
		}
		if f.Line < 1 || f.Line > len(lines) || f.Col < 1 || f.Col > len([]rune(lines[f.Line-1]))+1 || f.Width < 1 {
			t.Fatalf("%+v does not stand inside the file", f)
		}
		if strings.ContainsAny(f.String(), "\x1b\x00\r") {
			t.Fatalf("a finding that is not fit for a terminal: %q", f.String())
		}
	}
}

func checkFeed(t *testing.T, f *Feed) {
	t.Helper()
	if f.Name() == "" || f.Escalation() == nil || len(f.GroupRules()) == 0 {
		t.Fatalf("feed %+v", f)
	}
	for _, r := range append(append([]*Rule{}, f.ClientRules()...), f.GroupRules()...) {
		if r.Name() == "" || r.StaleAfter() <= 0 || r.LagOver() <= 0 || r.ResolveAfter() <= 0 || r.Escalation() == nil {
			t.Fatalf("rule %+v", r)
		}
		if r.ForgetAfter() != 0 && (r.ForgetAfter() <= r.StaleAfter() || r.Per() != PerClient) {
			t.Fatalf("rule %q forgets after %s, and is stale after %s", r.Name(), r.ForgetAfter(), r.StaleAfter())
		}
		if r.WarnAfter() >= r.StaleAfter() {
			t.Fatalf("rule %q warns after %s, and is stale after %s", r.Name(), r.WarnAfter(), r.StaleAfter())
		}
	}
	if slices.Contains(f.DependsOn(), f.Name()) || len(f.DependsOn()) > DependsOnMax {
		t.Fatalf("feed %q depends on %q", f.Name(), f.DependsOn())
	}
	if !f.IgnoreUnmatched() && f.Govern("any client", mustLabels(t, nil)) == nil {
		t.Fatal("a client without a rule")
	}
	for i, s := range f.Escalation().Steps() {
		if len(s.Notify) == 0 || i > 0 && s.BeforeLoss.IsZero() && !f.Escalation().Steps()[i-1].BeforeLoss.IsZero() {
			t.Fatalf("steps %+v", f.Escalation().Steps())
		}
		if !s.BeforeLoss.IsZero() && s.BeforeLoss.Of(f.Retention()) >= f.Retention() {
			t.Fatalf("step %+v with a retention of %s", s, f.Retention())
		}
	}
}

func FuzzParseDuration(f *testing.F) {
	for _, s := range []string{"90s", "1h30m", "7d", "0s", "1.5h", "-1m", "99999999999999999999s", "5", "m", "1m1m"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		d, err := ParseDuration(s)
		if err != nil {
			return
		}
		if back, err := ParseDuration(FormatDuration(d)); err != nil || back != d || d < 0 || d > DurationMax {
			t.Fatalf("%q is %s, and comes back as %s, %v", s, d, back, err)
		}
	})
}

func TestDurations(t *testing.T) {
	for s, want := range map[string]time.Duration{
		"90s": 90 * time.Second, "15m": 15 * time.Minute, "6h": 6 * time.Hour, "7d": 168 * time.Hour,
		"1h30m": 90 * time.Minute, "1d2h3m4s5ms": 26*time.Hour + 3*time.Minute + 4*time.Second + 5*time.Millisecond,
	} {
		if got, err := ParseDuration(s); err != nil || got != want {
			t.Errorf("%s is %s, %v; want %s", s, got, err, want)
		}
	}
	for d, want := range map[time.Duration]string{0: "0s", 90 * time.Second: "1m30s", 49 * time.Hour: "2d1h", -time.Minute: "-1m"} {
		if got := FormatDuration(d); got != want {
			t.Errorf("%s is written %s, want %s", d, got, want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		d := time.Duration(rapid.Int64Range(0, int64(DurationMax/time.Millisecond)).Draw(t, "ms")) * time.Millisecond
		if got, err := ParseDuration(FormatDuration(d)); err != nil || got != d {
			t.Fatalf("%s comes back as %s, %v", FormatDuration(d), got, err)
		}
	})
}

// bigSet has 10,000 rules in 100 files, with as many schedules and matchers.
func bigSet(schedules, rosters bool) []File {
	files := []File{{Name: "ladders.yaml", Data: []byte("escalations: [{name: e, steps: [{notify: [a/b]}]}]")}}
	for i := range 100 {
		var b strings.Builder
		fmt.Fprintf(&b, "feeds:\n  - name: feed-%d\n    escalation: e\n    retention: 7d\n", i)
		if rosters {
			b.WriteString("    roster:\n")
			for j := range 100 {
				fmt.Fprintf(&b, "      - {client: c%d-1, labels: {tier: t%d}}\n", i*100+j, j)
			}
		}
		b.WriteString("    rules:\n")
		for j := range RulesMax/100 - 1 {
			fmt.Fprintf(&b, "      - name: rule-%d\n        match: ['tier=\"t%d\"', 'client=~\"c%d-[0-9]+\"']\n        severity: warning\n", j, j, i*100+j)
			if schedules && j%2 == 0 {
				fmt.Fprintf(&b, "        expect: {cron: \"%d %d * * %d\", timezone: Europe/Oslo, grace: 45m}\n", j%60, i%24, i%7)
			} else {
				fmt.Fprintf(&b, "        stale_after: %dm\n        warn_after: 30s\n", j+1)
			}
		}
		b.WriteString("      - {name: everyone, stale_after: 1h}\n")
		files = append(files, File{Name: fmt.Sprintf("%d.yaml", i), Data: []byte(b.String())})
	}
	return files
}

// oneFeed has 10,000 rules that differ in a value.
func oneFeed() []File {
	var b strings.Builder
	b.WriteString("escalations: [{name: e, steps: [{notify: [a/b]}]}]\nfeeds:\n  - name: f\n    escalation: e\n    rules:\n")
	for j := range RulesMax - 1 {
		fmt.Fprintf(&b, "      - {name: rule-%d, match: ['tier=\"t%d\"'], stale_after: 5m}\n", j, j)
	}
	b.WriteString("      - {name: everyone, stale_after: 1h}\n")
	return []File{{Name: "a.yaml", Data: []byte(b.String())}}
}

func BenchmarkParse10000Rules(b *testing.B) {
	for name, files := range map[string][]File{
		"by age": bigSet(false, false), "half by schedule": bigSet(true, false), "with rosters": bigSet(false, true), "of one feed": oneFeed(),
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Parse(files); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
