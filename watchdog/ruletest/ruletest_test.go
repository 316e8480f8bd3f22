package ruletest

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/feedwatch/feedwatch/rules"
)

const repository = "../.."

func rulesOf(t *testing.T, dir string) *rules.Set {
	t.Helper()
	files, err := rules.LoadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	set, err := rules.Parse(files)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func parse(t *testing.T, text string) *Suite {
	t.Helper()
	s, err := Parse("a.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// The tests that are shipped, and those that the documentation shows, pass.
func TestExamplesPass(t *testing.T) {
	set := rulesOf(t, filepath.Join(repository, "deploy/examples/rules"))
	page, err := os.ReadFile(filepath.Join(repository, "docs/rule-tests.md"))
	if err != nil {
		t.Fatal(err)
	}
	shipped, err := os.ReadFile(filepath.Join(repository, "deploy/examples/tests/profiles.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	texts := []string{string(shipped)}
	for _, m := range regexp.MustCompile("(?ms)^```yaml\n(.*?)^```$").FindAllStringSubmatch(string(page), -1) {
		texts = append(texts, m[1])
	}
	if len(texts) < 2 {
		t.Fatal("the page has no example")
	}
	for _, text := range texts {
		for _, test := range parse(t, text).Tests {
			differences, err := test.Run(set)
			if err != nil || len(differences) > 0 {
				t.Errorf("%s: %v, %v", test.Name, differences, err)
			}
		}
	}
}

// Two feeds, one cluster, an acknowledgement that ends, a growing scope.
func TestRun(t *testing.T) {
	set := func(text string) *rules.Set {
		s, err := rules.Parse([]rules.File{{Name: "a.yaml", Data: []byte(text)}})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}(`
feeds:
  - name: profiles
    escalation: on-call
    rules: [{name: whole, per: feed, stale_after: 5h}, {name: everyone, stale_after: 5m}]
  - name: consent
    escalation: on-call
    depends_on: [profiles]
    rules: [{name: whole, per: feed, stale_after: 5h}, {name: everyone, stale_after: 10m, lag_over: 1h}]
escalations:
  - name: on-call
    steps: [{notify: [slack/alerts]}, {after: 30m, notify: [pagerduty/cdp]}]
`)
	suite := parse(t, `
rules: rules
tests:
  - name: two feeds
    feed: profiles
    from: 2026-11-24T00:00:00Z
    until: 2h
    heartbeats:
      - {client: a, count: 20, labels: {cluster: fsn1}, beats: "x10 _110"}
      - {client: b, count: 20, labels: {cluster: hel1}, beats: "x120"}
      - {client: a, count: 20, feed: consent, labels: {cluster: fsn1}, beats: "x10 _110"}
      - {client: b, count: 20, feed: consent, labels: {cluster: hel1}, lag: 30m, beats: "x120"}
    acknowledge:
      - {at: 20m, by: anna, for: 1h}
    expect:
      - {at: 30m, feed: consent, clients: {a-1: stale}, feeds: {profiles: stale}}
      - {at: 30m, clients: {b-20: fresh}}
    pages:
      - {at: 14m, to: [slack/alerts], feed: profiles, scope: cluster=fsn1}
      - {at: 1h20m, to: [slack/alerts], feed: profiles, reason: acknowledgement_expired}
      - {at: 1h22m, to: [pagerduty/cdp], feed: profiles}
`)
	differences, err := suite.Tests[0].Run(set)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range differences {
		t.Log(d.Text)
	}
	if len(differences) > 0 {
		t.Error("it is not as expected")
	}
	again, err := suite.Tests[0].Run(set)
	if err != nil || !slices.Equal(differences, again) {
		t.Errorf("run again it gives %v, %v", again, err)
	}
}

// A diff has each line of both sides, in order, and says the same of what fits.
func TestComparedKeepsBothSides(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pages := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Page {
			return Page{At: time.Duration(rapid.IntRange(0, 3).Draw(t, "at")) * time.Minute}
		}), 0, 6)
		want, got := pages.Draw(t, "want"), pages.Draw(t, "got")
		var left, right []string
		same := 0
		for _, line := range compared(want, got, Page.fits, Page.String) {
			if line[0] != '+' {
				left = append(left, line[2:])
			}
			if line[0] != '-' {
				right = append(right, line[2:])
			}
			if line[0] == ' ' {
				same++
			}
		}
		text := func(all []Page) (lines []string) {
			for _, p := range all {
				lines = append(lines, p.String())
			}
			return lines
		}
		if !slices.Equal(left, text(want)) || !slices.Equal(right, text(got)) {
			t.Fatalf("%v and %v give %v and %v", want, got, left, right)
		}
		if slices.Equal(text(want), text(got)) && same != len(want) {
			t.Fatal("equal sides differ")
		}
	})
}

func TestLongDiffsAreCut(t *testing.T) {
	lines := shortened(slices.Repeat([]string{"+ x"}, linesMax+2))
	if len(lines) != linesMax+1 || !strings.Contains(lines[linesMax], "2 more") {
		t.Errorf("%d lines, the last %q", len(lines), lines[len(lines)-1])
	}
}

func FuzzParse(f *testing.F) {
	shipped, err := os.ReadFile(filepath.Join(repository, "deploy/examples/tests/profiles.yaml"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(shipped)
	f.Add([]byte("rules: x\ntests:\n  - {name: a, feed: b, from: 2026-11-24T00:00:00Z, heartbeats: [{client: c, beats: x1000000}], pages: []}"))
	f.Add([]byte("rules: x\ntests: [{name: a, expect: [{at: 1m, clients: [x]}]}]"))
	f.Fuzz(func(t *testing.T, text []byte) {
		s, err := Parse("a.yaml", text)
		if err != nil {
			var found *rules.Findings
			if !errors.As(err, &found) || len(found.All) == 0 {
				t.Fatalf("error %v is no *Findings", err)
			}
			return
		}
		for _, test := range s.Tests {
			beats := 0
			for _, series := range test.Series {
				beats += len(series.Clients) * len(series.Beats)
			}
			if test.Until < test.From || test.Until.Sub(test.From) > SpanMax || beats > BeatsMax {
				t.Fatalf("test %+v", test)
			}
		}
	})
}
