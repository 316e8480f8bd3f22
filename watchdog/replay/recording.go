package replay

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"sync/atomic"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// Recording is a file of heartbeats: text lines, one JSON object a line, or CSV
// with a header, plain or compressed with gzip or zstd. What it is, is told by
// how it begins.
type Recording struct {
	Name   string // for mistakes
	Reader io.Reader
	Bytes  int64 // as it is stored; zero: not known
}

// A block is read and parsed at once. It has fewer lines than a feed.Batch takes.
const (
	blockBytes    = 128 << 10
	unpackedMax   = 128 << 20 // memory of a zstd window
	blocksBetween = 2         // that wait between two goroutines
)

// text is some whole lines of a recording.
type text struct {
	lines []byte
	first int // number of the first line
	err   error
}

// lines reads a recording into blocks of whole lines.
type lines struct {
	of   Recording
	read atomic.Int64 // bytes, as they are stored
	out  chan text
	free chan []byte
}

func newLines(of Recording) *lines {
	return &lines{of: of, out: make(chan text, blocksBetween), free: make(chan []byte, blocksBetween+2)}
}

// Read counts what is read of the file itself.
func (l *lines) Read(p []byte) (int, error) {
	n, err := l.of.Reader.Read(p)
	l.read.Add(int64(n))
	return n, err
}

var (
	magicGzip = []byte{0x1f, 0x8b}
	magicZstd = []byte{0x28, 0xb5, 0x2f, 0xfd}
	bom       = []byte("\xef\xbb\xbf")
)

// unpacked reads what is in the file; done lets go of what that needs.
func (l *lines) unpacked() (r io.Reader, done func(), err error) {
	raw := bufio.NewReaderSize(l, blockBytes)
	begin, err := raw.Peek(len(magicZstd))
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, nil, err
	}
	switch {
	case bytes.HasPrefix(begin, magicGzip):
		z, err := gzip.NewReader(raw)
		if err != nil {
			return nil, nil, err
		}
		return z, func() {}, nil
	case bytes.HasPrefix(begin, magicZstd):
		z, err := zstd.NewReader(raw, zstd.WithDecoderMaxMemory(unpackedMax), zstd.WithDecoderConcurrency(1))
		if err != nil {
			return nil, nil, err
		}
		return z, z.Close, nil
	default:
		return raw, func() {}, nil
	}
}

// run reads until the end, or until ctx is done.
func (l *lines) run(ctx context.Context) {
	defer close(l.out)
	if last, err := l.blocks(ctx); err != nil && ctx.Err() == nil {
		l.send(ctx, text{err: fmt.Errorf("%s:%d: %w", l.of.Name, last, err)})
	}
}

// blocks sends block after block; it returns the number of the line it came to.
func (l *lines) blocks(ctx context.Context) (int, error) {
	line := 1
	r, done, err := l.unpacked()
	if err != nil {
		return line, err
	}
	defer done()
	var rest []byte
	for {
		block := l.block()
		n := copy(block, rest)
		more, err := io.ReadFull(r, block[n:])
		data := block[:n+more]
		ended := errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
		// gzip and zstd say ErrUnexpectedEOF themselves of a file that was cut off.
		if errors.Is(err, io.ErrUnexpectedEOF) {
			if _, again := r.Read(make([]byte, 1)); again != nil && !errors.Is(again, io.EOF) {
				return line, fmt.Errorf("the compressed file ends too early: %w", again)
			}
		} else if err != nil && !ended {
			return line, err
		}
		cut := len(data)
		if !ended {
			if cut = bytes.LastIndexByte(data, '\n') + 1; cut == 0 {
				return line, fmt.Errorf("the line is longer than %d bytes", blockBytes)
			}
		}
		rest = append(rest[:0], data[cut:]...)
		if line == 1 {
			data, cut = trimBOM(data, cut)
		}
		if cut > 0 && !l.send(ctx, text{lines: data[:cut], first: line}) {
			return line, ctx.Err()
		}
		line += bytes.Count(data[:cut], []byte{'\n'})
		if ended {
			return line, nil
		}
	}
}

func trimBOM(data []byte, cut int) ([]byte, int) {
	if bytes.HasPrefix(data[:cut], bom) {
		return data[len(bom):], cut - len(bom)
	}
	return data, cut
}

func (l *lines) block() []byte {
	select {
	case b := <-l.free:
		return b[:blockBytes]
	default:
		return make([]byte, blockBytes)
	}
}

// reuse takes a block back.
func (l *lines) reuse(b []byte) {
	if cap(b) < blockBytes {
		return // it lost its begin
	}
	select {
	case l.free <- b:
	default:
	}
}

func (l *lines) send(ctx context.Context, t text) bool {
	select {
	case l.out <- t:
		return true
	case <-ctx.Done():
		return false
	}
}
