package notifiers_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/feedwatch/feedwatch/notifiers"
	"github.com/feedwatch/feedwatch/notifiers/notifiertest"
	"github.com/feedwatch/feedwatch/watchdog"
)

var update = flag.Bool("update", false, "write the golden files anew")

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
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
		t.Errorf("%s differs (run with -update to accept):\n%s", name, got)
	}
}

// reading is a scene in all its words.
func reading(s notifiertest.Scene) string {
	inc := s.Incident
	var page *watchdog.Page
	if len(inc.Pages) > 0 {
		page = &inc.Pages[len(inc.Pages)-1]
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n\n", notifiers.Headline(inc))
	for _, f := range notifiers.Facts(inc, s.Now.Time()) {
		fmt.Fprintf(&b, "%-15s| %s\n", f.Name, marked(f.Line()))
	}
	fmt.Fprintf(&b, "\nSummary: %s\n\n", notifiers.Summary(inc, page, s.Now.Time()))
	for i := range inc.Events {
		for _, l := range notifiers.EventLines(inc, &inc.Events[i]) {
			fmt.Fprintf(&b, "> %s\n", marked(l))
		}
	}
	return b.String()
}

func marked(l notifiers.Line) string {
	var b strings.Builder
	for _, s := range l {
		mark := map[notifiers.Style]string{notifiers.Bold: "**", notifiers.Code: "`"}[s.Style]
		b.WriteString(mark + s.Text + mark)
	}
	return b.String()
}

func TestWords(t *testing.T) {
	for _, s := range notifiertest.Scenes() {
		t.Run(s.Name, func(t *testing.T) { golden(t, s.Name+".txt", reading(s)) })
	}
}

// TestSummaryOnAPhone: the first 80 characters carry who, how many, since when
// and the loss, also for a long name.
func TestSummaryOnAPhone(t *testing.T) {
	for _, feed := range []string{"a", "external-profiles", strings.Repeat("long-", 20)} {
		inc := notifiertest.Open().Incident
		inc.Feed = feed
		s := notifiers.Summary(inc, nil, notifiertest.Open().Now.Time())
		phone := string([]rune(s)[:min(80, utf8.RuneCountInString(s))])
		for _, want := range []string{feed[:min(len(feed), 12)], "silent: 1,248/1,248 since 24 Nov 00:00Z; loss 1 Dec 00:00Z"} {
			if !strings.Contains(phone, want) {
				t.Errorf("a phone shows %q, without %q", phone, want)
			}
		}
	}
}

// TestNastyWords: whatever the names are, every text is one bounded line of
// printable characters.
func TestNastyWords(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := notifiertest.NastyScene(t)
		inc, now := s.Incident, s.Now.Time()
		check := func(what, text string, runesMax int) {
			if n := utf8.RuneCountInString(text); n > runesMax || !utf8.ValidString(text) {
				t.Fatalf("%s: %d characters, valid %v: %q", what, n, utf8.ValidString(text), text)
			}
			if strings.ContainsFunc(text, func(r rune) bool { return unicode.IsControl(r) || r == '\u202e' || r == '\u2028' }) {
				t.Fatalf("%s: not one printable line: %q", what, text)
			}
			if strings.Count(text, "\u2068") != strings.Count(text, "\u2069") {
				t.Fatalf("%s: an isolate is not closed: %q", what, text)
			}
		}
		check("headline", notifiers.Headline(inc), 300)
		check("subject", notifiers.Subject(inc), notifiers.SummaryPhoneChars)
		check("summary", notifiers.Summary(inc, nil, now), notifiers.SummaryCharsMax)
		facts := notifiers.Facts(inc, now)
		if len(facts) == 0 || len(facts) > 12 {
			t.Fatalf("%d facts", len(facts))
		}
		for _, f := range facts {
			check(f.Name, f.Text.String(), 1000)
		}
		for i := range inc.Events {
			for _, l := range notifiers.EventLines(inc, &inc.Events[i]) {
				check("event", l.String(), 1500)
			}
		}
	})
}

// TestLostLine is the sentence of the customer notice.
func TestLostLine(t *testing.T) {
	cases := []struct {
		scene notifiertest.Scene
		want  string
	}{
		{notifiertest.Open(), ""},
		{notifiertest.Blind(), ""},
		{notifiertest.ResolvedWithoutLoss(), ""},
		{notifiertest.Losing(), "Data has been lost since 1 Dec 00:00 UTC (2 d 17 h): updates from 24 Nov 00:00 to 26 Nov 17:00 UTC are gone, and more by the minute. The queue keeps 7 d."},
		{notifiertest.Resolved(), "Lost: updates from 24 Nov 00:00 to 26 Nov 18:00 UTC, for 1,248 clients."},
	}
	for _, c := range cases {
		if got := notifiers.LostLine(c.scene.Incident, c.scene.Now.Time()).String(); got != c.want {
			t.Errorf("%s: %q, want %q", c.scene.Name, got, c.want)
		}
	}
	risky := notifiertest.Resolved()
	risky.Incident.Loss.AtRisk, risky.Incident.Loss.ByArrival = true, true
	risky.Incident.Loss.EventAgain = notifiertest.At("2025-11-26 17:00")
	want := "Lost or at risk: updates from 24 Nov 00:00 to 26 Nov 18:00 UTC, for 1,248 clients. " +
		"The first to arrive again was made 26 Nov 17:00 UTC; the wider interval is given. Told by time of arrival: the feed sends no event times."
	if got := notifiers.LostLine(risky.Incident, risky.Now.Time()).String(); got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
