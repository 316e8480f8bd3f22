package watchdog

import (
	"fmt"
	"slices"
	"time"

	"github.com/feedwatch/feedwatch/rules"
	"github.com/feedwatch/feedwatch/watchdog/feed"
)

// Incident is what people are paged for: one feed, one cause, many series. The
// machine hands out values of it that nobody writes to afterwards; the store
// keeps them as JSON, delivery brings the world to what the newest one says.
type Incident struct {
	// Fixed at opening.
	ID     string       `json:"id"`  // "<deadline in unix ms>-<hash of the anchor>": unique, fit for a URL
	Key    string       `json:"key"` // "fw/<install>/<feed>/<ID>": the stem of PagerDuty's dedup keys
	Feed   string       `json:"feed"`
	Cause  Cause        `json:"cause"`
	Opened feed.Instant `json:"opened"` // the deadline that passed, not when we looked
	Seen   feed.Instant `json:"seen"`   // when the machine saw it; Seen - Opened is the evaluation lag
	Anchor string       `json:"anchor"` // the series (or group) with the smallest (deadline, key)
	// Expected is since when the anchor is expected, where it was never seen and its
	// rule has active hours or a quorum: otherwise that is Opened less Allowed.
	Expected feed.Instant `json:"expected,omitzero"`

	// What it is now.
	Revision   uint64         `json:"revision"` // grows by one with every change handed out
	State      State          `json:"state"`
	Severity   rules.Severity `json:"severity"`
	Rule       string         `json:"rule"`            // that governs the anchor; "" once removed
	Allowed    time.Duration  `json:"allowed_ns"`      // the rule's stale_after (or lag_over)
	Hours      string         `json:"hours,omitempty"` // the rule's active hours, in which that is counted; "": always
	Escalation string         `json:"escalation,omitempty"`
	Runbook    string         `json:"runbook,omitempty"`
	Owner      string         `json:"owner,omitempty"`
	Scope      Scope          `json:"scope"`
	// Open incidents of other feeds with the same cause, in order of opening.
	Linked     []Link       `json:"linked,omitempty"`
	LinkedMore int          `json:"linked_more,omitempty"` // how many there are beside them
	Worst      Scope        `json:"worst"`                 // the scope when most were in trouble
	Since      feed.Instant `json:"since"`                 // the newest arrival among its series when it opened; zero: never any
	Newest     feed.Instant `json:"newest,omitzero"`       // the newest arrival before their silence, with those that fell silent later
	Source     string       `json:"source,omitempty"`      // of a blind incident
	Failure    string       `json:"failure,omitempty"`
	Trickle    *Trickle     `json:"trickle,omitempty"`  // of a trickle; of those handed out nobody changes it
	Drill      *Drill       `json:"drill,omitempty"`    // of a drill, which is about no feed
	FoundBy    string       `json:"found_by,omitempty"` // the drill that showed an unheard notifier
	Loss       Loss         `json:"loss"`
	CatchUp    *CatchUp     `json:"catch_up,omitempty"` // while updates arrive again, behind
	Ack        *Ack         `json:"ack,omitempty"`
	Hold       *Hold        `json:"hold,omitempty"`      // why nobody is paged now
	Calm       feed.Instant `json:"calm,omitzero"`       // since when none of its series is in trouble; the last of them came again then
	WellSince  feed.Instant `json:"well_since,omitzero"` // since when all its series are seen to be well
	// Current is the last arrival before WellSince that was late or ended a silence:
	// what came after it was current. It is earlier by the windows that it takes to
	// see so; zero where that is not known.
	Current    feed.Instant `json:"current,omitzero"`
	Resolved   feed.Instant `json:"resolved,omitzero"`
	ResolvedBy string       `json:"resolved_by,omitempty"`

	// How people are told.
	Ladder Ladder  `json:"ladder"`
	Next   *Next   `json:"next,omitempty"`
	Pages  []Page  `json:"pages,omitempty"`
	Events []Event `json:"timeline,omitempty"`
}

// SelfFeed is the name under which feedwatch speaks of itself: no feed may have it.
const SelfFeed = rules.ReservedFeed

// Cause is what kind of trouble an incident is about.
type Cause string

// The causes.
const (
	CauseSilent Cause = "silent" // series are stale
	CauseFrozen Cause = "frozen" // arriving, but event time stands still
	CauseBehind Cause = "falling_behind"
	// CauseTrickling: updates arrive, but fewer than the rule's min_updates.
	CauseTrickling Cause = "trickling"
	CauseBlind     Cause = "blind" // we cannot see
	// CauseUnheard is none of the machine's: a notifier, which is its Source, does not
	// take what it is sent.
	CauseUnheard Cause = "unheard"
	// CauseRefused is none of the machine's either: the rule files are refused. Failure
	// says why; the rules in force are the set Anchor, since Since.
	CauseRefused Cause = "rules_refused"
)

// OfItself says that c is trouble of feedwatch itself, and not of a feed: nobody
// acknowledges it, and it ends by itself.
func (c Cause) OfItself() bool { return c == CauseUnheard || c == CauseRefused }

// ExpectedSince is since when an update of its anchor was expected that never came.
func (i *Incident) ExpectedSince() feed.Instant {
	if !i.Expected.IsZero() {
		return i.Expected
	}
	return i.Opened.Add(-i.Allowed)
}

// State is where an incident is in its life.
type State string

// open -> acknowledged -> recovering -> resolved. Recovering covers catching up
// (CatchUp is set) and holding (WellSince is set).
const (
	StateOpen         State = "open"
	StateAcknowledged State = "acknowledged"
	StateRecovering   State = "recovering"
	StateResolved     State = "resolved"
)

// Scope says for whom.
type Scope struct {
	Labels feed.Labels   `json:"labels,omitzero"`       // that explain it, all together, at most three; none for the whole feed
	Same   []feed.Labels `json:"same_extent,omitempty"` // others that cover exactly the same series, so nothing tells which is the cause; at most five
	Silent int           `json:"silent"`                // series in trouble within the scope
	Of     int           `json:"of"`                    // series within the scope
	// Counter-evidence: the same two for the rest of the feed.
	ElsewhereSilent int `json:"elsewhere_silent"`
	ElsewhereOf     int `json:"elsewhere_of"`
	// Examples, each at most ScopeExamplesMax.
	Oldest      []Example `json:"oldest,omitempty"`       // in trouble, the longest first
	StillArrive []string  `json:"still_arrive,omitempty"` // clients within the scope that are well
	Spread      []string  `json:"label_values,omitempty"` // for the whole: "cluster=3", how many values the labels have, for "every client on every cluster"
}

// ScopeExamplesMax bounds the example lists of a Scope.
const ScopeExamplesMax = 5

// Whole says that the scope is every client of the feed.
func (s Scope) Whole() bool { return s.Labels.IsZero() }

// String is "all clients" or "cluster=fsn1, tier=pro".
func (s Scope) String() string {
	if s.Whole() {
		return "all clients"
	}
	return s.Labels.String()
}

// numbers is the scope without its lists.
func (s Scope) numbers() Scope {
	s.Same, s.Oldest, s.StillArrive, s.Spread = nil, nil, nil, nil
	return s
}

// Example is a client and its last arrival (zero: never).
type Example struct {
	Client string       `json:"client"`
	Last   feed.Instant `json:"last"`
}

// Loss is the clock that matters. All times zero where the feed has no retention.
type Loss struct {
	Retention  time.Duration `json:"retention_ns"`
	Start      feed.Instant  `json:"start,omitzero"`       // first update nobody has read: latest event time before opening
	ByArrival  bool          `json:"by_arrival"`           // Start is an arrival: the feed has no event times
	Begins     feed.Instant  `json:"begins,omitzero"`      // Start + Retention, while something is still silent; zero once draining in time
	FirstAgain feed.Instant  `json:"first_again,omitzero"` // t1: first arrival after opening
	EventAgain feed.Instant  `json:"event_again,omitzero"` // smallest event time in the first window after t1
	// The lost interval [LostFrom, LostTo], known from t1 on; growing before it
	// (LostTo = now - Retention is for the reader to compute while FirstAgain is zero).
	LostFrom feed.Instant `json:"lost_from,omitzero"`
	LostTo   feed.Instant `json:"lost_to,omitzero"`
	AtRisk   bool         `json:"at_risk"`           // t1 - R and EventAgain differ: the wider is given
	Clients  int          `json:"clients,omitempty"` // rows of the ledger: clients that lost updates
	Updates  float64      `json:"updates,omitempty"` // how many were lost, estimated; of the clients whose rate is known
	// A person's decision that the loss may happen: it pages nobody any more.
	Accepted *Accepted `json:"accepted,omitempty"`
}

// Accepted is who accepted a loss, when and why.
type Accepted struct {
	By     string       `json:"by"`
	At     feed.Instant `json:"at"`
	Reason string       `json:"reason"`
}

// LostAt is the interval of updates that are gone at now; both zero where none are.
func (l Loss) LostAt(now feed.Instant) (from, to feed.Instant) {
	if !l.LostFrom.IsZero() {
		return l.LostFrom, l.LostTo
	}
	if l.FirstAgain.IsZero() && !l.Begins.IsZero() && now > l.Begins {
		return l.Start, now.Add(-l.Retention)
	}
	return 0, 0
}

// CatchUp is how the backlog drains.
type CatchUp struct {
	Event feed.Instant  `json:"event"`         // low event time of the last window
	Lag   time.Duration `json:"lag_ns"`        // event age
	Speed float64       `json:"speed"`         // v: event time per wall time; 0 until a window has passed
	From  feed.Instant  `json:"from,omitzero"` // ETA as a range; zero until known
	To    feed.Instant  `json:"to,omitzero"`
}

// Ack is a person's word that they are on it.
type Ack struct {
	Kind  AckKind      `json:"kind,omitempty"`
	By    string       `json:"by"`
	At    feed.Instant `json:"at"`
	Until feed.Instant `json:"until"`
	// The scope then shown: growth past it is a new reason to page.
	Silent int `json:"silent"`
}

// AckKind is how a person stopped the ladder.
type AckKind string

// The kinds of acknowledgement. Each ends, and pages anew if it is still in trouble.
const (
	AckTaken    AckKind = ""         // they are on it
	AckSnoozed  AckKind = "snoozed"  // it can wait
	AckResolved AckKind = "resolved" // they hold it to be over, while it is not
)

// Ladder is how far escalation has come.
type Ladder struct {
	Step      int            `json:"step"`                // `after` steps taken
	StepAt    feed.Instant   `json:"step_at,omitzero"`    // when the last was
	RepeatAt  feed.Instant   `json:"repeat_at,omitzero"`  // when it repeats next
	LossSteps int            `json:"loss_steps"`          // `before_loss` steps taken
	LossKept  int            `json:"loss_kept,omitempty"` // of those, not to be taken again though the clock moved
	LossBegun bool           `json:"loss_begun"`          // paged for loss begun
	LossFor   int            `json:"loss_for,omitempty"`  // series in trouble at that page, or when a person accepted the loss
	LossOf    int            `json:"loss_of,omitempty"`   // of how many in the feed then
	GrowthAt  feed.Instant   `json:"growth_at,omitzero"`  // last page for growth
	Peak      int            `json:"peak"`                // the most in trouble at once, since it opened or was in trouble again
	PagedFor  int            `json:"paged_for"`           // series in trouble at the last page
	PagedOf   int            `json:"paged_of"`            // of how many in the feed then
	PagedAs   rules.Severity `json:"paged_as"`            // severity at the last page
	Engaged   []rules.Target `json:"engaged,omitempty"`   // who has been paged so far, in order
}

// Next is who is told next, and when, unless someone acknowledges.
type Next struct {
	At      feed.Instant   `json:"at"`
	Targets []rules.Target `json:"targets"`
	Why     Reason         `json:"why"`
}

// Page is one reason to wake someone; an alert of its own at PagerDuty, under
// the incident's key + "/p<N>".
type Page struct {
	N       int            `json:"n"` // 1, 2, ...
	At      feed.Instant   `json:"at"`
	Reason  Reason         `json:"reason"`
	Also    []Reason       `json:"also,omitempty"` // other reasons that fell on the same instant
	Step    int            `json:"step"`           // which `after` step, from 1; 0 where it is none
	Targets []rules.Target `json:"targets"`
	Scope   string         `json:"scope"`
}

// About says that r is among the reasons of the page.
func (p *Page) About(r Reason) bool { return p.Reason == r || slices.Contains(p.Also, r) }

// Loss says that the page is about a loss that is near, or has begun: nothing holds
// it back.
func (p *Page) Loss() bool { return p.About(ReasonLossNear) || p.About(ReasonLossBegun) }

// PageKey is the dedup key of page n: the incident's key + "/p<n>".
func (i *Incident) PageKey(n int) string { return fmt.Sprintf("%s/p%d", i.Key, n) }

// Reason is why someone is woken.
type Reason string

// The reasons.
const (
	ReasonOpened     Reason = "opened"
	ReasonStep       Reason = "not_acknowledged"
	ReasonRepeat     Reason = "repeat"
	ReasonAckExpired Reason = "acknowledgement_expired"
	ReasonSnoozeOver Reason = "snooze_over"
	ReasonNotOver    Reason = "not_over"   // a person resolved it, and it goes on
	ReasonHoldEnded  Reason = "hold_ended" // a silence or maintenance ended, and it goes on
	ReasonGrew       Reason = "scope_grew"
	ReasonLossNear   Reason = "loss_near"
	ReasonLossBegun  Reason = "loss_begun"
)

// Reasons are all of them.
func Reasons() []Reason {
	return []Reason{
		ReasonOpened, ReasonStep, ReasonRepeat, ReasonAckExpired, ReasonSnoozeOver, ReasonNotOver,
		ReasonHoldEnded, ReasonGrew, ReasonLossNear, ReasonLossBegun,
	}
}

// Event is one line of the timeline.
type Event struct {
	N     int          `json:"n"` // 1, 2, ...: a stable name within the incident
	At    feed.Instant `json:"at"`
	Kind  EventKind    `json:"kind"`
	Who   string       `json:"who,omitempty"`  // a person, for what people did
	Page  int          `json:"page,omitempty"` // of EventPaged: which page
	Scope Scope        `json:"scope"`          // then
	// What else the words need; zero where the kind has none.
	Was   int          `json:"was,omitempty"`  // series before, for EventScope
	Until feed.Instant `json:"until,omitzero"` // acknowledgement's end, ETA's end
	From  feed.Instant `json:"from,omitzero"`  // ETA's begin, lost interval's begin
	Note  string       `json:"note,omitempty"`
	Edit  *Edit        `json:"edit,omitempty"` // of EventRule: what changed
}

// NoteBelowQuorum is the note of an EventSplit whose stragglers are too few to open an
// incident.
const NoteBelowQuorum = "below_quorum"

// EventKind is what happened.
type EventKind string

// The kinds of event.
const (
	EventOpened        EventKind = "opened"
	EventPaged         EventKind = "paged"
	EventAcknowledged  EventKind = "acknowledged"
	EventSnoozed       EventKind = "snoozed"
	EventHandedOver    EventKind = "handed_over"    // Note: to whom
	EventResolvedEarly EventKind = "resolved_early" // by a person, while it goes on
	EventHeld          EventKind = "held"           // Note: by what
	EventReleased      EventKind = "released"
	EventForgotten     EventKind = "forgotten"   // Was: how many clients are no longer watched
	EventLeft          EventKind = "left_roster" // Was: how many clients are no longer watched
	EventIgnored       EventKind = "ignored"     // Was: how many clients are no longer watched
	EventSplit         EventKind = "split"       // Was: how many stragglers go on as an incident of their own
	EventLossAccepted  EventKind = "loss_accepted"
	EventScope         EventKind = "scope"       // grew, or another cause explains it
	EventResumed       EventKind = "resumed"     // updates arrive again
	EventCatchUp       EventKind = "catch_up"    // ETA known, or moved much
	EventStaleAgain    EventKind = "stale_again" // trouble again before it resolved
	EventWell          EventKind = "well"        // all current; holding
	EventLossBegun     EventKind = "loss_begun"
	EventRule          EventKind = "rule" // an edit of the rules changed what it is judged by; Note: the rule now, "" for none
	EventResolved      EventKind = "resolved"
)
