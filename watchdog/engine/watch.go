package engine

import (
	"context"
	"fmt"
	"time"
)

const (
	// lookEvery is how often the rule files are looked at.
	lookEvery = 2 * time.Second
	// lookShare bounds the part of the time that looking takes, however large the
	// directory: 1 in so much. lookEveryMax is how seldom that may make it.
	lookShare    = 20
	lookEveryMax = 30 * time.Second
	// lookWithin is how long a look may take before people are told.
	lookWithin = 30 * time.Second
)

// Watch reloads whenever the directory holds something else than before, until
// ctx ends.
//
// It looks at what the path leads to, again and again, and asks for no events:
// those belong to an inode, and are silent when the directory or one above it is
// replaced, when a symbolic link is pointed elsewhere, on network disks, and
// where there were too many of them. What is found must be the same twice: an
// editor's rename dance or a checkout in progress is not a set.
func (r *Reloader) Watch(ctx context.Context) error {
	var before digest
	for wait := lookEvery; ; {
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(wait):
		}
		begun := time.Now()
		seen, ok := r.lookPatiently(ctx)
		if !ok {
			return nil
		}
		wait = min(max(lookEvery, lookShare*time.Since(begun)), lookEveryMax)
		now := seen.digest()
		if now == before {
			r.takeNew(ctx, seen, now)
		}
		before = now
	}
}

// takeNew is take, unless that was judged already.
func (r *Reloader) takeNew(ctx context.Context, seen look, now digest) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if now != r.judged {
		_ = r.take(ctx, seen) // said there
	}
}

// lookPatiently looks, and says so when that does not end: a network disk may
// hang. It answers false when ctx ends first.
func (r *Reloader) lookPatiently(ctx context.Context) (look, bool) {
	done := make(chan look, 1)
	go func() { done <- r.look() }()
	late := time.NewTimer(lookWithin)
	defer late.Stop()
	for {
		select {
		case seen := <-done:
			return seen, true
		case <-ctx.Done():
			return look{}, false
		case <-late.C:
			r.mu.Lock()
			r.judged = digest{} // whatever comes of it is news
			_ = r.refuse(ctx, fmt.Errorf("reading the rule files in %s has not ended for %s: does the disk answer?", r.Dir, lookWithin))
			r.mu.Unlock()
		}
	}
}
