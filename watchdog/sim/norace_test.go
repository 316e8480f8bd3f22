//go:build !race

package sim

const fleets = 1
