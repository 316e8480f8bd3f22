package rules

import (
	"strings"
	"testing"
	"time"

	"github.com/feedwatch/feedwatch/watchdog/feed"
)

var wrongIgnores = []wrongFile{
	{"ignored for ever, for no reason", feedWith("ignore: [{match: ['tier=\"x\"']}]\n" + everyone), []string{
		`6:14: clients are ignored without a reason -> write reason: why nobody is to be told of them`,
		`6:14: clients are ignored without an end -> write until: 2026-12-31: from that day on they are watched again`,
	}},
	{"nobody in particular", feedWith("ignore: [{reason: a, until: 2026-12-31}, {match: [], reason: a, until: 2026-12-31}]\n" + everyone), []string{
		`6:14: an ignore does not say whom it is for -> write match: ['client="acme"']`,
		`6:47: nobody of the feed would be watched -> match fewer clients; to end the watch of a feed write retired_feeds:`,
	}},
	{"a day that is none", feedWith("ignore: [{match: ['tier=\"x\"'], reason: a, until: 2026-02-30}, {match: ['tier=\"x\"'], reason: a, until: soon}]\n" + everyone), []string{
		`6:54: until is "2026-02-30", and must be a day -> write for example 2026-12-31`,
		`6:107: until is "soon", and must be a day -> write for example 2026-12-31`,
	}},
	{"too many", feedWith("ignore: [" + strings.Repeat(`{match: ['tier="x"'], reason: a, until: 2026-12-31}, `, IgnoresMax+1) + "]\n" + everyone), []string{
		`6:13: a feed ignores clients in more than 100 ways -> match several at once: client=~"a|b|c"`,
	}},
}

func TestIgnored(t *testing.T) {
	f := mustFeed(t, mustParse(t, feedWith("ignore:\n"+
		"  - {match: ['tier=\"x\"'], reason: first, until: 2026-12-01}\n"+
		"  - {match: ['tier=\"x\"', 'client!=\"b\"'], reason: longer, until: 2026-12-02T12:00:00+02:00}\n"+everyone)), "profiles")
	x, day := mustLabels(t, map[string]string{"tier": "x"}), func(d int) feed.Instant { return feed.At(time.Date(2026, 12, d, 0, 0, 0, 0, time.UTC)) }
	for _, c := range []struct {
		client string
		labels feed.Labels
		at     feed.Instant
		want   string
		ended  feed.Instant
	}{
		{"a", x, day(1) - 1, "longer", 0},
		{"a", x, day(2), "longer", day(1)},
		{"a", x, day(2).Add(10 * time.Hour), "", day(2).Add(10 * time.Hour)},
		{"b", x, day(1) - 1, "first", 0},
		{"b", x, day(1), "", day(1)},
		{"a", feed.Labels{}, day(1) - 1, "", 0},
	} {
		got := ""
		if i := f.Ignored(c.client, c.labels, c.at); i != nil {
			got = i.Reason()
		}
		if ended := f.IgnoredBefore(c.client, c.labels, c.at); got != c.want || ended != c.ended {
			t.Errorf("%s at %s: ignored by %q, and until %s before; want %q and %s", c.client, c.at, got, ended, c.want, c.ended)
		}
	}
}

// An ignore is warned of while its end is far away, and once it is over; a comment
// allows either.
func TestIgnoresAge(t *testing.T) {
	until := time.Date(2026, 12, 31, 0, 0, 0, 0, time.UTC)
	text := feedWith("ignore:\n  - match: ['tier=\"x\"']\n    reason: a\n    until: 2026-12-31\n" + everyone)
	ladder := strings.Replace(text, "slack/alerts", "pagerduty/on-call", 1)
	for _, c := range []struct {
		text string
		at   time.Time
		want Check
	}{
		{ladder, until.Add(-ignoreFar - time.Millisecond), ignoreFarAway},
		{ladder, until.Add(-ignoreFar), ""},
		{ladder, until.Add(-time.Millisecond), ""},
		{ladder, until, ignoreOver},
		{strings.Replace(ladder, "2026-12-31\n", "2026-12-31  # feedwatch: allow ignore-over it is written by a program\n", 1), until, ""},
	} {
		found := mustParse(t, c.text).WarningsAt(feed.At(c.at)).All
		if len(found) > 1 || c.want == "" && len(found) > 0 || c.want != "" && (len(found) != 1 || found[0].Check != c.want) {
			t.Errorf("at %s: %v, want %q", c.at, found, c.want)
		}
	}
	if w := mustParse(t, ladder).Warnings(); len(w.All) != 0 {
		t.Errorf("at no time in particular: %v", w)
	}
}
