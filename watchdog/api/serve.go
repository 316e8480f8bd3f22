package api

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"
	"time"
)

// Limits on a connection. A body of BodyBytesMax at 3 Mbit/s takes 45 s.
const (
	headerTimeout   = 10 * time.Second
	requestTimeout  = time.Minute
	answerTimeout   = 2 * time.Minute
	idleTimeout     = 2 * time.Minute
	headerBytesMax  = 16 << 10
	shutdownTimeout = 10 * time.Second
	probeTimeout    = 5 * time.Second
)

// Serve answers requests on l until ctx ends, then lets those under way end, for
// ten seconds at most. It closes l.
func (a *API) Serve(ctx context.Context, l net.Listener) error {
	server := &http.Server{
		Handler:           a,
		ReadHeaderTimeout: headerTimeout,
		ReadTimeout:       requestTimeout,
		WriteTimeout:      answerTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    headerBytesMax,
		ErrorLog:          slog.NewLogLogger(a.cfg.Log.Handler(), slog.LevelWarn),
	}
	places := newBounded(l, connectionsMax, a.cfg.Log)
	server.ConnState = places.note
	sweeping, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	go places.keepDeadlines(sweeping)
	a.probe.address.Store(new(dialable(l.Addr())))
	served := make(chan error, 1)
	go func() { served <- server.Serve(places) }()
	select {
	case err := <-served:
		a.probe.address.Store(nil)
		return fmt.Errorf("serving HTTP on %s: %w", l.Addr(), err)
	case <-ctx.Done():
	}
	a.probe.address.Store(nil)
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
	defer cancel()
	err := server.Shutdown(grace)
	if errors.Is(err, context.DeadlineExceeded) {
		err = server.Close() // those who are still there have had their time
	}
	if end := <-served; err == nil && !errors.Is(end, http.ErrServerClosed) {
		err = end
	}
	if err != nil {
		return fmt.Errorf("closing the HTTP listener on %s: %w", l.Addr(), err)
	}
	return nil
}

// prober remembers where the API listens.
type prober struct{ address atomic.Pointer[string] }

// dialable is an address at which this host reaches a listener on addr.
func dialable(addr net.Addr) string {
	host, port, err := net.SplitHostPort(addr.String())
	if err != nil {
		return addr.String()
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
		if ip != nil && ip.To4() == nil {
			host = "::1"
		}
	}
	return net.JoinHostPort(host, port)
}

// Probe asks the API for /-/healthy through the address on which it listens, on
// a connection of its own. While that succeeds, no heartbeat is silence; while
// it fails, heartbeats may be knocking in vain. An error before Serve.
func (a *API) Probe(ctx context.Context) error {
	address := a.probe.address.Load()
	if address == nil {
		return errors.New("probing the listener: it is not open")
	}
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+*address+"/-/healthy", nil)
	if err != nil {
		return fmt.Errorf("probing the listener: %w", err)
	}
	client := http.Client{Transport: &http.Transport{Proxy: nil, DisableKeepAlives: true}}
	resp, err := client.Do(req)
	if err != nil {
		return fmt.Errorf("probing the listener: %w", err)
	}
	defer func() { _ = resp.Body.Close() }()
	if _, err := io.Copy(io.Discard, io.LimitReader(resp.Body, 1<<10)); err != nil {
		return fmt.Errorf("probing the listener: %w", err)
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("probing the listener: it answers %s", resp.Status)
	}
	return nil
}
