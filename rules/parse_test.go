package rules

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/feedwatch/feedwatch/watchdog/feed"
)

func mustParse(t testing.TB, texts ...string) *Set {
	t.Helper()
	var files []File
	for i, text := range texts {
		files = append(files, File{Name: fmt.Sprintf("%d.yaml", i), Data: []byte(text)})
	}
	set, err := Parse(files)
	if err != nil {
		t.Fatalf("%v\nin\n%s", err, strings.Join(texts, "\n---\n"))
	}
	return set
}

func mustFeed(t testing.TB, set *Set, name string) *Feed {
	t.Helper()
	f, ok := set.Feed(name)
	if !ok {
		t.Fatalf("no feed %q", name)
	}
	return f
}

func mustLabels(t testing.TB, pairs map[string]string) feed.Labels {
	t.Helper()
	labels, err := feed.ParseLabels(pairs)
	if err != nil {
		t.Fatal(err)
	}
	return labels
}

func TestParseExample(t *testing.T) {
	files, err := LoadDir("testdata/good")
	if err != nil {
		t.Fatal(err)
	}
	set, err := Parse(files)
	if err != nil {
		t.Fatal(err)
	}
	f := mustFeed(t, set, "external-profiles")
	if f.Owner() != "cdp-team" || f.Retention() != 7*24*time.Hour || f.Escalation().Name() != "cdp-on-call" ||
		f.Runbook() != "https://wiki.example.com/runbooks/external-profiles" || f.IgnoreUnmatched() {
		t.Errorf("feed is %+v", f)
	}
	for client, want := range map[string]string{"batch-7": "nightly-imports", "acme": "everyone-else", "big": "enterprise"} {
		labels := feed.Labels{}
		if client == "big" {
			labels = mustLabels(t, map[string]string{"tier": "enterprise"})
		}
		if got := f.Govern(client, labels); got == nil || got.Name() != want {
			t.Errorf("%s is governed by %v, want %s", client, got, want)
		}
	}
	if groups := f.GroupRules(); len(groups) != 1 || groups[0].Implied() || groups[0].StaleAfter() != 5*time.Minute {
		t.Errorf("group rules are %+v", groups)
	}
	nightly := f.ClientRules()[0]
	if s := nightly.Expect(); s.Early() != time.Hour || s.Grace() != 45*time.Minute || s.Timezone() != "Europe/Oslo" || s.Cron() != "0 6 * * 1-5" {
		t.Errorf("schedule is %+v", s)
	}
	if nightly.StaleAfter() != 45*time.Minute || nightly.LagOver() != 72*time.Hour+45*time.Minute {
		t.Errorf("nightly is stale after %s, behind over %s", nightly.StaleAfter(), nightly.LagOver())
	}
	steps := f.Escalation().Steps()
	if len(steps) != 4 || steps[3].BeforeLoss.Duration != 48*time.Hour || steps[2].Repeat != time.Hour {
		t.Errorf("steps are %+v", steps)
	}
	if len(set.Version()) != 12 {
		t.Errorf("version is %q", set.Version())
	}
}

func TestDefaults(t *testing.T) {
	set := mustParse(t, feedWith("rules:\n  - {name: a, stale_after: 30m}"))
	r := mustFeed(t, set, "profiles").ClientRules()[0]
	if r.Per() != PerClient || r.LagOver() != 30*time.Minute || r.ResolveAfter() != 5*time.Minute || r.Severity() != Error ||
		r.WarnAfter() != 0 || r.IdleOK() || r.Expect() != nil || r.Implied() || r.Escalation().Name() != "on-call" {
		t.Errorf("rule is %+v", r)
	}
	if a := feed.Instant(1_000_000); r.Deadline(a) != a.Add(30*time.Minute) {
		t.Errorf("deadline is %s", r.Deadline(a))
	}
	if r.Pos() != (Pos{"0.yaml", 7, 9}) {
		t.Errorf("the rule stands at %s", r.Pos())
	}
}

// Runs that come more often than every two hours would be met by an arrival for
// the run before if an hour were always allowed.
func TestEarlyDefault(t *testing.T) {
	for cron, want := range map[string]time.Duration{"0 6 * * *": time.Hour, "0 * * * *": 30 * time.Minute, "*/15 * * * *": 450 * time.Second} {
		set := mustParse(t, feedWith("rules:\n  - {name: a, expect: {cron: '"+cron+"', grace: 5m}}"))
		if got := mustFeed(t, set, "profiles").ClientRules()[0].Expect().Early(); got != want {
			t.Errorf("%s: early is %s, want %s", cron, got, want)
		}
	}
}

func TestImpliedRule(t *testing.T) {
	for _, c := range []struct {
		name, rules string
		want        []string // group rules
	}{
		{"made from the last client rule", "- {name: a, match: ['x=\"y\"'], stale_after: 1m}\n- {name: b, stale_after: 2m, warn_after: 1m, idle_ok: true}", []string{"whole-feed 2m"}},
		{"not when there is one", "- {name: all, per: feed, stale_after: 1m}\n- {name: b, stale_after: 2m}", []string{"all 1m"}},
		{"when the one there is for some", "- {name: some, per: feed, match: ['x=\"y\"'], stale_after: 1m}\n- {name: b, stale_after: 2m}", []string{"some 1m", "whole-feed 2m"}},
		{"besides one for a label", "- {name: c, per: cluster, stale_after: 1m}\n- {name: b, stale_after: 2m}", []string{"c 1m", "whole-feed 2m"}},
		{"its name is taken", "- {name: whole-feed, stale_after: 2m}", []string{"whole-feed-implied 2m"}},
		{"from a schedule", "- {name: a, expect: {cron: '0 6 * * *', grace: 10m}}", []string{"whole-feed 10m"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := mustFeed(t, mustParse(t, feedWith("rules:\n"+indent(c.rules, "  "))), "profiles")
			var got []string
			for _, r := range f.GroupRules() {
				got = append(got, r.Name()+" "+FormatDuration(r.StaleAfter()))
				if !r.Implied() {
					continue
				}
				last := f.ClientRules()[len(f.ClientRules())-1]
				if r.Severity() != Critical || r.Per() != PerFeed || r.WarnAfter() != 0 || r.Escalation() != f.Escalation() ||
					r.Expect() != last.Expect() || r.IdleOK() != last.IdleOK() || r.Pos() != last.Pos() {
					t.Errorf("implied rule is %+v", r)
				}
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("group rules are %v, want %v", got, c.want)
			}
		})
	}
}

func stepsOf(e *Escalation) string {
	var all []string
	for _, s := range e.Steps() {
		when := FormatDuration(s.After)
		if !s.BeforeLoss.IsZero() {
			when = "loss-" + s.BeforeLoss.String()
		}
		var targets []string
		for _, target := range s.Notify {
			targets = append(targets, target.Name)
		}
		all = append(all, when+":"+strings.Join(targets, "+"))
	}
	return strings.Join(all, " ")
}

func TestLadders(t *testing.T) {
	set := mustParse(t, `
escalations:
  - name: plain
    steps:
      - {after: 30m, notify: [slack/c, slack/a]}
      - {after: 0s, notify: [slack/a]}
      - {after: 5m, notify: [pagerduty/b]}
  - name: loss
    steps:
      - {before_loss: 1h, notify: [slack/x]}
      - {notify: [slack/a]}
      - {before_loss: 50%, notify: [slack/y]}
      - {before_loss: 48h, notify: [slack/z]}
feeds:
  - {name: keeps-nothing, escalation: plain, rules: [{name: a, stale_after: 1m}]}
  - name: keeps-a-week
    escalation: plain
    retention: 7d
    rules: [{name: a, match: [tier="x"], escalation: loss, stale_after: 1m}, {name: b, stale_after: 1m}]
  - {name: keeps-3-days, escalation: loss, retention: 3d, rules: [{name: a, stale_after: 1m}]}
`)
	week := mustFeed(t, set, "keeps-a-week")
	for _, c := range []struct {
		what string
		got  *Escalation
		want string
	}{
		{"without retention", mustFeed(t, set, "keeps-nothing").Escalation(), "0s:a 5m:b 30m:c+a"},
		{"with the implied step", week.Escalation(), "0s:a 5m:b 30m:c+a loss-50%:a+b+c"},
		{"of the implied rule", week.GroupRules()[0].Escalation(), "0s:a 5m:b 30m:c+a loss-50%:a+b+c"},
		{"of a rule", week.ClientRules()[0].Escalation(), "0s:a loss-50%:y loss-48h:z loss-1h:x"},
		{"half of three days is less than 48h", mustFeed(t, set, "keeps-3-days").Escalation(), "0s:a loss-48h:z loss-50%:y loss-1h:x"},
		{"as written", set.Escalations()[0], "0s:a 5m:b 30m:c+a"},
	} {
		// 48h is shown in days.
		if got := strings.ReplaceAll(stepsOf(c.got), "loss-2d", "loss-48h"); got != c.want {
			t.Errorf("%s: steps are %s, want %s", c.what, got, c.want)
		}
	}
}

func TestAnchorsAndMerges(t *testing.T) {
	set := mustParse(t, `
feeds:
  - &base
    name: one
    escalation: e
    retention: 7d
    rules: &rules
      - &rule {name: a, stale_after: 1m, severity: info, match: ['tier="x"']}
      - {<<: *rule, name: b, match: []}
  - {<<: *base, name: two}
  - {name: three, escalation: e, rules: *rules, unmatched: ignore}
escalations: [{name: e, steps: [{notify: [a/b]}]}]
`)
	two := mustFeed(t, set, "two")
	if two.Retention() != 7*24*time.Hour || len(two.ClientRules()) != 2 || two.ClientRules()[1].Severity() != Info {
		t.Errorf("feed two is %+v", two)
	}
	if one := mustFeed(t, set, "one"); one.ClientRules()[0] == two.ClientRules()[0] {
		t.Error("two feeds share a rule")
	}
}

func TestRoster(t *testing.T) {
	set := mustParse(t, feedWith("roster: [acme, 007, no, {client: globex, labels: {tier: enterprise, zone: 1}}]\n"+everyone))
	var got []string
	for _, e := range mustFeed(t, set, "profiles").Roster() {
		got = append(got, e.Key.String()+" "+e.Labels.String())
	}
	want := []string{"profiles/acme ", "profiles/007 ", "profiles/no ", "profiles/globex tier=enterprise, zone=1"}
	if !slices.Equal(got, want) {
		t.Errorf("roster is %q, want %q", got, want)
	}
}

func TestManyFilesMakeOneSet(t *testing.T) {
	a, b := "feeds:\n  - name: x\n    escalation: e\n    "+everyone, "escalations: [{name: e, steps: [{notify: [a/b]}]}]"
	set := mustParse(t, a, "# nothing", "", "---\n", b)
	if len(set.Feeds()) != 1 || len(set.Escalations()) != 1 {
		t.Errorf("set has %d feeds", len(set.Feeds()))
	}
	same, err := Parse([]File{{"rules/0.yaml", []byte(a)}, {"rules/1.yaml", []byte("# nothing")}, {"2.yaml", nil}, {"3.yaml", []byte("---\n")}, {"4.yaml", []byte(b)}})
	if err != nil || same.Version() != set.Version() {
		t.Errorf("the same files elsewhere are version %v, %v; want %s", same, err, set.Version())
	}
	if other := mustParse(t, a+"\n", "# nothing", "", "---\n", b); other.Version() == set.Version() {
		t.Error("other contents have the same version")
	}
	if other := mustParse(t, a, "# nothing", "", "---\n"+b); other.Version() == set.Version() {
		t.Error("contents that moved between files have the same version")
	}
}

func TestLimits(t *testing.T) {
	good := []byte(feedWith(everyone))
	many := make([]File, FilesMax+1)
	for i := range many {
		many[i] = File{Name: fmt.Sprint(i), Data: []byte("# x")}
	}
	big := make([]File, SetBytesMax/FileBytesMax+1)
	for i := range big {
		big[i] = File{Name: fmt.Sprint(i), Data: bytes.Repeat([]byte("#"), FileBytesMax)}
	}
	bomb := "a: &a [x, x, x, x, x, x, x, x, x, x]\n"
	for _, name := range []string{"b", "c", "d", "e", "f", "g", "h", "i"} {
		prev := string(name[0] - 1)
		bomb += name + ": &" + name + " [" + strings.Repeat("*"+prev+", ", 9) + "*" + prev + "]\n"
	}
	rules := "feeds: [{name: x, rules: [" + "&r {name: r}," + strings.Repeat("*r,", RulesMax) + "]}]"
	manyNodes := "feeds:\n  - name: x\n    roster: &r ["
	var names strings.Builder
	for i := range 100_000 {
		fmt.Fprintf(&names, "%d,", i)
	}
	manyNodes += names.String() + "]\n" + strings.Repeat("  - {name: x, roster: *r}\n", 20)
	for _, c := range []struct {
		name  string
		files []File
		want  string
	}{
		{"files", many, "1001 rule files; at most 1000 are allowed"},
		{"bytes of all", big, "together; at most 67108864 are allowed"},
		{"bytes of one", []File{{"a.yaml", append(good, bytes.Repeat([]byte("#"), FileBytesMax)...)}}, "a.yaml:1:1: the file has more than 1048576 bytes"},
		{"rules", []File{{"a.yaml", []byte(rules)}}, "more than 10000 rules in all files"},
		{"findings", []File{{"a.yaml", []byte("feeds: [" + strings.Repeat("x,", 2*FindingsMax) + "]")}}, "at least 10000 errors in 1 file."},
		{"aliases of aliases", []File{{"a.yaml", []byte(bomb)}}, "unknown key"},
		{"aliases that are visited", []File{{"a.yaml", []byte(manyNodes)}}, "the file has more than 1000000 nodes once its aliases are followed"},
		{"a circle", []File{{"a.yaml", []byte("feeds: &a [*a]")}}, "a feed is a list"},
		{"a circle of merges", []File{{"a.yaml", []byte("feeds: [&a {<<: *a}]")}}, `"<<" takes a mapping`},
		{"nesting", []File{{"a.yaml", bytes.Repeat([]byte("["), 100_000)}}, "depth"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Parse(c.files)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error is %.2000v, want %s", err, c.want)
			}
		})
	}
}

func TestFindingsErrorIsBounded(t *testing.T) {
	_, err := Parse([]File{{"a.yaml", []byte("feeds: [" + strings.Repeat("x,", 5000) + "]")}})
	var found *Findings
	if !errors.As(err, &found) || len(found.All) != 5000 {
		t.Fatalf("error is %.200v", err)
	}
	text := err.Error()
	if !strings.HasSuffix(text, "... and 4900 more.\n\n5000 errors in 1 file.") || len(text) > 100_000 {
		t.Errorf("%d bytes, ending %q", len(text), text[len(text)-60:])
	}
}

// The golden files: rule files in, and the text of the error.
func TestGoldenFindings(t *testing.T) {
	golden(t, "testdata/wrong/*", func(t *testing.T, _ *Set, err error) string {
		if err == nil {
			t.Fatal("no error")
		}
		return err.Error()
	})
}

// Sets that are taken, and the text of their warnings.
func TestGoldenWarnings(t *testing.T) {
	golden(t, "testdata/warn/*", func(t *testing.T, set *Set, err error) string {
		if err != nil {
			t.Fatal(err)
		}
		return set.Warnings().Error()
	})
}

func golden(t *testing.T, pattern string, said func(*testing.T, *Set, error) string) {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(pattern, "findings.txt"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no golden files: %v", err)
	}
	for _, path := range paths {
		dir := filepath.Dir(path)
		t.Run(filepath.Base(dir), func(t *testing.T) {
			files, err := LoadFS(os.DirFS(dir))
			if err != nil {
				t.Fatal(err)
			}
			set, err := Parse(files)
			got := said(t, set, err) + "\n"
			if *update {
				if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("found\n%s\nwant\n%s", got, want)
			}
		})
	}
}
