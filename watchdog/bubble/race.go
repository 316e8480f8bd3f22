//go:build race

package bubble

import "runtime"

// Under the race detector Go 1.26 keeps one race context for all timers of a bubble.
// Two goroutines that receive from timers which are due at the same moment both run in
// it (unlockAndRun in runtime/time.go), which crashes the runtime now and then. One
// processor never runs two at once, and the detector finds races without.
func init() { runtime.GOMAXPROCS(1) }
