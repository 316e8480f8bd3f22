package api

import (
	"log/slog"
	"net"
	"sync"
	"time"
)

// connectionsMax is how many connections are open at once. Without a bound a
// crowd that says nothing would use up the files a process may open, and pages
// could not be sent. Further ones wait to be accepted; so does the self-probe,
// and what cannot be heard then is not called silent.
const connectionsMax = 8192

// crowdSaid is how often the log says that all places are taken.
const crowdSaid = time.Minute

// bounded is a listener with at most so many connections.
type bounded struct {
	net.Listener
	places chan struct{}
	closed chan struct{}
	close  func() error
	log    *slog.Logger
	said   time.Time // by whoever accepts
}

func newBounded(l net.Listener, limit int, log *slog.Logger) *bounded {
	b := &bounded{Listener: l, places: make(chan struct{}, limit), closed: make(chan struct{}), log: log}
	b.close = sync.OnceValue(func() error {
		close(b.closed)
		return l.Close()
	})
	return b
}

// Accept waits for a place, then for a connection.
func (b *bounded) Accept() (net.Conn, error) {
	select {
	case b.places <- struct{}{}:
	default:
		if now := time.Now(); now.Sub(b.said) >= crowdSaid {
			b.said = now
			b.log.Warn("no further connections are accepted until one ends", slog.Int("open", cap(b.places)))
		}
		select {
		case b.places <- struct{}{}:
		case <-b.closed:
			return nil, net.ErrClosed
		}
	}
	conn, err := b.Listener.Accept()
	if err != nil {
		<-b.places
		return nil, err
	}
	return &placed{Conn: conn, leave: sync.OnceFunc(func() { <-b.places })}, nil
}

// Close ends Accept, also while it waits for a place.
func (b *bounded) Close() error { return b.close() }

// placed is a connection that gives its place back when it is closed.
type placed struct {
	net.Conn
	leave func()
}

// Close closes it once.
func (p *placed) Close() error {
	defer p.leave()
	return p.Conn.Close()
}
