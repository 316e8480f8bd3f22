//go:build race

package sim

// fleets divides how many are run: the race detector is slow, and Go 1.26's crashes
// by itself in a bubble (in runtime.(*timer).maybeRunChan) when there were too many.
const fleets = 20
