package replay_test

import (
	"strings"
	"testing"
	"time"

	"github.com/feedwatch/feedwatch/watchdog/replay"
)

const small = `title: small
rules: rules
from: 2025-11-24T00:00:00Z
until: 2025-11-24T12:00:00Z
generator:
  seed: 7
  feed: profiles
  clients: 10
  every: 1m
  labels:
    cluster: {a: 1, b: 1}
outages:
  - {from: 2025-11-24T02:00:00Z, until: 2025-11-24T06:00:00Z, retention: 3h, drained_by: 2025-11-24T08:00:00Z}
acknowledge:
  - {at: 2025-11-24T02:20:00Z, by: ann, for: 2h}
`

func parse(t testing.TB, text string) *replay.Scenario {
	t.Helper()
	s, err := replay.ParseScenario("small.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestParseScenario(t *testing.T) {
	s := parse(t, small)
	if s.Title != "small" || s.Rules != "rules" || s.Until.Sub(s.From) != 12*time.Hour {
		t.Errorf("%+v", s)
	}
	if g := s.Generator; g.Seed != 7 || g.Feed != "profiles" || g.Clients != 10 || g.Every != time.Minute || len(g.Labels) != 1 || len(g.Labels[0].Values) != 2 {
		t.Errorf("%+v", g)
	}
	if len(s.Outages) != 1 || s.Outages[0].Retention != 3*time.Hour || len(s.Acks) != 1 || s.Acks[0].By != "ann" || s.Acks[0].For != 2*time.Hour {
		t.Errorf("%+v %+v", s.Outages, s.Acks)
	}
}

// TestParseScenarioRefuses changes one thing in a good scenario and wants the
// mistake told where it stands.
func TestParseScenarioRefuses(t *testing.T) {
	for _, c := range []struct{ name, old, new, want string }{
		{"unknown key", "  every:", "  evry:", `small.yaml:9:3: unknown key "evry"`},
		{"twice", "  clients: 10", "  clients: 10\n  clients: 10", `small.yaml:9:3: "clients" stands here twice`},
		{"missing", "rules: rules\n", "", `small.yaml:1:1: a scenario has no "rules"`},
		{"empty value", "seed: 7", "seed:", `small.yaml:6:3: "seed" has no value`},
		{"duration", "every: 1m", "every: 1x", `small.yaml:9:10: "1x" is not a duration`},
		{"zero", "every: 1m", "every: 0s", "small.yaml:9:10: every is 0"},
		{"clients", "clients: 10", "clients: 100001", "small.yaml:8:12: clients is not a number that fits"},
		{"negative", "clients: 10", "clients: -1", "small.yaml:8:12: clients is not a number that fits"},
		{"too many updates", "clients: 10\n  every: 1m", "clients: 100000\n  every: 1s", "small.yaml:9:10: the clients make more than"},
		{"feed name", "feed: profiles", "feed: pro files", "small.yaml:7:9: "},
		{"label name", "    cluster: {", "    client: {", "small.yaml:11:5: "},
		{"no shares", "{a: 1, b: 1}", "a", "small.yaml:11:14: the label cluster has no values"},
		{"share", "a: 1,", "a: 0,", "small.yaml:11:18: the share of a"},
		{"time", "until: 2025-11-24T12:00:00Z", "until: today", "small.yaml:4:8: until is not a time"},
		{"backwards", "until: 2025-11-24T12:00:00Z", "until: 2025-11-23T12:00:00Z", "small.yaml:4:8: until is not after from"},
		{"too long", "until: 2025-11-24T12:00:00Z", "until: 2035-11-24T12:00:00Z", "small.yaml:4:8: the scenario is longer than"},
		{"outage too early", "{from: 2025-11-24T02", "{from: 2025-11-23T02", "small.yaml:13:12: from is not after the scenario's from"},
		{"outage backwards", "until: 2025-11-24T06", "until: 2025-11-24T01", "small.yaml:13:41: until is not after from"},
		{"drained early", "drained_by: 2025-11-24T08", "drained_by: 2025-11-24T05", "drained_by is not after until"},
		{"acknowledged too long", "for: 2h", "for: 8d", "small.yaml:15:46: for is too long"},
		{"not a list", "acknowledge:\n  - {at: 2025-11-24T02:20:00Z, by: ann, for: 2h}", "acknowledge: no", "small.yaml:14:14: acknowledge is not a list"},
		{"second document", "acknowledge:", "---\nacknowledge:", "a second YAML document begins here"},
		{"alias", "title: small", "title: &t small", ""},
		{"not YAML", "title: small", "title: [small", "not YAML"},
	} {
		t.Run(c.name, func(t *testing.T) {
			text := strings.Replace(small, c.old, c.new, 1)
			if text == small {
				t.Fatalf("%q is not in the scenario", c.old)
			}
			_, err := replay.ParseScenario("small.yaml", []byte(text))
			if c.want == "" {
				if err != nil {
					t.Errorf("refused: %v", err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("want %q, got:\n%v", c.want, err)
			}
		})
	}
}

func TestParseScenarioTellsEverything(t *testing.T) {
	text := strings.NewReplacer("every: 1m", "every: x", "seed: 7", "seed: y", "for: 2h", "for: z").Replace(small)
	_, err := replay.ParseScenario("small.yaml", []byte(text))
	if err == nil || !strings.Contains(err.Error(), "3 errors in 1 file.") {
		t.Errorf("want 3 errors, got:\n%v", err)
	}
}

func FuzzParseScenario(f *testing.F) {
	f.Add([]byte(small))
	f.Add([]byte("a: *a"))
	f.Add([]byte("generator: {labels: {x: {y: 1}}}\noutages: [1]"))
	f.Add([]byte("\xff"))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := replay.ParseScenario("f.yaml", data)
		if err != nil {
			_ = err.Error()
			return
		}
		if s.Until <= s.From || s.Generator.Clients < 1 || s.Generator.Every < time.Second {
			t.Fatalf("accepted %+v", s)
		}
	})
}
