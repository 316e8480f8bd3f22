package watchdog

import (
	"github.com/feedwatch/feedwatch/rules"
	"github.com/feedwatch/feedwatch/watchdog/feed"
)

// Input is something that happened outside. The machine writes what came of it
// into the input's own result fields.
type Input interface{ apply(m *Machine) }

// Heard is a report of a source.
type Heard struct {
	Report feed.Report
	// Refused has one entry for each heartbeat, or is nil when all were accepted.
	Refused []feed.Refusal
	// Pause is what a report that missed something came to; nil: it missed nothing.
	Pause *Restart
}

func (in *Heard) apply(m *Machine) {
	r := &in.Report
	src := m.sources.find(r.Source.Name)
	if src < 0 {
		if src = m.sources.add(r.Source, m.now); src < 0 {
			in.refuseAll(feed.TooManySources)
			return
		}
	}
	m.beats(src, r.Quota, r.Heartbeats, func(i int, why feed.Refusal) {
		if in.Refused == nil {
			in.Refused = make([]feed.Refusal, len(r.Heartbeats))
		}
		in.Refused[i] = why
	})
	s := &m.sources.all[src]
	s.failure = r.Failure
	// A known-through of the future would hide silence like a future arrival.
	if known := min(r.KnownThrough, m.now); known > s.known {
		if s.known <= m.woken { // blind incidents from the store wait for it
			m.lookForBlindness()
		}
		m.noteUnread(s, known)
		if r.Missed {
			pause := Restart{At: m.now, Through: s.known, Source: s.Name}
			m.addRestart(pause)
			in.Pause = &pause
		}
		s.known = known
		for i := range m.sources.sets {
			m.sources.refreshSet(&m.sources.sets[i])
		}
		m.unwait()
	}
}

func (in *Heard) refuseAll(why feed.Refusal) {
	in.Refused = make([]feed.Refusal, len(in.Report.Heartbeats))
	for i := range in.Refused {
		in.Refused[i] = why
	}
}

// UseRules puts a rule set in force. Watermarks and open incidents stay.
type UseRules struct{ Set *rules.Set }

func (in *UseRules) apply(m *Machine) { m.useRules(in.Set) }
