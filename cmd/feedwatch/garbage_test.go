package main

import "testing"

func TestGarbageTakesLessThanWhatLives(t *testing.T) {
	const mib = 1 << 20
	for live, want := range map[uint64]int{0: 100, 16 * mib: 100, 64 * mib: 25, 100 * mib: 16, 1024 * mib: 12} {
		if got := garbagePercent(live); got != want {
			t.Errorf("%d MiB live: GOGC %d, want %d", live/mib, got, want)
		}
	}
}
