package api

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/klauspost/compress/zstd"
	"golang.org/x/sync/semaphore"

	"github.com/feedwatch/feedwatch/watchdog/feed"
)

// Limits on the body of a request of heartbeats.
const (
	BodyBytesMax  = 16 << 20 // as sent
	PlainBytesMax = 32 << 20 // unpacked
	// bodySmallMax is what every request may hold. Past it bodies share, or a few
	// that unpack to a lot would take all the memory there is.
	bodySmallMax   = 64 << 10
	bodiesBytesMax = 32 << 20 // unpacked, of all requests at once, with the room they grow into
	// batchesLargeMax is how many bodies past bodySmallMax are read into heartbeats
	// at once: a batch of a hundred thousand takes about 12 MB besides the copy of its
	// text that the names are parts of.
	batchesLargeMax = 2
	// busyWithin is how long a request waits for its share, and shareRetry how often
	// it looks.
	busyWithin = 5 * time.Second
	shareRetry = 20 * time.Millisecond
)

// Ways in which a body is refused.
var (
	errBodyLarge  = fmt.Errorf("the body is larger than %d MiB: send the heartbeats in several requests, or gzip them", BodyBytesMax>>20)
	errPlainLarge = fmt.Errorf("the body unpacks to more than %d MiB: send the heartbeats in several requests", PlainBytesMax>>20)
	errBusy       = errors.New("too many heartbeats are being read at once: send them again in a few seconds")
	errCoding     = errors.New("unknown Content-Encoding: use gzip or zstd, or none")
	errCut        = errors.New("the body could not be read to its end")
)

// shares are what large bodies share. Each holds what it has while it waits for
// more, so that none could go on once all is given away: whoever has the lane may
// take what it needs besides, and ends.
type shares struct {
	bytes   *semaphore.Weighted
	lane    chan struct{}
	batches chan *feed.Batch
	zstd    chan *zstd.Decoder
}

func newShares() *shares {
	s := &shares{
		bytes: semaphore.NewWeighted(bodiesBytesMax), lane: make(chan struct{}, 1),
		batches: make(chan *feed.Batch, batchesLargeMax), zstd: newZstdReaders(),
	}
	for range batchesLargeMax {
		s.batches <- feed.NewBatch()
	}
	return s
}

// body is a request's body, unpacked, and its part of the shares.
type body struct {
	data     []byte
	shares   *shares
	held     int64
	inLane   bool
	patience time.Duration // left to wait with
}

// readBody reads the body of r, unpacked, into that of s: into its small buffer while it
// fits. What it holds is released by the caller, also after an error.
func (a *API) readBody(w http.ResponseWriter, r *http.Request, s *scratch) error {
	b := &s.body
	*b = body{data: s.small[:0], shares: a.shares, patience: busyWithin}
	if r.ContentLength > BodyBytesMax {
		return errBodyLarge // and a sender that asks first, as curl does, need not send it
	}
	sent := r.Body
	if r.ContentLength < 0 { // it does not say how long it is
		sent = http.MaxBytesReader(w, r.Body, BodyBytesMax)
	}
	plain := io.Reader(sent)
	coding := r.Header.Get("Content-Encoding")
	switch coding {
	case "", "identity", "zstd":
	case "gzip", "x-gzip":
		if err := s.unzip.Reset(sent); err != nil {
			return bodyError(err)
		}
		plain = &s.unzip
	default:
		return errCoding
	}
	err := b.read(r.Context(), plain)
	if err == nil && coding == "zstd" {
		err = b.unpackZstd(r.Context())
	}
	if err != nil {
		return bodyError(err)
	}
	return nil
}

func bodyError(err error) error {
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return errBodyLarge
	case errors.Is(err, errBusy), errors.Is(err, errPlainLarge), errors.Is(err, errWindow):
		return err
	default:
		return fmt.Errorf("%w: %w", errCut, err)
	}
}

func (b *body) read(ctx context.Context, from io.Reader) error {
	for {
		if len(b.data) == cap(b.data) {
			if err := b.grow(ctx); err != nil {
				return err
			}
		}
		n, err := from.Read(b.data[len(b.data):cap(b.data)])
		b.data = b.data[:len(b.data)+n]
		if len(b.data) > PlainBytesMax {
			return errPlainLarge
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// grow doubles the buffer. The old one counts until it is copied.
func (b *body) grow(ctx context.Context) error {
	size := min(max(2*cap(b.data), bodySmallMax), PlainBytesMax+1)
	held, err := b.take(ctx, int64(size))
	if err != nil {
		return err
	}
	grown := make([]byte, len(b.data), size)
	copy(grown, b.data)
	b.shares.bytes.Release(b.held)
	b.data, b.held = grown, held
	return nil
}

// take is how much of size was taken from the common share: nothing in the lane.
func (b *body) take(ctx context.Context, size int64) (held int64, err error) {
	if b.inLane {
		return 0, nil
	}
	if b.shares.bytes.TryAcquire(size) {
		return size, nil
	}
	retry := time.NewTicker(shareRetry)
	defer retry.Stop()
	err = b.wait(ctx, func(ctx context.Context) error {
		for {
			select {
			case b.shares.lane <- struct{}{}:
				b.inLane = true
				return nil
			case <-retry.C:
				if b.shares.bytes.TryAcquire(size) {
					held = size
					return nil
				}
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	})
	return held, err
}

// wait is for a share, as long as there is patience.
func (b *body) wait(ctx context.Context, take func(context.Context) error) error {
	begun := time.Now()
	ctx, cancel := context.WithTimeout(ctx, b.patience)
	defer cancel()
	if take(ctx) != nil {
		return errBusy
	}
	b.patience -= time.Since(begun)
	return nil
}

func (b *body) release() {
	b.shares.bytes.Release(b.held)
	if b.inLane {
		<-b.shares.lane
	}
	b.data, b.held, b.inLane = nil, 0, false
}

// batch is the one to read the body into: small, or one that large bodies share.
// giveBack is told whether it may be used again.
func (b *body) batch(ctx context.Context, small *feed.Batch) (batch *feed.Batch, giveBack func(again bool), err error) {
	if cap(b.data) <= bodySmallMax {
		return small, func(bool) {}, nil
	}
	err = b.wait(ctx, func(ctx context.Context) error {
		select {
		case batch = <-b.shares.batches:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	})
	if err != nil {
		return nil, nil, err
	}
	return batch, func(again bool) {
		if !again {
			batch = feed.NewBatch()
		}
		batch.Reset(0) // lets go of the text
		b.shares.batches <- batch
	}, nil
}
