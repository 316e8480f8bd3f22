package ruletest

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/feedwatch/feedwatch/rules"
	"github.com/feedwatch/feedwatch/watchdog"
	"github.com/feedwatch/feedwatch/watchdog/feed"
)

var update = flag.Bool("update", false, "write into the pages what their examples do")

var (
	rightExample = regexp.MustCompile("(?ms)^Right:\n\n```yaml\n(.*?)^```$")
	story        = regexp.MustCompile(`\n\nSilent since [^\n]*\n`)
	silentSince  = time.Date(2026, time.January, 5, 12, 0, 0, 0, time.UTC)
)

// Each right example of docs/rules does what its page says of it: all its feeds
// are updated each minute until noon, and then no more.
func TestExamplesPageWhenTheirPageSays(t *testing.T) {
	paths, err := filepath.Glob(filepath.Join(repository, "docs/rules/*.md"))
	if err != nil || len(paths) < len(rules.Checks()) {
		t.Fatalf("%d pages, %v", len(paths), err)
	}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		at := rightExample.FindSubmatchIndex(text)
		if at == nil {
			if filepath.Base(path) != "README.md" {
				t.Errorf("%s has no right example", path)
			}
			continue
		}
		t.Run(strings.TrimSuffix(filepath.Base(path), ".md"), func(t *testing.T) {
			want := "\n\n" + firstPage(t, string(text[at[2]:at[3]])) + "\n"
			said := story.FindIndex(text[at[1]:])
			if *update {
				rest := string(text[at[1]:])
				if said != nil {
					rest = rest[:said[0]] + "\n" + rest[said[1]:]
				}
				if err := os.WriteFile(path, []byte(string(text[:at[1]])+want+strings.TrimPrefix(rest, "\n")), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if said == nil || said[0] != 0 {
				t.Fatalf("behind its right example the page does not say\n%s", want)
			}
			if got := string(text[at[1]+said[0] : at[1]+said[1]]); got != want {
				t.Errorf("the page says%swhat happens is%s", got, want)
			}
		})
	}
}

// pageRoster is the file that the pages' rosters name.
var pageRoster = rules.File{Name: "clients.csv", Data: []byte("client,tier,cluster\nacme,enterprise,fsn1\nglobex,,hel1\n")}

// firstPage is what a page says of an example, after the machine; the time is held
// against the rules' own words.
func firstPage(t *testing.T, text string) string {
	t.Helper()
	set, err := rules.Parse([]rules.File{{Name: "rules.yaml", Data: []byte(text)}, pageRoster})
	if err != nil {
		t.Fatal(err)
	}
	test := Test{Feed: set.Feeds()[0].Name(), From: feed.At(silentSince.Add(-time.Hour)), Until: feed.At(silentSince.AddDate(0, 0, 60)), Interval: time.Minute}
	beats := slices.Repeat([]bool{true}, 61)
	soonest := test.Until
	for _, f := range set.Feeds() {
		for _, c := range exampleClients(t, f) {
			test.Series = append(test.Series, Series{Feed: f.Name(), Clients: []string{c.Key.Client()}, Labels: c.Labels, Beats: beats})
			soonest = min(soonest, staleAt(f.Govern(c.Key.Client(), c.Labels)))
		}
		for _, r := range f.GroupRules() {
			soonest = min(soonest, staleAt(r))
		}
		test.Verdicts = append(test.Verdicts, Verdict{At: test.Until.Sub(test.From), Feed: f.Name(), Want: watchdog.Stale})
	}
	r, err := test.play(set)
	if err != nil || len(r.differences) > 0 || len(r.pages) == 0 {
		t.Fatalf("%v, %v, %d pages", err, r.differences, len(r.pages))
	}
	first := r.pages[0]
	at := test.From.Add(first.At)
	if at != soonest {
		t.Errorf("the first page is at %s, and the rules say %s", at, soonest)
	}
	return told(first.To, time.UnixMilli(int64(at)).UTC())
}

// exampleClients are the roster, or some that the examples speak of.
func exampleClients(t *testing.T, f *rules.Feed) []rules.Expected {
	t.Helper()
	if all := f.Roster(); len(all) > 0 {
		return all
	}
	var all []rules.Expected
	for name, pairs := range map[string]map[string]string{
		"acme":  {"tier": "enterprise", "cluster": "fsn1"},
		"other": {"tier": "pro", "cluster": "hel1"},
		"batch": {},
	} {
		key, err := feed.ParseKey(f.Name(), name)
		if err != nil {
			t.Fatal(err)
		}
		labels, err := feed.ParseLabels(pairs)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, rules.Expected{Key: key, Labels: labels})
	}
	return all
}

// staleAt is when what r governs is stale after a last update at noon.
func staleAt(r *rules.Rule) feed.Instant {
	switch last := feed.At(silentSince); {
	case r == nil:
		return last.Add(SpanMax)
	case r.Expect() != nil:
		return r.Expect().Deadline(last)
	default:
		return last.Add(r.StaleAfter())
	}
}

func told(targets []rules.Target, at time.Time) string {
	names := make([]string, len(targets))
	for i, target := range targets {
		names[i] = "`" + target.String() + "`"
	}
	when := at.Format("15:04")
	if at.YearDay() != silentSince.YearDay() {
		when += at.Format(" on 2 January")
	}
	return fmt.Sprintf("Silent since 5 January 2026, 12:00 UTC, it tells %s first, at %s.", strings.Join(names, " and "), when)
}
