package sim

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/feedwatch/feedwatch/watchdog"
	"github.com/feedwatch/feedwatch/watchdog/feed"
)

// picks is what a silence or a maintenance is for: "" is any.
type picks struct{ feed, match string }

func (p picks) hits(s *series) bool {
	probe := ruleSpec{match: p.match}
	if client, ok := strings.CutPrefix(p.match, "client="); ok {
		return (p.feed == "" || p.feed == s.feed) && client == s.client
	}
	return (p.feed == "" || p.feed == s.feed) && probe.matches(s)
}

// selector is p as people write it.
func (p picks) selector() string {
	var all []string
	if p.feed != "" {
		all = append(all, fmt.Sprintf("feed=%q", p.feed))
	}
	if label, value, ok := strings.Cut(p.match, "="); ok {
		all = append(all, fmt.Sprintf("%s=%q", label, value))
	}
	return strings.Join(all, ", ")
}

// maintenanceSpec is a window that comes every hour or every day.
type maintenanceSpec struct {
	name  string
	of    picks
	at    cronSpec
	lasts time.Duration
}

// last is the window that began last.
func (m *maintenanceSpec) last(now time.Time) (from, to time.Time) {
	every := time.Hour
	if m.at.hour >= 0 {
		every = day
	}
	probe := ruleSpec{cron: &m.at}
	from = probe.deadline(now).Add(-every)
	return from, from.Add(m.lasts)
}

// quiet is a silence as the watchdog answered that it is in force.
type quiet struct {
	watchdog.Silence
	of picks
}

// heldUntil is until when something keeps s from being paged for, and what; zero
// when nothing does.
func (o *oracle) heldUntil(s *series) (until time.Time, by string) {
	for _, q := range o.silences {
		if q.Active(feed.At(o.now)) && q.of.hits(s) && q.Until.Time().After(until) {
			until, by = q.Until.Time(), q.Comment
		}
	}
	r := o.ruleOf(s)
	for i := range o.set.maintenances {
		m := &o.set.maintenances[i]
		_, to := m.last(o.now)
		if to = to.Add(r.allows()); m.of.hits(s) && o.now.Before(to) && to.After(until) {
			until, by = to, m.name // and then the time to arrive first
		}
	}
	return until, by
}

// names are all silences and maintenances that hold something now.
func (o *oracle) names() map[string]bool {
	all := map[string]bool{}
	for _, q := range o.silences {
		if q.Active(feed.At(o.now)) {
			all[q.Comment] = true
		}
	}
	for i := range o.set.maintenances {
		all[o.set.maintenances[i].name] = true
	}
	return all
}

// silencesEnd lets go of silences that are over, as the watchdog does.
func (o *oracle) silencesEnd() {
	for id, q := range o.silences {
		if q.Until <= feed.At(o.now) {
			delete(o.silences, id)
		}
	}
}

// keepSilences takes those that were durable. What was answered must be there.
func (o *oracle) keepSilences(saved []watchdog.Silence) {
	kept := map[string]quiet{}
	for _, s := range saved {
		if known, ok := o.asked[s.ID]; ok && s.Until > feed.At(o.now) {
			kept[s.ID] = quiet{s, known}
		}
	}
	for id, q := range o.silences {
		if k, ok := kept[id]; q.Until > feed.At(o.now) && (!ok || k.Until != q.Until) {
			o.wrong("the silence %s until %v was answered and is not durable", id, q.Until)
		}
	}
	o.silences = kept
}

// members are the clients of an incident that are shown in trouble; those that are
// out of sight where no other is.
func (w *watcher) members(inc *watchdog.Incident) (in []*series, sure bool) {
	sure = true
	var unseen []*series
	for _, s := range w.fleet.of(inc.Feed) {
		v := w.shown[s]
		if v == nil || v.Incident != inc.ID && inc.Cause != watchdog.CauseBlind {
			continue
		}
		switch {
		case inc.Cause == watchdog.CauseBlind:
			if v.Verdict == watchdog.Retired || v.Verdict == watchdog.Unwatched {
				continue
			}
		case v.Verdict == watchdog.Blind:
			sure = false
			unseen = append(unseen, s)
			continue
		case !v.Verdict.Opens():
			continue
		}
		in = append(in, s)
	}
	if len(in) == 0 {
		in = unseen
	}
	return in, sure
}

// lateMax is how long the watchdog may take to see that what is held has changed.
const lateMax = 1500 * time.Millisecond

// holds: an incident says that it is held exactly while each of its series is, or
// while a feed that it depends on was paged for.
func (w *watcher) holds(l *life, inc *watchdog.Incident) {
	why := w.holdIsWrong(inc)
	if why == "" {
		l.misheld = time.Time{}
		return
	}
	if l.misheld.IsZero() {
		l.misheld = w.oracle.now
	}
	if w.oracle.now.Sub(l.misheld) > lateMax {
		w.wrong("%s: %s", inc.ID, why)
	}
}

func (w *watcher) holdIsWrong(inc *watchdog.Incident) string {
	if inc.State != watchdog.StateOpen && inc.State != watchdog.StateAcknowledged || w.waits(inc) {
		return ""
	}
	now, h := w.oracle.now, inc.Hold
	parent := w.parentTold(inc)
	switch {
	case h != nil && !h.Until.IsZero() && !now.Before(h.Until.Time()):
		return fmt.Sprintf("the hold by %s until %v still holds", h.Name, h.Until)
	case h != nil && h.Kind == watchdog.HoldParent:
		if parent == "" && (h.Until.IsZero() || w.oracle.now.Add(inc.Allowed).Before(h.Until.Time())) {
			return "held by " + h.Name + ", which nobody was paged for"
		}
		return ""
	case parent != "":
		return "not held, though " + parent + " was paged for"
	}
	in, sure := w.members(inc)
	ends, free := time.Time{}, ""
	for _, s := range in {
		until, _ := w.oracle.heldUntil(s)
		if until.IsZero() {
			free = s.name()
			break
		}
		if ends.IsZero() || until.Before(ends) {
			ends = until
		}
	}
	f := w.oracle.set.feed(inc.Feed)
	grouped := w.oracle.silentGroup(f, true) != "" || w.trouble(f).blind // of a group that is blind it is not known
	switch {
	case h == nil && len(in) > 0 && free == "" && (!grouped || w.allHeld(f)):
		return fmt.Sprintf("not held, though all of its %d series are until %v", len(in), ends)
	case h == nil:
		return ""
	case free != "" && (sure || inc.Cause != watchdog.CauseBlind):
		if v := w.shown[w.named(free)]; v.Verdict != watchdog.Blind {
			return fmt.Sprintf("held by %s, though nothing is for %s", h.Name, free)
		}
	case len(in) > 0 && sure && free == "" && h.Until.Time().After(ends):
		return fmt.Sprintf("held by %s until %v, and one of its series only until %v", h.Name, h.Until, ends)
	case !w.oracle.names()[h.Name]:
		return "held by " + h.Name + ", which is nothing that holds"
	}
	return ""
}

func (w *watcher) named(name string) *series {
	for _, s := range w.fleet.series {
		if s.name() == name {
			return s
		}
	}
	return nil
}

func (w *watcher) allHeld(f *feedSpec) bool {
	for _, s := range w.fleet.of(f.name) {
		v := w.shown[s]
		if v == nil || v.Verdict == watchdog.Retired || v.Verdict == watchdog.Unwatched {
			continue
		}
		if until, _ := w.oracle.heldUntil(s); until.IsZero() {
			return false
		}
	}
	return true
}

// parentTold is a feed that this one depends on, of which somebody was paged.
// and that is in as much trouble: at least half as large a share of it.
func (w *watcher) parentTold(child *watchdog.Incident) string {
	f := w.oracle.set.feed(child.Feed)
	if f.dependsOn == "" {
		return ""
	}
	for _, inc := range w.incidents() {
		told := inc.State == watchdog.StateOpen || inc.State == watchdog.StateAcknowledged
		if inc.Feed == f.dependsOn && told && inc.Hold == nil && len(inc.Pages) > 0 && explains(inc, child) {
			return f.dependsOn
		}
	}
	return ""
}

func explains(parent, child *watchdog.Incident) bool {
	share := func(s watchdog.Scope) float64 {
		of := s.Of + s.ElsewhereOf
		if of == 0 {
			return 1
		}
		return float64(s.Silent) / float64(of)
	}
	alike := (parent.Cause == watchdog.CauseBlind) == (child.Cause == watchdog.CauseBlind)
	return alike && 2*share(parent.Scope)+1e-9 >= share(child.Scope)
}

// released: what was held, or acknowledged, and is still in trouble pages at once.
func (w *watcher) released(l *life, inc *watchdog.Incident) {
	was := l.last
	if was == nil || inc.State != watchdog.StateOpen || inc.Hold != nil || len(inc.Pages) > len(was.Pages) {
		return
	}
	if was.Hold != nil && was.State == watchdog.StateOpen && len(was.Pages) > 0 {
		w.wrong("%s: %s does not hold it any more, and nobody is paged", inc.ID, was.Hold.Name)
	}
	if was.Ack != nil && was.State == watchdog.StateAcknowledged && was.Hold == nil && len(was.Pages) > 0 {
		w.wrong("%s: the acknowledgement until %v is over, and nobody is paged", inc.ID, was.Ack.Until)
	}
}

// heldPages: nothing but loss is paged while something holds.
func (w *watcher) heldPages(l *life, inc *watchdog.Incident) {
	for i := len(l.told); i < len(inc.Pages); i++ {
		p := &inc.Pages[i]
		loss := p.Loss()
		if inc.Hold != nil && p.At > inc.Hold.Since && !loss {
			w.wrong("page %d of %s (%s) while %s holds it", p.N, inc.ID, p.Reason, inc.Hold.Name)
		}
		if a := inc.Loss.Accepted; loss && a != nil && p.At > a.At {
			w.wrong("page %d of %s (%s) after the loss was accepted", p.N, inc.ID, p.Reason)
		}
	}
	if inc.Loss.Accepted != nil && !w.accepted[inc.ID] {
		w.wrong("%s: nobody accepted a loss", inc.ID)
	}
}

// silence asks for one, and remembers it once it was answered to be in force.
func (s *sim) silence(of picks, from, last time.Duration) {
	s.asks++
	id := fmt.Sprintf("s%d", s.asks)
	s.oracle.asked[id] = of
	s.words = append(s.words, func(p *process) {
		now := s.clock.now()
		s.mu.Lock()
		for i := range 24 { // the disk may be slow: what it has taken is handed over at once
			s.plan(s.clock.truth().Add(time.Duration(i)*commitMax/4), func() {})
		}
		s.mu.Unlock()
		q := watchdog.Silence{
			ID: id, Match: of.selector(), By: "bob", Comment: "quiet " + id,
			Until: feed.At(now.Add(from + last)),
		}
		if from > 0 {
			q.From = feed.At(now.Add(from))
		}
		s.call(func(ctx context.Context) {
			got, err := p.engine.Silence(ctx, q)
			s.mu.Lock()
			defer s.mu.Unlock()
			if p.gate.killed() {
				return
			}
			s.note("silence %s of %s from %v until %v: %v", id, q.Match, got.From, got.Until, err)
			if err == nil {
				s.stats.silences++
				s.oracle.silences[id] = quiet{got, of}
			}
		})
	})
}

// endSilence ends one that holds, before its time.
func (s *sim) endSilence() {
	ids := []string(nil)
	for id := range s.oracle.silences {
		ids = append(ids, id)
	}
	if len(ids) == 0 {
		return
	}
	slices.Sort(ids)
	id := ids[s.roll("end silence").IntN(len(ids))]
	s.words = append(s.words, func(p *process) {
		s.mu.Lock()
		q, ok := s.oracle.silences[id]
		if !ok {
			s.mu.Unlock()
			return
		}
		s.note("silence %s ends early", id)
		q.Until = feed.At(s.oracle.now) // at once, whether or not it can be kept
		s.oracle.silences[id] = q
		s.mu.Unlock()
		s.call(func(ctx context.Context) {
			_, err := p.engine.EndSilence(ctx, id, "bob")
			if err != nil {
				s.mu.Lock()
				defer s.mu.Unlock()
				s.note("the end of silence %s: %v", id, err)
			}
		})
	})
}
