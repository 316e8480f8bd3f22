package slack

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/feedwatch/feedwatch/notifiers"
	kept "github.com/feedwatch/feedwatch/watchdog/said"
)

// TestSocketTrouble: a connection that is down says so, but not for a moment, and
// without its secrets.
func TestSocketTrouble(t *testing.T) {
	now := time.Date(2025, 11, 24, 0, 5, 0, 0, time.UTC)
	d := &Desk{config: DeskConfig{Log: kept.Log(), Now: func() time.Time { return now }}}
	d.metrics = newMetrics(prometheus.NewRegistry(), d.down)
	app, err := newApp(App{Token: notifiers.NewSecret("xoxb-1"), AppToken: notifiers.NewSecret("xapp-fwsecret")})
	if err != nil {
		t.Fatal(err)
	}
	s := newSocket(d, app)
	d.sockets = []*socket{s}
	says := func(when string, down float64, words ...string) {
		t.Helper()
		text := strings.Join(d.Trouble(), "; ")
		for _, w := range words {
			if !strings.Contains(text, w) {
				t.Errorf("%s: %q, want %q in it", when, text, w)
			}
		}
		if (text == "") != (len(words) == 0) || d.down() != down || strings.Contains(text, "secret") {
			t.Errorf("%s: %q, %g down", when, text, d.down())
		}
	}
	says("at the start", 1)
	now = now.Add(2 * time.Minute)
	says("never connected", 1, "since 24 Nov 00:05 UTC", "it has not been connected yet")
	s.up()
	says("connected", 0)
	s.down(errors.New("dial tcp: wss://host/?ticket=1&token=xapp-fwsecret: connection refused"))
	says("just down", 1)
	now = now.Add(2 * time.Minute)
	s.down(errors.New("invalid_auth"))
	says("refused", 1, "since 24 Nov 00:07 UTC", "invalid_auth", "connections:write")
	s.up()
	says("back", 0)
}
