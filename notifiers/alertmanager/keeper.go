package alertmanager

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"github.com/feedwatch/feedwatch/rules"
	"github.com/feedwatch/feedwatch/watchdog/delivery"
)

const (
	refreshEvery  = time.Minute
	refreshWithin = 25 * time.Second
	// alertsMax is how many alerts one request holds.
	alertsMax = 200
)

// Outbox says what a destination was told that is not over.
type Outbox interface {
	Told(target rules.Target) []delivery.Told
}

// Keeper sends again, each minute, what was told and is not over.
type Keeper struct {
	target   rules.Target
	notifier *Notifier
	outbox   Outbox
	now      func() time.Time
	log      *slog.Logger
	metrics  *Metrics
	failing  bool
}

// Metrics are those of all Keepers.
type Metrics struct{ refreshes *prometheus.CounterVec }

// NewMetrics registers them.
func NewMetrics(r prometheus.Registerer) *Metrics {
	return &Metrics{promauto.With(r).NewCounterVec(prometheus.CounterOpts{
		Name: "feedwatch_alertmanager_refreshes_total",
		Help: "Requests that kept alerts in Alertmanager from ending by themselves, by notifier and result: ok or the class of the error.",
	}, []string{"notifier", "result"})}
}

// NewKeeper makes one for a notifier.
func NewKeeper(target rules.Target, n *Notifier, outbox Outbox, now func() time.Time, log *slog.Logger, metrics *Metrics) *Keeper {
	metrics.refreshes.WithLabelValues(target.String(), "ok")
	return &Keeper{target: target, notifier: n, outbox: outbox, now: now, log: log, metrics: metrics}
}

// Run refreshes until ctx ends. The first time is at once: after a restart alerts
// may be about to end.
func (k *Keeper) Run(ctx context.Context) error {
	ticker := time.NewTicker(refreshEvery)
	defer ticker.Stop()
	for {
		k.Refresh(ctx)
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

// Refresh sends all of it once, if there is anything.
func (k *Keeper) Refresh(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, refreshWithin)
	defer cancel()
	k.notifier.refreshing.Lock()
	defer k.notifier.refreshing.Unlock()
	told := k.outbox.Told(k.target)
	k.notifier.forget(told)
	now := k.now()
	for len(told) > 0 && ctx.Err() == nil {
		some := told[:min(len(told), alertsMax)]
		told = told[len(some):]
		var all []alert
		for _, t := range some {
			all = append(all, k.notifier.superseded(t.Incident, t.Page, now)...)
			all = append(all, k.notifier.firing(t.Incident, t.Page, now, false))
		}
		failed := k.notifier.post(ctx, all)
		k.report(failed)
		if failed != nil && failed.Class == delivery.BadPayload {
			continue // it is about this part: the others must not end for it
		}
		if failed != nil {
			return // the next minute begins anew
		}
		for _, t := range some {
			k.notifier.remember(t.Incident, t.Page, false)
		}
	}
}

func (k *Keeper) report(failed *delivery.Error) {
	if failed == nil {
		k.failing = false
		k.metrics.refreshes.WithLabelValues(k.target.String(), "ok").Inc()
		return
	}
	k.metrics.refreshes.WithLabelValues(k.target.String(), failed.Class.String()).Inc()
	if !k.failing {
		k.log.Warn("alerts were not refreshed: Alertmanager takes them for over unless it takes one in time",
			slog.String("notifier", k.target.String()), slog.Duration("in_time", Lease), slog.Any("error", failed))
	}
	k.failing = true
}

// forget lets go of pages that are over.
func (n *Notifier) forget(told []delivery.Told) {
	live := make(map[string]bool, len(told))
	for _, t := range told {
		live[t.Incident.PageKey(t.Page.N)] = true
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	for key := range n.severity {
		if !live[key] {
			delete(n.severity, key)
		}
	}
}

// Trouble is which of several Alertmanagers take nothing, a sentence each. Where
// none does, delivery says so.
func (n *Notifier) Trouble() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	var all []string
	for _, why := range n.attempted {
		if why != "" {
			all = append(all, fmt.Sprintf("1 of %d Alertmanagers takes no alerts: %s", len(n.attempted), why))
		}
	}
	if len(all) == len(n.attempted) {
		return nil
	}
	return all
}
