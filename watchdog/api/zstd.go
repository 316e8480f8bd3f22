package api

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/klauspost/compress/zstd"
)

const (
	// zstdWindowMax is what RFC 9659 lets a sender use over HTTP.
	zstdWindowMax = 8 << 20
	// zstdReadersMax is how many bodies are unpacked at once. A reader keeps about two
	// windows of memory.
	zstdReadersMax = 2
)

var errWindow = fmt.Errorf("the zstd window is larger than %d MiB: compress without --long, or at a lower level", zstdWindowMax>>20)

// newZstdReaders are all that there are.
func newZstdReaders() chan *zstd.Decoder {
	all := make(chan *zstd.Decoder, zstdReadersMax)
	for range zstdReadersMax {
		reader, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
			zstd.WithDecoderMaxWindow(zstdWindowMax), zstd.WithDecodeBuffersBelow(0))
		if err != nil {
			panic(err) // one of these options is none
		}
		all <- reader
	}
	return all
}

// unpackZstd puts what was read, unpacked, in its place. A reader is taken only once
// the whole body is here: a slow sender must not keep it from others.
func (b *body) unpackZstd(ctx context.Context) error {
	var reader *zstd.Decoder
	err := b.wait(ctx, func(ctx context.Context) error {
		select {
		case reader = <-b.shares.zstd:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	})
	if err != nil {
		return err
	}
	defer func() { b.shares.zstd <- reader }()
	packed, held := b.data, b.held
	b.data, b.held = nil, 0
	defer b.shares.bytes.Release(held)
	defer func() { _ = reader.Reset(nil) }() // lets go of packed
	if err := reader.Reset(bytes.NewReader(packed)); err != nil {
		return err
	}
	err = b.read(ctx, reader)
	if errors.Is(err, zstd.ErrWindowSizeExceeded) {
		return errWindow
	}
	return err
}
