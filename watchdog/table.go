package watchdog

import (
	"math"
	"strings"

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

// noRow is the row of a name that has none: no feed has so many.
const noRow = rowID(math.MaxUint32)

// block is up to blockRows series of one feed.
//
// Invariant: bound <= the true minimum of when any of its rows can change
// without a heartbeat. A row's due may be too early (a heartbeat moves a deadline
// later and leaves it), never too late: every write that can make a deadline
// earlier goes through wake.
type block struct {
	rows  []row // first, with the names: a heartbeat reads both, and they are on one cache line
	names strings.Builder
	bound feed.Instant
	ages  ages         // see agesNow
	waits feed.Instant // earliest due time that its own sources have not reached

	overdue []uint64 // bits: past its deadline, as its quorum counts; nil: no row is

	unassigned   int32 // rows in trouble that belong to no incident yet
	savedRows    int32 // rows in the last image of the names
	marksChanged bool  // since the last flush
	namesChanged bool
	toSave       bool // it is still to be handed out by the pass under way; see saving
	agesKnown    bool // false: a row changed since

	counts []counts // blockRows of them where the rule of any row has min_updates, else nil
	_      [40]byte // to whole lines of the cache
}

// newBlock has room for as many rows as a block may have, with names as long as those
// of the block before it. A feed's first block grows as it needs: most feeds are small.
func newBlock(before *block) *block {
	b := &block{bound: never, waits: never}
	if before != nil {
		b.rows = make([]row, 0, blockRows)
		b.names.Grow(before.names.Len() + feed.ClientNameBytesMax)
	}
	return b
}

func (b *block) len() int { return len(b.rows) }

// client is the name of row i.
func (b *block) client(i int) string {
	at := b.rows[i].name
	return b.names.String()[at.from:][:at.bytes]
}

// isGroup says that row i stands for a group rule, not for a client.
func (b *block) isGroup(i int) bool { return b.rows[i].group }

func (b *block) add(client string, since feed.Instant, labels labelsID, sources uint8) int {
	if len(b.rows) == cap(b.rows) { // append would leave room for more than a block has
		b.rows = append(make([]row, 0, min(max(1, 2*len(b.rows)), blockRows)), b.rows...)
	}
	b.rows = append(b.rows, row{
		arrival: -since,
		due:     never,
		name:    span{uint32(b.names.Len()), uint32(len(client))},
		labels:  labels,
		rule:    noRule,
		verdict: Unwatched,
		sources: sources,
		group:   isGroup(client),
	})
	b.names.WriteString(client)
	b.marksChanged, b.namesChanged, b.agesKnown = true, true, false
	return len(b.rows) - 1
}

// lastSeen is A, or zero for a series never seen.
func (b *block) lastSeen(i int) feed.Instant { return max(b.rows[i].arrival, 0) }

// reference is what deadlines count from: A, or since when the series is expected.
func (b *block) reference(i int) feed.Instant {
	if b.rows[i].arrival < 0 {
		return -b.rows[i].arrival
	}
	return b.rows[i].arrival
}

// wake makes row i be judged at t at the latest.
func (f *feedState) wake(id rowID, t feed.Instant) {
	b, i := f.blocks[id.block()], id.place()
	b.rows[i].due = min(b.rows[i].due, t)
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
		var before *block
		if last >= 0 {
			before = f.blocks[last]
		}
		f.blocks = append(f.blocks, newBlock(before))
		last++
	}
	id := rowOf(last, f.blocks[last].add(client, since, labels, sources))
	f.names.add(hash, id)
	f.useSet(sources)
	return id
}

// rows yields every row of the feed.
func (f *feedState) rows(yield func(rowID, *block) bool) {
	for n, b := range f.blocks {
		for i := range b.rows {
			if !yield(rowOf(n, i), b) {
				return
			}
		}
	}
}
