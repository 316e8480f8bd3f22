// Package sources is what pulled heartbeats share. A pull source reads what
// somebody else keeps, a Prometheus or the feeder's own /metrics, and each read
// becomes one feed.Report.
//
// Three things hold for all of them. The arrival is the value read, never the
// time of the read: an unchanged value is no heartbeat. Known-through says up to
// when a read can tell what did and did not arrive, and moves only when the read
// is whole. A read that failed, that found nothing at all, or of which nothing
// made sense says why and moves nothing: the source's series turn blind, which
// pages too, instead of fresh.
package sources
