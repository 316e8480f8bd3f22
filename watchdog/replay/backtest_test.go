package replay_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/feedwatch/feedwatch/rules"
	"github.com/feedwatch/feedwatch/watchdog/feed"
	"github.com/feedwatch/feedwatch/watchdog/replay"
)

// told is a history that stands in memory.
type told struct{ left [][]feed.Heartbeat }

func (h *told) Share() float64 { return -1 }

func (h *told) Next(context.Context) ([]feed.Heartbeat, error) {
	if len(h.left) == 0 {
		return nil, io.EOF
	}
	beats := h.left[0]
	h.left = h.left[1:]
	return beats, nil
}

func beat(t testing.TB, client string, at feed.Instant, labels map[string]string) feed.Heartbeat {
	t.Helper()
	name, client, ok := strings.Cut(client, "/")
	if !ok {
		name, client = "profiles", name
	}
	key, err := feed.ParseKey(name, client)
	if err != nil {
		t.Fatal(err)
	}
	l, err := feed.ParseLabels(labels)
	if err != nil {
		t.Fatal(err)
	}
	return feed.Heartbeat{Key: key, Arrival: at, Count: 1, Labels: l}
}

// minutes are heartbeats of a client, one a minute.
func minutes(t testing.TB, client string, from, until feed.Instant) []feed.Heartbeat {
	t.Helper()
	var all []feed.Heartbeat
	for at := from; at <= until; at = at.Add(time.Minute) {
		all = append(all, beat(t, client, at, nil))
	}
	return all
}

func backtest(t testing.TB, plan replay.Plan, beats ...[]feed.Heartbeat) []*replay.Backtest {
	t.Helper()
	all, err := plan.Run(t.Context(), &told{beats})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// summaries are incidents and their pages, to the second.
func summaries(all []*replay.Outcome) string {
	var b strings.Builder
	for _, o := range all {
		fmt.Fprintf(&b, "%s %s lost %s to %s resolved %v\n", o.Incident.ID, o.Incident.Scope, o.LostFrom, o.LostTo, !o.Resolved.IsZero())
		for _, p := range o.Incident.Pages {
			fmt.Fprintf(&b, "  %s %s %v %s\n", p.At.Time().Truncate(time.Second).Format("15:04:05"), p.Reason, p.Targets, p.Scope)
		}
	}
	return b.String()
}

// TestBacktestTellsTheStoryOfTheScenario replays what a scenario's feeder sends as
// a history: the same incidents with the same ids, and the same pages.
func TestBacktestTellsTheStoryOfTheScenario(t *testing.T) {
	s, set := parse(t, small), ruleSet(t, smallRules)
	s.Acks = nil // nobody acknowledges in a history
	want, err := replay.Run(s, set, replay.Watcher{})
	if err != nil {
		t.Fatal(err)
	}
	beats := heartbeats(t, s)
	plan := replay.Plan{Sets: []*rules.Set{set}, From: s.From, Until: s.Until}
	inOrder := backtest(t, plan, beats)[0]
	if got, want := summaries(inOrder.Incidents), summaries(want.Incidents); got != want || got == "" {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if fmt.Sprint(inOrder.Unheard) != "[other]" || inOrder.Clients != 10 || inOrder.Heartbeats != len(beats) {
		t.Errorf("unheard %v, %d clients, %d heartbeats", inOrder.Unheard, inOrder.Clients, inOrder.Heartbeats)
	}
	// Nearly in order, and in pieces, it is the same.
	rng := rand.New(rand.NewPCG(1, 2))
	mixed := slices.Clone(beats)
	slices.SortStableFunc(mixed, func(a, b feed.Heartbeat) int { return int(a.Arrival - b.Arrival) })
	jitter := map[int]feed.Instant{}
	order := make([]int, len(mixed))
	for i := range mixed {
		order[i], jitter[i] = i, mixed[i].Arrival+feed.Instant(rng.IntN(9_000))
	}
	slices.SortStableFunc(order, func(a, b int) int { return int(jitter[a] - jitter[b]) })
	shuffled := make([]feed.Heartbeat, len(mixed))
	for i, from := range order {
		shuffled[i] = mixed[from]
	}
	if slices.Equal(shuffled, mixed) {
		t.Fatal("nothing is out of order")
	}
	plan.Reorder = 10 * time.Second
	again := backtest(t, plan, slices.Collect(slices.Chunk(shuffled, 7))...)[0]
	if summaries(again.Incidents) != summaries(inOrder.Incidents) || again.Late != 0 {
		t.Errorf("out of order, %d late, it is\n%s\nnot\n%s", again.Late, summaries(again.Incidents), summaries(inOrder.Incidents))
	}
}

// TestBacktestCountsWhatIsTooLate has a heartbeat an hour behind the others: it is
// counted, and erases nothing.
func TestBacktestCountsWhatIsTooLate(t *testing.T) {
	plan := replay.Plan{Sets: []*rules.Set{ruleSet(t, smallRules)}, Reorder: 10 * time.Second}
	b := backtest(t, plan, minutes(t, "acme", clock(0, 0), clock(2, 0)), []feed.Heartbeat{beat(t, "acme", clock(1, 0), nil)},
		minutes(t, "acme", clock(2, 1), clock(3, 0)))[0]
	if b.Late != 1 || b.LateFirst != "profiles/acme at 2025-11-24T01:00:00Z" || len(b.Incidents) != 0 {
		t.Errorf("%d late (%s), %d incidents", b.Late, b.LateFirst, len(b.Incidents))
	}
}

// TestBacktestBeginsWithWhatWasKnown has one client that stopped before From, and
// one that goes on: the first is silent from the beginning.
func TestBacktestBeginsWithWhatWasKnown(t *testing.T) {
	plan := replay.Plan{Sets: []*rules.Set{ruleSet(t, smallRules)}, From: clock(2, 0), Until: clock(3, 0)}
	b := backtest(t, plan, minutes(t, "gone", clock(0, 0), clock(1, 0)), minutes(t, "acme", clock(0, 0), clock(9, 0)))[0]
	if len(b.Incidents) != 1 || b.Incidents[0].Incident.Since != clock(1, 0) || b.Clients != 2 {
		t.Fatalf("%d clients, incidents:\n%s", b.Clients, summaries(b.Incidents))
	}
	if at := b.Incidents[0].FirstPage; at < clock(2, 0) || at > clock(2, 0).Add(time.Second) {
		t.Errorf("first page %s, want as soon as the rules are in force", at)
	}
	if b.Summary.DetectionMax != 0 {
		t.Errorf("a silence from before counts as found after %s", b.Summary.DetectionMax)
	}
	if b.From != clock(2, 0) || b.Until != clock(3, 0) || b.Heartbeats != 61 {
		t.Errorf("%s to %s, %d heartbeats", b.From, b.Until, b.Heartbeats)
	}
	// All of it before.
	b = backtest(t, plan, minutes(t, "gone", clock(0, 0), clock(1, 0)))[0]
	if len(b.Incidents) != 1 || b.Heartbeats != 0 {
		t.Errorf("%d heartbeats, incidents:\n%s", b.Heartbeats, summaries(b.Incidents))
	}
}

func TestBacktestSummary(t *testing.T) {
	plan := replay.Plan{Sets: []*rules.Set{ruleSet(t, smallRules)}, Until: clock(7, 0)}
	steady := minutes(t, "steady", clock(0, 0), clock(7, 0))
	var beats []feed.Heartbeat
	beats = append(beats, steady...)
	beats = append(beats, minutes(t, "acme", clock(0, 0), clock(1, 0))...)
	beats = append(beats, minutes(t, "acme", clock(1, 8), clock(3, 0))...)
	beats = append(beats, minutes(t, "clicks/x", clock(0, 0), clock(1, 0))...)
	slices.SortStableFunc(beats, func(a, b feed.Heartbeat) int { return int(a.Arrival - b.Arrival) })
	b := backtest(t, plan, beats)[0]
	s := b.Summary
	if s.Incidents != 2 || s.DetectionMedian.Round(time.Second) > 301*time.Second || s.TimeToLossMin.Round(time.Minute) != 175*time.Minute {
		t.Errorf("%+v\n%s", s, summaries(b.Incidents))
	}
	pages := 0
	for _, o := range b.Incidents {
		pages += len(o.Incident.Pages)
	}
	if s.Pages != pages || s.PagesPerWeek != float64(pages)*24 {
		t.Errorf("%d pages, %v a week, of %d in seven hours", s.Pages, s.PagesPerWeek, pages)
	}
	if fmt.Sprint(b.Unwatched) != "[clicks]" {
		t.Errorf("not watched: %v", b.Unwatched)
	}
}

// TestBacktestNeedsNoHeartbeatEachSecond is silence to the end: ladders go on.
func TestBacktestNeedsNoHeartbeatEachSecond(t *testing.T) {
	plan := replay.Plan{Sets: []*rules.Set{ruleSet(t, smallRules)}, Until: clock(4, 0)}
	b := backtest(t, plan, []feed.Heartbeat{beat(t, "acme", clock(0, 0), nil)})[0]
	if got := summaries(b.Incidents); !strings.Contains(got, "00:05:00 opened") || !strings.Contains(got, "00:15:00 not_acknowledged") ||
		!strings.Contains(got, "00:45:00 repeat") || !strings.Contains(got, "03:00:00 loss_begun") || !strings.Contains(got, "03:45:00 repeat") {
		t.Error(got)
	}
}

func TestBacktestRefuses(t *testing.T) {
	set := ruleSet(t, smallRules)
	if _, err := (replay.Plan{Sets: []*rules.Set{set}}).Run(t.Context(), &told{}); !errors.Is(err, replay.ErrEmpty) {
		t.Errorf("error %v, want ErrEmpty", err)
	}
	early := [][]feed.Heartbeat{minutes(t, "acme", clock(5, 0), clock(6, 0))}
	if _, err := (replay.Plan{Sets: []*rules.Set{set}, Until: clock(1, 0)}).Run(t.Context(), &told{early}); !errors.Is(err, replay.ErrEmpty) {
		t.Errorf("error %v, want ErrEmpty", err)
	}
	b := backtest(t, replay.Plan{Sets: []*rules.Set{set}}, []feed.Heartbeat{
		{Key: beat(t, "acme", 1, nil).Key, Arrival: clock(0, 0), Event: clock(1, 0), Count: 1},
	})[0]
	if b.Refused[feed.FutureEvent] != 1 {
		t.Errorf("refused %v", b.Refused)
	}
}

// TestCompare has a rule that gives an enterprise client more time, and a ladder
// with one step fewer.
func TestCompare(t *testing.T) {
	later := strings.Replace(smallRules, "{name: everyone, stale_after: 5m}", "{name: everyone, stale_after: 20m}", 1)
	later = strings.Replace(later, ", repeat: 30m", "", 1)
	plan := replay.Plan{Sets: []*rules.Set{ruleSet(t, smallRules), ruleSet(t, later)}}
	var beats []feed.Heartbeat
	beats = append(beats, minutes(t, "acme", clock(0, 0), clock(1, 0))...)
	beats = append(beats, minutes(t, "acme", clock(1, 10), clock(3, 0))...) // seen by the old rule only
	beats = append(beats, minutes(t, "acme", clock(3, 50), clock(5, 0))...) // moves by 15 minutes
	all := backtest(t, plan, beats)
	c := replay.Compare(all[0], all[1])
	var got []string
	name := func(p *replay.Paged) string {
		if p == nil {
			return "-"
		}
		return p.Page.At.Time().Truncate(time.Second).Format("15:04") + " " + string(p.Page.Reason)
	}
	for _, ch := range c.Changes {
		got = append(got, name(ch.Before)+" > "+name(ch.After))
	}
	want := "[01:05 opened > - 03:05 opened > 03:20 opened 03:15 not_acknowledged > 03:30 not_acknowledged 03:45 repeat > -]"
	if fmt.Sprint(got) != want {
		t.Errorf("got  %v\nwant %s", got, want)
	}
	if a, v, m := c.Counts(); a != 0 || v != 2 || m != 2 || c.Same != 0 {
		t.Errorf("%d appear, %d vanish, %d move, %d stay", a, v, m, c.Same)
	}
	back := replay.Compare(all[1], all[0])
	if a, v, m := back.Counts(); a != 2 || v != 0 || m != 2 {
		t.Errorf("the other way round %d appear, %d vanish, %d move", a, v, m)
	}
	if same := replay.Compare(all[0], all[0]); len(same.Changes) != 0 || same.Same != all[0].Summary.Pages {
		t.Errorf("a backtest differs from itself: %+v", same)
	}
}
