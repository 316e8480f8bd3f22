package main

import "testing"

func TestGarbageTakesLessThanWhatLives(t *testing.T) {
	const mib = 1 << 20
	for live, want := range map[uint64]int{0: 100, 12 * mib: 100, 48 * mib: 25, 80 * mib: 15, 1024 * mib: 12} {
		if got := garbagePercent(live); got != want {
			t.Errorf("%d MiB live: GOGC %d, want %d", live/mib, got, want)
		}
	}
}
