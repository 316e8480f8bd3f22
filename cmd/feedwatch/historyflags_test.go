package main

import (
	"bytes"
	"testing"
	"time"

	"github.com/feedwatch/feedwatch/watchdog/bubble"
	"github.com/feedwatch/feedwatch/watchdog/feed"
)

// TestHistoryMeter shows at most five lines a second, and how long it takes still.
func TestHistoryMeter(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		share := 0.25
		m := &historyMeter{out: &out, began: time.Now(), share: func() float64 { return share }}
		at := feed.At(time.Date(2026, 11, 24, 6, 0, 0, 0, time.UTC))
		<-time.After(10 * time.Second)
		m.show(at, 1_000_000)
		m.show(at, 1_000_001)
		<-time.After(time.Second)
		share = -1 // standard input
		m.show(at.Add(time.Hour), 1_200_000)
		m.clear()
		want := "replaying 24 Nov 06:00 UTC, 1,000,000 heartbeats, 25 %, 30 s left\nreplaying 24 Nov 07:00 UTC, 1,200,000 heartbeats\n"
		if out.String() != want {
			t.Errorf("got\n%swant\n%s", out.String(), want)
		}
	})
}
