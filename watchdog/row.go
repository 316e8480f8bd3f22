package watchdog

import "github.com/feedwatch/feedwatch/watchdog/feed"

// row is one series, or what a group rule counts. It is one line of the processor's
// cache, so that a heartbeat waits for one, and it has no pointer, so that garbage
// collection does not look at it: tests hold both.
type row struct {
	arrival feed.Instant // A; never seen: minus the instant since when it is expected
	event   feed.Instant // E; zero: none
	due     feed.Instant // when to judge again
	name    span         // "\x00rule\x00value" for the row of a group rule
	labels  labelsID     // index into the feed's label sets
	groups  groupsID     // which group rows an arrival also moves
	in      incidentSeq  // the incident it belongs to; 0: none
	rate    float32      // average updates a second; see countUpdates
	since   uint32       // when it was first seen, in unix seconds; zero: not known
	rule    uint16       // index into feedState.rules, or noRule, ignoredRule
	verdict Verdict
	sources uint8 // index into sources.sets
	group   bool  // it stands for a group rule, not for a client
}

type (
	groupsID    uint32
	incidentSeq uint32
)

// span is a part of a text.
type span struct{ from, bytes uint32 }

// What a row has in place of a rule that governs it.
const (
	noRule      = ignoredRule + 1
	ignoredRule = 1<<16 - 2 // the rule files say that it is not watched, for a time
)
