package replay_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/feedwatch/feedwatch/rules"
	"github.com/feedwatch/feedwatch/watchdog"
	"github.com/feedwatch/feedwatch/watchdog/feed"
	"github.com/feedwatch/feedwatch/watchdog/replay"
)

const smallRules = `feeds:
  - name: profiles
    retention: 3h
    escalation: on-call
    rules:
      - {name: everyone, stale_after: 5m}
  - name: other
    escalation: on-call
    rules:
      - {name: everyone, stale_after: 5m}
escalations:
  - name: on-call
    steps:
      - notify: [slack/alerts]
      - {after: 10m, notify: [pagerduty/cdp], repeat: 30m}
`

func ruleSet(t *testing.T, text string) *rules.Set {
	t.Helper()
	return ruleSetOf(t, text)
}

func ruleSetOf(t testing.TB, text string) *rules.Set {
	t.Helper()
	set, err := rules.Parse([]rules.File{{Name: "rules.yaml", Data: []byte(text)}})
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func clock(hour, minute int) feed.Instant {
	return feed.At(time.Date(2025, 11, 24, hour, minute, 0, 0, time.UTC))
}

func TestRun(t *testing.T) {
	hours, events := 0, []string{}
	w := replay.Watcher{
		Progress: func(feed.Instant) { hours++ },
		Changed: func(inc *watchdog.Incident, fresh []watchdog.Event) error {
			for _, e := range fresh {
				events = append(events, e.At.Time().Format("15:04 ")+string(e.Kind))
			}
			return nil
		},
	}
	r, err := replay.Run(parse(t, small), ruleSet(t, smallRules), w)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Incidents) != 1 {
		t.Fatalf("%d incidents, want the one of profiles", len(r.Incidents))
	}
	o := r.Incidents[0]
	if o.FirstPage != clock(2, 5) || o.Detection != 5*time.Minute || o.LossBegins != clock(5, 0) || o.TimeToLoss != 175*time.Minute {
		t.Errorf("first page %s after %s, loss begins %s in %s", o.FirstPage, o.Detection, o.LossBegins, o.TimeToLoss)
	}
	if o.LostFrom != clock(2, 0) || o.LostTo != clock(3, 0) || o.Resumed != clock(6, 0) {
		t.Errorf("lost %s to %s, again %s", o.LostFrom, o.LostTo, o.Resumed)
	}
	if o.Current < clock(7, 50) || o.Current > clock(8, 10) || o.Resolved != o.Current.Add(5*time.Minute) {
		t.Errorf("current %s, resolved %s", o.Current, o.Resolved)
	}
	if hours < 10 || hours > 12 {
		t.Errorf("progress was shown %d times in 12 hours", hours)
	}
	for _, want := range []string{"02:05 opened", "02:05 paged", "02:15 paged", "02:20 acknowledged", "05:00 loss_begun", "06:00 resumed"} {
		if !slices.Contains(events, want) {
			t.Errorf("no %q in %v", want, events)
		}
	}
	if slices.Contains(events, "02:45 paged") {
		t.Error("the acknowledgement did not stop the repeat")
	}
}

func TestRunIsRepeatable(t *testing.T) {
	set := ruleSet(t, smallRules)
	a, errA := replay.Run(parse(t, small), set, replay.Watcher{})
	b, errB := replay.Run(parse(t, small), set, replay.Watcher{})
	if errA != nil || errB != nil {
		t.Fatal(errA, errB)
	}
	if a.Incidents[0].Incident.ID != b.Incidents[0].Incident.ID || len(a.Incidents[0].Incident.Events) != len(b.Incidents[0].Incident.Events) {
		t.Error("the same scenario tells another story")
	}
}

func TestRunQuiet(t *testing.T) {
	s := parse(t, small)
	s.Outages, s.Acks = nil, nil
	r, err := replay.Run(s, ruleSet(t, smallRules), replay.Watcher{})
	if err != nil || len(r.Incidents) != 0 || r.Heartbeats != 10*12*60 {
		t.Errorf("%v, %d incidents, %d heartbeats", err, len(r.Incidents), r.Heartbeats)
	}
}

func TestRunRefuses(t *testing.T) {
	s := parse(t, strings.Replace(small, "feed: profiles", "feed: consent", 1))
	if _, err := replay.Run(s, ruleSet(t, smallRules), replay.Watcher{}); !errors.Is(err, replay.ErrNotWatched) {
		t.Errorf("error %v, want ErrNotWatched", err)
	}
	stop := errors.New("stop")
	w := replay.Watcher{Changed: func(*watchdog.Incident, []watchdog.Event) error { return stop }}
	if _, err := replay.Run(parse(t, small), ruleSet(t, smallRules), w); !errors.Is(err, stop) {
		t.Errorf("error %v, want the watcher's", err)
	}
}
