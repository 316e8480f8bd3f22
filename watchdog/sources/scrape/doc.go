// Package scrape learns of heartbeats from a feeder's own /metrics: a gauge has,
// per client, the unix time in seconds of the last update.
//
// Known-through is the time at which the read began: what the feeder had seen by
// then is in its answer. A feeder that cannot be reached, or that does not export
// the metric, is a failed read: whether updates arrive is not known, and the
// series are blind. Only the lines of the metric are parsed, so trouble elsewhere
// on the page does not hide the heartbeats.
package scrape
