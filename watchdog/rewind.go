package watchdog

import (
	"fmt"
	"slices"
	"time"

	"github.com/feedwatch/feedwatch/watchdog/feed"
)

// rewoundFor is how long people are told that the clock was set back.
const rewoundFor = 24 * time.Hour

// Rewind tells the machine that our clock was set back, to now. What was stamped
// by it was stamped too late, all by the same time: it is moved back together, so
// that silences, steps and holds keep their lengths, no stamp of the future hides
// a silence, and nothing waits until the old time comes again. Event times are the
// feeder's and stay, and so do the ends of silences, which are what their author
// said.
func (m *Machine) Rewind(now feed.Instant) {
	by := m.now - now
	if by <= 0 {
		return
	}
	m.tellOfRewind(m.now, now)
	m.now, m.started, m.woken = now, m.started-by, m.woken-by
	for i := range m.restarts {
		m.restarts[i].At -= by
		m.restarts[i].Through -= by
	}
	for i := range m.unread {
		m.unread[i].At -= by
		m.unread[i].Through -= by
	}
	for i := range m.sources.all {
		m.sources.all[i].known -= by
	}
	for i := range m.sources.sets {
		m.sources.sets[i].horizon -= by
	}
	for i := range m.silences {
		if s := &m.silences[i]; s.From <= now+by {
			s.From = min(s.From, now) // it holds already
		}
	}
	for _, f := range m.order {
		m.rewindFeed(f, by)
	}
	m.lookAtHolds()
	m.stirAll()
}

func (m *Machine) tellOfRewind(from, to feed.Instant) {
	m.trouble["clock"] = fmt.Sprintf("the clock was set back by %s at %s: what was stamped before is told as if it had been right then",
		from.Sub(to).Round(time.Second), to)
	m.rewound = to
}

func (m *Machine) rewindFeed(f *feedState, by feed.Instant) {
	limit := m.now.Add(feed.ClockSkewMax)
	back(by, &f.gathered, &f.split.at)
	f.blindDue = m.now
	for _, b := range f.blocks {
		for i := range b.rows {
			a := b.rows[i].arrival
			if a < 0 { // minus the instant since when it is expected
				b.rows[i].arrival = a + by
			} else {
				b.rows[i].arrival = a - by
			}
			if b.rows[i].event > limit {
				b.rows[i].event = 0
			}
		}
		b.marksChanged, b.agesKnown = true, false
	}
	for _, q := range f.quorums {
		if q != nil {
			back(by, &q.metAt)
		}
	}
	for _, t := range f.tracks {
		t.rewind(by)
	}
	for _, r := range f.resumed {
		back(by, &r.again)
	}
	for _, inc := range f.incidents {
		inc.rewind(by)
	}
	m.rewindCounts(f, by)
	for id, b := range f.rows {
		if m.ignoredAnew(f, b, id.place()) {
			m.bindAnew(f, id)
		} else {
			m.rejudge(f, id)
		}
	}
}

func (t *track) rewind(by feed.Instant) {
	back(by, &t.still, &t.seen) // base is an event time
	for i := range t.windows {
		t.windows[i].begin -= by
	}
}

// rewind moves everything that our clock stamped, but for the id and the key.
func (inc *incident) rewind(by feed.Instant) {
	back(by, &inc.Opened, &inc.Seen, &inc.Since, &inc.Expected, &inc.Newest, &inc.WellSince, &inc.Current, &inc.Loss.FirstAgain,
		&inc.newestArrival, &inc.calmSince, &inc.Calm, &inc.lastLate, &inc.fewSince, &inc.forgetDue,
		&inc.Ladder.StepAt, &inc.Ladder.RepeatAt, &inc.Ladder.GrowthAt)
	if inc.Loss.ByArrival {
		back(by, &inc.Loss.Start, &inc.Loss.Begins)
	}
	if a := inc.Loss.Accepted; a != nil {
		moved := *a
		back(by, &moved.At)
		inc.Loss.Accepted = &moved
	}
	if t := inc.Trickle; t != nil {
		moved := *t
		back(by, &moved.From)
		inc.Trickle = &moved
	}
	if a := inc.Ack; a != nil {
		moved := *a
		back(by, &moved.At, &moved.Until)
		inc.Ack = &moved
	}
	if h := inc.Hold; h != nil {
		moved := *h
		back(by, &moved.Since)
		if moved.Kind == HoldParent { // the time to arrive first; others end at a time of their own
			back(by, &moved.Until)
		}
		inc.Hold = &moved
	}
	inc.Pages, inc.Events = slices.Clone(inc.Pages), slices.Clone(inc.Events) // those handed out stay
	for i := range inc.Pages {
		inc.Pages[i].At -= by
	}
	for i := range inc.Events {
		inc.Events[i].At -= by
	}
	inc.drain, inc.CatchUp = drain{}, nil // measured anew
	inc.due, inc.scopeAt = 0, 0
	inc.touched, inc.dirty = true, true
}

// back moves instants back; one that is zero or never stays.
func back(by feed.Instant, all ...*feed.Instant) {
	for _, t := range all {
		if *t != 0 && *t != never {
			*t -= by
		}
	}
}
