package delivery

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/feedwatch/feedwatch/watchdog"
)

const (
	journalRetry  = 500 * time.Millisecond
	journalWithin = 2 * time.Second // what waits for a receipt goes on after this
	journalSaid   = time.Minute     // how often the log says that it goes on failing
	// journalWaitingMax bounds what waits while the journal fails. Past it the
	// oldest is let go: only after a crash may what it tells of be sent again.
	journalWaitingMax = 20_000
)

// journal saves receipts in order, beside everything else. While it fails they
// are kept in memory: nothing is sent again because of it.
type journal struct {
	store Journal
	log   *slog.Logger

	mu      sync.Mutex
	waiting []*entry
	failing bool
	said    time.Time // when the log said so last
	wake    chan struct{}
}

type entry struct {
	receipt watchdog.Receipt
	done    func()
	since   time.Time
}

func newJournal(store Journal, log *slog.Logger) *journal {
	return &journal{store: store, log: log, wake: make(chan struct{}, 1)}
}

func (j *journal) save(r watchdog.Receipt, done func()) {
	j.mu.Lock()
	var late func()
	if len(j.waiting) >= journalWaitingMax {
		j.log.Error("too many receipts wait to be saved: the oldest is let go", slog.String("op", j.waiting[0].receipt.Op))
		late = j.waiting[0].done
		j.waiting[0].done = nil
		j.waiting = j.waiting[1:]
	}
	j.waiting = append(j.waiting, &entry{receipt: r, done: done, since: time.Now()})
	j.mu.Unlock()
	if late != nil {
		go late() // it takes the caller's lock
	}
	select {
	case j.wake <- struct{}{}:
	default:
	}
}

func (j *journal) unsaved() int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return len(j.waiting)
}

func (j *journal) first() *entry {
	j.mu.Lock()
	defer j.mu.Unlock()
	if len(j.waiting) == 0 {
		return nil
	}
	return j.waiting[0]
}

func (j *journal) run(ctx context.Context) {
	for {
		for e := j.first(); e != nil; e = j.first() {
			if !j.write(context.WithoutCancel(ctx), e) {
				break
			}
		}
		j.release()
		var retry <-chan time.Time
		if j.first() != nil {
			retry = time.After(journalRetry)
		}
		select {
		case <-ctx.Done():
			for e := j.first(); e != nil && j.write(context.WithoutCancel(ctx), e); e = j.first() {
			}
			return
		case <-j.wake:
		case <-retry:
		}
	}
}

// write saves the first entry, and says whether the next may be tried at once.
func (j *journal) write(ctx context.Context, e *entry) bool {
	ctx, cancel := context.WithTimeout(ctx, journalWithin)
	defer cancel()
	err := j.store.SaveReceipt(ctx, e.receipt)
	j.mu.Lock()
	if err != nil {
		j.fail(err)
		j.mu.Unlock()
		return false
	}
	if j.failing {
		j.failing = false
		j.log.Info("receipts are saved again", slog.Int("waiting", len(j.waiting)-1))
	}
	if len(j.waiting) > 0 && j.waiting[0] == e {
		j.waiting = j.waiting[1:]
	}
	done := e.done
	e.done = nil
	j.mu.Unlock()
	if done != nil {
		done()
	}
	return true
}

// fail says so at first, and then now and again: it is tried twice a second. The
// caller holds j.mu.
func (j *journal) fail(err error) {
	now := time.Now()
	if j.failing && now.Sub(j.said) < journalSaid {
		return
	}
	j.failing, j.said = true, now
	j.log.Error("receipts cannot be saved; they are kept in memory", slog.Int("waiting", len(j.waiting)), slog.Any("error", err))
}

// release lets go on what has waited too long for its receipt, wherever in the
// line it stands: a page is not held up by a journal that fails.
func (j *journal) release() {
	j.mu.Lock()
	var late []func()
	for _, e := range j.waiting {
		if e.done != nil && time.Since(e.since) >= journalWithin {
			late = append(late, e.done)
			e.done = nil
		}
	}
	j.mu.Unlock()
	for _, done := range late {
		done()
	}
}
