package replay_test

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/feedwatch/feedwatch/watchdog/feed"
	"github.com/feedwatch/feedwatch/watchdog/replay"
)

func heartbeats(t rapid.TB, s *replay.Scenario) []feed.Heartbeat {
	seq, err := s.Heartbeats()
	if err != nil {
		t.Fatal(err)
	}
	return slices.Collect(seq)
}

// TestHeartbeats holds what a scenario promises, for any outage.
func TestHeartbeats(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		minutes := func(name string, low, high int) time.Duration {
			return time.Duration(rapid.IntRange(low, high).Draw(t, name)) * time.Minute
		}
		from := feed.At(time.Date(2025, 11, 24, 0, 0, 0, 0, time.UTC))
		o := replay.Outage{From: from.Add(minutes("up", 10, 60)), Retention: minutes("retention", 1, 600)}
		o.Until = o.From.Add(minutes("down", 10, 600))
		o.DrainedBy = o.Until.Add(minutes("drain", 1, 300))
		s := &replay.Scenario{
			From: from, Until: o.DrainedBy.Add(minutes("after", 10, 60)),
			Generator: replay.Generator{
				Seed: rapid.Uint64().Draw(t, "seed"), Feed: "profiles", Clients: rapid.IntRange(1, 20).Draw(t, "clients"), Every: 3 * time.Minute,
				Labels: []replay.LabelShares{{Name: "cluster", Values: []replay.LabelShare{{Value: "a", Parts: 1}, {Value: "b", Parts: 3}}}},
			},
			Outages: []replay.Outage{o},
		}
		all := heartbeats(t, s)
		if !slices.Equal(all, heartbeats(t, s)) {
			t.Fatal("the same seed gives other heartbeats")
		}
		checkHeartbeats(t, s, o, all)
	})
}

func checkHeartbeats(t *rapid.T, s *replay.Scenario, o replay.Outage, all []feed.Heartbeat) {
	last := map[feed.Key]feed.Instant{}
	var before, again, newest feed.Instant
	for _, h := range all {
		switch {
		case h.Arrival < before || h.Event < newest:
			t.Fatalf("%s out of order", h.Key)
		case h.Event > h.Arrival:
			t.Fatalf("%s arrived %s, before it was made %s", h.Key, h.Arrival, h.Event)
		case h.Arrival > o.From && h.Arrival < o.Until:
			t.Fatalf("%s arrived %s, while the feeder was down", h.Key, h.Arrival)
		case h.Arrival >= o.Until && h.Event < o.Until.Add(-o.Retention) && h.Event > o.From:
			t.Fatalf("%s was made %s: the queue had deleted it", h.Key, h.Event)
		case h.Arrival > o.DrainedBy && h.Arrival != h.Event:
			t.Fatalf("%s made %s arrived %s, after the backlog was gone", h.Key, h.Event, h.Arrival)
		case h.Arrival > s.Until:
			t.Fatalf("%s arrived %s, after the scenario", h.Key, h.Arrival)
		}
		before, newest = h.Arrival, h.Event
		if h.Arrival <= o.From {
			last[h.Key] = h.Arrival
		} else if again == 0 {
			again = h.Arrival
		}
	}
	if len(last) != s.Generator.Clients {
		t.Fatalf("%d clients before the outage, want %d", len(last), s.Generator.Clients)
	}
	for key, at := range last {
		if at != o.From {
			t.Fatalf("the last update of %s before the outage is at %s, want %s", key, at, o.From)
		}
	}
	if o.Retention > s.Generator.Every && again != o.Until {
		t.Fatalf("updates arrive again %s, want at once at %s", again, o.Until)
	}
}

func TestLabelShares(t *testing.T) {
	s := parse(t, small)
	s.Outages = nil
	s.Generator.Labels = []replay.LabelShares{{Name: "cluster", Values: []replay.LabelShare{{Value: "a", Parts: 1}, {Value: "b", Parts: 4}}}}
	clusters := map[feed.Key]string{}
	for _, h := range heartbeats(t, s) {
		clusters[h.Key] = h.Labels.Get("cluster")
	}
	count := map[string]int{}
	for _, c := range clusters {
		count[c]++
	}
	if count["a"] != 2 || count["b"] != 8 {
		t.Errorf("%v, want 2 of a and 8 of b", count)
	}
}
