package prometheus

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/client_golang/api"
	v1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"

	"github.com/feedwatch/feedwatch/watchdog/feed"
	"github.com/feedwatch/feedwatch/watchdog/sources"
)

// Span is the past that a History reads: a value each Step.
type Span struct {
	From, Until time.Time
	Step        time.Duration
}

// Prometheus gives at most 11,000 points for a series in one answer; the other
// bounds the answer as a whole, whatever the number of series.
const (
	stepsMax  = 10_000
	pointsMax = 1_000_000
	stepsTry  = 10 // until the number of series is known
)

// History reads what a source would have read in the past, with range queries: a
// value that differs from the one before is a heartbeat, and its arrival is the
// value. What changed twice within a step is seen once.
type History struct {
	cfg    Config
	url    *url.URL
	api    v1.API
	client *http.Client
	span   Span

	next    time.Time // of the next query
	steps   int       // it is of so many
	known   map[feed.Key]feed.Instant
	held    []feed.Heartbeat // that a later query may have older ones than
	used    int
	refused string // the first value that was none, and what to do
	ended   bool
}

// NewHistory checks cfg and span.
func NewHistory(cfg Config, span Span) (*History, error) {
	cfg, address, err := cfg.withDefaults()
	client, clientErr := cfg.Access.Client(answerBytesMax)
	var spanErr error
	switch {
	case !span.From.Before(span.Until):
		spanErr = errors.New("the span ends before it begins")
	case span.Step < time.Second:
		spanErr = fmt.Errorf("a step of %v: give at least 1s", span.Step)
	}
	if err := errors.Join(err, clientErr, spanErr); err != nil {
		return nil, fmt.Errorf("prometheus source %q: %w", cfg.Name, err)
	}
	c, err := api.NewClient(api.Config{Address: address.String(), Client: client})
	if err != nil {
		return nil, fmt.Errorf("prometheus source %q: %w", cfg.Name, err)
	}
	return &History{
		cfg: cfg, url: address, api: v1.NewAPI(c), client: client, span: span,
		next: span.From, steps: stepsTry, known: map[feed.Key]feed.Instant{},
	}, nil
}

// Close drops idle connections.
func (h *History) Close() { h.client.CloseIdleConnections() }

// Share is how much of the span was read.
func (h *History) Share() float64 {
	return min(1, float64(h.next.Sub(h.span.From))/float64(h.span.Until.Sub(h.span.From)))
}

// Next is what one query, or more while they have nothing new, yields. io.EOF at
// the end of the span.
func (h *History) Next(ctx context.Context) ([]feed.Heartbeat, error) {
	for !h.ended {
		if h.next.After(h.span.Until) {
			h.ended = true
			if h.used == 0 {
				return nil, h.nothing()
			}
			if len(h.held) == 0 {
				break
			}
			return h.held, nil
		}
		beats, err := h.read(ctx)
		if err != nil || len(beats) > 0 {
			return beats, err
		}
	}
	return nil, io.EOF
}

func (h *History) nothing() error {
	if h.refused != "" {
		return fmt.Errorf("no value of query can be used: %s", h.refused)
	}
	return fmt.Errorf("query yields no series from %s to %s: does %s keep as much?", feed.At(h.span.From), feed.At(h.span.Until), sources.ShowURL(h.url))
}

// read asks for the next steps, and returns what no later answer can have older
// heartbeats than.
func (h *History) read(ctx context.Context) ([]feed.Heartbeat, error) {
	last := h.next.Add(time.Duration(h.steps-1) * h.span.Step)
	if last.After(h.span.Until) {
		last = h.span.Until
	}
	reach := v1.Range{Start: h.next, End: last, Step: h.span.Step}
	arrivals, err := h.query(ctx, "query", h.cfg.Query, reach)
	if err != nil {
		return nil, err
	}
	var events model.Matrix
	if h.cfg.EventQuery != "" {
		if events, err = h.query(ctx, "event_query", h.cfg.EventQuery, reach); err != nil {
			return nil, err
		}
	}
	beats := h.beats(arrivals, events)
	asked := int(last.Sub(h.next)/h.span.Step) + 1
	h.next = h.next.Add(time.Duration(asked) * h.span.Step)
	h.steps = min(max(pointsMax/max(len(arrivals), 1), 1), stepsMax)

	all := append(h.held, beats...)
	slices.SortStableFunc(all, func(a, b feed.Heartbeat) int { return cmp.Compare(a.Arrival, b.Arrival) })
	sure := feed.At(last.Add(-h.cfg.ScrapeLag))
	n, _ := slices.BinarySearchFunc(all, sure, func(b feed.Heartbeat, t feed.Instant) int { return cmp.Compare(b.Arrival, t) })
	h.held = slices.Clone(all[n:])
	return all[:n], nil
}

func (h *History) query(ctx context.Context, name, expr string, reach v1.Range) (model.Matrix, error) {
	value, warnings, _, err := h.api.QueryRange(ctx, expr, reach, v1.WithTimeout(h.cfg.Schedule.Timeout), v1.WithLimit(uint64(h.cfg.SeriesMax)+1))
	if err != nil {
		return nil, failure(ctx, h.url, h.cfg.Schedule.Timeout, name, err)
	}
	matrix, ok := value.(model.Matrix)
	switch {
	case !ok:
		return nil, fmt.Errorf("%s yields a %s; one value per client is needed: %s", name, typeName(value), hintFor(value))
	case len(matrix) > h.cfg.SeriesMax:
		return nil, fmt.Errorf("%s yields more than %d series: aggregate it, as in max by (client) (...)", name, h.cfg.SeriesMax)
	case len(warnings) > 0:
		return nil, fmt.Errorf("%s has only a part of the answer, says %s: %s", name, sources.ShowURL(h.url), strings.Join(warnings, "; "))
	}
	return matrix, nil
}

// eventAt is an event time by series and by when it was read.
type eventAt struct {
	key feed.Key
	at  model.Time
}

func (h *History) beats(arrivals, events model.Matrix) []feed.Heartbeat {
	made := map[eventAt]feed.Instant{}
	for _, stream := range events {
		key, _, err := h.cfg.Mapping.Series(getter(stream))
		if key.IsZero() {
			h.refuse("event_query", err.Error(), "set the right feed and client labels")
			continue
		}
		for _, p := range stream.Values {
			if event, why, hint := sources.Stamp(float64(p.Value)); why == "" {
				made[eventAt{key, p.Timestamp}] = max(made[eventAt{key, p.Timestamp}], event)
			} else if why != sources.Never {
				h.refuse("event_query", fmt.Sprintf("%s is %g", key, float64(p.Value)), hint)
			}
		}
	}
	var beats []feed.Heartbeat
	for _, stream := range arrivals {
		key, labels, err := h.cfg.Mapping.Series(getter(stream))
		if key.IsZero() {
			h.refuse("query", err.Error(), "set the right feed and client labels")
			continue
		}
		for _, p := range stream.Values {
			arrival, why, hint := sources.Stamp(float64(p.Value))
			switch {
			case why == sources.Never:
			case why != "":
				h.refuse("query", fmt.Sprintf("%s is %g", key, float64(p.Value)), hint)
			case arrival > h.known[key]:
				h.used++
				h.known[key] = arrival
				beats = append(beats, feed.Heartbeat{Key: key, Arrival: arrival, Event: made[eventAt{key, p.Timestamp}], Count: 1, Labels: labels})
			}
		}
	}
	return beats
}

func (h *History) refuse(query, what, hint string) {
	if h.refused == "" {
		h.refused = query + ": " + what + " (" + hint + ")"
	}
}

func getter(stream *model.SampleStream) func(string) string {
	return func(label string) string { return string(stream.Metric[model.LabelName(label)]) }
}
