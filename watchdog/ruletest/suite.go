// Package ruletest runs unit tests of rule files: heartbeats that a person wrote
// down, and what is expected of them. It runs the same watchdog.Machine as the
// service, in virtual time, and has no rules of its own.
package ruletest

import (
	"time"

	"github.com/feedwatch/feedwatch/rules"
	"github.com/feedwatch/feedwatch/watchdog"
	"github.com/feedwatch/feedwatch/watchdog/feed"
)

// Limits on a file of tests.
const (
	FileBytesMax = 1 << 20
	TestsMax     = 1_000
	ClientsMax   = 10_000    // of one test
	UpdatesMax   = 1_000_000 // of one heartbeat
	BeatsMax     = 1_000_000 // of one test
	SpanMax      = 366 * 24 * time.Hour
)

// Suite is one file of tests.
type Suite struct {
	File  string
	Rules string // the directory or file of the rules, relative to File
	Tests []Test
}

// Test is one story, and what is expected of it.
type Test struct {
	Name        string
	Line        int
	Feed        string
	From, Until feed.Instant
	Interval    time.Duration // between two places of a series
	Series      []Series
	Acks        []Ack
	Verdicts    []Verdict
	Pages       *[]Page    // all of them, in order; nil: not looked at
	Resolves    *[]Resolve // all of them, in order; nil: not looked at
}

// Series is when heartbeats of some clients come.
type Series struct {
	Feed    string
	Clients []string
	Labels  feed.Labels
	Beats   []bool        // one for each interval from the beginning: a heartbeat came
	Updates uint32        // how many each heartbeat stands for; 0: one
	Lag     time.Duration // event time is this much before arrival; 0: no event times
}

// Ack is a person who takes all open incidents.
type Ack struct {
	At  time.Duration
	By  string
	For time.Duration // 0: the default
}

// Verdict is what is expected to be said of a client, or of a feed as a whole.
type Verdict struct {
	Line   int
	At     time.Duration
	Feed   string
	Client string // "": the feed as a whole
	Want   watchdog.Verdict
}

// Page is one reason to tell people. What is zero in an expected one is not
// looked at, but for At and To.
type Page struct {
	Line   int
	At     time.Duration
	Feed   string
	To     []rules.Target
	Reason watchdog.Reason
	Scope  string
}

// Resolve is the end of an incident. What is zero in an expected one is not looked
// at, but for At.
type Resolve struct {
	Line  int
	At    time.Duration
	Feed  string
	Scope string
}
