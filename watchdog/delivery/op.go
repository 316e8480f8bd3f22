package delivery

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/feedwatch/feedwatch/rules"
	"github.com/feedwatch/feedwatch/watchdog"
	"github.com/feedwatch/feedwatch/watchdog/feed"
)

// Notifier is one way to tell people: one attempt per call, no retry, no state
// that must survive. Deliver returns what the destination calls the thing it
// made (kept in the receipt and handed back as Op.Ref), or an *Error with its
// class; any other error is taken as ambiguous.
type Notifier interface {
	Shape() Shape
	Deliver(ctx context.Context, op Op) (ref string, err error)
}

// Shape is how a destination holds an incident; it decides which ops are asked.
type Shape uint8

const (
	// Thread: one root message kept up to date (Post, then Update), and a Reply
	// for each later event. Slack.
	Thread Shape = iota + 1
	// Alerts: one alert per page (Trigger, Acknowledge, Resolve). PagerDuty.
	Alerts
	// Stream: one message per event (Tell), in order. Console, webhook.
	Stream
)

// OpKind is what an Op asks for.
type OpKind uint8

// The kinds of Op.
const (
	Post OpKind = iota + 1
	Update
	Reply
	Trigger
	Acknowledge
	Resolve
	Tell
)

// Op is one thing to bring about at one destination. The same op keeps its Name
// across retries and restarts, so doing it twice is harmless.
type Op struct {
	Kind      OpKind
	Name      string // within (destination, incident): "root", "e3", "p1", "p1/ack", "p1/resolve"
	Target    rules.Target
	Incident  *watchdog.Incident // what it is now; read only
	Event     *watchdog.Event    // of Reply and Tell
	Page      *watchdog.Page     // of Trigger, Acknowledge, Resolve; of Reply and Tell of EventPaged
	Ref       string             // of the root (Update, Reply)
	With      []Op               // of others that share the thread: this attempt does them as well
	Lead      *watchdog.Incident // of Post, Update and Reply: under whose name the root stands
	Shared    bool               // the thread is that of several incidents
	Joins     bool               // of Reply: the first that the thread hears of the incident
	InsteadOf rules.Target       // whose place this destination takes, since that one cannot tell the page; zero: the page lists it
	Now       feed.Instant
	MaybeSent bool // an earlier attempt may have arrived: look there first, and adopt what is found
	Minimal   bool // the full form was refused as a bad payload: send the shortest that says it
}

// ID names the op among all: for idempotency keys and message metadata. A root has
// the name of the incident that leads, whoever has it updated.
func (o Op) ID() string {
	if o.ofRoot() && o.Lead != nil {
		return o.Lead.Key + "/" + o.Name
	}
	return o.Incident.Key + "/" + o.Name
}

// All are the op and those that the same attempt does for others.
func (o Op) All() []Op { return append([]Op{o}, o.With...) }

// ofRoot says that the op is about the first message of a thread.
func (o *Op) ofRoot() bool { return o.Kind == Post || o.Kind == Update }

// pages says that the op tells a page to people who are to be woken by it here.
func (o *Op) pages() bool {
	return o.Page != nil && (slices.Contains(o.Page.Targets, o.Target) || o.InsteadOf.Kind != "")
}

// Class is what an error means for the next attempt.
type Class uint8

// The classes; see the table in DESIGN.md.
const (
	Ambiguous   Class = iota // may have arrived: timeout, EOF, 5xx, 408, an empty or HTML 200
	RateLimited              // 429 in any form: costs no attempt
	NotSent                  // certainly not arrived: dial, DNS, TLS
	BadPayload               // 400, 413, invalid_blocks, too long
	Refused                  // authentication or configuration: 401, 403, invalid_auth, channel_not_found, is_archived
	LostTarget               // what Op.Ref names is gone
	Partial                  // some of its recipients were told, others refused: not sent again, and said
)

var classNames = [...]string{"ambiguous", "rate_limited", "not_sent", "bad_payload", "refused", "lost_target", "partial"}

// String is the word used in metrics and logs.
func (c Class) String() string { return classNames[min(int(c), len(classNames)-1)] }

// Error is what a Notifier says of a failed attempt. Its text never holds a secret.
type Error struct {
	Class      Class
	RetryAfter time.Duration // of RateLimited; 0 when the destination did not say
	Err        error
}

// Error says the class and the cause.
func (e *Error) Error() string { return fmt.Sprintf("%s: %v", e.Class, e.Err) }

// Unwrap is the cause.
func (e *Error) Unwrap() error { return e.Err }

// Limits is what a destination allows us.
type Limits struct {
	SendsPerMinute   int           // Post, Reply, Trigger, Tell, ...; 0: no limit
	SendEvery        time.Duration // least time between two of them
	UpdatesPerMinute int           // Update
	UpdateEvery      time.Duration // least time between two updates of one message
}

// Destination is a notifier under the name that rule files use.
type Destination struct {
	Target   rules.Target
	Notifier Notifier
	Limits   Limits
}
