// Package report drafts the root-cause document of an incident from what was
// recorded: what happened, to whom, how long it took to detect, acknowledge and
// recover, the timeline, what was lost, what came late, and the corrective
// measures. People complete it; everything that a machine can know stands in it.
//
// It is pure: an incident goes in, a Report comes out, and Markdown, HTML and JSON
// say the same. How an incident is told in words is the notifiers' business, so
// that a report says what the messages said.
package report
