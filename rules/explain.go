package rules

import (
	"cmp"
	"slices"
	"time"

	"github.com/feedwatch/feedwatch/watchdog/feed"
)

// Reading is how a client rule sees a client.
type Reading struct {
	Rule   *Rule
	Misses []Matcher // that do not fit; none: the rule fits
}

// Read is how each client rule of f sees a client, in order. The first that fits
// governs.
func (f *Feed) Read(client string, labels feed.Labels) []Reading {
	all := make([]Reading, 0, len(f.clientRules))
	for _, r := range f.clientRules {
		reading := Reading{Rule: r}
		for i := range r.match {
			if !r.match[i].Matches(client, labels) {
				reading.Misses = append(reading.Misses, r.match[i])
			}
		}
		all = append(all, reading)
	}
	return all
}

// GroupsOf are the rules for the whole or for a label that a client is part of.
func (f *Feed) GroupsOf(client string, labels feed.Labels) []*Rule {
	return slices.DeleteFunc(slices.Clone(f.groupRules), func(r *Rule) bool {
		return !r.Matches(client, labels) || r.per != PerFeed && labels.Get(r.per) == ""
	})
}

// Label is what m looks at: "client", "feed" or a label.
func (m *Matcher) Label() string { return m.label }

// Moment is one thing that happens when nothing more arrives.
type Moment struct {
	At     feed.Instant
	Kind   MomentKind
	Step   Step     // of StepTaken
	Notify []Target // who is told
}

// MomentKind is what happens.
type MomentKind uint8

// The kinds of moment, in the order in which they stand at one instant.
const (
	TurnsLate  MomentKind = iota // shown, and nobody is told
	TurnsStale                   // the incident opens
	StepTaken                    // unless it is by time and somebody has acknowledged
	LossBegins                   // everybody is told, whoever acknowledged
)

// Course is what happens to a series that r governs when nothing arrives after
// last, nobody acknowledges and nothing holds it. Loss counts from lossFrom, the
// last event time, or last where there is none; retention 0: it is not known. It
// is empty when no further run is expected.
func (r *Rule) Course(last, lossFrom feed.Instant, retention time.Duration) []Moment {
	stale := r.Deadline(last)
	if stale.IsZero() {
		return nil
	}
	all := []Moment{{At: stale, Kind: TurnsStale}}
	if r.warnAfter > 0 {
		all = append(all, Moment{At: r.active.After(last, r.warnAfter), Kind: TurnsLate})
	}
	var steps []Step
	if r.escalation != nil {
		steps = r.escalation.steps
	}
	for _, s := range steps {
		at := stale.Add(s.After)
		switch {
		case s.BeforeLoss.IsZero():
		case retention == 0:
			continue
		default:
			at = max(stale, lossFrom.Add(retention-s.BeforeLoss.Of(retention)))
		}
		all = append(all, Moment{At: at, Kind: StepTaken, Step: s, Notify: s.Notify})
	}
	if retention > 0 {
		m := Moment{At: lossFrom.Add(retention), Kind: LossBegins}
		if r.escalation != nil {
			m.Notify = r.escalation.Targets()
		}
		all = append(all, m)
	}
	slices.SortStableFunc(all, func(a, b Moment) int { return cmp.Or(cmp.Compare(a.At, b.At), cmp.Compare(a.Kind, b.Kind)) })
	return all
}
