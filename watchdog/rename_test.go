package watchdog

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/feedwatch/feedwatch/watchdog/feed"
)

const renamedRules = `
feeds:
  - name: g
    renamed_from: f
    retention: 7d
    escalation: on-call
    rules:
      - {name: whole, per: feed, stale_after: 6d}
      - {name: clients, stale_after: 10m}
` + onCall

func underName(name string, hb feed.Heartbeat) feed.Heartbeat {
	key, err := feed.ParseKey(name, hb.Key.Client())
	if err != nil {
		panic(err)
	}
	hb.Key = key
	return hb
}

func TestARenamedFeedKeepsItsIncident(t *testing.T) {
	for _, c := range []struct {
		name            string
		early, restarts bool // the new name is heard before the edit; a crash after it
	}{
		{"renamed", false, false}, {"heard before", true, false}, {"restarted", false, true}, {"heard before, restarted", true, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t, plain)
			r.beat("a", 3, "tier", "pro")
			r.to(11 * time.Minute)
			before := r.only()
			r.step(&Acknowledge{ID: before.ID, By: "anna"})
			if c.early {
				r.hear(feed.Push, underName("g", beatOf("b1", r.now)))
			}
			r.step(&UseRules{Set: parse(t, renamedRules)})
			if c.restarts {
				r.restart(renamedRules)
			}
			r.to(40 * time.Minute)
			checkInvariants(t, r.m)
			for _, inc := range r.open() {
				if inc.ID != before.ID {
					continue
				}
				if inc.Feed != "g" || inc.Key != before.Key || inc.Ack == nil || inc.Loss.Start != before.Loss.Start || len(inc.Pages) != len(before.Pages) {
					t.Errorf("after the rename: feed %s, key %s, ack %v, loss from %s, pages %v", inc.Feed, inc.Key, inc.Ack, inc.Loss.Start, pages(inc))
				}
			}
			for i := range 10 { // the feeder still uses the old name
				r.to(time.Duration(41+i) * time.Minute)
				var all []feed.Heartbeat
				for _, client := range []string{"a1", "a2", "a3"} {
					all = append(all, beatOf(client, r.now))
				}
				if c.early {
					all = append(all, underName("g", beatOf("b1", r.now)))
				}
				r.hear(feed.Push, all...)
			}
			checkInvariants(t, r.m)
			if all := r.open(); len(all) != 0 || r.seen[before.ID].State != StateResolved {
				t.Errorf("still open: %v", scopesOf(all))
			}
			if names := feedNames(r.m); !slices.Equal(names, []string{"g"}) {
				t.Errorf("feeds are %v, want g alone", names)
			}
		})
	}
}

func TestTheSavedBlocksOfARenamedFeedGo(t *testing.T) {
	r := newRig(t, plain)
	r.beat("a", 3)
	r.m.Flush(AllBlocks)
	r.step(&UseRules{Set: parse(t, renamedRules)})
	flush, _ := r.m.Flush(AllBlocks)
	if !slices.Equal(flush.Gone, []string{"f"}) || len(flush.Blocks) != 1 || flush.Blocks[0].Feed != "g" || flush.Blocks[0].Names == nil {
		t.Errorf("flushed %+v, want the blocks of f gone and those of g whole", flush)
	}
	back := strings.Replace(renamedRules, "    renamed_from: f\n", "", 1)
	r.step(&UseRules{Set: parse(t, back)})
	r.beat("x", 1)
	if names := feedNames(r.m); !slices.Equal(names, []string{"g", "f"}) {
		t.Errorf("feeds are %v: without renamed_from the old name is a feed of its own", names)
	}
}

func TestARenamedFeedIsAsNewAsWhatWasHeardUnderEitherName(t *testing.T) {
	r := newRig(t, plain)
	r.beat("a", 1)
	r.to(time.Minute)
	r.hear(feed.Push, underName("g", beatOf("a1", r.now)), underName("later", beatOf("a1", r.now)))
	r.m.Feeds()
	r.step(&UseRules{Set: parse(t, renamedRules)})
	checkInvariants(t, r.m)
	if v := r.m.Feeds()[0]; v.Newest != r.now || v.Oldest != r.now {
		t.Errorf("newest %s, oldest %s, want %s", v.Newest, v.Oldest, r.now)
	}
}

func feedNames(m *Machine) []string {
	var names []string
	for _, v := range m.Feeds() {
		names = append(names, v.Name)
	}
	return names
}
