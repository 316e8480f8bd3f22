package replay

import (
	"context"
	"fmt"
	"io"

	"github.com/feedwatch/feedwatch/watchdog/feed"
)

// RecordingsMax is how many files are read side by side.
const RecordingsMax = 256

// Recordings is the History of one or more recordings, merged by time. Each is
// read by one goroutine and parsed by another.
type Recordings struct {
	all   []*head
	live  []*head // that have not ended
	wrong int
	why   error
	stop  context.CancelFunc
}

// head is the next heartbeats of one recording.
type head struct {
	decoder *decoder
	block   []feed.Heartbeat
	next    int
}

// Open begins to read. Lenient leaves out lines that are wrong, and counts them;
// else the first ends the reading. The caller closes it.
func Open(ctx context.Context, all []Recording, lenient bool) (*Recordings, error) {
	if len(all) > RecordingsMax {
		return nil, fmt.Errorf("%d files, %d are read at once: join some, in order of time", len(all), RecordingsMax)
	}
	ctx, stop := context.WithCancel(ctx)
	r := &Recordings{stop: stop}
	for _, one := range all {
		l := newLines(one)
		d := newDecoder(l, lenient)
		go l.run(ctx)
		go d.run(ctx)
		r.all = append(r.all, &head{decoder: d})
	}
	r.live = append(r.live, r.all...)
	return r, nil
}

// Close ends the reading. A read that blocks, as of a terminal, is not waited for.
func (r *Recordings) Close() { r.stop() }

// Wrong is how many lines were left out, and what was wrong with the first.
func (r *Recordings) Wrong() (int, error) { return r.wrong, r.why }

// Share is how much of the files was read.
func (r *Recordings) Share() float64 {
	var read, all int64
	for _, h := range r.all {
		if h.decoder.lines.of.Bytes == 0 {
			return -1
		}
		read += h.decoder.lines.read.Load()
		all += h.decoder.lines.of.Bytes
	}
	return float64(read) / float64(max(all, 1))
}

// Next is a run of heartbeats of that recording whose next one is the oldest.
func (r *Recordings) Next(ctx context.Context) ([]feed.Heartbeat, error) {
	if err := r.refill(ctx); err != nil {
		return nil, err
	}
	if len(r.live) == 0 {
		return nil, io.EOF
	}
	first, bound := r.live[0], feed.Instant(0)
	for i, h := range r.live[1:] {
		at := h.block[h.next].Arrival
		switch oldest := first.block[first.next].Arrival; {
		case at < oldest:
			first, bound = h, oldest
		case i == 0 || at < bound:
			bound = at
		}
	}
	from, to := first.next, len(first.block)
	if len(r.live) > 1 {
		for to = from + 1; to < len(first.block) && first.block[to].Arrival <= bound; {
			to++
		}
	}
	first.next = to
	return first.block[from:to], nil
}

// refill gives every recording that has not ended a next heartbeat.
func (r *Recordings) refill(ctx context.Context) error {
	left := r.live[:0]
	for _, h := range r.live {
		more, err := r.fill(ctx, h)
		if err != nil {
			return err
		}
		if more {
			left = append(left, h)
		}
	}
	r.live = left
	return nil
}

func (r *Recordings) fill(ctx context.Context, h *head) (bool, error) {
	for h.next == len(h.block) {
		if h.block != nil {
			h.decoder.reuse(h.block)
			h.block, h.next = nil, 0
		}
		select {
		case some, more := <-h.decoder.out:
			switch {
			case !more:
				return false, nil
			case some.err != nil:
				return false, some.err
			}
			if r.why == nil {
				r.why = some.why
			}
			r.wrong += some.wrong
			h.block = some.beats
		case <-ctx.Done():
			return false, ctx.Err()
		}
	}
	return true, nil
}
