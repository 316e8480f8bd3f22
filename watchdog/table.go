package watchdog

import (
	"math"

	"github.com/feedwatch/feedwatch/watchdog/feed"
)

// blockRows is how many series one block holds. A block is the unit of visiting
// (its bound says when), of querying and of saving.
const blockRows = 1024

// never is a due time that does not come.
const never = feed.Instant(math.MaxInt64)

// rowID names a row within its feed: block number and place in the block.
type rowID uint32

func rowOf(block, place int) rowID { return rowID(block*blockRows + place) }

func (r rowID) block() int { return int(r) / blockRows }
func (r rowID) place() int { return int(r) % blockRows }

// What a row has in place of a rule that governs it.
const (
	noRule      = math.MaxUint16
	ignoredRule = noRule - 1 // the rule files say that it is not watched, for a time
)

// noRow is the row of a name that has none: no feed has so many.
const noRow = rowID(math.MaxUint32)

// block is up to blockRows series of one feed, in columns.
//
// Invariant: bound <= the true minimum of when any of its rows can change
// without a heartbeat. due[i] may be too early (a heartbeat moves a deadline
// later and leaves it), never too late: every write that can make a deadline
// earlier goes through wake.
type block struct {
	bound   feed.Instant
	client  []string       // "\x00rule\x00value" for the row of a group rule
	arrival []feed.Instant // A; never seen: minus the instant since when it is expected
	event   []feed.Instant // E; zero: none
	rate    []float32      // average updates a second; see countUpdates
	since   []uint32       // when it was first seen, in unix seconds; zero: not known
	due     []feed.Instant // when to judge again
	verdict []Verdict
	rule    []uint16      // index into feedState.rules, or noRule, ignoredRule
	sources []uint8       // index into sources.sets
	labels  []labelsID    // index into the feed's label sets
	groups  []groupsID    // which group rows an arrival also moves
	in      []incidentSeq // the incident it belongs to; 0: none

	overdue []uint64 // bits: past its deadline, as its quorum counts; nil: no row is

	waits        feed.Instant // earliest due time that its own sources have not reached
	unassigned   int          // rows in trouble that belong to no incident yet
	marksChanged bool         // since the last flush
	namesChanged bool
	savedRows    int // rows in the last image of the names
}

type (
	groupsID    uint32
	incidentSeq uint32
)

func (b *block) len() int { return len(b.client) }

func (b *block) add(client string, since feed.Instant, labels labelsID, sources uint8) int {
	b.client = append(b.client, client)
	b.arrival = append(b.arrival, -since)
	b.event = append(b.event, 0)
	b.rate = append(b.rate, 0)
	b.since = append(b.since, 0)
	b.due = append(b.due, never)
	b.verdict = append(b.verdict, Unwatched)
	b.rule = append(b.rule, noRule)
	b.sources = append(b.sources, sources)
	b.labels = append(b.labels, labels)
	b.groups = append(b.groups, 0)
	b.in = append(b.in, 0)
	b.marksChanged, b.namesChanged = true, true
	return len(b.client) - 1
}

// lastSeen is A, or zero for a series never seen.
func (b *block) lastSeen(i int) feed.Instant { return max(b.arrival[i], 0) }

// reference is what deadlines count from: A, or since when the series is expected.
func (b *block) reference(i int) feed.Instant {
	if b.arrival[i] < 0 {
		return -b.arrival[i]
	}
	return b.arrival[i]
}

// wake makes row i be judged at t at the latest.
func (f *feedState) wake(id rowID, t feed.Instant) {
	b, i := f.blocks[id.block()], id.place()
	b.due[i] = min(b.due[i], t)
	b.bound = min(b.bound, t)
	f.bound = min(f.bound, t)
}

// row finds the row of a client or group.
func (f *feedState) row(client string) (rowID, bool) {
	return f.names.find(client)
}

func (f *feedState) add(client string, since feed.Instant, labels labelsID, sources uint8) rowID {
	return f.addHashed(client, f.names.hash(client), since, labels, sources)
}

func (f *feedState) addHashed(client string, hash uint64, since feed.Instant, labels labelsID, sources uint8) rowID {
	last := len(f.blocks) - 1
	if last < 0 || f.blocks[last].len() == blockRows {
		f.blocks = append(f.blocks, &block{bound: never, waits: never})
		last++
	}
	id := rowOf(last, f.blocks[last].add(f.names.keep(client), since, labels, sources))
	f.names.add(hash, id)
	f.useSet(sources)
	return id
}

// rows yields every row of the feed.
func (f *feedState) rows(yield func(rowID, *block) bool) {
	for n, b := range f.blocks {
		for i := range b.client {
			if !yield(rowOf(n, i), b) {
				return
			}
		}
	}
}
