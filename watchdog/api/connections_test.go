package api

import (
	"bufio"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/feedwatch/feedwatch/watchdog/said"
)

// A crowd of connections that are all in the midst of a request keeps others waiting,
// not failing, and uses no more files than it may.
func TestConnectionsAreBounded(t *testing.T) {
	inner, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	const limit = 3
	l := newBounded(inner, limit, slog.New(slog.NewTextHandler(said.Also(&log), nil)))
	in := make(chan struct{}, limit)
	server := &http.Server{ReadHeaderTimeout: time.Minute, ConnState: l.note, Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/stay" {
			in <- struct{}{}
			<-r.Context().Done()
		}
	})}
	served := make(chan error, 1)
	go func() { served <- server.Serve(l) }()
	dial := func() net.Conn {
		c, err := new(net.Dialer).DialContext(t.Context(), "tcp", inner.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		return c
	}
	answered := func(c net.Conn) <-chan error {
		done := make(chan error, 1)
		go func() {
			fmt.Fprintf(c, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
			_, err := bufio.NewReader(c).ReadString('\n')
			done <- err
		}()
		return done
	}
	var crowd [limit]net.Conn
	for i := range crowd {
		crowd[i] = dial()
		fmt.Fprintf(crowd[i], "GET /stay HTTP/1.1\r\nHost: x\r\n\r\n")
		<-in
	}
	late := answered(dial())
	if n := len(l.places); n != limit {
		t.Errorf("%d places are taken, want %d", n, limit)
	}
	select {
	case err := <-late:
		t.Fatalf("one too many was answered: %v", err)
	default:
	}
	_ = crowd[0].Close()
	if err := <-late; err != nil {
		t.Errorf("after one left: %v", err)
	}
	// A stop ends it while it waits for a place.
	if err := server.Close(); err != nil {
		t.Error(err)
	}
	if err := <-served; !errors.Is(err, http.ErrServerClosed) {
		t.Errorf("Serve: %v", err)
	}
	if n := strings.Count(log.String(), "all connections are taken"); n != 1 {
		t.Errorf("the log says %q", log.String())
	}
}
