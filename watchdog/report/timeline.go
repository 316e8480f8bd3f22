package report

import (
	"cmp"
	"slices"

	"github.com/feedwatch/feedwatch/watchdog"
	"github.com/feedwatch/feedwatch/watchdog/feed"
)

// Entry is one line of the timeline.
type Entry struct {
	At    feed.Instant       `json:"at"`
	Until feed.Instant       `json:"until,omitzero"` // of pages that were repeated
	Kind  watchdog.EventKind `json:"kind"`
	Text  []string           `json:"text"`
}

// timeline tells every event. Pages that only repeat the one before are one
// entry. That updates are current again is told at the time at which they were,
// not at that at which it was seen.
func timeline(inc *watchdog.Incident, t Times, w Words) []Entry {
	all := []Entry{}
	run := repeats{words: w}
	lastWell := -1
	for i := range inc.Events {
		e := &inc.Events[i]
		if run.takes(inc, e) {
			continue
		}
		run.end(all)
		if e.Kind == watchdog.EventWell {
			lastWell = len(all)
		}
		all = append(all, Entry{At: e.At, Kind: e.Kind, Text: w.Event(inc, e)})
		run.begin(inc, e)
	}
	run.end(all)
	if lastWell >= 0 && !t.NormalAgain.IsZero() {
		all[lastWell].At = t.NormalAgain
	}
	slices.SortStableFunc(all, func(a, b Entry) int { return cmp.Compare(a.At, b.At) })
	return all
}

// repeats is a run of pages that only repeat the first of them, which is the last
// entry.
type repeats struct {
	words       Words
	first, last *watchdog.Page // nil: no run
	more        int
}

// takes says that e only repeats the run's first page.
func (r *repeats) takes(inc *watchdog.Incident, e *watchdog.Event) bool {
	page := repeatOf(inc, e)
	if page == nil || r.first == nil || !slices.Equal(page.Targets, r.first.Targets) {
		return false
	}
	r.last = page
	r.more++
	return true
}

func (r *repeats) begin(inc *watchdog.Incident, e *watchdog.Event) {
	r.first = repeatOf(inc, e)
	r.last, r.more = r.first, 0
}

// end writes what the run came to into its entry, the last.
func (r *repeats) end(all []Entry) {
	if r.first == nil || r.more == 0 {
		return
	}
	entry := &all[len(all)-1]
	entry.Until = r.last.At
	entry.Text = append(entry.Text, "... "+r.words.Again(r.first.At.Time(), r.last.At.Time(), r.more)+".")
}

// repeatOf is the page of an event that only repeats one; nil for others.
func repeatOf(inc *watchdog.Incident, e *watchdog.Event) *watchdog.Page {
	if e.Kind != watchdog.EventPaged || e.Page < 1 || e.Page > len(inc.Pages) {
		return nil
	}
	if page := &inc.Pages[e.Page-1]; page.Reason == watchdog.ReasonRepeat {
		return page
	}
	return nil
}
