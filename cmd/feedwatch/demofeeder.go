package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/feedwatch/feedwatch/watchdog/engine"
	"github.com/feedwatch/feedwatch/watchdog/feed"
)

// The demo's story, in time since its start.
const (
	demoClients     = 300
	demoBeat        = time.Second
	demoClusterOff  = 8 * time.Second  // one cluster stops
	demoAllOff      = 20 * time.Second // then everything
	demoBack        = 52 * time.Second // restart: the queue has kept what it could
	demoRetention   = 25 * time.Second // as in the demo's rules
	demoDrainsAt    = 2                // seconds of events delivered per second
	demoStoryIsOver = 90 * time.Second
)

// demoFeeder delivers updates of 300 clients, a second at a time, through the
// engine's own entrance. It keeps for each cluster up to when events were
// delivered, so that a restart has a backlog to drain.
type demoFeeder struct {
	engine    *engine.Engine
	out       io.Writer
	start     time.Time
	delivered map[string]time.Time // event time per cluster
	clients   []demoClient
	told      int
	once      bool // run ends with the story
}

type demoClient struct {
	key    feed.Key
	labels feed.Labels
}

func newDemoFeeder(e *engine.Engine, out io.Writer, start time.Time) *demoFeeder {
	f := &demoFeeder{engine: e, out: out, start: start, delivered: map[string]time.Time{}}
	clusters := []string{"fsn1", "hel1", "nbg1"}
	tiers := []string{"standard", "standard", "enterprise"}
	for i := range demoClients {
		key, keyErr := feed.ParseKey("external-profiles", fmt.Sprintf("client-%03d", i+1))
		labels, labelErr := feed.ParseLabels(map[string]string{"cluster": clusters[i%3], "tier": tiers[i/3%3]})
		if keyErr != nil || labelErr != nil {
			panic("the demo's own names are wrong") // constants of this file
		}
		f.clients = append(f.clients, demoClient{key, labels})
	}
	return f
}

func (f *demoFeeder) run(ctx context.Context) {
	ticker := time.NewTicker(demoBeat)
	defer ticker.Stop()
	for {
		f.beat(ctx, time.Now())
		if time.Since(f.start) > demoStoryIsOver && f.told == len(demoStory) {
			if f.once {
				return
			}
			f.told++
			fmt.Fprintln(f.out, "\nfeedwatch demo: the story is over; the feeder goes on as usual. Ctrl-C stops.")
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// demoStory is what the terminal is told of the feeder, in time since the start.
var demoStory = []struct { //nolint:gochecknoglobals // an immutable table
	at   time.Duration
	text string
}{
	{0, "the feeder delivers to 300 clients, once a second"},
	{demoClusterOff, "the provider takes cluster fsn1 offline"},
	{demoAllOff, "the provider takes everything offline"},
	{demoBack, "the feeder is restarted; the queue kept 25 s"},
}

func (f *demoFeeder) beat(ctx context.Context, now time.Time) {
	since := now.Sub(f.start)
	for f.told < len(demoStory) && since >= demoStory[f.told].at {
		fmt.Fprintf(f.out, "\n-- demo, %2.0f s: %s\n\n", since.Seconds(), demoStory[f.told].text)
		f.told++
	}
	report := feed.Report{Source: feed.Push}
	events := map[string]time.Time{}
	for _, c := range f.clients {
		cluster := c.labels.Get("cluster")
		if !f.up(cluster, since) {
			continue
		}
		event, ok := events[cluster]
		if !ok {
			event = f.next(cluster, now)
			events[cluster] = event
		}
		report.Heartbeats = append(report.Heartbeats, feed.Heartbeat{
			Key: c.key, Arrival: feed.At(now), Event: feed.At(event), Count: 1, Labels: c.labels,
		})
	}
	if len(report.Heartbeats) > 0 {
		_, _ = f.engine.Submit(ctx, report) // refused only when the demo stops
	}
}

func (f *demoFeeder) up(cluster string, since time.Duration) bool {
	switch {
	case since >= demoBack:
		return true
	case since >= demoAllOff:
		return false
	default:
		return since < demoClusterOff || cluster != "fsn1"
	}
}

// next is the event time that the cluster delivers now: the backlog in order, as
// far as the queue kept it, then what is current.
func (f *demoFeeder) next(cluster string, now time.Time) time.Time {
	current := now.Add(-200 * time.Millisecond)
	last := f.delivered[cluster]
	if last.IsZero() {
		last = current
	}
	if oldest := now.Add(-demoRetention); last.Before(oldest) {
		last = oldest // the rest is lost
	}
	event := last.Add(demoDrainsAt * demoBeat)
	if event.After(current) {
		event = current
	}
	f.delivered[cluster] = event
	return event
}
