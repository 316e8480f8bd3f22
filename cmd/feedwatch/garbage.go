package main

import (
	"context"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// Garbage may take as much memory as what lives, up to garbageMax; past that an eighth.
// The runtime's own rule would double what a large table takes, to spare collections
// that cost next to nothing: its rows have no pointers.
const (
	garbageMax   = 12 << 20
	garbageShare = 8 // the part of what lives: one in so many
)

// garbagePercent is the GOGC for so many bytes that live.
func garbagePercent(live uint64) int {
	return int(min(100, 100*max(garbageMax, live/garbageShare)/max(live, 1)))
}

// boundGarbage follows what lives, unless who runs us has set GOGC.
func boundGarbage(ctx context.Context) error {
	if os.Getenv("GOGC") != "" {
		return nil
	}
	sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for now := 100; ; {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		metrics.Read(sample)
		if percent := garbagePercent(sample[0].Value.Uint64()); percent != now {
			now = percent
			debug.SetGCPercent(percent)
		}
	}
}
