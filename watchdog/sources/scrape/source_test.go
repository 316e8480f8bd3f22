package scrape

import (
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/feedwatch/feedwatch/watchdog/feed"
	"github.com/feedwatch/feedwatch/watchdog/said"
	"github.com/feedwatch/feedwatch/watchdog/sources"
	"github.com/feedwatch/feedwatch/watchdog/sources/sourcetest"
)

const (
	metric      = "feed_last_update_timestamp_seconds"
	eventMetric = "feed_last_event_timestamp_seconds"
)

var now = time.Date(2025, 11, 24, 0, 5, 0, 0, time.UTC)

func config(url string) Config {
	return Config{
		Name: "feeder", URL: url, Metric: metric,
		Mapping: sources.Mapping{Feed: "external-profiles", Labels: map[string]string{"cluster": "cluster"}},
		Now:     func() time.Time { return now },
	}
}

func source(t *testing.T, cfg Config) *Source {
	t.Helper()
	s, err := New(cfg, sources.NewMetrics(prometheus.NewRegistry()), said.Log())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func serve(t *testing.T, handler http.Handler) string {
	return sourcetest.Serve(t, handler) + "/metrics"
}

// answer answers with text under a content type.
func answer(contentType, text string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header()["Content-Type"] = []string{contentType}
		_, _ = io.WriteString(w, text)
	}
}

func beat(t *testing.T, client, cluster string, arrival, event feed.Instant) feed.Heartbeat {
	return sourcetest.Heartbeat(t, client, map[string]string{"cluster": cluster}, arrival, event)
}

// A page as client_golang serves it, packed.
func TestReadOfAClientLibrary(t *testing.T) {
	registry := prometheus.NewRegistry()
	gauge := func(name string) *prometheus.GaugeVec {
		g := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: name, Help: "of the last update"}, []string{"client", "cluster"})
		registry.MustRegister(g)
		return g
	}
	arrivals, events := gauge(metric), gauge(eventMetric)
	awkward := `a "quoted" \ åcme {1}`
	arrivals.WithLabelValues("acme", "fsn1").Set(1763942400.25)
	arrivals.WithLabelValues(awkward, "hel1").Set(1763942401)
	arrivals.WithLabelValues("new", "hel1").Set(0)
	events.WithLabelValues("acme", "fsn1").Set(1763942300)
	packed := false
	handler := promhttp.HandlerFor(registry, promhttp.HandlerOpts{EnableOpenMetrics: true})
	url := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		packed = strings.Contains(r.Header.Get("Accept-Encoding"), "gzip")
		handler.ServeHTTP(w, r)
	}))
	cfg := config(url)
	cfg.EventMetric = eventMetric
	s := source(t, cfg)
	got, err := s.Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := feed.Report{
		Source: feed.Source{Name: "feeder", LagMax: 100 * time.Second, Feed: "external-profiles"},
		Heartbeats: []feed.Heartbeat{
			beat(t, awkward, "hel1", 1763942401000, 0),
			beat(t, "acme", "fsn1", 1763942400250, 1763942300000),
		},
		KnownThrough: feed.At(now),
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if !packed {
		t.Error("the page was not asked for packed")
	}
	if s.Schedule() != (sources.Schedule{Interval: 30 * time.Second, Timeout: 10 * time.Second}) {
		t.Errorf("schedule %+v", s.Schedule())
	}
}

func TestReadOfPages(t *testing.T) {
	const line = metric + `{client="acme",cluster="fsn1"} 1.763942400e9`
	const openMetrics = "application/openmetrics-text; version=1.0.0; charset=utf-8"
	for _, c := range []struct{ name, contentType, text string }{
		{"text", "text/plain; version=0.0.4", "# TYPE " + metric + " gauge\n" + line + "\n"},
		{"no content type", "", line + "\n"},
		{"time stamp", "text/plain", line + " 1763942400000\n"},
		{"blanks", "text/plain", "  " + metric + "\t { client = \"acme\" , cluster=\"fsn1\", }   1763942400\n"},
		{"OpenMetrics", openMetrics, "# TYPE " + metric + " gauge\n" + line + "\n# EOF\n"},
		{"OpenMetrics, no last line feed", openMetrics, line + "\n# EOF"},
		{"OpenMetrics, time stamp and exemplar", openMetrics, line + ` 1763942400.5 # {id="a}b"} 1` + "\n# EOF\n"},
		{"trouble elsewhere", "text/plain", "broken{ 12 34\n" + metric + "_other{ x\n" + line + "\n# HELP\n"},
		{"another type", "text/plain", "# TYPE " + metric + " histogram\n" + line + "\n"},
		{"twice", "text/plain", line + "\n" + metric + `{client="acme",cluster="old"} 1763940000` + "\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := source(t, config(serve(t, answer(c.contentType, c.text)))).Read(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			want := []feed.Heartbeat{beat(t, "acme", "fsn1", 1763942400000, 0)}
			if !reflect.DeepEqual(got.Heartbeats, want) {
				t.Errorf("got %+v, want %+v", got.Heartbeats, want)
			}
		})
	}
}

func TestReadFails(t *testing.T) {
	const good = metric + `{client="acme"} 1763942400` + "\n"
	status := func(code int) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) { http.Error(w, "no", code) }
	}
	for _, c := range []struct {
		name    string
		handler http.HandlerFunc
		words   []string
	}{
		{"not found", status(404), []string{"404 Not Found", "is the path right?"}},
		{"unauthorized", status(401), []string{"401", "are the credentials right?"}},
		{"broken server", status(500), []string{"/metrics answered 500"}},
		{"a web page", answer("text/html", "<html>"), []string{"answered with text/html", "is the path right?"}},
		{"protobuf", answer("application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited", "x"), []string{"no text format"}},
		{"empty", answer("text/plain", ""), []string{"/metrics has no metric " + metric}},
		{"not the metric", answer("text/plain", "up 1\n"), []string{"has no metric", "is it still exported"}},
		{"no value", answer("text/plain", good+metric+`{client="x"}`+"\n"), []string{"before line", "cannot read http"}},
		{"labels without end", answer("text/plain", metric+`{client="x 1763942400`+"\n"), []string{"cannot read http"}},
		{"broken off in a line", answer("text/plain", good+good[:30]), []string{"breaks off before its end"}},
		{"OpenMetrics without end", answer("application/openmetrics-text", good), []string{"breaks off before its end"}},
		{"endless line", answer("text/plain", strings.Repeat("x", 70<<10)+"\n"), []string{"line 1 is longer than 64 KiB"}},
		{"all in milliseconds", answer("text/plain", metric+`{client="acme"} 1.763942400e12`+"\n"), []string{"none of the 1 values of " + metric, "divide it by 1000"}},
		{"without client label", answer("text/plain", metric+" 1763942400\n"), []string{"the client's name is empty"}},
		{"too many", answer("text/plain", strings.Repeat(good, 11)), []string{"more than 10 series"}},
		{"too large", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			z := gzip.NewWriter(w)
			for range 1 + pageBytesMax>>20 {
				_, _ = io.WriteString(z, strings.Repeat("# a comment ...\n", 1<<16))
			}
			_ = z.Close()
		}, []string{"is larger than 64 MiB"}},
		{"hangs up", func(w http.ResponseWriter, r *http.Request) { panic(http.ErrAbortHandler) }, []string{"broke off"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg := config(serve(t, c.handler))
			cfg.SeriesMax = 10
			got, err := source(t, cfg).Read(t.Context())
			sourcetest.WantError(t, err, c.words...)
			if !got.KnownThrough.IsZero() || len(got.Heartbeats) != 0 {
				t.Errorf("a failed read gave %+v", got)
			}
		})
	}
}

func TestReadWithoutEventMetricFails(t *testing.T) {
	cfg := config(serve(t, answer("text/plain", metric+`{client="acme"} 1763942400`+"\n")))
	cfg.EventMetric = eventMetric
	_, err := source(t, cfg).Read(t.Context())
	sourcetest.WantError(t, err, "has no metric "+eventMetric)
}

func TestReadEndsWithItsContext(t *testing.T) {
	arrived := make(chan struct{})
	url := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		close(arrived)
		<-r.Context().Done()
	}))
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-arrived; cancel() }()
	if _, err := source(t, config(url)).Read(ctx); err == nil {
		t.Error("no error")
	}
}

func TestConfig(t *testing.T) {
	valid := config("http://feeder:8080/metrics")
	for _, c := range []struct {
		name   string
		change func(*Config)
		words  []string
	}{
		{"everything at once", func(c *Config) { *c = Config{} }, []string{"no name", "url is missing", "metric is missing", "set feed, or feed_label"}},
		{"a selector", func(c *Config) { c.Metric = `x{client="a"}` }, []string{"is no metric's name"}},
		{"event selector", func(c *Config) { c.EventMetric = `{}` }, []string{"event_metric"}},
		{"the same twice", func(c *Config) { c.EventMetric = c.Metric }, []string{"are the same"}},
		{"lag", func(c *Config) { c.LagMax = time.Second }, []string{"lag_max 1s must be more than the interval"}},
		{"both credentials", func(c *Config) {
			c.Access.BearerToken = func() (string, error) { return "", nil }
			c.Access.Username = "u"
		}, []string{"keep one"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg := valid
			c.change(&cfg)
			_, err := New(cfg, sources.NewMetrics(prometheus.NewRegistry()), said.Log())
			sourcetest.WantError(t, err, append(c.words, "scrape source")...)
		})
	}
}

// FuzzPage: no page makes the parser fail other than by an error, and it gives
// no value that is on no line of the metric.
func FuzzPage(f *testing.F) {
	for _, text := range []string{
		"", "# EOF", "# EOF\n", metric, metric + " 1\n", metric + "{} 1\n", metric + "{client=\"a\"} 1.7e9\n# EOF\n",
		metric + "{client=\"a\\\"}\\\\\\n\"} NaN 12\n", metric + `{client="a"} 1 1.5 # {id="x"} 2` + "\n# EOF\n",
		"{\"" + metric + "\"} 1\n", metric + "{client=\"\xff\"} 1\n", metric + "{client=\"a\",client=\"b\"} 1\n", "\x00\n \t{", metric + "{ 1\n",
	} {
		f.Add(text, false)
		f.Add(text, true)
	}
	f.Fuzz(func(t *testing.T, text string, openMetrics bool) {
		p := page{metric: metric, eventMetric: eventMetric, openMetrics: openMetrics}
		values := 0
		take := func(get func(string) string, _ float64) error { values++; _ = get("client"); return nil }
		if err := p.parse(strings.NewReader(text), take, take); err != nil {
			return
		}
		if lines := strings.Count(text, metric) + strings.Count(text, eventMetric); values > lines {
			t.Errorf("%d values from %d mentions of the metrics", values, lines)
		}
	})
}

// FuzzLine: whatever a client is called, its value survives both formats.
func FuzzLine(f *testing.F) {
	f.Add("acme", 1763942400.123)
	f.Add("a\"\\}{ \n# EOF", 0.5)
	f.Fuzz(func(t *testing.T, client string, seconds float64) {
		client = strings.ToValidUTF8(client, "?")
		if len(client) > 1000 {
			return
		}
		escaped := strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(client)
		for _, openMetrics := range []bool{false, true} {
			text := fmt.Sprintf("%s{client=\"%s\",cluster=\"fsn1\"} %g\n# EOF\n", metric, escaped, seconds)
			p := page{metric: metric, openMetrics: openMetrics}
			var gotClient string
			var gotSeconds float64
			err := p.parse(strings.NewReader(text), func(get func(string) string, s float64) error {
				gotClient, gotSeconds = get("client"), s
				return nil
			}, nil)
			same := gotSeconds == seconds || gotSeconds != gotSeconds && seconds != seconds
			if err != nil || gotClient != client || !same {
				t.Errorf("OpenMetrics %v: %q became %q, %g, %v", openMetrics, text, gotClient, gotSeconds, err)
			}
		}
	})
}

func BenchmarkParse(b *testing.B) {
	var text strings.Builder
	for i := range 10_000 {
		fmt.Fprintf(&text, "%s{client=\"client-%d\",cluster=\"fsn1\",tier=\"enterprise\"} 1.763942400123e+09\n", metric, i)
	}
	text.WriteString("# EOF\n")
	for _, openMetrics := range []bool{false, true} {
		b.Run(fmt.Sprintf("openmetrics=%v", openMetrics), func(b *testing.B) {
			b.SetBytes(int64(text.Len()))
			for b.Loop() {
				p := page{metric: metric, openMetrics: openMetrics}
				err := p.parse(strings.NewReader(text.String()), func(func(string) string, float64) error { return nil }, nil)
				if err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/10_000, "ns/line")
		})
	}
}
