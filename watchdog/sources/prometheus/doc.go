// Package prometheus learns of heartbeats from a Prometheus, or from whatever
// answers its HTTP API: an instant query yields, per client, the unix time in
// seconds of the last update.
//
// # Known-through
//
// The query is evaluated at a time that we give. What it yields is as old as the
// last scrape, so an update younger than that is not in it. Known-through is
// therefore the evaluation time less ScrapeLag, which is the scrape interval of
// whoever keeps the metric, or a bound on it; a deadline fires that much later
// than with a push. The timestamps that Prometheus keeps per sample would say it
// more exactly, but an instant query shows them only for a bare selector, not for
// `max by (client) (...)`, and their minimum would let one departed target hold
// back every client of the source.
//
// # When Prometheus has nothing
//
// A target that is not scraped any more vanishes from the answer. If part of the
// clients vanish they turn stale by their deadlines: nothing new is known of them,
// and the rest shows that the source works. If all vanish the read has failed:
// the metric, the scrape job or the query is gone, and the series are blind.
package prometheus
