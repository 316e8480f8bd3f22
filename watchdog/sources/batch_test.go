package sources

import (
	"bytes"
	"fmt"
	"log/slog"
	"math"
	"reflect"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"pgregory.net/rapid"

	"github.com/feedwatch/feedwatch/watchdog/feed"
	"github.com/feedwatch/feedwatch/watchdog/said"
)

func diff(got, want any) string {
	if reflect.DeepEqual(got, want) {
		return ""
	}
	return fmt.Sprintf("got %+v, want %+v", got, want)
}

// wantError checks that err says words, or that there is none for "".
func wantError(t *testing.T, err error, words string) {
	t.Helper()
	switch {
	case words == "" && err != nil:
		t.Errorf("error: %v", err)
	case words != "" && (err == nil || !strings.Contains(err.Error(), words)):
		t.Errorf("got error %v, want one that says %q", err, words)
	}
}

// value is one value that was read.
type value struct {
	labels  map[string]string
	seconds float64
	event   bool
}

func (v value) get(name string) string { return v.labels[name] }

func batchOf(t testing.TB, m Mapping, values ...value) *Batch {
	t.Helper()
	m, err := m.WithDefaults()
	if err != nil {
		t.Fatal(err)
	}
	b := NewBatch(&m, SeriesMaxDefault)
	for _, v := range values {
		take := b.Arrival
		if v.event {
			take = b.Event
		}
		if err := take(v.get, v.seconds); err != nil {
			t.Fatal(err)
		}
	}
	return b
}

func client(name string) map[string]string { return map[string]string{"client": name} }

func key(t testing.TB, feedName, clientName string) feed.Key {
	t.Helper()
	k, err := feed.ParseKey(feedName, clientName)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func labels(t testing.TB, pairs map[string]string) feed.Labels {
	t.Helper()
	l, err := feed.ParseLabels(pairs)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestBatchValues(t *testing.T) {
	const a = 1763942400.123
	good := value{client("good"), a, false}
	for _, c := range []struct {
		name   string
		values []value
		beats  int
		reason Reason
		err    string
	}{
		{"a time", []value{good}, 1, taken, ""},
		{"NaN", []value{good, {client("x"), math.NaN(), false}}, 1, NotANumber, ""},
		{"only NaN", []value{{client("x"), math.NaN(), false}}, 0, NotANumber, "none of the 1 values of query can be used: f/x is NaN"},
		{"infinite", []value{good, {client("x"), math.Inf(1), false}}, 1, NotANumber, ""},
		{"negative", []value{good, {client("x"), -a, false}}, 1, NotATime, ""},
		{"only ages", []value{{client("x"), 12.5, false}}, 0, NotATime, "is it an age? then write time() - (...)"},
		{"only zeros: nothing has arrived yet", []value{{client("x"), 0, false}}, 0, Never, ""},
		{"zeros and ages", []value{{client("x"), 0, false}, {client("y"), 7, false}}, 0, NotATime, "none of the 2 values of query can be used: f/y is 7"},
		{"milliseconds", []value{good, {client("x"), a * 1000, false}}, 1, TooLate, ""},
		{"only milliseconds", []value{{client("x"), a * 1000, false}}, 0, TooLate, "is it in milliseconds? then divide it by 1000"},
		{"no client label", []value{good, {map[string]string{"job": "x"}, a, false}}, 1, BadName, ""},
		{"nobody has a client label", []value{{map[string]string{"job": "x"}, a, false}}, 0, BadName, "the client's name is empty (set the right feed and client labels)"},
		{"control character", []value{good, {client("a\nb"), a, false}}, 1, BadName, ""},
		{"too long a label: the heartbeat is taken", []value{{map[string]string{"client": "x", "region": strings.Repeat("r", 200)}, a, false}}, 1, BadLabels, ""},
		{"event in milliseconds", []value{good, {client("good"), a * 1000, true}}, 0, TooLate, "none of the 1 values of event_query"},
		{"event of a stranger", []value{good, {client("x"), a, true}}, 1, taken, ""},
		{"event never", []value{good, {client("good"), 0, true}}, 1, Never, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := batchOf(t, Mapping{Feed: "f", Labels: map[string]string{"region": "region"}}, c.values...)
			beats, err := b.Heartbeats("query", "event_query")
			wantError(t, err, c.err)
			equal(t, "heartbeats", len(beats), c.beats)
			if c.reason != taken && len(b.arrivals.refused)+len(b.events.refused) == 0 {
				t.Errorf("nothing was refused, want %s", c.reason)
			}
			for _, tally := range []tally{b.arrivals, b.events} {
				for reason := range tally.refused {
					if hints[reason] == "" {
						t.Errorf("no hint for %s", reason)
					}
				}
			}
		})
	}
}

func TestBatchHeartbeat(t *testing.T) {
	m := Mapping{FeedLabel: "stream", ClientLabel: "customer", Labels: map[string]string{"cluster": "exported_cluster", "tier": "tier"}}
	with := map[string]string{"stream": "consent", "customer": "acme", "exported_cluster": "fsn1", "job": "feeder"}
	b := batchOf(t, m, value{with, 1763942300.5, true}, value{with, 1763942400.1234, false})
	got, err := b.Heartbeats("query", "event_query")
	wantError(t, err, "")
	equal(t, "heartbeats", got, []feed.Heartbeat{{
		Key: key(t, "consent", "acme"), Arrival: 1763942400123, Event: 1763942300500, Count: 1,
		Labels: labels(t, map[string]string{"cluster": "fsn1"}),
	}})
}

// What several replicas export of one client becomes one heartbeat, whatever
// the order of the answer.
func TestBatchOrderDoesNotMatter(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		one := rapid.Custom(func(rt *rapid.T) value {
			return value{
				labels:  map[string]string{"client": rapid.SampledFrom([]string{"a", "b"}).Draw(rt, "client"), "pod": rapid.SampledFrom([]string{"0", "1"}).Draw(rt, "pod")},
				seconds: 1763942400 + float64(rapid.IntRange(0, 3).Draw(rt, "s")),
				event:   rapid.Bool().Draw(rt, "event"),
			}
		})
		values := rapid.SliceOfN(one, 1, 12).Draw(rt, "values")
		m := Mapping{Feed: "f", Labels: map[string]string{"pod": "pod"}}
		byKey := func(values []value) map[feed.Key]feed.Heartbeat {
			beats, err := batchOf(t, m, values...).Heartbeats("", "")
			if err != nil {
				rt.Fatal(err)
			}
			all := map[feed.Key]feed.Heartbeat{}
			for _, h := range beats {
				if _, twice := all[h.Key]; twice {
					rt.Fatalf("%s comes twice", h.Key)
				}
				all[h.Key] = h
			}
			return all
		}
		want := byKey(values)
		if d := diff(byKey(rapid.Permutation(values).Draw(rt, "order")), want); d != "" {
			rt.Fatal(d)
		}
	})
}

func TestBatchLimit(t *testing.T) {
	m := Mapping{Feed: "f", ClientLabel: "client"}
	b := NewBatch(&m, 2)
	for i := range 3 {
		err := b.Arrival(value{labels: client(fmt.Sprint(i))}.get, 1763942400)
		if (err != nil) != (i == 2) {
			t.Errorf("value %d: %v", i, err)
		}
	}
}

func TestRefusalsAreCountedAndLoggedOnce(t *testing.T) {
	var log bytes.Buffer
	metrics := NewMetrics(prometheus.NewRegistry())
	r := NewRefusals("prom-eu", metrics, slog.New(slog.NewTextHandler(said.Also(&log), nil)))
	bad := func() *Batch {
		return batchOf(t, Mapping{Feed: "f"}, value{client("x"), 1.7e12, false}, value{client("y"), 1.7e12, false}, value{client("y"), 1.7e12, true})
	}
	r.Note(bad())
	r.Note(bad())
	equal(t, "lines", strings.Count(log.String(), "\n"), 1)
	for _, word := range []string{"too_late", "count=2 of=2", "divide it by 1000", "f/x is 1.7e+12"} {
		if !strings.Contains(log.String(), word) {
			t.Errorf("%s does not say %q", log.String(), word)
		}
	}
	equal(t, "counted", testutil.ToFloat64(metrics.refused.WithLabelValues("prom-eu", "too_late")), 6.0)
	r.Note(batchOf(t, Mapping{Feed: "f"}))
	r.Note(bad())
	equal(t, "lines once it came up again", strings.Count(log.String(), "\n"), 2)
}

func TestMapping(t *testing.T) {
	for _, c := range []struct {
		name string
		in   Mapping
		err  string
	}{
		{"feed", Mapping{Feed: "a"}, ""},
		{"feed label", Mapping{FeedLabel: "a"}, ""},
		{"neither", Mapping{}, "set feed, or feed_label"},
		{"both", Mapping{Feed: "a", FeedLabel: "b"}, "keep one"},
		{"bad feed", Mapping{Feed: "a b"}, "letters, digits"},
		{"taken label", Mapping{Feed: "a", Labels: map[string]string{"client": "x"}}, "the series' own name"},
		{"from nowhere", Mapping{Feed: "a", Labels: map[string]string{"tier": ""}}, "read from nowhere"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := c.in.WithDefaults()
			wantError(t, err, c.err)
			equal(t, "client label", got.ClientLabel, "client")
		})
	}
}
