package watchdog

import (
	"fmt"
	"hash/fnv"
	"slices"

	"github.com/feedwatch/feedwatch/rules"
	"github.com/feedwatch/feedwatch/watchdog/feed"
)

// NewOwn is an open incident of feedwatch itself, which no machine holds: about is
// what tells it apart. Cause and severity are the caller's to set.
func NewOwn(install, about string, now feed.Instant) *Incident {
	hash := fnv.New32a()
	_, _ = hash.Write([]byte(about))
	id := fmt.Sprintf("%d-%08x", int64(now), hash.Sum32())
	return &Incident{
		ID: id, Key: "fw/" + install + "/" + SelfFeed + "/" + id, Feed: SelfFeed,
		Opened: now, Seen: now, State: StateOpen,
	}
}

// Record adds an event to an incident of feedwatch itself. A picture that was handed
// out shares its events: they are not written to.
func (i *Incident) Record(e Event) {
	e.N = len(i.Events) + 1
	i.Events = append(slices.Clone(i.Events), e)
	i.Revision++
}

// PageOnce pages the targets of an incident of feedwatch itself, which has one page.
func (i *Incident) PageOnce(now feed.Instant, targets []rules.Target) {
	i.Pages = []Page{{N: 1, At: now, Reason: ReasonOpened, Targets: targets}}
	i.Ladder = Ladder{Step: 1, StepAt: now, Engaged: targets, PagedAs: i.Severity}
	i.Record(Event{At: now, Kind: EventPaged, Page: 1})
}
