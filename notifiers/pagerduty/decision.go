package pagerduty

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/feedwatch/feedwatch/notifiers"
	"github.com/feedwatch/feedwatch/watchdog"
	"github.com/feedwatch/feedwatch/watchdog/feed"
)

// Keeper takes what people decide. Find is nil, nil where no such incident was
// ever known; after an error nothing is known about it. A decision that cannot be
// taken any more is no error: only what is worth another try is.
type Keeper interface {
	Find(ctx context.Context, id string) (*watchdog.Incident, error)
	Acknowledge(ctx context.Context, id, by string, d time.Duration) error
	Resolve(ctx context.Context, id, by, reason string) error
}

// Desk hands what people decide in PagerDuty to the keeper, whether a webhook
// told of it, a look into PagerDuty, or both, and however often: an
// acknowledgement runs from when it was made, so the same one always ends at the
// same time, and what somebody decided since, or a page for a new reason, is
// never undone by it.
type Desk struct {
	Install string // whose keys count
	Keeper  Keeper
	Log     *slog.Logger
	Metrics *Metrics
	Now     func() time.Time

	// One at a time: a webhook and a look may tell of the same at once.
	one sync.Mutex
}

// decision is what was decided about an alert.
type decision struct {
	key      string
	resolved bool // else acknowledged
	who      actor
	at       time.Time
}

// actor is who did something. Only a person decides: an integration is an echo
// of what we sent, a service its own timer.
type actor struct {
	Type    string `json:"type"`
	Summary string `json:"summary"`
}

func (a actor) person() bool { return a.Type == "user_reference" || a.Type == "user" }

const actorRunesMax = 40 // of up to 4 bytes, within watchdog.PersonBytesMax

func (a actor) name() string {
	name := strings.TrimSpace(notifiers.Clean(a.Summary, actorRunesMax))
	if name == "" {
		name = "someone"
	}
	return name + " (PagerDuty)"
}

// mergedReason is why PagerDuty resolves an incident that a person merged into
// another: nobody said that it is over.
const mergedReason = "merge_resolve_reason"

// resolveHolds is how long a person's resolve holds while it is still silent.
const resolveHolds = 30 * time.Minute

// sameEnd is how far apart two ends of one acknowledgement may seem.
const sameEnd = time.Minute

// What became of a decision, as metrics call it.
const (
	tookAck     = "acknowledged"
	tookResolve = "resolved"
	tookNothing = "nothing_new"
	tookForeign = "not_ours"
	tookNobody  = "no_person"
	tookFailed  = "failed"
)

// take passes d on if it is news. An error says that the keeper could not be asked.
func (d *Desk) take(ctx context.Context, is decision) (result string, err error) {
	defer func() { d.Metrics.decisions.WithLabelValues(result).Inc() }()
	id, page, ours := parseKey(d.Install, is.key)
	switch {
	case !ours:
		return tookForeign, nil
	case !is.who.person():
		return tookNobody, nil
	}
	d.one.Lock()
	defer d.one.Unlock()
	inc, err := d.Keeper.Find(ctx, id)
	if err != nil {
		return tookFailed, fmt.Errorf("find incident %s: %w", id, err)
	}
	now := d.Now()
	if !isNews(inc, page, is, now) {
		return tookNothing, nil
	}
	result = tookAck
	if is.resolved {
		result = tookResolve
		err = d.Keeper.Resolve(ctx, id, is.who.name(), "resolved in PagerDuty")
	} else {
		err = d.Keeper.Acknowledge(ctx, id, is.who.name(), ackedUntil(is, now).Sub(now))
	}
	if err != nil {
		return tookFailed, fmt.Errorf("pass on what was decided in PagerDuty about incident %s: %w", id, err)
	}
	d.Log.Info("decided in PagerDuty", slog.String("incident", id), slog.Int("page", page),
		slog.String("what", result), slog.String("by", is.who.name()))
	return result, nil
}

func ackedUntil(is decision, now time.Time) time.Time {
	at := is.at
	if at.After(now) { // their clock is ahead
		at = now
	}
	return at.Add(watchdog.AcknowledgeForDefault)
}

// isNews says that a decision about the alert of a page changes anything at now.
// What came before that page in the timeline came before the decision, whatever
// the two clocks say.
func isNews(inc *watchdog.Incident, page int, is decision, now time.Time) bool {
	if inc == nil || inc.State == watchdog.StateResolved || inc.Cause.OfItself() {
		return false
	}
	until := ackedUntil(is, now)
	if is.resolved {
		until = is.at.Add(resolveHolds)
	}
	if !until.After(now) {
		return false
	}
	if !is.resolved && inc.Ack != nil && inc.Ack.Until >= feed.At(until.Add(-sameEnd)) {
		return false
	}
	at := feed.At(is.at)
	for _, e := range slices.Backward(inc.Events) {
		switch e.Kind {
		case watchdog.EventAcknowledged, watchdog.EventSnoozed, watchdog.EventHandedOver, watchdog.EventResolvedEarly:
			if e.At >= at {
				return false // somebody decided since, or this was heard of already
			}
		case watchdog.EventPaged:
			if e.Page == page {
				return true
			}
			if e.At >= at && newReason(inc, e.Page) {
				return false
			}
		}
	}
	return true
}

// newReason says that a page was not made because nobody had answered yet: what
// was decided before it does not cover it.
func newReason(inc *watchdog.Incident, page int) bool {
	for i := range inc.Pages {
		if p := &inc.Pages[i]; p.N == page {
			return p.Reason != watchdog.ReasonOpened && p.Reason != watchdog.ReasonStep && p.Reason != watchdog.ReasonRepeat
		}
	}
	return false
}
