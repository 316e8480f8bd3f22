package feed

import "time"

// ClockSkewMax is how far ahead of our own clock a stamp may be (the design's
// max_clock_skew). A stamp further ahead would hide a silence until it is past,
// so it is refused at every entrance.
const ClockSkewMax = 5 * time.Minute

// Heartbeat is the observation that an update arrived.
type Heartbeat struct {
	Key     Key
	Arrival Instant // A; for a push the server's receive time unless given
	Event   Instant // E, when the update was made; zero where the feeder does not say
	Count   uint32  // updates it stands for; 0 says that the feeder lives, not the feed
	Labels  Labels  // zero: nothing said, what is known stays
}

// Report is what one source tells the engine at once: what arrived, and the
// time up to which it can say what did and did not. Heartbeats come in any
// order and may repeat; watermarks merge by max.
type Report struct {
	Source       Source
	Heartbeats   []Heartbeat
	KnownThrough Instant // zero: this report moves nothing (a push batch, a failed read)
	// Missed says that what was sent since the last known-through may never have been
	// heard, as by a listener that did not answer: a silence in it is not for sure.
	Missed  bool
	Quota   *Quota // of whoever sent it; nil: it may make as many series as there may be
	Failure string // why the source could not be read, for people; "" when it could
}

// Quota bounds the series that a sender may make: none once the feeds that it
// reaches hold SeriesMax. What it sends of series that are known is taken all the same.
type Quota struct {
	Feeds     []string // nil: every feed
	SeriesMax int
}

// Source names a way to learn of heartbeats, and says how far its known-through
// may lag behind now before its series are blind.
type Source struct {
	Name   string
	LagMax time.Duration
	Feed   string // the one feed it carries; "": it may carry any
}

// Carries says whether heartbeats of the feed called name may come through s.
func (s Source) Carries(name string) bool { return s.Feed == "" || s.Feed == name }

// Push is the source behind the HTTP entrances. Its known-through is now while
// the listener's self-probe succeeds.
var Push = Source{Name: "push", LagMax: 30 * time.Second}

// Refusal says why a heartbeat, or a part of it, was not taken.
type Refusal string

// The refusals that the machine itself makes.
const (
	Accepted       Refusal = ""
	FutureArrival  Refusal = "future_arrival" // the heartbeat is dropped
	FutureEvent    Refusal = "future_event"   // the arrival counts, the event time does not
	TooManySeries  Refusal = "too_many_series"
	OverQuota      Refusal = "over_quota" // the sender may make no further series
	TooManyFeeds   Refusal = "too_many_feeds"
	TooManySources Refusal = "too_many_sources"
)
