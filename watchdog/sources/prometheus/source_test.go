package prometheus

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/feedwatch/feedwatch/watchdog/feed"
	"github.com/feedwatch/feedwatch/watchdog/said"
	"github.com/feedwatch/feedwatch/watchdog/sources"
	"github.com/feedwatch/feedwatch/watchdog/sources/sourcetest"
)

var now = time.Date(2025, 11, 24, 0, 5, 0, 0, time.UTC)

func config(url string) Config {
	return Config{
		Name: "prom-eu", URL: url, Query: "max by (client) (arrivals)", EventQuery: "max by (client) (events)",
		Mapping:  sources.Mapping{Feed: "external-profiles"},
		Schedule: sources.Schedule{Interval: time.Minute, Timeout: 20 * time.Second},
		Now:      func() time.Time { return now },
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

func serve(t *testing.T, handler http.HandlerFunc) string { return sourcetest.Serve(t, handler) }

func heartbeat(t *testing.T, client string, arrival, event feed.Instant) feed.Heartbeat {
	return sourcetest.Heartbeat(t, client, nil, arrival, event)
}

// vector is an answer of Prometheus with one value per client.
func vector(values map[string]string) string {
	var results []string
	for client, v := range values {
		results = append(results, fmt.Sprintf(`{"metric":{"client":%q},"value":[1763942700,%q]}`, client, v))
	}
	return `{"status":"success","data":{"resultType":"vector","result":[` + strings.Join(results, ",") + `]}}`
}

func TestReadAsksForOneTime(t *testing.T) {
	var times, timeouts, limits []string
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		times = append(times, r.PostFormValue("time"))
		timeouts = append(timeouts, r.PostFormValue("timeout"))
		limits = append(limits, r.PostFormValue("limit"))
		values := map[string]string{"acme": "1763942400.25", "zen": "1763942401"}
		if strings.Contains(r.PostFormValue("query"), "events") {
			values = map[string]string{"acme": "1763942300"}
		}
		_, _ = io.WriteString(w, vector(values))
	})
	s := source(t, config(url))
	got, err := s.Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	byClient := map[string]feed.Heartbeat{}
	for _, h := range got.Heartbeats {
		byClient[h.Key.Client()] = h
	}
	want := map[string]feed.Heartbeat{
		"acme": heartbeat(t, "acme", 1763942400250, 1763942300000),
		"zen":  heartbeat(t, "zen", 1763942401000, 0),
	}
	if !reflect.DeepEqual(byClient, want) {
		t.Errorf("got %+v, want %+v", byClient, want)
	}
	if got.KnownThrough != feed.At(now.Add(-time.Minute)) {
		t.Errorf("known through %v, want the time of the query less a scrape interval", got.KnownThrough)
	}
	if source := (feed.Source{Name: "prom-eu", LagMax: 4*time.Minute + 20*time.Second, Feed: "external-profiles"}); got.Source != source {
		t.Errorf("source %+v, want %+v", got.Source, source)
	}
	for what, seen := range map[string][]string{"1763942700": times, "20s": timeouts, "1000001": limits} {
		if !reflect.DeepEqual(seen, []string{what, what}) {
			t.Errorf("asked with %v, want %s for both queries", seen, what)
		}
	}
}

func TestReadFails(t *testing.T) {
	apiError := func(code int, kind, text string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(code)
			_ = json.NewEncoder(w).Encode(map[string]string{"status": "error", "errorType": kind, "error": text})
		}
	}
	text := func(code int, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(code)
			_, _ = io.WriteString(w, body)
		}
	}
	ok := func(data string) http.HandlerFunc { return text(200, `{"status":"success","data":`+data+`}`) }
	many := map[string]string{}
	for i := range 11 {
		many[fmt.Sprint(i)] = "1763942400"
	}
	for _, c := range []struct {
		name    string
		handler http.HandlerFunc
		words   []string
	}{
		{"syntax", apiError(400, "bad_data", `parse error: unclosed "("`), []string{"does not understand query: parse error"}},
		{"execution", apiError(422, "execution", "many-to-many matching"), []string{"could not run query: many-to-many"}},
		{"timeout over there", apiError(503, "timeout", "query timed out"), []string{"gave up on query", "timeout of 20s too short?"}},
		{"unauthorized", text(401, "who are you"), []string{"refused query", "are url and credentials right?"}},
		{"forbidden", text(403, "no"), []string{"refused query", "credentials"}},
		{"not Prometheus", text(200, "<html>"), []string{"did not answer as Prometheus does", "is url right?"}},
		{"not found", text(404, "404 page not found"), []string{"are url and credentials right?"}},
		{"canceled over there", apiError(503, "canceled", "query was canceled"), []string{"gave up on query"}},
		{"gateway", text(502, "bad gateway"), []string{"could not run query", "502"}},
		{"matrix", ok(`{"resultType":"matrix","result":[]}`), []string{"query yields a matrix", "leave out the range"}},
		{"scalar", ok(`{"resultType":"scalar","result":[1763942700,"1"]}`), []string{"query yields a scalar", "no labels"}},
		{"string", ok(`{"resultType":"string","result":[1763942700,"x"]}`), []string{"did not answer as Prometheus does", "string"}},
		{"empty", ok(`{"resultType":"vector","result":[]}`), []string{"query yields no series", "still exported"}},
		{"partial", text(200, `{"status":"success","warnings":["store eu-2 did not answer"],"data":{"resultType":"vector","result":[{"metric":{"client":"a"},"value":[1,"1763942400"]}]}}`), []string{"only a part", "store eu-2 did not answer"}},
		{"histogram", ok(`{"resultType":"vector","result":[{"metric":{"client":"a"},"histogram":[1763942700,{"count":"1","sum":"1","buckets":[]}]}]}`), []string{"none of the 1 values of query"}},
		{"too many", text(200, vector(many)), []string{"more than 10 series", "max by (client)"}},
		{"no data", text(200, `{"status":"success"}`), []string{"yields"}},
		{"milliseconds", text(200, vector(map[string]string{"a": "1763942400000"})), []string{"divide it by 1000"}},
		{"hangs up", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, []string{"broke off"}},
		{"redirect", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://sso.example/?fwsecret", http.StatusFound)
		}, []string{"redirects to https://sso.example/,"}},
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

func TestReadFailsWithoutEventTimes(t *testing.T) {
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.PostFormValue("query"), "events") {
			_, _ = io.WriteString(w, vector(nil))
			return
		}
		_, _ = io.WriteString(w, vector(map[string]string{"a": "1763942400"}))
	})
	_, err := source(t, config(url)).Read(t.Context())
	sourcetest.WantError(t, err, "event_query yields no series")
}

func TestReadGoesOnWithInfos(t *testing.T) {
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, strings.Replace(vector(map[string]string{"a": "1763942400"}), `{"status"`, `{"infos":["PromQL info: metric might not be a counter"],"status"`, 1))
	})
	if _, err := source(t, config(url)).Read(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestCredentialsStayInside(t *testing.T) {
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer fwsecret" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		w.WriteHeader(http.StatusInternalServerError)
	})
	cfg := config(url)
	cfg.Access.BearerToken = func() (string, error) { return "fwsecret", nil }
	_, err := source(t, cfg).Read(t.Context())
	sourcetest.WantError(t, err, "500")
	if said := fmt.Sprintf("%v %+v", err, cfg); strings.Contains(said, "fwsecret") {
		t.Errorf("%s tells the token", said)
	}
	cfg.Access.BearerToken = func() (string, error) { return "", errors.New("open token: no such file") }
	_, err = source(t, cfg).Read(t.Context())
	sourcetest.WantError(t, err, "bearer token: open token: no such file")
}

func TestConfig(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*Config)
		words  []string
	}{
		{"everything at once", func(c *Config) { *c = Config{} }, []string{"no name", "url is missing", "query is missing", "set feed, or feed_label"}},
		{"api path", func(c *Config) { c.URL += "/api/v1/" }, []string{"leave out /api/v1"}},
		{"url with query", func(c *Config) { c.URL += "/?query=up" }, []string{"the expression as query"}},
		{"lag", func(c *Config) { c.LagMax = 2 * time.Minute }, []string{"lag_max 2m0s must be more than"}},
		{"negative scrape lag", func(c *Config) { c.ScrapeLag = -1 }, []string{"scrape_lag"}},
		{"ca file", func(c *Config) { c.Access.CAFile = "gone.pem" }, []string{"ca_file"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg := config("http://prom:9090/prefix")
			c.change(&cfg)
			_, err := New(cfg, sources.NewMetrics(prometheus.NewRegistry()), said.Log())
			sourcetest.WantError(t, err, append(c.words, "prometheus source")...)
		})
	}
}

func BenchmarkRead(b *testing.B) {
	values := map[string]string{}
	for i := range 100_000 {
		values[fmt.Sprintf("client-%d", i)] = "1763942400.123"
	}
	text := vector(values)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, text) }))
	defer server.Close()
	cfg := config(server.URL)
	cfg.EventQuery = ""
	s, err := New(cfg, sources.NewMetrics(prometheus.NewRegistry()), said.Log())
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if report, err := s.Read(b.Context()); err != nil || len(report.Heartbeats) != 100_000 {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/100_000, "ns/series")
}
