package watchdog

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/feedwatch/feedwatch/watchdog/feed"
)

// binderRules look at names and labels in every order, and count groups by both.
var binderRules = []string{`
feeds:
  - name: f
    retention: 7d
    escalation: on-call
    rules:
      - {name: whole, per: feed, stale_after: 6d}
      - {name: rows, per: cluster, stale_after: 3d, match: ['client=~"a.*"']}
      - {name: tiers, per: tier, stale_after: 3d, match: ['cluster!="x"']}
      - {name: both, stale_after: 1h, match: ['client=~".*1"', 'cluster="x"']}
      - {name: gold, stale_after: 2h, match: ['tier="gold"'], quorum: 2}
      - {name: named, stale_after: 3h, match: ['client=~"b1|b2"']}
      - {name: rest, stale_after: 4h}
` + onCall, `
feeds:
  - name: f
    retention: 7d
    escalation: on-call
    unmatched: ignore
    ignore:
      - {match: ['client="a2"'], reason: moved, until: 2025-12-30}
    rules:
      - {name: whole, per: feed, stale_after: 6d}
      - {name: tiers, per: cluster, stale_after: 3d}
      - {name: named, stale_after: 3h, match: ['client!="a1"', 'tier=~"g.+"']}
      - {name: clusters, stale_after: 3h, match: ['cluster=~"x|y"', 'client=~".+"']}
` + onCall}

// Rows that are bound together are bound as each would be by itself.
func TestRowsAreBoundTogetherAsOneByOne(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		some := func(name string, of ...string) string { return rapid.SampledFrom(of).Draw(rt, name) }
		r := newRig(rt2tb{t, rt}, binderRules[rapid.IntRange(0, 1).Draw(rt, "before")])
		for range rapid.IntRange(1, 12).Draw(rt, "heartbeats") {
			client := some("stem", "a", "b") + some("n", "1", "2", "3")
			r.hear(feed.Push, beatOf(client, r.now, "cluster", some("cluster", "", "x", "y"), "tier", some("tier", "", "gold", "free")))
			r.now = r.now.Add(time.Minute)
		}
		r.step(&UseRules{Set: parse(rt2tb{t, rt}, binderRules[rapid.IntRange(0, 1).Draw(rt, "after")])})
		checkInvariants(rt2tb{t, rt}, r.m)
		f := r.m.feeds["f"]
		for id, b := range f.rows {
			i := id.place()
			if b.isGroup(i) {
				continue
			}
			want, labels := "", f.labelsOf(b, i)
			if f.spec.Ignored(b.client(i), labels, r.now) == nil {
				if g := f.spec.Govern(b.client(i), labels); g != nil {
					want = g.Name()
				}
			}
			got := ""
			if g := f.ruleOf(b, i); g != nil {
				got = g.Name()
			}
			groups := r.m.groupsOf(f, b, i, labels)
			if got != want || !slices.Equal(r.m.groupRows[b.rows[i].groups], groups) {
				rt.Fatalf("%s {%s}: rule %q in groups %v, want %q in %v", b.client(i), labels, got, r.m.groupRows[b.rows[i].groups], want, groups)
			}
		}
	})
}

func TestRoomForNamesIsMadeBeforehand(t *testing.T) {
	for _, n := range []int{0, 1, 6, 7, 1000, 3072, 3073, 50_000} {
		f := newFeedState("f")
		f.names.reserve(n)
		shards, slots := len(f.names.dir), 0
		for _, s := range f.names.dir {
			slots += len(s.slots)
		}
		for i := range n {
			addNamed(f, fmt.Sprint("client-", i))
		}
		for i := range n {
			if id, found := f.row(fmt.Sprint("client-", i)); !found || id != rowID(i) {
				t.Fatalf("of %d, client-%d is row %d, %v", n, i, id, found)
			}
		}
		if len(f.names.dir) != shards || slots > 8+3*n {
			t.Errorf("room for %d names: %d slots in %d shards, then in %d", n, slots, shards, len(f.names.dir))
		}
	}
}
