package sim

import (
	"slices"
	"time"

	"github.com/feedwatch/feedwatch/watchdog"
)

// growth past what people know is a page: to all, to half, or to twice as many and
// a twentieth of the feed; at most one in five minutes.
func (w *watcher) growth(l *life, inc *watchdog.Incident) {
	told, of := inc.Ladder.PagedFor, inc.Ladder.PagedOf
	now, all := inc.Scope.Silent, inc.Scope.Of+inc.Scope.ElsewhereOf
	if a := inc.Ack; a != nil && a.Silent > told {
		told, of = a.Silent, all
	}
	counts := inc.Cause != watchdog.CauseBlind && inc.Hold == nil && len(inc.Pages) > 0 &&
		(inc.State == watchdog.StateOpen || inc.State == watchdog.StateAcknowledged)
	grew := now > told && (now >= all && told < of || 2*now >= all && 2*told < of || now >= 2*told && 20*(now-told) >= all)
	switch {
	case !counts || !grew:
		l.grew = time.Time{}
	case l.grew.IsZero():
		l.grew = w.oracle.now
	case w.oracle.now.Sub(l.grew) > 5*time.Minute+lateMax:
		w.wrong("%s grew from %d to %d of %d, and nobody is paged", inc.ID, told, now, all)
	}
}

// said is that somebody was told of the loss of a series in one silence of it.
type said struct {
	incident string
	arrival  time.Time
	begins   time.Time
}

// lossOnce: an incident of stragglers does not tell again of a loss that was told by
// the one that they come from.
func (w *watcher) lossOnce(l *life, inc *watchdog.Incident) {
	if l.split == "" {
		l.split = "no"
		for _, other := range w.lives {
			if other.last != nil && slices.ContainsFunc(other.last.Events, func(e watchdog.Event) bool {
				return e.Kind == watchdog.EventSplit && e.At == inc.Opened
			}) {
				l.split = other.last.ID
			}
		}
		if l.split != "no" {
			w.stats.split++
		}
	}
	for i := l.lossSeen; i < len(inc.Pages); i++ {
		p := &inc.Pages[i]
		if inc.Cause == watchdog.CauseBlind || p.Reason != watchdog.ReasonLossNear && p.Reason != watchdog.ReasonLossBegun {
			continue
		}
		in, _ := w.members(inc)
		again := len(in) > 0 && l.split != "no"
		for _, s := range in {
			m := w.oracle.marks[s]
			was, told := w.lossSaid[s][p.Reason]
			again = again && told && was.incident != inc.ID && was.arrival.Equal(m.arrival) && !was.begins.Before(inc.Loss.Begins.Time())
			if w.lossSaid[s] == nil {
				w.lossSaid[s] = map[watchdog.Reason]said{}
			}
			w.lossSaid[s][p.Reason] = said{inc.ID, m.arrival, inc.Loss.Begins.Time()}
		}
		if again {
			w.wrong("page %d of %s: %s, and %s told that of each of its %d series", p.N, inc.ID, p.Reason, l.split, len(in))
		}
	}
	l.lossSeen = len(inc.Pages)
}
