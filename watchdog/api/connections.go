package api

import (
	"log/slog"
	"math"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// connectionsMax is how many connections are open at once. Without a bound a
// crowd that says nothing would use up the files a process may open, and pages
// could not be sent. Past it, whoever has said nothing for longest gives way; while
// all are in the midst of a request, further ones wait to be accepted; so does the
// self-probe, and what cannot be heard then is not called silent.
const connectionsMax = 8192

const (
	// quietMin is how long a connection may say nothing before it has to give way.
	quietMin = time.Second
	// crowdRetry is how often it is looked whether one has, while all places are taken.
	crowdRetry = 50 * time.Millisecond
	// crowdSaid is how often the log says that all places are taken.
	crowdSaid = time.Minute
)

// bounded is a listener with at most so many connections.
type bounded struct {
	net.Listener
	places chan struct{}
	closed chan struct{}
	close  func() error
	epoch  time.Time // time.Since reads one clock, time.Now two
	log    *slog.Logger
	said   time.Time // by whoever accepts

	mu   sync.Mutex
	open map[*placed]struct{}
}

func newBounded(l net.Listener, limit int, log *slog.Logger) *bounded {
	b := &bounded{
		Listener: l, places: make(chan struct{}, limit), closed: make(chan struct{}), log: log,
		epoch: time.Now(), open: map[*placed]struct{}{},
	}
	b.close = sync.OnceValue(func() error {
		close(b.closed)
		return l.Close()
	})
	return b
}

// Accept waits for a place, then for a connection.
func (b *bounded) Accept() (net.Conn, error) {
	if !b.place() {
		return nil, net.ErrClosed
	}
	conn, err := b.Listener.Accept()
	if err != nil {
		<-b.places
		return nil, err
	}
	p := &placed{Conn: conn, epoch: b.epoch}
	p.leave = sync.OnceFunc(func() {
		b.mu.Lock()
		delete(b.open, p)
		b.mu.Unlock()
		<-b.places
	})
	p.quiet()
	b.mu.Lock()
	b.open[p] = struct{}{}
	b.mu.Unlock()
	return p, nil
}

// place takes a place; false once the listener is closed.
func (b *bounded) place() bool {
	select {
	case b.places <- struct{}{}:
		return true
	default:
	}
	if now := time.Now(); now.Sub(b.said) >= crowdSaid {
		b.said = now
		b.log.Warn("all connections are taken: one that says nothing gives way to each that comes", slog.Int("open", cap(b.places)))
	}
	retry := time.NewTicker(crowdRetry)
	defer retry.Stop()
	for {
		b.closeQuietest()
		select {
		case b.places <- struct{}{}:
			return true
		case <-retry.C:
		case <-b.closed:
			return false
		}
	}
}

// closeQuietest closes the connection on which nothing was said for longest, if
// that is long enough.
func (b *bounded) closeQuietest() {
	var quietest *placed
	since := int64(time.Since(b.epoch) - quietMin)
	b.mu.Lock()
	for p := range b.open {
		if at := p.quietSince.Load(); at <= since {
			quietest, since = p, at
		}
	}
	b.mu.Unlock()
	if quietest != nil {
		_ = quietest.Close() // its place is free, whatever came of that
	}
}

// note is told by the server what a connection does now.
func (b *bounded) note(c net.Conn, state http.ConnState) {
	p, ok := c.(*placed)
	if !ok {
		return
	}
	switch state {
	case http.StateIdle:
		p.quiet()
	case http.StateActive:
		p.quietSince.Store(inRequest)
	}
}

// Close ends Accept, also while it waits for a place.
func (b *bounded) Close() error { return b.close() }

// inRequest is the quietSince of a connection that is in the midst of a request.
const inRequest = math.MaxInt64

// placed is a connection that gives its place back when it is closed.
type placed struct {
	net.Conn
	epoch      time.Time    // of the listener
	quietSince atomic.Int64 // in nanoseconds from the epoch; see inRequest
	leave      func()

	mu          sync.Mutex
	read, write deadline
}

// quiet says that nothing is said on it from now on.
func (p *placed) quiet() { p.quietSince.Store(int64(time.Since(p.epoch))) }

// Close closes it once.
func (p *placed) Close() error {
	defer p.leave()
	return p.Conn.Close()
}
