//go:build !race

package delivery

const stormIncidents = 5_000
