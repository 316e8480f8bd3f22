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

// committer is the only writer of what changes: it makes incidents durable, then
// hands them to delivery, and writes watermarks between. When the store fails for
// undurableAfter it hands them over all the same, and goes on trying.
//
// A recovery rests on watermarks: were it durable before them, a crash would find
// the old ones with no incident that says why, and page for nothing. So it waits
// for the marks that were taken with it; a page waits for none.
type committer struct {
	store    Store
	delivery Delivery
	log      *slog.Logger
	metrics  *metrics

	mu         sync.Mutex
	pending    map[string]*watchdog.Incident // newest picture of each, not yet durable
	order      []string
	rests      map[string]uint64   // of those, on which flush: marks.taken once it is
	recoveries map[string]recovery // of incidents not yet resolved
	sent       map[string]uint64   // revision handed over undurable
	ended      []watchdog.Silence  // before their time, not yet durable
	marks      marks
	since      time.Time // of the oldest pending
	failing    string
	failed     time.Time
	idle       chan struct{} // closed while nothing that people decide is pending
	wake       chan struct{}
}

func newCommitter(store Store, delivery Delivery, log *slog.Logger, m *metrics) *committer {
	idle := make(chan struct{})
	close(idle)
	return &committer{
		store: store, delivery: delivery, log: log, metrics: m,
		pending: map[string]*watchdog.Incident{}, rests: map[string]uint64{},
		recoveries: map[string]recovery{}, sent: map[string]uint64{},
		marks: newMarks(), idle: idle, wake: make(chan struct{}, 1),
	}
}

// add never blocks: a newer picture replaces an older one of the same incident. It
// says whether a flush is to be taken next: for one that has just recovered, which
// waits for it, or has just opened. underway: part of one was taken before the changes.
func (c *committer) add(changes []*watchdog.Incident, underway bool) (flush bool) {
	defer c.signal()
	c.mu.Lock()
	defer c.mu.Unlock()
	next := c.marks.taken + 1
	if underway {
		next++
	}
	c.busy()
	for _, inc := range changes {
		if c.pending[inc.ID] == nil {
			c.order = append(c.order, inc.ID)
		}
		c.pending[inc.ID] = inc
		now := recoveryOf(inc)
		before, known := c.recoveries[inc.ID]
		flush = flush || !known // what it opened for is durable soon after it, but no page waits for that
		switch {
		case known && (now.pages > before.pages || now.well == "" && before.well != ""):
			delete(c.rests, inc.ID) // a page, or trouble that is back before its recovery was written
		case now.later(before):
			flush = true
			c.rests[inc.ID] = next
		}
		c.recoveries[inc.ID] = now
		if inc.State == watchdog.StateResolved {
			delete(c.recoveries, inc.ID)
		}
	}
	return flush
}

// restored takes over how far incidents had come back that were saved.
func (c *committer) restored(saved []*watchdog.Incident) {
	for _, inc := range saved {
		if inc.State != watchdog.StateResolved {
			c.recoveries[inc.ID] = recoveryOf(inc)
		}
	}
}

// recovery is how far an incident has come back: its state where that is well, and
// how often it was said to resume.
type recovery struct {
	well    watchdog.State
	resumed int
	pages   int
}

func recoveryOf(inc *watchdog.Incident) recovery {
	r := recovery{pages: len(inc.Pages)}
	if inc.State == watchdog.StateRecovering || inc.State == watchdog.StateResolved {
		r.well = inc.State
	}
	for i := range inc.Events {
		if inc.Events[i].Kind == watchdog.EventResumed {
			r.resumed++
		}
	}
	return r
}

// later says that it has come back further than it had.
func (r recovery) later(before recovery) bool {
	return r.well != "" && r.well != before.well || r.resumed > before.resumed
}

// addEnded takes a silence that holds back nothing any more: until that is
// durable, a restart would find it holding again.
func (c *committer) addEnded(s watchdog.Silence) {
	c.mu.Lock()
	c.busy()
	c.ended = append(c.ended, s)
	c.mu.Unlock()
	c.signal()
}

// busy is before something becomes pending.
func (c *committer) busy() {
	if len(c.pending) == 0 && len(c.ended) == 0 {
		c.since = time.Now()
		c.idle = make(chan struct{})
	}
}

// addMarks takes what changed in the table, to be written when no page waits; more
// of the same flush may be to come.
func (c *committer) addMarks(flush watchdog.Flush, more bool) {
	c.mu.Lock()
	c.marks.add(flush, more)
	c.mu.Unlock()
	c.signal()
}

func (c *committer) signal() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// flushing says that watermarks taken before are still to be written.
func (c *committer) flushing() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.marks.waiting()
}

// behind says that enough is to be written already.
func (c *committer) behind() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.marks.order) >= marksChunk
}

func (c *committer) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-c.wake:
		}
		for {
			more, err := c.once(ctx)
			if err == nil && !more {
				break
			}
			if err == nil {
				continue
			}
			select {
			case <-ctx.Done():
				return
			case <-time.After(commitRetry):
			}
		}
	}
}

// drain commits all that is pending.
func (c *committer) drain(ctx context.Context) error {
	for {
		if more, err := c.once(ctx); err != nil || !more {
			return err
		}
	}
}

// commit is what one call of the store makes durable: one of these.
type commit struct {
	incidents []*watchdog.Incident
	ended     []watchdog.Silence // one
	flush     *watchdog.Flush
}

func (c *commit) empty() bool { return len(c.incidents) == 0 && len(c.ended) == 0 && c.flush == nil }

func (c *commit) save(ctx context.Context, store Store) error {
	ctx, cancel := context.WithTimeout(ctx, undurableAfter)
	defer cancel()
	switch {
	case len(c.incidents) > 0:
		return store.SaveIncidents(ctx, c.incidents)
	case len(c.ended) > 0:
		return store.SaveSilence(ctx, c.ended[0])
	default:
		return store.SaveBlocks(ctx, *c.flush)
	}
}

// once tries one commit: of the incidents that rest on nothing unwritten, or
// else of a silence that ended, or else of some watermarks. It says whether
// something is left.
func (c *committer) once(ctx context.Context) (more bool, err error) {
	commit := c.next()
	if commit.empty() {
		return false, nil
	}
	err = commit.save(ctx, c.store)
	if err != nil {
		c.metrics.commits.WithLabelValues("failed").Inc()
		c.fail(err)
		return true, err
	}
	c.metrics.commits.WithLabelValues("ok").Inc()
	more = c.done(commit)
	if len(commit.incidents) > 0 {
		c.delivery.Apply(commit.incidents, true)
	}
	return more, nil
}

// next is what to commit next.
func (c *committer) next() commit {
	c.mu.Lock()
	defer c.mu.Unlock()
	batch := make([]*watchdog.Incident, 0, len(c.order))
	for _, id := range c.order {
		if c.rests[id] <= c.marks.durable {
			batch = append(batch, c.pending[id])
		}
	}
	switch {
	case len(batch) > 0:
		return commit{incidents: batch}
	case len(c.ended) > 0:
		return commit{ended: c.ended[:1:1]}
	case c.marks.waiting():
		flush := c.marks.next()
		return commit{flush: &flush}
	default:
		return commit{}
	}
}

func (c *committer) done(commit commit) (more bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.failing != "" {
		c.log.Info("the store works again")
	}
	c.failing = ""
	if commit.flush != nil {
		c.marks.wrote(commit.flush)
	}
	c.ended = c.ended[len(commit.ended):]
	for _, inc := range commit.incidents {
		if c.pending[inc.ID] == inc {
			delete(c.pending, inc.ID)
			delete(c.sent, inc.ID)
			delete(c.rests, inc.ID)
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
	left := len(c.pending) + len(c.ended)
	if commit.flush == nil && left == 0 {
		close(c.idle)
	}
	return left > 0 || c.marks.waiting()
}

// fail hands over what has waited too long: a page that is not durable is better
// than none.
func (c *committer) fail(err error) {
	c.mu.Lock()
	if c.failing == "" {
		c.failed = time.Now()
		c.log.Error("the store does not take changes: pages are sent all the same", slog.Any("error", err))
	}
	c.failing = err.Error()
	var late []*watchdog.Incident
	if time.Since(c.since) >= undurableAfter {
		for _, id := range c.order {
			if inc := c.pending[id]; c.sent[id] < inc.Revision {
				c.sent[id] = inc.Revision
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
