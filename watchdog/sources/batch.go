package sources

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/feedwatch/feedwatch/watchdog/feed"
)

// SeriesMaxDefault is how many values one read may bring.
const SeriesMaxDefault = 1_000_000

// Batch gathers the values of one read into heartbeats. Values of one series, as
// several replicas of a feeder give, become one heartbeat with the latest times:
// what is handed on does not depend on their order.
type Batch struct {
	mapping   *Mapping
	seriesMax int
	at        map[feed.Key]int
	beats     []feed.Heartbeat
	eventAt   map[feed.Key]feed.Instant
	arrivals  tally
	events    tally
}

// tally is what became of the values of one kind.
type tally struct {
	read    int
	refused map[Reason]refusals
}

type refusals struct {
	count int
	first string // an example, for people
}

// NewBatch is empty. A read of more than seriesMax values is refused.
func NewBatch(mapping *Mapping, seriesMax int) *Batch {
	return &Batch{mapping: mapping, seriesMax: seriesMax, at: map[feed.Key]int{}, eventAt: map[feed.Key]feed.Instant{}}
}

// Arrival takes a value that says when the last update of a client arrived. get
// gives the value's labels, "" for those it has not.
func (b *Batch) Arrival(get func(label string) string, seconds float64) error {
	if err := b.arrivals.count(b.seriesMax); err != nil {
		return err
	}
	key, err := b.mapping.key(get)
	if err != nil {
		b.arrivals.refuse(BadName, func() string { return err.Error() })
		return nil
	}
	arrival, reason := instantOf(seconds)
	if reason != taken {
		b.arrivals.refuse(reason, func() string { return fmt.Sprintf("%s is %g", key, seconds) })
		return nil
	}
	labels, err := b.mapping.labels(get)
	if err != nil {
		b.arrivals.refuse(BadLabels, func() string { return fmt.Sprintf("%s: %v", key, err) })
	}
	b.merge(feed.Heartbeat{Key: key, Arrival: arrival, Count: 1, Labels: labels})
	return nil
}

// merge keeps the later of two heartbeats of a series.
func (b *Batch) merge(h feed.Heartbeat) {
	i, seen := b.at[h.Key]
	if !seen {
		b.at[h.Key] = len(b.beats)
		b.beats = append(b.beats, h)
		return
	}
	old := &b.beats[i]
	if later := cmp.Or(cmp.Compare(h.Arrival, old.Arrival), strings.Compare(h.Labels.String(), old.Labels.String())); later > 0 {
		*old = h
	}
}

// Event takes a value that says when the last update of a client was made. One
// without an arrival is left out.
func (b *Batch) Event(get func(label string) string, seconds float64) error {
	if err := b.events.count(b.seriesMax); err != nil {
		return err
	}
	key, err := b.mapping.key(get)
	if err != nil {
		b.events.refuse(BadName, func() string { return err.Error() })
		return nil
	}
	event, reason := instantOf(seconds)
	if reason != taken {
		b.events.refuse(reason, func() string { return fmt.Sprintf("%s is %g", key, seconds) })
		return nil
	}
	b.eventAt[key] = max(b.eventAt[key], event)
	return nil
}

// Heartbeats are what was gathered, or why nothing of it makes sense: all values
// of a kind were refused. Nothing but zeros makes sense: nothing has arrived yet.
// arrivals and events name the two in the error.
func (b *Batch) Heartbeats(arrivals, events string) ([]feed.Heartbeat, error) {
	if err := b.arrivals.senseless(arrivals); err != nil {
		return nil, err
	}
	if err := b.events.senseless(events); err != nil {
		return nil, err
	}
	for i := range b.beats {
		b.beats[i].Event = b.eventAt[b.beats[i].Key]
	}
	return b.beats, nil
}

// Arrivals is how many arrivals were read, refused ones included.
func (b *Batch) Arrivals() int { return b.arrivals.read }

// Events is how many event times were read, refused ones included.
func (b *Batch) Events() int { return b.events.read }

func (t *tally) count(limit int) error {
	if t.read++; t.read > limit {
		return fmt.Errorf("more than %d series: narrow it down, or raise series_max", limit)
	}
	return nil
}

func (t *tally) refuse(why Reason, example func() string) {
	if t.refused == nil {
		t.refused = map[Reason]refusals{}
	}
	r := t.refused[why]
	if r.count == 0 {
		r.first = example()
	}
	r.count++
	t.refused[why] = r
}

// senseless is an error if nothing that was read could be used, zeros aside.
func (t *tally) senseless(what string) error {
	used, most := t.read, Reason("")
	for _, reason := range t.reasons() {
		if reason == BadLabels { // taken all the same
			continue
		}
		count := t.refused[reason].count
		used -= count
		if reason != Never && count > t.refused[most].count {
			most = reason
		}
	}
	if used > 0 || most == "" {
		return nil
	}
	return fmt.Errorf("none of the %d values of %s can be used: %s (%s)", t.read, what, t.refused[most].first, hints[most])
}

func (t *tally) reasons() []Reason {
	all := make([]Reason, 0, len(t.refused))
	for reason := range t.refused {
		all = append(all, reason)
	}
	slices.Sort(all)
	return all
}
