package engine

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/feedwatch/feedwatch/watchdog"
	"github.com/feedwatch/feedwatch/watchdog/feed"
)

const (
	// undurableAfter is how long a page waits for its commit.
	undurableAfter = 2 * time.Second
	commitRetry    = 200 * time.Millisecond
)

// committer makes changes durable, then hands them to delivery. When the store
// fails for undurableAfter it hands them over all the same, and goes on trying.
type committer struct {
	store    Store
	delivery Delivery
	log      *slog.Logger
	metrics  *metrics

	mu      sync.Mutex
	pending map[string]*watchdog.Incident // newest picture of each, not yet durable
	order   []string
	sent    map[string]uint64 // revision handed over undurable
	since   time.Time         // of the oldest pending
	failing string
	failed  time.Time
	idle    chan struct{} // closed while nothing is pending
	wake    chan struct{}
}

func newCommitter(store Store, delivery Delivery, log *slog.Logger, m *metrics) *committer {
	idle := make(chan struct{})
	close(idle)
	return &committer{
		store: store, delivery: delivery, log: log, metrics: m,
		pending: map[string]*watchdog.Incident{}, sent: map[string]uint64{},
		idle: idle, wake: make(chan struct{}, 1),
	}
}

// add never blocks: a newer picture replaces an older one of the same incident.
func (c *committer) add(changes []*watchdog.Incident) {
	c.mu.Lock()
	if len(c.pending) == 0 {
		c.since = time.Now()
		c.idle = make(chan struct{})
	}
	for _, inc := range changes {
		if c.pending[inc.ID] == nil {
			c.order = append(c.order, inc.ID)
		}
		c.pending[inc.ID] = inc
	}
	c.mu.Unlock()
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

func (c *committer) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-c.wake:
		}
		for c.once(ctx) != nil {
			select {
			case <-ctx.Done():
				return
			case <-time.After(commitRetry):
			}
		}
	}
}

func (c *committer) take() []*watchdog.Incident {
	c.mu.Lock()
	defer c.mu.Unlock()
	batch := make([]*watchdog.Incident, 0, len(c.order))
	for _, id := range c.order {
		batch = append(batch, c.pending[id])
	}
	return batch
}

// once tries to commit all that is pending.
func (c *committer) once(ctx context.Context) error {
	batch := c.take()
	if len(batch) == 0 {
		return nil
	}
	tried, cancel := context.WithTimeout(ctx, undurableAfter)
	err := c.store.SaveIncidents(tried, batch)
	cancel()
	if err != nil {
		c.metrics.commits.WithLabelValues("failed").Inc()
		c.fail(batch, err)
		return err
	}
	c.metrics.commits.WithLabelValues("ok").Inc()
	c.done(batch)
	c.delivery.Apply(batch, true)
	return nil
}

func (c *committer) done(batch []*watchdog.Incident) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.failing != "" {
		c.log.Info("the store works again")
	}
	c.failing = ""
	for _, inc := range batch {
		if c.pending[inc.ID] == inc {
			delete(c.pending, inc.ID)
			delete(c.sent, inc.ID)
		}
	}
	kept := c.order[:0]
	for _, id := range c.order {
		if c.pending[id] != nil {
			kept = append(kept, id)
		}
	}
	c.order = kept
	c.since = time.Now()
	if len(c.pending) == 0 {
		close(c.idle)
		return
	}
	select { // what came while we committed
	case c.wake <- struct{}{}:
	default:
	}
}

// fail hands over what has waited too long: a page that is not durable is better
// than none.
func (c *committer) fail(batch []*watchdog.Incident, err error) {
	c.mu.Lock()
	if c.failing == "" {
		c.failed = time.Now()
		c.log.Error("the store does not take changes: pages are sent all the same", slog.Any("error", err))
	}
	c.failing = err.Error()
	var late []*watchdog.Incident
	if time.Since(c.since) >= undurableAfter {
		for _, inc := range batch {
			if c.sent[inc.ID] < inc.Revision {
				c.sent[inc.ID] = inc.Revision
				late = append(late, inc)
			}
		}
	}
	c.mu.Unlock()
	if len(late) > 0 {
		c.delivery.Apply(late, false)
	}
}

// settled waits until everything taken so far is durable.
func (c *committer) settled(ctx context.Context) error {
	c.mu.Lock()
	idle := c.idle
	c.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, undurableAfter)
	defer cancel()
	select {
	case <-idle:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("taken, but not yet durable: %s", c.status().Failing)
	}
}

func (c *committer) status() StoreStatus {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.failing == "" {
		return StoreStatus{}
	}
	return StoreStatus{Failing: c.failing, Since: feed.At(c.failed)}
}
