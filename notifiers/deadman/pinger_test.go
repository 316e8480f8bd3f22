package deadman_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/feedwatch/feedwatch/notifiers"
	"github.com/feedwatch/feedwatch/notifiers/deadman"
	"github.com/feedwatch/feedwatch/notifiers/notifiertest"
	"github.com/feedwatch/feedwatch/rules"
	"github.com/feedwatch/feedwatch/watchdog/delivery"
	"github.com/feedwatch/feedwatch/watchdog/said"
)

const path = "/ping/5f1c7c2e-fwsecret"

// rig is a switch outside, and who pings it.
type rig struct {
	*deadman.Pinger
	registry *prometheus.Registry
	pings    atomic.Int32
	answer   func(w http.ResponseWriter)
	unwell   string
	now      time.Time
}

func newRig(t *testing.T) *rig {
	r := &rig{registry: prometheus.NewRegistry(), now: time.Date(2025, 11, 24, 0, 0, 0, 0, time.UTC)}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		r.pings.Add(1)
		if req.URL.Path != path || req.Method != http.MethodGet {
			t.Errorf("%s %s", req.Method, req.URL)
		}
		if r.answer != nil {
			r.answer(w)
		}
	}))
	t.Cleanup(server.Close)
	r.Pinger = r.newPinger(t, server.URL)
	return r
}

func (r *rig) newPinger(t *testing.T, url string) *deadman.Pinger {
	p, err := deadman.New(deadman.Config{
		URL: notifiers.NewSecret(url + path), Unwell: func(time.Time) string { return r.unwell },
		Log: said.Log(), Registerer: r.registry, Now: func() time.Time { return r.now },
	})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func (r *rig) minute(t *testing.T) {
	r.Ping(t.Context())
	r.now = r.now.Add(time.Minute)
}

// want is what is said, and how many pings came.
func (r *rig) want(t *testing.T, pings int32, short, trouble string) {
	t.Helper()
	if n := r.pings.Load(); n != pings {
		t.Errorf("%d pings, want %d", n, pings)
	}
	if got := r.Short(); (got == "") != (short == "") || !strings.Contains(got, short) {
		t.Errorf("short %q, want %q", got, short)
	}
	if got := r.Trouble(); (got == "") != (trouble == "") || !strings.Contains(got, trouble) || strings.Contains(got, "secret") {
		t.Errorf("trouble %q, want %q", got, trouble)
	}
}

func TestPings(t *testing.T) {
	r := newRig(t)
	r.minute(t)
	r.minute(t)
	r.want(t, 2, "", "")
	r.unwell = "nothing can be stored"
	r.minute(t)
	r.want(t, 2, "withheld", "nothing can be stored")
	r.unwell = ""
	r.minute(t)
	r.want(t, 3, "", "")

	r.answer = func(w http.ResponseWriter) { w.WriteHeader(http.StatusServiceUnavailable) }
	r.minute(t)
	r.want(t, 4, "", "") // one that is missed wakes nobody
	r.minute(t)
	r.minute(t)
	r.want(t, 6, "not taken", "503")
	r.answer = func(w http.ResponseWriter) { _, _ = w.Write([]byte("OK")) }
	r.minute(t)
	r.want(t, 7, "", "")
	r.answer = func(w http.ResponseWriter) { _, _ = w.Write([]byte("OK (not found)")) }
	for range 3 {
		r.minute(t)
	}
	r.want(t, 10, "not taken", "does not know this URL")
	expected := `
# HELP feedwatch_outside_pings_total Pings to the watch outside by result: ok, failed, or withheld because something is not well.
# TYPE feedwatch_outside_pings_total counter
feedwatch_outside_pings_total{result="failed"} 6
feedwatch_outside_pings_total{result="ok"} 4
feedwatch_outside_pings_total{result="withheld"} 1
`
	if err := testutil.GatherAndCompare(r.registry, strings.NewReader(expected), "feedwatch_outside_pings_total"); err != nil {
		t.Error(err)
	}
}

func TestFirstPingFails(t *testing.T) {
	r := newRig(t)
	r.answer = func(w http.ResponseWriter) { w.WriteHeader(http.StatusNotFound) }
	r.minute(t)
	r.want(t, 1, "not taken", "404")
}

func TestNotConfigured(t *testing.T) {
	p, err := deadman.New(deadman.Config{Registerer: prometheus.NewRegistry(), Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Run(t.Context()); err != nil || p.Trouble() != "" || !strings.HasPrefix(p.Short(), "not watched from outside") {
		t.Errorf("%v, %q, %q", err, p.Trouble(), p.Short())
	}
}

func TestNew(t *testing.T) {
	for _, c := range []deadman.Config{
		{URL: notifiers.NewSecret("hc-ping.com/5f1c7c2e-fwsecret")},
		{URL: notifiers.NewSecret("https://hc-ping.com/5f1c7c2e-fwsecret"), Every: time.Second},
		{URL: notifiers.NewSecret("https://hc-ping.com/5f1c7c2e-fwsecret"), Every: 25 * time.Hour},
	} {
		c.Registerer, c.Now = prometheus.NewRegistry(), time.Now
		if _, err := deadman.New(c); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("error %v", err)
		}
	}
}

// asNotifier lets the conformance suite at a ping: it answers by what is said.
type asNotifier struct {
	*deadman.Pinger
}

func (asNotifier) Shape() delivery.Shape { return delivery.Stream }

func (n asNotifier) Deliver(ctx context.Context, _ delivery.Op) (string, error) {
	err := n.Once(ctx)
	var failed *delivery.Error
	if errors.As(err, &failed) {
		return "", failed
	}
	return "pinged", err
}

func TestConformance(t *testing.T) {
	notifiertest.Run(t, notifiertest.Harness{
		New: func(t *testing.T, url string) delivery.Notifier {
			r := &rig{registry: prometheus.NewRegistry(), now: time.Now()}
			return asNotifier{r.newPinger(t, url)}
		},
		Server: func(*testing.T) http.Handler { return http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}) },
		Op: func() delivery.Op {
			return notifiertest.Open().Op(delivery.Tell, rules.Target{Kind: "watch", Name: "outside"})
		},
		Secrets: []string{"5f1c7c2e-fwsecret"}, AnyBody: true, Reasons: "bad request", ReasonsWord: "bad request",
	})
}
