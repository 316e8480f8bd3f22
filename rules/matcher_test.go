package rules

import (
	"strings"
	"testing"

	"github.com/prometheus/alertmanager/matcher/parse"
	"pgregory.net/rapid"

	"github.com/feedwatch/feedwatch/watchdog/feed"
)

func fits(t testing.TB, text, client string, labels feed.Labels) bool {
	t.Helper()
	matchers, err := ParseMatchers(text)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	for i := range matchers {
		if !matchers[i].Matches(client, labels) {
			return false
		}
	}
	return true
}

func TestMatchers(t *testing.T) {
	labels := mustLabels(t, map[string]string{"tier": "enterprise", "zone": "fsn1-dc14"})
	for text, want := range map[string]bool{
		`client="batch-1"`:                       true,
		`client="batch"`:                         false,
		`client=~"batch-.*"`:                     true,
		`client=~batch-.*`:                       true,
		`client=~"atch-.*"`:                      false, // anchored
		`client=~"batch"`:                        false,
		`client=~"acme|batch-1"`:                 true,
		`client!~"acme|batch-1"`:                 false,
		`client=~".*"`:                           true,
		`client!~".*"`:                           false,
		`client=~"batch-[0-9]"`:                  true,
		`client!~"batch-[0-9]"`:                  false,
		`client=~"batch-[0-9]|x"`:                true,
		`client=~"(?i)BATCH-1"`:                  true,
		`tier="enterprise"`:                      true,
		`tier!="enterprise"`:                     false,
		`zone=~"fsn1-.*"`:                        true,
		`other=""`:                               true, // not there is empty
		`other!=""`:                              false,
		`other=~".*"`:                            true,
		`other=~".+"`:                            false,
		`other!="x"`:                             true,
		`{tier="enterprise", client!="batch-1"}`: false,
		`tier="enterprise", client="batch-1"`:    true,
	} {
		if got := fits(t, text, "batch-1", labels); got != want {
			t.Errorf("%s fits: %t, want %t", text, got, want)
		}
	}
	if zero := (Matcher{}); zero.Matches("batch-1", labels) || zero.String() != "" {
		t.Error("the zero matcher fits")
	}
}

// However a regular expression is looked at, the answer is Alertmanager's.
func TestMatchersAreAlertmanagers(t *testing.T) {
	part := rapid.SampledFrom([]string{"a", "b", "-", ".*", ".", "|", "", "(", ")", "[ab]", "+", `\\.`, "ä"})
	rapid.Check(t, func(t *rapid.T) {
		value := strings.Join(rapid.SliceOfN(part, 0, 5).Draw(t, "expression"), "")
		text := "client" + rapid.SampledFrom([]string{"=", "!=", "=~", "!~"}).Draw(t, "operator") + `"` + value + `"`
		ours, err := ParseMatchers(text)
		if err != nil {
			return
		}
		theirs, err := parse.Matcher(text)
		if err != nil {
			t.Fatalf("%s: only Alertmanager says %v", text, err)
		}
		client := strings.Join(rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", "-", ".", "|", "ä"}), 1, 4).Draw(t, "client"), "")
		if got, want := ours[0].Matches(client, feed.Labels{}), theirs.Matches(client); got != want {
			t.Fatalf("%s fits %q: %t, and Alertmanager says %t", text, client, got, want)
		}
		if ours[0].fitsAll() && !theirs.Matches(client) {
			t.Fatalf("%s does not fit %q, and counts as a catch-all", text, client)
		}
	})
}

func TestCatchAllMatchers(t *testing.T) {
	for text, want := range map[string]bool{
		`client=~".*"`: true, `client=~".+"`: true, `client!=""`: true, `tier=~".*"`: true,
		`tier=~".+"`: false, `tier!=""`: false, `client!~".*"`: false, `client="a"`: false,
	} {
		set, err := Parse([]File{{"a.yaml", []byte(feedWith("rules: [{name: a, stale_after: 1m, match: ['" + text + "']}]"))}})
		if got := err == nil; got != want {
			t.Errorf("%s ends a feed: %t, want %t (%v, %v)", text, got, want, set, err)
		}
	}
}

func TestGovernDoesNotAllocate(t *testing.T) {
	set := mustParse(t, feedWith(governed))
	f := mustFeed(t, set, "profiles")
	labels := mustLabels(t, map[string]string{"cluster": "fsn1", "tier": "free", "zone": "fsn1-dc14"})
	if n := testing.AllocsPerRun(100, func() { f.Govern("acme-corporation", labels) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

const governed = `rules:
  - {name: a, match: ['client=~"batch-.*"'], stale_after: 1m}
  - {name: b, match: ['tier="enterprise"', 'cluster="fsn1"'], stale_after: 1m}
  - {name: c, match: ['zone=~"nbg1-dc3|hel1-dc2"'], stale_after: 1m}
  - {name: d, stale_after: 1m}`

func BenchmarkGovern(b *testing.B) {
	f := mustFeed(b, mustParse(b, feedWith(governed)), "profiles")
	labels := mustLabels(b, map[string]string{"cluster": "fsn1", "tier": "free", "zone": "fsn1-dc14"})
	b.ReportAllocs()
	for b.Loop() {
		if f.Govern("acme-corporation", labels) == nil {
			b.Fatal("governed by nothing")
		}
	}
}

func FuzzParseMatchers(f *testing.F) {
	for _, s := range []string{`tier="x"`, `{client=~"a|b", x!="y"}`, `a=~"("`, `a)|(?:b`, "{", `"\xff"="x"`, `client=~".*"`} {
		f.Add(s, "acme")
	}
	f.Fuzz(func(t *testing.T, text, client string) {
		matchers, err := ParseMatchers(text)
		if err == nil && len(matchers) == 0 {
			t.Fatal("no matchers, and no error")
		}
		for i := range matchers {
			matchers[i].Matches(client, feed.Labels{})
			if matchers[i].fitsAll() && client != "" && !strings.Contains(client, "\n") && !matchers[i].Matches(client, feed.Labels{}) {
				t.Fatalf("%s does not fit %q, and counts as a catch-all", text, client)
			}
		}
	})
}
