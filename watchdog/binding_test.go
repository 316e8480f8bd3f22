package watchdog

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/feedwatch/feedwatch/watchdog/feed"
)

// threeFeeds are f, g and h under the rules of plain.
func threeFeeds(staleAfter string) string {
	one := strings.TrimPrefix(strings.TrimSuffix(plain, onCall), "\nfeeds:\n")
	all := "feeds:\n"
	for _, name := range []string{"f", "g", "h"} {
		all += strings.Replace(one, "name: f\n", "name: "+name+"\n", 1)
	}
	return strings.ReplaceAll(all, "10m", staleAfter) + onCall
}

// A set reaches one feed after another where that is asked for: each is governed whole
// by the old or the new, hears meanwhile, and in the end all is as if it had been at once.
func TestRulesReachOneFeedAfterAnother(t *testing.T) {
	var ends [2][]FeedView
	for n, rowsMax := range []int{1, 0} {
		m := New(Config{Install: "test", BindRowsMax: rowsMax}, noon, nil)
		now := noon
		step := func(inputs ...Input) Output {
			out := m.Step(now, append(inputs, &Heard{Report: feed.Report{Source: feed.Push, KnownThrough: now}})...)
			checkInvariants(t, m)
			return out
		}
		finish := func(out Output) {
			for out.More {
				out = step()
			}
		}
		hear := func(client string) {
			for _, name := range []string{"f", "g", "h"} {
				step(&Heard{Report: feed.Report{Source: feed.Push, Heartbeats: []feed.Heartbeat{underName(name, beatOf(client, now))}}})
			}
		}
		finish(step(&UseRules{Set: parse(t, threeFeeds("10m"))}))
		hear("a")
		now = noon.Add(20 * time.Minute)
		finish(step())
		hear("b")
		finish(step(&UseRules{Set: parse(t, threeFeeds("15m"))}))
		set := parse(t, threeFeeds("1h"))
		out := step(&UseRules{Set: set})
		if cut := rowsMax == 1; m.Binding() != cut || cut && !out.More {
			t.Fatalf("at most %d rows: binding %v, more %v", rowsMax, m.Binding(), out.More)
		}
		hear("c")
		finish(step())
		for _, f := range m.order {
			if spec, _ := set.Feed(f.name); f.spec != spec {
				t.Errorf("%s is not governed by the new rules", f.name)
			}
		}
		now = noon.Add(75 * time.Minute)
		finish(step())
		now = now.Add(time.Second)
		finish(step())
		ends[n] = m.Feeds()
		for i := range ends[n] {
			if v := &ends[n][i]; v.Verdict != Stale || len(v.Incidents) == 0 {
				t.Errorf("%s is %s with incidents %v", v.Name, v.Verdict, v.Incidents)
			}
		}
	}
	if !reflect.DeepEqual(ends[0], ends[1]) {
		t.Errorf("one after another\n%+v\nat once\n%+v", ends[0], ends[1])
	}
}
