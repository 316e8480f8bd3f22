package engine

import (
	"context"
	"log/slog"
	"sync"

	"github.com/feedwatch/feedwatch/watchdog"
)

// flusher writes watermarks beside the owner, one flush at a time.
type flusher struct {
	store   Store
	log     *slog.Logger
	metrics *metrics

	mu      sync.Mutex
	writing bool
	written sync.WaitGroup
	failed  []watchdog.BlockImage // to be written again
}

func newFlusher(store Store, log *slog.Logger, m *metrics) *flusher {
	return &flusher{store: store, log: log, metrics: m}
}

// begin takes what changed off the machine and writes it in the background. It
// says no while the flush before is still being written.
func (f *flusher) begin(ctx context.Context, m *watchdog.Machine) bool {
	f.mu.Lock()
	if f.writing {
		f.mu.Unlock()
		return false
	}
	f.writing = true
	again := f.failed
	f.failed = nil
	f.mu.Unlock()
	m.Reflush(again)
	flush := collect(m)
	f.written.Add(1)
	go func() {
		defer f.written.Done()
		err := f.store.SaveBlocks(context.WithoutCancel(ctx), flush) // a stop waits for it in all
		f.mu.Lock()
		defer f.mu.Unlock()
		f.writing = false
		if err != nil {
			f.failed = flush.Blocks
			f.metrics.commits.WithLabelValues("failed").Inc()
			f.log.Error("watermarks could not be flushed", slog.Any("error", err))
		}
	}()
	return true
}

// all writes what is left: at the start, before anyone else writes, and at a stop.
func (f *flusher) all(ctx context.Context, m *watchdog.Machine) error {
	f.written.Wait()
	m.Reflush(f.failed)
	f.failed = nil
	flush := collect(m)
	err := f.store.SaveBlocks(ctx, flush)
	if err != nil {
		f.failed = flush.Blocks
	}
	return err
}

func collect(m *watchdog.Machine) watchdog.Flush {
	var all watchdog.Flush
	for more := true; more; {
		var part watchdog.Flush
		part, more = m.Flush()
		all.Blocks = append(all.Blocks, part.Blocks...)
		all.Through = part.Through
	}
	return all
}
