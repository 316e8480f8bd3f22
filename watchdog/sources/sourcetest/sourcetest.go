// Package sourcetest is what tests of pull sources share: servers to read from, a
// real Prometheus among them, and what should come of it.
package sourcetest

import (
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/feedwatch/feedwatch/watchdog/feed"
)

// Serve answers with handler until the test ends.
func Serve(t *testing.T, handler http.Handler) (url string) {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server.URL
}

// FreeAddress is one on loopback that nobody listens on.
func FreeAddress(t *testing.T) string {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return address
}

// Heartbeat is one of a client of external-profiles.
func Heartbeat(t *testing.T, client string, labels map[string]string, arrival, event feed.Instant) feed.Heartbeat {
	t.Helper()
	key, err := feed.ParseKey("external-profiles", client)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := feed.ParseLabels(labels)
	if err != nil {
		t.Fatal(err)
	}
	return feed.Heartbeat{Key: key, Arrival: arrival, Event: event, Count: 1, Labels: parsed}
}

// WantError checks that err says all of the words.
func WantError(t *testing.T, err error, words ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want one that says %q", words)
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("error %q does not say %q", err, w)
		}
	}
}
