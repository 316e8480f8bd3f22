// Package selfwatch raises an incident about feedwatch itself where a notifier
// refuses it, or refused a message for good, and where a drill found that a message
// was swallowed or that nobody answered: others are told, by the ways that still
// work. So does a set of rule files that is refused, which the notifiers that people
// read are told. The machine knows nothing of these incidents: their feed is reserved, nobody
// acknowledges them, and they end when the notifier takes messages again, the
// next drill goes well, or a set is taken.
package selfwatch
