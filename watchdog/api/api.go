package api

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/feedwatch/feedwatch/watchdog"
	"github.com/feedwatch/feedwatch/watchdog/engine"
	"github.com/feedwatch/feedwatch/watchdog/feed"
)

// Ingester takes heartbeats. Submit returns once they are applied: nil when all
// were accepted, else one refusal for each, "" for those that were. After an
// error the report may still be in use.
type Ingester interface {
	Submit(ctx context.Context, r feed.Report) ([]feed.Refusal, error)
}

// Watch is what is known. Status is nil until the engine has begun.
type Watch interface {
	Status() *engine.Status
	Clients(ctx context.Context, q watchdog.ClientQuery) (watchdog.ClientPage, error)
	Incident(ctx context.Context, id string) (*watchdog.Incident, error)
}

// Keeper takes what people decide; it returns once that is durable.
type Keeper interface {
	Acknowledge(ctx context.Context, id, by string, d time.Duration) error
	Snooze(ctx context.Context, id, by string, d time.Duration) error
	HandOver(ctx context.Context, id, by, to string) error
	Resolve(ctx context.Context, id, by, reason string) error
	AcceptLoss(ctx context.Context, id, by, reason string) error
	Silence(ctx context.Context, s watchdog.Silence) (watchdog.Silence, error)
	EndSilence(ctx context.Context, id, by string) (watchdog.Silence, error)
}

// Config is what an API is made of. All of it is needed but where it says so.
type Config struct {
	Ingest Ingester
	Watch  Watch
	Keeper Keeper
	Ledger Ledger
	// Reload reads the rule files again; its error holds the findings when they
	// were refused and the old set stays in force.
	Reload func(ctx context.Context) error
	// Notifiers tells how each is doing; Retry tries one at once, and is false where
	// there is no such one.
	Notifiers func() []NotifierView
	Retry     func(kind, name string) bool
	// Drill begins one, and returns its incidents.
	Drill func(ctx context.Context, ask DrillAsk) ([]*watchdog.Incident, error)
	// Outside is why nobody outside would notice that feedwatch died; "" while
	// somebody would.
	Outside func() string

	Tokens   []Token // may be empty: then nothing can be pushed or changed
	ReadOpen bool    // everybody may read: for a listener on loopback

	// Receivers take what people do elsewhere: Slack's buttons, for one.
	Receivers []Receiver

	Gatherer   prometheus.Gatherer   // what /metrics shows
	Registerer prometheus.Registerer // where the API's own metrics go
	// ClientSeriesMax is the cap of /metrics/clients; 0 leaves that endpoint out.
	ClientSeriesMax int

	Words   Words
	Version string // of feedwatch, shown at the foot of the page; may be empty
	Log     *slog.Logger
}

// Receiver takes what another service posts to a path, and tells by itself
// whether that may.
type Receiver struct {
	Path    string
	Handler http.Handler
}

// ClientSeriesDefault is a good cap for /metrics/clients where it is wanted.
const ClientSeriesDefault = 100_000

// API is an http.Handler; Serve runs it on a listener.
type API struct {
	cfg           Config
	tokens        tokens
	handler       http.Handler
	metrics       *metrics
	page          *page
	scratch       sync.Pool // *scratch
	shares        *shares
	clientScrapes chan struct{} // bounds the scrapes of /metrics/clients at once
	probe         prober
	now           func() time.Time
}

// New makes the API. It fails where two tokens cannot be told apart.
func New(cfg Config) (*API, error) {
	if cfg.Ingest == nil || cfg.Watch == nil || cfg.Keeper == nil || cfg.Ledger == nil || cfg.Reload == nil || cfg.Outside == nil || cfg.Notifiers == nil || cfg.Retry == nil || cfg.Drill == nil ||
		cfg.Gatherer == nil || cfg.Registerer == nil || cfg.Log == nil || !cfg.Words.whole() {
		return nil, errors.New("api: a part of Config is missing")
	}
	a := &API{cfg: cfg, tokens: cfg.Tokens, shares: newShares(), clientScrapes: make(chan struct{}, clientScrapesMax), now: time.Now}
	if err := a.tokens.check(); err != nil {
		return nil, err
	}
	a.scratch.New = func() any { return newScratch() }
	a.metrics = newMetrics(cfg.Registerer)
	a.page = newPage(cfg.Words)
	// A page of somebody else must not make a reader's browser change things.
	guard := http.NewCrossOriginProtection()
	guard.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		refuse(w, http.StatusForbidden, "this came from a page of another site: open feedwatch itself")
	}))
	a.handler = guard.Handler(a.router())
	return a, nil
}

// ServeHTTP answers one request.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) { a.handler.ServeHTTP(w, r) }

// standstillAfter is how old the picture may be, which the engine renews each
// second, before its owner must be taken to hang.
const standstillAfter = time.Minute

// standstill is for how long the watch has stood still; 0 while it does not.
func (a *API) standstill(s *engine.Status) time.Duration {
	if d := feed.At(a.now()).Sub(s.Now); d > standstillAfter {
		return d
	}
	return 0
}

// status is the newest picture; an error where there is none yet.
func (a *API) status() (*engine.Status, error) {
	if s := a.cfg.Watch.Status(); s != nil {
		return s, nil
	}
	return nil, &refusal{http.StatusServiceUnavailable, "feedwatch is starting: nothing is known yet; try again in a few seconds"}
}
