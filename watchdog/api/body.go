package api

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync/atomic"

	"github.com/klauspost/compress/gzip"
)

// Limits on the body of a request of heartbeats.
const (
	BodyBytesMax   = 16 << 20  // as sent
	PlainBytesMax  = 64 << 20  // unpacked
	bodiesBytesMax = 256 << 20 // unpacked, of all requests at once
	bodyKeptMax    = 1 << 20   // a larger buffer is not kept for the next request
)

// Ways in which a body is refused.
var (
	errBodyLarge  = fmt.Errorf("the body is larger than %d MiB: send the heartbeats in several requests, or gzip them", BodyBytesMax>>20)
	errPlainLarge = fmt.Errorf("the body unpacks to more than %d MiB: send the heartbeats in several requests", PlainBytesMax>>20)
	errBusy       = errors.New("too many heartbeats are being read at once: send them again in a second")
	errCoding     = errors.New("unknown Content-Encoding: use gzip, or none")
	errCut        = errors.New("the body could not be read to its end")
)

// budget bounds the bytes that all requests hold at once.
type budget struct {
	used atomic.Int64
	max  int64
}

// readBody reads the body of r into buf, unpacked. release gives its bytes back
// and is never nil.
func (a *API) readBody(w http.ResponseWriter, r *http.Request, buf *bytes.Buffer, unzip *gzip.Reader) (release func(), err error) {
	held := &holding{budget: &a.bodies}
	sent := http.MaxBytesReader(w, r.Body, BodyBytesMax)
	plain := io.Reader(sent)
	switch coding := r.Header.Get("Content-Encoding"); coding {
	case "", "identity":
	case "gzip", "x-gzip":
		if err := unzip.Reset(sent); err != nil {
			return held.release, bodyError(err)
		}
		plain = unzip
	default:
		return held.release, errCoding
	}
	held.from = io.LimitReader(plain, PlainBytesMax+1)
	buf.Reset()
	if _, err := buf.ReadFrom(held); err != nil {
		return held.release, bodyError(err)
	}
	if buf.Len() > PlainBytesMax {
		return held.release, errPlainLarge
	}
	return held.release, nil
}

func bodyError(err error) error {
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return errBodyLarge
	case errors.Is(err, errBusy):
		return err
	default:
		return fmt.Errorf("%w: %w", errCut, err)
	}
}

// holding takes what it reads from a budget, until it is released.
type holding struct {
	from   io.Reader
	budget *budget
	held   int64
}

func (h *holding) Read(p []byte) (int, error) {
	n, err := h.from.Read(p)
	h.held += int64(n)
	if h.budget.used.Add(int64(n)) > h.budget.max {
		return n, errBusy
	}
	return n, err
}

func (h *holding) release() {
	h.budget.used.Add(-h.held)
	h.held = 0
}
