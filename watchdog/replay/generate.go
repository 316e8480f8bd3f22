package replay

import (
	"cmp"
	"fmt"
	"iter"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/feedwatch/feedwatch/watchdog/feed"
)

// client is one client of the generator.
type client struct {
	key    feed.Key
	labels feed.Labels
	phase  time.Duration // of its updates, within every
}

// clients makes the generator's clients, the same for the same seed.
func (g *Generator) clients() ([]client, error) {
	// The second word keeps these numbers apart from any other use of the seed.
	rng := rand.New(rand.NewPCG(g.Seed, 0x6665656477617463))
	all := make([]client, g.Clients)
	labels := make([]map[string]string, g.Clients)
	for i := range labels {
		labels[i] = map[string]string{}
	}
	for _, l := range g.Labels {
		for i, value := range l.deal(g.Clients, rng) {
			labels[i][l.Name] = value
		}
	}
	digits := len(fmt.Sprint(g.Clients))
	for i := range all {
		key, err := feed.ParseKey(g.Feed, fmt.Sprintf("client-%0*d", digits, i+1))
		if err != nil {
			return nil, fmt.Errorf("make client %d: %w", i+1, err)
		}
		parsed, err := feed.ParseLabels(labels[i])
		if err != nil {
			return nil, fmt.Errorf("make the labels of %s: %w", key, err)
		}
		phase := time.Duration(rng.Int64N(int64(g.Every/time.Millisecond))) * time.Millisecond
		all[i] = client{key, parsed, phase}
	}
	return all, nil
}

// deal gives each of n clients a value: as many of each as its share says, to
// within one, in a random order.
func (l *LabelShares) deal(n int, rng *rand.Rand) []string {
	parts := 0
	for _, v := range l.Values {
		parts += v.Parts
	}
	dealt := make([]string, 0, n)
	seen := 0
	for _, v := range l.Values {
		seen += v.Parts
		for len(dealt) < n*seen/parts {
			dealt = append(dealt, v.Value)
		}
	}
	rng.Shuffle(n, func(i, j int) { dealt[i], dealt[j] = dealt[j], dealt[i] })
	return dealt
}

// Heartbeats yields what arrives in the scenario, in order of arrival; repeated
// calls yield the same. The error is one of names that cannot be made.
func (s *Scenario) Heartbeats() (iter.Seq[feed.Heartbeat], error) {
	clients, err := s.Generator.clients()
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(clients, func(a, b client) int { return cmp.Compare(a.phase, b.phase) })
	return func(yield func(feed.Heartbeat) bool) {
		road := road{outages: s.Outages}
		for made := range s.updates(clients) {
			arrival, ok := road.arrival(made.at)
			if ok && arrival > s.Until {
				return // what is made later arrives later still
			}
			if ok && !yield(feed.Heartbeat{Key: made.by.key, Arrival: arrival, Event: made.at, Count: 1, Labels: made.by.labels}) {
				return
			}
		}
	}, nil
}

// update is one that a client made.
type update struct {
	at feed.Instant
	by *client
}

// updates yields what the clients make, in order of time: each at its phase of
// every round, and all of them at the begin of an outage.
func (s *Scenario) updates(clients []client) iter.Seq[update] {
	return func(yield func(update) bool) {
		outages := s.Outages
		for begin := s.From; begin <= s.Until; begin = begin.Add(s.Generator.Every) {
			for i := range clients {
				at := begin.Add(clients[i].phase)
				if len(outages) > 0 && at >= outages[0].From {
					for j := range clients {
						if !yield(update{outages[0].From, &clients[j]}) {
							return
						}
					}
					outages = outages[1:]
				}
				if at <= s.Until && !s.began(at) && !yield(update{at, &clients[i]}) {
					return
				}
			}
		}
	}
}

// began says that an outage began at t, at which all clients made an update.
func (s *Scenario) began(t feed.Instant) bool {
	return slices.ContainsFunc(s.Outages, func(o Outage) bool { return o.From == t })
}

// road is how updates come from the queue to us; it is asked in order of time.
type road struct {
	outages []Outage
	oldest  feed.Instant // the first update that the queue still had at the restart; zero: not come to yet
}

// arrival is when an update made at t arrives; false when it never does.
func (r *road) arrival(t feed.Instant) (feed.Instant, bool) {
	for len(r.outages) > 0 && t > r.outages[0].DrainedBy {
		r.outages, r.oldest = r.outages[1:], 0
	}
	if len(r.outages) == 0 || t <= r.outages[0].From {
		return t, true
	}
	o := r.outages[0]
	if t < o.Until.Add(-o.Retention) {
		return 0, false // deleted unread
	}
	if r.oldest == 0 {
		r.oldest = t // delivered at once when the feeder is back
	}
	if r.oldest >= o.DrainedBy {
		return t, true
	}
	share := float64(t-r.oldest) / float64(o.DrainedBy-r.oldest)
	return max(t, o.Until+feed.Instant(share*float64(o.DrainedBy-o.Until))), true
}
