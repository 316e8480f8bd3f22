package watchdog

import (
	"github.com/feedwatch/feedwatch/rules"
	"github.com/feedwatch/feedwatch/watchdog/feed"
)

// Saved is everything that outlives a process, as the store hands it back.
type Saved struct {
	Blocks    []BlockImage
	Through   feed.Instant // Blocks hold every arrival up to here; later ones may be missing
	Restarts  []Restart    // oldest first
	Incidents []*Incident  // all that are not resolved, and the newest resolved ones
	Receipts  []Receipt    // of Incidents
	Silences  []Silence    // that hold or are to come
	Rules     *SavedRules  // last known good; nil before the first
}

// Flush is one write of watermarks: the blocks that changed since the last, in
// one transaction with Through.
type Flush struct {
	Gone    []string // feeds whose saved blocks are to go: none of them is among Blocks
	Blocks  []BlockImage
	Ledger  []LedgerRow  // new, or in place of what was written for the same incident, client and From
	Through feed.Instant // zero while more blocks of the same flush are to come
}

// BlockImage is one block of series in its saved form; see EncodeBlock. The
// store keeps the bytes as they are and keys them by (Feed, Index).
type BlockImage struct {
	Feed  string
	Index int
	Names []byte // clients and labels; nil in a Flush when they have not changed
	Marks []byte // watermarks
}

// Restart is one start of the process. A series whose deadline passed while
// nobody looked gets its grace from the first restart after its last arrival,
// so a crash loop does not postpone a page.
type Restart struct {
	At      feed.Instant `json:"at"`
	Through feed.Instant `json:"through"` // the Flush.Through then found
	// Source is the one that could not hear, where it was not the process that did
	// not run; "": all series.
	Source string `json:"source,omitempty"`
}

// Receipt says what one destination is known to hold of one incident.
type Receipt struct {
	Target   rules.Target `json:"target"`
	Incident string       `json:"incident"`      // Incident.ID
	Op       string       `json:"op"`            // delivery.Op.Name: "root", "e3", "p1", "p1/ack", "p1/resolve"; or a decision of delivery's: "p1/failover", "digest", "joined"
	Ref      string       `json:"ref,omitempty"` // what the destination calls it, e.g. Slack's "C123/1699.42"
	Revision uint64       `json:"revision"`      // of the incident it shows
	At       feed.Instant `json:"at"`
	Dead     string       `json:"dead,omitempty"` // why it was given up; "" when it was delivered
}

// SavedRules are the rule files of the last set that was accepted.
type SavedRules struct {
	Version string       `json:"version"`
	At      feed.Instant `json:"at"`
	Files   []rules.File `json:"files"`
}
