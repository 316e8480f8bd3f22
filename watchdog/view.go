package watchdog

import (
	"strconv"
	"time"

	"github.com/feedwatch/feedwatch/watchdog/feed"
)

// FeedView is one feed as readers see it: an immutable copy of aggregates.
type FeedView struct {
	Name        string        `json:"name"`
	Description string        `json:"description,omitempty"`
	Owner       string        `json:"owner,omitempty"`
	Runbook     string        `json:"runbook,omitempty"`
	Watched     bool          `json:"watched"` // false: heartbeats come, but no rule file names it
	Clients     int           `json:"clients"`
	Verdict     Verdict       `json:"verdict"` // of the feed as a whole: the worst of its group rules and its clients' incidents
	ByVerdict   ByVerdict     `json:"by_verdict"`
	Newest      feed.Instant  `json:"newest_update,omitzero"` // newest arrival among clients
	Oldest      feed.Instant  `json:"oldest_update,omitzero"` // oldest arrival among clients that have one
	Retention   time.Duration `json:"retention_ns,omitempty"`
	LossBegins  feed.Instant  `json:"loss_begins,omitzero"`   // earliest of its open incidents
	Incidents   []string      `json:"incidents,omitempty"`    // IDs of its open ones
	BelowQuorum int           `json:"below_quorum,omitempty"` // clients past their deadline that open nothing, for they are too few
	Held        int           `json:"held,omitempty"`         // how many of those nobody is paged for now
}

// ByVerdict counts clients.
type ByVerdict [verdicts]int

// MarshalJSON writes an object from verdict to count, without zeros.
func (b ByVerdict) MarshalJSON() ([]byte, error) {
	buf := []byte{'{'}
	for v, n := range b {
		if n == 0 {
			continue
		}
		if len(buf) > 1 {
			buf = append(buf, ',')
		}
		buf = append(buf, '"')
		buf = append(buf, Verdict(v).String()...)
		buf = append(buf, '"', ':')
		buf = strconv.AppendInt(buf, int64(n), 10)
	}
	return append(buf, '}'), nil
}

// ClientView is one series as readers see it.
type ClientView struct {
	Client   string       `json:"client"`
	Labels   feed.Labels  `json:"labels,omitzero"`
	Verdict  Verdict      `json:"verdict"`
	Rule     string       `json:"rule,omitempty"`
	Arrival  feed.Instant `json:"last_update,omitzero"`
	Event    feed.Instant `json:"last_event,omitzero"`
	Deadline feed.Instant `json:"deadline,omitzero"`
	Incident string       `json:"incident,omitempty"`
	Quorum   *QuorumView  `json:"below_quorum,omitempty"` // past its deadline, and not enough others are
	Ignored  *IgnoredView `json:"ignored,omitempty"`      // the rule files say that it is not watched
	Updates  *UpdatesView `json:"updates,omitempty"`      // its rule asks for so many
}

// IgnoredView is until when a client is not watched, and why.
type IgnoredView struct {
	Until  feed.Instant `json:"until"`
	Reason string       `json:"reason"`
}

// ClientQuery asks for a page of a feed's clients.
type ClientQuery struct {
	Feed    string
	Verdict Verdict
	Any     bool   // whatever the verdict
	Client  string // only that one; "": all
	Cursor  int    // 0 first; then ClientPage.Next
	Limit   int    // 1 to ClientPageMax
}

// ClientPageMax bounds one page of clients.
const ClientPageMax = 1000

// ClientPage answers a ClientQuery. Next is 0 at the end.
type ClientPage struct {
	Clients []ClientView `json:"clients"`
	Next    int          `json:"next_cursor,omitempty"`
}

// MaintenanceView is a maintenance as readers see it: the window that holds now,
// or else the next.
type MaintenanceView struct {
	Name  string       `json:"name"`
	Match string       `json:"match"`
	From  feed.Instant `json:"from"`
	Until feed.Instant `json:"until"`
}

// Active says that it holds at t.
func (v *MaintenanceView) Active(t feed.Instant) bool { return v.From <= t && t < v.Until }

// SourceView is one source as readers see it.
type SourceView struct {
	Name         string        `json:"name"`
	KnownThrough feed.Instant  `json:"known_through,omitzero"`
	LagMax       time.Duration `json:"lag_max_ns"`
	Blind        bool          `json:"blind"`
	Failure      string        `json:"failure,omitempty"`
}
