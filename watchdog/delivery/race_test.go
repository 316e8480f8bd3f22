//go:build race

package delivery

// The race detector makes all of it ten times as slow, and sees no more in more of it.
const stormIncidents = 500
