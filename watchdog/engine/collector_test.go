package engine

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/expfmt"

	"github.com/feedwatch/feedwatch/rules"
	"github.com/feedwatch/feedwatch/watchdog"
	"github.com/feedwatch/feedwatch/watchdog/feed"
)

const collectedAt = feed.Instant(1_763_942_700_000) // 24 Nov 2025 00:05:00 UTC

// collected are the series of s that have a value other than 0, or all of those
// in the families named.
func collected(t *testing.T, s *Status, names ...string) string {
	t.Helper()
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(NewCollector(func() *Status { return s }))
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	for _, family := range families {
		if len(names) > 0 && !slices.Contains(names, family.GetName()) {
			continue
		}
		if _, err := expfmt.MetricFamilyToText(&text, family); err != nil {
			t.Fatal(err)
		}
	}
	var out strings.Builder
	for line := range strings.Lines(text.String()) {
		if !strings.HasPrefix(line, "#") && (len(names) > 0 || !strings.HasSuffix(line, " 0\n")) {
			out.WriteString(strings.TrimPrefix(line, "feedwatch_"))
		}
	}
	return out.String()
}

func TestCollectorShowsTheStatus(t *testing.T) {
	week := 7 * 24 * time.Hour
	silent := watchdog.FeedView{
		Name: "silent", Clients: 3, Newest: collectedAt.Add(-5 * time.Minute), Oldest: collectedAt.Add(-6 * time.Minute),
		Retention: week, LossBegins: collectedAt.Add(-time.Minute),
	}
	silent.ByVerdict[watchdog.Stale] = 3
	well := watchdog.FeedView{Name: "well", Clients: 1, Newest: collectedAt, Oldest: collectedAt, Retention: time.Hour}
	well.ByVerdict[watchdog.Fresh] = 1
	whole := &watchdog.Incident{
		Feed: "silent", Cause: watchdog.CauseSilent, State: watchdog.StateAcknowledged, Severity: rules.Critical,
		Scope: watchdog.Scope{Silent: 3, Of: 3},
	}
	fsn1, err := feed.ParseLabels(map[string]string{"cluster": "fsn1"})
	if err != nil {
		t.Fatal(err)
	}
	part := &watchdog.Incident{
		Feed: "well", Cause: watchdog.CauseSilent, State: watchdog.StateOpen, Severity: rules.Error,
		Scope: watchdog.Scope{Labels: fsn1, Silent: 3, Of: 3}, Hold: &watchdog.Hold{Kind: watchdog.HoldSilence},
	}
	resolved := &watchdog.Incident{Feed: "never", Cause: watchdog.CauseSilent, State: watchdog.StateResolved, Scope: watchdog.Scope{Silent: 3, Of: 3}}
	s := &Status{
		Now: collectedAt, Started: collectedAt.Add(-time.Hour), Ready: true,
		Rules:     RulesStatus{Version: "7f3a9c000000", LoadedAt: collectedAt.Add(-time.Hour)},
		Feeds:     []watchdog.FeedView{silent, well, {Name: "never"}},
		Incidents: []*watchdog.Incident{whole, part, resolved},
		Sources: []watchdog.SourceView{
			{Name: "push", KnownThrough: collectedAt}, {Name: "prom", KnownThrough: collectedAt.Add(-90 * time.Second), Blind: true}, {Name: "new"},
		},
		Silences: []watchdog.Silence{
			{From: collectedAt, Until: collectedAt + 1}, {From: collectedAt - 1, Until: collectedAt + 1}, {From: collectedAt + 1, Until: collectedAt + 2},
		},
		Store: StoreStatus{Failing: "disk full"},
	}
	want := `feed_clients{feed="silent",verdict="stale"} 3
feed_clients{feed="well",verdict="fresh"} 1
feed_newest_update_timestamp_seconds{feed="silent"} 1.7639424e+09
feed_newest_update_timestamp_seconds{feed="well"} 1.7639427e+09
feed_oldest_update_timestamp_seconds{feed="silent"} 1.76394234e+09
feed_oldest_update_timestamp_seconds{feed="well"} 1.7639427e+09
feed_silent{feed="silent"} 1
feed_time_to_loss_seconds{feed="silent"} -60
feed_time_to_loss_seconds{feed="well"} 3600
incidents{severity="critical",state="acknowledged"} 1
incidents{severity="error",state="open"} 1
incidents_held{by="silence"} 1
last_evaluation_timestamp_seconds 1.7639427e+09
ready 1
rules_info{version="7f3a9c000000"} 1
rules_last_reload_success_timestamp_seconds 1.7639391e+09
rules_last_reload_successful 1
silences{state="active"} 2
silences{state="pending"} 1
source_blind{source="prom"} 1
source_known_through_lag_seconds{source="new"} 3600
source_known_through_lag_seconds{source="prom"} 90
store_failing 1
`
	if got := collected(t, s); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestCollectorShowsZeros(t *testing.T) {
	s := &Status{Feeds: []watchdog.FeedView{{Name: "a"}}}
	if n := strings.Count(collected(t, s, "feedwatch_feed_clients"), "\n"); n != len(watchdog.Verdicts()) {
		t.Errorf("%d verdicts are shown", n)
	}
	if n := strings.Count(collected(t, s, "feedwatch_incidents"), "\n"); n != 3*4 {
		t.Errorf("%d kinds of incident are shown", n)
	}
	if got := collected(t, s, "feedwatch_feed_time_to_loss_seconds", "feedwatch_feed_newest_update_timestamp_seconds"); got != "" {
		t.Errorf("what is not known is shown:\n%s", got)
	}
	if got := collected(t, nil); got != "" {
		t.Errorf("before the engine began:\n%s", got)
	}
	if got := collected(t, nil, "feedwatch_ready"); got != "ready 0\n" {
		t.Errorf("before the engine began:\n%s", got)
	}
}

func TestCollectorSaysThatAReloadWasRefused(t *testing.T) {
	s := &Status{Rules: RulesStatus{Version: "7f3a9c000000", RefusedAt: collectedAt}}
	if got := collected(t, s, "feedwatch_rules_last_reload_successful"); got != "rules_last_reload_successful 0\n" {
		t.Error(got)
	}
}

// A name that is no UTF-8 must not cost the whole scrape.
func TestCollectorRepairsNames(t *testing.T) {
	s := &Status{Sources: []watchdog.SourceView{{Name: "prom\xff"}}}
	if got := collected(t, s, "feedwatch_source_blind"); got != "source_blind{source=\"prom\uFFFD\"} 0\n" {
		t.Error(got)
	}
}
