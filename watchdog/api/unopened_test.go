package api

import (
	"testing"
	"time"

	"github.com/feedwatch/feedwatch/watchdog"
	"github.com/feedwatch/feedwatch/watchdog/feed"
)

func TestUnopened(t *testing.T) {
	at := feed.At(time.Date(2026, 11, 24, 0, 5, 0, 0, time.UTC))
	for want, c := range map[string]watchdog.ClientView{
		"": {Client: "a"},
		"ignored until 24 Nov 2026 00:05 UTC: moves":                              {Ignored: &watchdog.IgnoredView{Until: at, Reason: "moves"}},
		"stale since 24 Nov 2026 00:05 UTC, and 2 of the 3 that it takes to page": {Quorum: &watchdog.QuorumView{Overdue: 2, Needs: 3, Since: at}},
		"stale since 24 Nov 2026 00:05 UTC, and 2 of the 3 that it takes to page; it pages by itself 24 Nov 2026 01:05 UTC, before data is lost": {
			Quorum: &watchdog.QuorumView{Overdue: 2, Needs: 3, Since: at, Until: at.Add(time.Hour)},
		},
	} {
		if got := unopened(&c); got != want {
			t.Errorf("it says %q, want %q", got, want)
		}
	}
}
