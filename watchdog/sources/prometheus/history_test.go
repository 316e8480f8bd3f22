package prometheus

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/feedwatch/feedwatch/watchdog/feed"
	"github.com/feedwatch/feedwatch/watchdog/sources"
	"github.com/feedwatch/feedwatch/watchdog/sources/sourcetest"
)

func history(t *testing.T, cfg Config, span Span) *History {
	t.Helper()
	h, err := NewHistory(cfg, span)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.Close)
	return h
}

func readAll(ctx context.Context, h *History) ([]feed.Heartbeat, error) {
	var all []feed.Heartbeat
	for {
		beats, err := h.Next(ctx)
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return all, err
		}
		all = append(all, beats...)
	}
}

// past answers range queries: each client updated every so many seconds, the
// value is its last update before the time that is asked for, less two seconds
// that it takes to be scraped.
func past(every map[string]int64, asked *[]string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		start, _ := strconv.ParseFloat(r.FormValue("start"), 64)
		end, _ := strconv.ParseFloat(r.FormValue("end"), 64)
		step, _ := strconv.ParseFloat(r.FormValue("step"), 64)
		*asked = append(*asked, fmt.Sprintf("%s %.0f+%.0f/%.0f", strings.SplitN(r.FormValue("query"), "(", 2)[0], start-1763942400, end-start, step))
		var streams []string
		for client, seconds := range every {
			var values []string
			for at := int64(start); at <= int64(end); at += int64(step) {
				value := (at - 2) / seconds * seconds
				if strings.Contains(r.FormValue("query"), "events") {
					value -= 5
				}
				values = append(values, fmt.Sprintf(`[%d,"%d"]`, at, value))
			}
			streams = append(streams, fmt.Sprintf(`{"metric":{"client":%q},"values":[%s]}`, client, strings.Join(values, ",")))
		}
		_, _ = io.WriteString(w, `{"status":"success","data":{"resultType":"matrix","result":[`+strings.Join(streams, ",")+`]}}`)
	}
}

func TestHistory(t *testing.T) {
	var asked []string
	url := serve(t, past(map[string]int64{"acme": 60, "zen": 600}, &asked))
	cfg := config(url)
	cfg.ScrapeLag = 10 * time.Second
	from := time.Unix(1763942400, 0)
	h := history(t, cfg, Span{From: from, Until: from.Add(time.Hour), Step: 15 * time.Second})
	all, err := readAll(t.Context(), h)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.IsSortedFunc(all, func(a, b feed.Heartbeat) int { return int(a.Arrival - b.Arrival) }) {
		t.Error("not in order of arrival")
	}
	count := map[string]int{}
	for _, b := range all {
		count[b.Key.Client()]++
		if b.Arrival.Sub(b.Event) != 5*time.Second {
			t.Fatalf("%s at %s was made %s", b.Key, b.Arrival, b.Event)
		}
	}
	// The first value is what was known when the hour began.
	if count["acme"] != 61 || count["zen"] != 7 {
		t.Errorf("heartbeats %v, want 61 of acme and 7 of zen", count)
	}
	want := "[max by  0+135/15 max by  0+135/15 max by  150+3450/15 max by  150+3450/15]"
	if fmt.Sprint(asked) != want {
		t.Errorf("asked for %v, want %s", asked, want)
	}
	if h.Share() != 1 {
		t.Errorf("read a share of %v", h.Share())
	}
}

func TestHistoryRefuses(t *testing.T) {
	from := time.Unix(1763942400, 0)
	span := Span{From: from, Until: from.Add(time.Hour), Step: time.Minute}
	answer := func(body string) Config {
		return config(serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, body) }))
	}
	matrix := func(values string) string {
		return `{"status":"success","data":{"resultType":"matrix","result":[` + values + `]}}`
	}
	for name, c := range map[string]struct {
		cfg  Config
		want string
	}{
		"nothing":   {answer(matrix("")), "query yields no series from 2025-11-24T00:00:00Z to 2025-11-24T01:00:00Z"},
		"ages":      {answer(matrix(`{"metric":{"client":"a"},"values":[[1763942400,"17"]]}`)), "a is 17 (unix seconds are expected; is it an age?"},
		"no client": {answer(matrix(`{"metric":{"job":"a"},"values":[[1763942400,"1763942399"]]}`)), "the client's name is empty"},
		"part":      {answer(strings.Replace(matrix(""), "{", `{"warnings":["one store is away"],`, 1)), "only a part of the answer"},
		"a vector":  {answer(`{"status":"success","data":{"resultType":"vector","result":[]}}`), "query yields a vector"},
		"refused":   {answer(`{"status":"error","errorType":"bad_data","error":"no such function"}`), "no such function"},
		"no server": {config("http://127.0.0.1:1"), "cannot reach http://127.0.0.1:1"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := readAll(t.Context(), history(t, c.cfg, span))
			sourcetest.WantError(t, err, c.want)
		})
	}
	for want, wrong := range map[string]Span{
		"the span ends before it begins": {From: from, Until: from, Step: time.Minute},
		"a step of 1ms":                  {From: from, Until: from.Add(time.Hour), Step: time.Millisecond},
	} {
		_, err := NewHistory(config("http://127.0.0.1:1"), wrong)
		sourcetest.WantError(t, err, `prometheus source "prom-eu"`, want)
	}
}

// TestRealPrometheusHistory reads two updates of a client, one after the other.
func TestRealPrometheusHistory(t *testing.T) {
	var update atomic.Int64
	update.Store(1763942400)
	target := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; version=0.0.4")
		at := update.Load()
		_, _ = fmt.Fprintf(w, "arrivals{stream=\"external-profiles\",client=\"acme\",cluster=\"fsn1\"} %d\n"+
			"events{stream=\"external-profiles\",client=\"acme\",cluster=\"fsn1\"} %d\n", at, at-7)
	})
	r := sourcetest.StartPrometheus(t, target[len("http://"):], 200*time.Millisecond)
	cfg := Config{
		Name: "prom-eu", URL: r.URL,
		Query:      "max by (stream, client, cluster) (arrivals)",
		EventQuery: "max by (stream, client, cluster) (events)",
		Mapping:    sources.Mapping{FeedLabel: "stream", Labels: map[string]string{"cluster": "cluster"}},
	}
	begun := time.Now().Truncate(time.Second)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		all, err := readAll(ctx, history(t, cfg, Span{From: begun, Until: time.Now(), Step: time.Second}))
		var got []string
		for _, b := range all {
			got = append(got, fmt.Sprintf("%s %d %d %s", b.Key, b.Arrival/1000-1763942400, b.Event/1000-1763942400, b.Labels))
		}
		switch fmt.Sprint(got) {
		case "[]": // Prometheus has yet to start, or to scrape
		case "[external-profiles/acme 0 -7 cluster=fsn1]":
			update.Store(1763942460)
		case "[external-profiles/acme 0 -7 cluster=fsn1 external-profiles/acme 60 53 cluster=fsn1]":
			return
		default:
			t.Fatalf("got %v", got)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("after %v: %v, %v", patience, got, err)
		case <-r.Exited:
			t.Fatalf("prometheus ended: %s", r.Output)
		}
	}
}
