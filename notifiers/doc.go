// Package notifiers has what every way of telling people shares: the words of
// an incident (Headline, Summary, Facts, EventLines), so that Slack, PagerDuty,
// the terminal, the page and the report say the same facts in the same order;
// an HTTP sender that is bounded in time, size and trust; what the outcome of a
// request means for the next attempt; and secrets that never print.
//
// An adapter makes one attempt per call and classes what went wrong. When to
// try again is decided once, for all of them, in watchdog/delivery.
//
// Whatever comes from outside (a client's name, a label, a person's note, a
// server's answer) is untrusted: it becomes a span of bounded, printable text
// here, and each adapter escapes spans for its own medium.
package notifiers
