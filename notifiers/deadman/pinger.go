package deadman

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"github.com/feedwatch/feedwatch/notifiers"
	"github.com/feedwatch/feedwatch/watchdog/delivery"
)

// EveryDefault is how often the watch outside is told; it should miss a ping or
// two before it rings.
const EveryDefault = time.Minute

const (
	everyMin = 10 * time.Second
	everyMax = time.Hour
	// firstAfter lets a start come to its first evaluation.
	firstAfter = 10 * time.Second
	// missedMax is how many pings in a row may fail before nobody outside can be
	// said to watch.
	missedMax = 3
)

// Config is what a Pinger is made from.
type Config struct {
	URL        notifiers.Secret // whoever has it could keep the switch from ringing
	Every      time.Duration    // 0: EveryDefault
	Unwell     func(now time.Time) string
	Log        *slog.Logger
	Registerer prometheus.Registerer
	Now        func() time.Time
}

// Pinger tells the watch outside that all is well.
type Pinger struct {
	config  Config
	sender  *notifiers.Sender
	redact  notifiers.Redactor
	pings   *prometheus.CounterVec
	watched prometheus.Gauge

	mu       sync.Mutex
	heard    time.Time // the last ping that was taken
	withheld string    // why there is none now
	failing  string    // why the last one was not taken
}

// New checks config and makes a Pinger; it makes no request. Without a URL it
// says that nobody outside watches, and does nothing.
func New(config Config) (*Pinger, error) {
	if config.Every == 0 {
		config.Every = EveryDefault
	}
	var errs []error
	if !config.URL.IsZero() {
		errs = append(errs, notifiers.CheckURL("the ping URL", config.URL.Reveal()))
	}
	if config.Every < everyMin || config.Every > everyMax {
		errs = append(errs, fmt.Errorf("every %s: a ping comes every %s to %s", config.Every, everyMin, everyMax))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("watch: %w", err)
	}
	f := promauto.With(config.Registerer)
	p := &Pinger{
		config: config, sender: notifiers.NewSender(), redact: notifiers.NewRedactor(config.URL),
		pings: f.NewCounterVec(prometheus.CounterOpts{
			Name: "feedwatch_outside_pings_total",
			Help: "Pings to the watch outside by result: ok, failed, or withheld because something is not well.",
		}, []string{"result"}),
		watched: f.NewGauge(prometheus.GaugeOpts{
			Name: "feedwatch_outside_watched",
			Help: "Whether a watch outside takes our pings: 1 or 0.",
		}),
	}
	for _, result := range []string{"ok", "failed", "withheld"} {
		p.pings.WithLabelValues(result)
	}
	return p, nil
}

// Run pings until ctx ends, soon and then regularly.
func (p *Pinger) Run(ctx context.Context) error {
	if p.config.URL.IsZero() {
		return nil
	}
	timer := time.NewTimer(firstAfter)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-timer.C:
		}
		timer.Reset(p.config.Every)
		p.Ping(ctx)
	}
}

// Ping tells the watch outside that all is well, unless it is not.
func (p *Pinger) Ping(ctx context.Context) {
	now := p.config.Now()
	unwell := p.config.Unwell(now)
	result, failing := "withheld", ""
	if unwell == "" {
		result = "ok"
		if err := p.Once(ctx); err != nil {
			result, failing = "failed", err.Error()
		}
	}
	if ctx.Err() != nil {
		return
	}
	p.pings.WithLabelValues(result).Inc()
	p.mu.Lock()
	was := p.withheld != "" || p.failing != ""
	p.withheld, p.failing = unwell, failing
	if result == "ok" {
		p.heard = now
	}
	p.mu.Unlock()
	p.watched.Set(map[bool]float64{true: 1}[p.Short() == ""])
	switch {
	case result == "ok" && was:
		p.config.Log.Info("the watch outside hears again that all is well")
	case result == "withheld" && !was:
		p.config.Log.Error("the watch outside is not told that all is well", slog.String("why", unwell))
	case result == "failed" && !was:
		p.config.Log.Warn("the watch outside does not take our ping", slog.String("error", failing))
	}
}

// Once makes one request, whatever is well. Healthchecks answers 200 to a URL that
// it does not know.
func (p *Pinger) Once(ctx context.Context) error {
	const what = "ping"
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, p.config.URL.Reveal(), nil)
	if err != nil { // the URL was checked: nothing of it may be quoted here
		return notifiers.NewFailure(p.redact, "ping: no request can be made for the URL", nil)
	}
	req.Header.Set("User-Agent", "feedwatch")
	x := p.sender.Exchange()
	_, _ = x.Do(req) //nolint:bodyclose // the exchange has read and closed it, and keeps the error
	if failed := x.Failure(what, p.redact); failed != nil {
		return failed
	}
	if bytes.Contains(bytes.ToLower(x.Body), []byte("not found")) {
		return x.Reject(what, delivery.Refused, "the answer says that it does not know this URL", p.redact)
	}
	return nil
}

// Short is why nobody outside watches, fit for everybody; "" while somebody does.
func (p *Pinger) Short() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	const not = "not watched from outside: "
	switch {
	case p.config.URL.IsZero():
		return not + "no watch.ping_url_env is configured, so nobody notices when feedwatch dies"
	case p.withheld != "":
		return not + "its pings are withheld, for something is not well"
	case p.missed():
		return not + "its pings are not taken"
	}
	return ""
}

// Trouble is what is wrong, for those who mend it; "" where nothing is, also
// where no watch is configured.
func (p *Pinger) Trouble() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.withheld != "":
		return "the watch outside is not told that all is well: " + p.withheld
	case p.failing != "" && p.missed():
		return "the watch outside does not take our pings: " + p.failing
	}
	return ""
}

// missed says that too many pings in a row were not taken.
func (p *Pinger) missed() bool {
	return p.failing != "" && (p.heard.IsZero() || p.config.Now().Sub(p.heard) >= missedMax*p.config.Every)
}
