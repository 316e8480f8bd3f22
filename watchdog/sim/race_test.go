//go:build race

package sim

// fleets divides how many are run: the race detector is slow.
const fleets = 4
