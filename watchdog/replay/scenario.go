package replay

import (
	"time"

	"github.com/feedwatch/feedwatch/watchdog/feed"
)

// Limits on a scenario, so that a slip of the pen does not run for a day.
const (
	FileBytesMax   = 1 << 20
	ClientsMax     = 100_000
	SpanMax        = 366 * 24 * time.Hour
	UpdatesMax     = 1_000_000_000 // that a scenario's clients make in its span
	everyMin       = time.Second
	labelSharesMax = 1_000
)

// Scenario is a past: which clients updated how often, and when the feeder was
// down. Only ParseScenario makes one.
type Scenario struct {
	Title       string
	Rules       string // a directory, as the file has it: relative to the file
	From, Until feed.Instant
	Generator   Generator
	Outages     []Outage          // in order, apart
	Acks        []Acknowledgement // in order
}

// Generator says what the feeder delivers while it is up: each of its clients
// makes an update every so often, at a phase of its own, and it arrives at once.
type Generator struct {
	Seed    uint64
	Feed    string
	Clients int
	Every   time.Duration
	Labels  []LabelShares
}

// LabelShares deals the values of a label among the clients.
type LabelShares struct {
	Name   string
	Values []LabelShare
}

// LabelShare is one value and its part of the whole, beside those of the others.
type LabelShare struct {
	Value string
	Parts int
}

// Outage is a time in which nothing was delivered, and how it ended. Every client
// made an update at From that still arrived; updates went on being made, into a
// queue that keeps them for Retention. From Until on what the queue still had
// was delivered, oldest first at a constant speed, until the feed was current
// again at DrainedBy.
type Outage struct {
	From, Until, DrainedBy feed.Instant
	Retention              time.Duration
}

// Acknowledgement is what a person did: they acknowledged every incident that was
// open At.
type Acknowledgement struct {
	At  feed.Instant
	By  string
	For time.Duration
}
