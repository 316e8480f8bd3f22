package report_test

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"pgregory.net/rapid"

	"github.com/feedwatch/feedwatch/notifiers"
	"github.com/feedwatch/feedwatch/notifiers/notifiertest"
	"github.com/feedwatch/feedwatch/watchdog"
	"github.com/feedwatch/feedwatch/watchdog/feed"
	"github.com/feedwatch/feedwatch/watchdog/report"
)

var update = flag.Bool("update", false, "write the golden files anew")

// words are those that feedwatch itself reports in.
func words() report.Words {
	return report.Words{
		Headline: notifiers.Headline, Affected: notifiers.Affected, Where: notifiers.Where,
		Event: func(inc *watchdog.Incident, e *watchdog.Event) []string {
			var all []string
			for _, l := range notifiers.EventText(inc, e) {
				all = append(all, l.String())
			}
			return all
		},
		Again: notifiers.Again, Day: notifiers.Day, Age: notifiers.Age, Count: notifiers.Count, About: notifiers.About,
		Clean: notifiers.Clean, Link: notifiers.SafeLink,
	}
}

func markdown(t testing.TB, r *report.Report) string {
	t.Helper()
	var b strings.Builder
	if err := r.Markdown(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func htmlOf(t testing.TB, r *report.Report) string {
	t.Helper()
	var b strings.Builder
	if err := r.HTML(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// The golden files: each scene as a document.
func TestScenes(t *testing.T) {
	for _, s := range notifiertest.Scenes() {
		if s.Incident.Drill != nil {
			continue // nothing happened that could be reported
		}
		t.Run(s.Name, func(t *testing.T) {
			got := markdown(t, report.New(s.Incident, nil, nil, s.Now, words()))
			path := filepath.Join("testdata", s.Name+".md")
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
				t.Errorf("%s differs (run with -update to accept):\n%s", path, got)
			}
		})
	}
}

func at(hour, minute, second int) feed.Instant {
	return feed.At(time.Date(2025, 11, 24, hour, minute, second, 0, time.UTC))
}

// When updates were current again is rounded up to what the document shows, and
// never past the time at which that was seen.
func TestNormalAgain(t *testing.T) {
	for _, c := range []struct {
		name                string
		allowed             time.Duration
		current, well, want feed.Instant
	}{
		{"up to the minute", 5 * time.Minute, at(12, 29, 27), at(12, 36, 0), at(12, 30, 0)},
		{"a whole minute stays", 5 * time.Minute, at(12, 30, 0), at(12, 36, 0), at(12, 30, 0)},
		{"not past what was seen", 5 * time.Minute, at(12, 29, 27), at(12, 29, 40), at(12, 29, 40)},
		{"rules in seconds", 5 * time.Second, at(12, 29, 27) + 1, at(12, 29, 40), at(12, 29, 28)},
		{"not known to the update", 5 * time.Minute, 0, at(12, 36, 1), at(12, 36, 1)},
		{"not over", 5 * time.Minute, at(12, 29, 27), 0, 0},
	} {
		inc := notifiertest.Resolved().Incident
		inc.Allowed, inc.Current, inc.WellSince = c.allowed, c.current, c.well
		if got := report.New(inc, nil, nil, at(14, 0, 0), words()).Times.NormalAgain; got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

func TestIntervals(t *testing.T) {
	inc := notifiertest.Resolved().Incident
	inc.Events = append(inc.Events, watchdog.Event{At: at(0, 40, 0), Kind: watchdog.EventAcknowledged, Who: "bob"})
	r := report.New(inc, nil, nil, at(14, 0, 0), words())
	if i := r.Intervals; i.Detect != 5*time.Minute || i.Acknowledge != 7*time.Minute || r.Times.AcknowledgedBy != "@on-call" {
		t.Errorf("intervals are %+v, acknowledged by %s", i, r.Times.AcknowledgedBy)
	}
	if i := r.Intervals; i.Silent+i.CatchUp != i.Duration || i.Recover+i.Detect != i.Duration {
		t.Errorf("intervals do not add up: %+v", i)
	}
	open := report.New(notifiertest.Open().Incident, nil, nil, at(1, 0, 0), words())
	if i := open.Intervals; i.Duration != time.Hour || i.Recover != 0 || i.Silent != 0 || i.Acknowledge != 0 {
		t.Errorf("of an open one intervals are %+v", i)
	}
}

// Clients that lost the same are one row; the JSON form has each.
func TestLedger(t *testing.T) {
	lost := watchdog.LedgerRow{From: at(0, 0, 0), To: at(6, 0, 0), Updates: 1000}
	ledger := []watchdog.LedgerRow{}
	for _, client := range []string{"acme", "globex", "initech", "umbrella", "hooli", "vehement", "massive"} {
		row := lost
		row.Client = client
		ledger = append(ledger, row)
	}
	ledger = append(ledger,
		watchdog.LedgerRow{Client: "pi|pe", From: at(0, 0, 0), To: at(1, 0, 0)},
		watchdog.LedgerRow{Client: "long", From: at(0, 0, 0), To: at(9, 0, 0), Updates: -1, ByArrival: true, AtRisk: true})
	r := report.New(notifiertest.Resolved().Incident, ledger, []report.Measure{}, at(14, 0, 0), words())
	if r.Lost.From != at(0, 0, 0) || r.Lost.To != at(9, 0, 0) || r.Lost.Estimate != 7000 || !r.Lost.AtRisk {
		t.Errorf("lost %+v", r.Lost)
	}
	text := markdown(t, r)
	for _, want := range []string{
		"| acme, globex, initech, umbrella, hooli and 2 more | 24 Nov 2025 00:00 to 24 Nov 2025 06:00 UTC (6 h) | about 7,000",
		`| pi\|pe`, "at risk: the wider of two answers", "not counted",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	if strings.Index(text, "| long") > strings.Index(text, "| acme") {
		t.Error("who lost most does not stand first")
	}
	var b strings.Builder
	if err := r.JSON(&b); err != nil {
		t.Fatal(err)
	}
	var back report.Report
	if err := json.Unmarshal([]byte(b.String()), &back); err != nil || len(back.Ledger) != len(ledger) || back.Measures == nil {
		t.Errorf("the JSON has %d rows, %v", len(back.Ledger), err)
	}
}

// Pages that only repeat one are one entry.
func TestRepeatsAreOneEntry(t *testing.T) {
	inc := notifiertest.Open().Incident
	target := inc.Pages[0].Targets
	for i := range 48 {
		n := len(inc.Pages) + 1
		inc.Pages = append(inc.Pages, watchdog.Page{N: n, At: at(1+i/2, 30*(i%2), 0), Reason: watchdog.ReasonRepeat, Targets: target})
		inc.Events = append(inc.Events, watchdog.Event{At: inc.Pages[n-1].At, Kind: watchdog.EventPaged, Page: n})
		if i == 20 {
			inc.Events = append(inc.Events, watchdog.Event{At: at(11, 1, 0), Kind: watchdog.EventAcknowledged, Who: "ada"})
		}
	}
	r := report.New(inc, nil, nil, feed.At(time.Date(2025, 11, 26, 0, 0, 0, 0, time.UTC)), words())
	var repeats []string
	for _, e := range r.Timeline {
		if !e.Until.IsZero() {
			repeats = append(repeats, e.Text[len(e.Text)-1])
		}
	}
	want := "... and again every 30 min, 20 times, until 24 Nov 2025 11:00 UTC.\n... and again every 30 min, 26 times, until 25 Nov 2025 00:30 UTC."
	if got := strings.Join(repeats, "\n"); got != want {
		t.Errorf("repeats are\n%s\nwant\n%s", got, want)
	}
}

// Whatever a client, a person or a source is called, a document is one document:
// nothing of it runs, and no cell leaves its table.
func TestNastyTexts(t *testing.T) {
	cells := regexp.MustCompile(`(?:^|[^\\])(?:\\\\)*\|`)
	rapid.Check(t, func(rt *rapid.T) {
		s := notifiertest.NastyScene(rt)
		nasty := s.Incident.Owner
		ledger := []watchdog.LedgerRow{{Client: nasty, From: at(0, 0, 0), To: at(1, 0, 0), Updates: 1e300}}
		measures := []report.Measure{{What: nasty, Owner: nasty, Status: report.StatusOpen}}
		r := report.New(s.Incident, ledger, measures, s.Now, words())

		text := markdown(t, r)
		width := 0
		for _, line := range strings.Split(text, "\n") {
			if strings.ContainsFunc(line, func(c rune) bool { return unicode.IsControl(c) }) {
				rt.Fatalf("a control character in %q", line)
			}
			if !strings.HasPrefix(line, "|") {
				width = 0
				continue
			}
			n := len(cells.FindAllString(line, -1))
			if width != 0 && n != width {
				rt.Fatalf("%d cells in a table of %d: %q", n, width, line)
			}
			width = n
		}
		if strings.Contains(text, "<!") || strings.Contains(text, "javascript:") {
			rt.Fatalf("mark-up in\n%s", text)
		}
		checkHTML(rt, htmlOf(t, r))
	})
}

var (
	tags  = regexp.MustCompile(`<(/?[^\s>]*)([^>]*)>`)
	hrefs = regexp.MustCompile(`^ href="https://[^"]*"$`)
)

// checkHTML holds that a page has the elements of its template, and no others: a
// < that is text stands as &lt;.
func checkHTML(t *rapid.T, page string) {
	known := strings.Fields("!doctype html head meta title style body main h1 h2 p dl div dt dd a table thead tbody tr th td")
	for _, tag := range tags.FindAllStringSubmatch(page, -1) {
		if !slices.Contains(known, strings.TrimPrefix(tag[1], "/")) {
			t.Fatalf("an element %q", tag[0])
		}
		if tag[1] == "a" && !hrefs.MatchString(tag[2]) || strings.Contains(tag[2], " on") {
			t.Fatalf("an attribute in %q", tag[0])
		}
	}
}

func TestMeasures(t *testing.T) {
	if s, err := report.ParseStatus("in_progress"); err != nil || s.String() != "in progress" {
		t.Errorf("%s, %v", s, err)
	}
	if s, err := report.ParseStatus(""); err != nil || s != report.StatusOpen {
		t.Errorf("%s, %v", s, err)
	}
	for _, wrong := range []string{"Open", "in progress", "closed"} {
		if _, err := report.ParseStatus(wrong); err == nil {
			t.Errorf("status %q is taken", wrong)
		}
	}
	for s, ok := range map[string]bool{"": true, "2026-01-31": true, "2026-02-30": false, "31.1.2026": false, "soon": false} {
		if _, err := report.ParseDate(s); (err == nil) != ok {
			t.Errorf("due %q: %v", s, err)
		}
	}
	for _, wrong := range []report.Measure{{}, {What: " "}, {What: strings.Repeat("x", report.MeasureTextRunesMax+1)}, {What: "x", Owner: strings.Repeat("x", 101)}} {
		if wrong.Check() == nil {
			t.Errorf("%+.40v is taken", wrong)
		}
	}
}
