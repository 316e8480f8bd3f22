package watchdog

import (
	"time"

	"github.com/feedwatch/feedwatch/watchdog/feed"
)

// startLoss fixes where the silence began: the latest event time seen among the
// incident's series before it opened, for the feeder still delivered then; by
// arrival where there are no event times.
func (m *Machine) startLoss(inc *incident) {
	inc.Since = inc.newestArrival
	inc.setLossStart(inc.newestEvent, inc.newestArrival)
}

func (inc *incident) setLossStart(event, arrival feed.Instant) {
	l := &inc.Loss
	l.Start, l.ByArrival = event, false
	if event.IsZero() {
		l.Start, l.ByArrival = arrival, true
	}
	inc.runLoss()
}

// runLoss sets when loss begins, where the retention is known.
func (inc *incident) runLoss() {
	l := &inc.Loss
	switch inc.Cause {
	case CauseBehind:
		inc.runBehindLoss()
		return
	case CauseTrickling:
		inc.runTrickleLoss()
		return
	}
	l.Begins = 0
	if l.Retention > 0 {
		if l.Start.IsZero() { // never heard of: the clock runs from when it was expected
			l.Start, l.ByArrival = inc.ExpectedSince(), true
		}
		l.Begins = l.Start.Add(l.Retention)
	}
	inc.dirty = true
}

// restartLoss sets the clock anew when trouble is back before the incident was
// resolved; not while it runs for some that have never come back.
func (m *Machine) restartLoss(inc *incident) {
	m.closeLoss(inc)
	var event, arrival feed.Instant
	begins, again, waits := inc.Loss.Begins, inc.Loss.FirstAgain, false
	for _, b := range inc.feed.blocks {
		for i := range b.rows {
			seq := b.rows[i].in
			if seq == inc.seq && troubled(b.rows[i].verdict) {
				event = max(event, b.rows[i].event)
				arrival = max(arrival, b.lastSeen(i))
				waits = waits || b.lastSeen(i) < again
			}
		}
	}
	inc.Loss.FirstAgain, inc.Loss.EventAgain = 0, 0
	inc.dirty = true
	if waits && m.now < begins {
		inc.newestArrival = max(inc.newestArrival, arrival)
		return
	}
	inc.Since = arrival
	inc.Ladder.LossBegun, inc.Ladder.LossSteps, inc.Ladder.LossKept = false, 0, 0
	inc.Loss.Accepted = nil
	inc.setLossStart(event, arrival)
}

// arrived is an arrival of a member while the incident is open; before is the one
// before it, was and is are its verdicts before and after. Only one that ends a
// member's trouble begins the resumption: a frozen series arrives too, and a late
// heartbeat can be older than the silence.
func (inc *incident) arrived(arrival, event, before feed.Instant, was, is Verdict) {
	l := &inc.Loss
	switch {
	case is.Opens():
		inc.heardLate(arrival, event, before, is)
	case l.FirstAgain.IsZero() && !troubled(was):
	case l.FirstAgain.IsZero():
		l.FirstAgain = max(arrival, 1)
		l.EventAgain = event
		inc.touched, inc.dirty = true, true
	case !event.IsZero() && inc.drain.first(arrival, l.FirstAgain, inc.window()):
		if l.EventAgain.IsZero() || event < l.EventAgain {
			l.EventAgain = event
			inc.touched, inc.dirty = true, true
		}
	}
}

// heardLate moves the start of the loss for a heartbeat that came late: the
// feeder delivered for longer than was known. One of a member that fell silent
// later says nothing of those with whom the incident opened.
func (inc *incident) heardLate(arrival, event, before feed.Instant, is Verdict) {
	if is != Stale || inc.Cause != CauseSilent || !inc.Loss.FirstAgain.IsZero() || inc.Revision == 0 {
		return
	}
	if before > inc.Since {
		inc.newestArrival = max(inc.newestArrival, arrival)
		inc.touched = true
		return
	}
	newest := event
	if inc.Loss.ByArrival {
		newest = arrival
	}
	if arrival > inc.Since {
		inc.Since = arrival
		inc.touched, inc.dirty = true, true
	}
	if newest <= inc.Loss.Start {
		return
	}
	inc.setLossStart(event, arrival)
	inc.touched = true
}

// moveLossStart moves the clock to those that fell silent later, once all with
// whom the incident opened have recovered: what they had to lose they have read.
// It looks when the scope was counted, so once a second at most.
func (m *Machine) moveLossStart(inc *incident) {
	l := &inc.Loss
	grew := inc.Newest.Sub(inc.Since) >= time.Second
	if inc.Cause != CauseSilent || l.Begins.IsZero() || inc.Ladder.LossBegun || !grew || inc.scopeAt != m.now {
		return
	}
	start := never
	for _, b := range inc.feed.blocks {
		for i := range b.rows {
			seq := b.rows[i].in
			if seq != inc.seq || !troubled(b.rows[i].verdict) {
				continue
			}
			own := b.rows[i].event
			if l.ByArrival {
				own = b.lastSeen(i)
			}
			if start = min(start, own); start <= l.Start {
				return
			}
		}
	}
	if start == never {
		return
	}
	l.Start, l.Begins = start, start.Add(l.Retention)
	inc.Ladder.LossKept = inc.Ladder.LossSteps // who was told that loss is near knows
	inc.dirty = true
}

// nextLoss starts the clock anew for those of a growth who have all to lose yet, where
// the loss that people know of, or accepted, is that of others before them.
func (m *Machine) nextLoss(inc *incident) {
	l, known := &inc.Loss, share{inc.Ladder.LossFor, inc.Ladder.LossOf}
	told := inc.Ladder.LossBegun || l.Accepted != nil
	if inc.Cause != CauseSilent || l.Begins.IsZero() || !told || known.of > 0 && !known.grewTo(inc.share()) {
		return
	}
	inc.knowsLoss()
	if known.of == 0 {
		return // it was told of these in the incident that they were stragglers of
	}
	start := never
	inc.feed.membersOf(inc, func(_ rowID, b *block, i int) {
		own := b.rows[i].event
		if l.ByArrival || own.IsZero() {
			own = b.lastSeen(i)
		}
		if own > l.Start && own.Add(l.Retention) > m.now {
			start = min(start, own)
		}
	})
	if start == never {
		return
	}
	inc.Ladder.LossBegun, inc.Ladder.LossSteps, inc.Ladder.LossKept = false, 0, 0
	l.Start, l.Begins, l.Accepted = start, start.Add(l.Retention), nil
}

// knowsLoss remembers whose loss people know of.
func (inc *incident) knowsLoss() {
	l, now := &inc.Ladder, inc.share()
	inc.dirty = inc.dirty || l.LossFor != now.part || l.LossOf != now.of
	l.LossFor, l.LossOf = now.part, now.of
}

// The two ways to know the end of a loss may differ by atRiskOver, or by what is
// usual between two updates, before it is marked.
const (
	atRiskOver = time.Minute
	maxGap     = 31 * 24 * time.Hour
)

// usualGap is how far apart two updates usually are at most, for a rate in
// updates a second: with updates at random, nine gaps in ten are shorter than 2.3
// times the mean.
func usualGap(rate float64) time.Duration {
	if rate <= 0 {
		return atRiskOver
	}
	return max(atRiskOver, time.Duration(min(2.3/rate, maxGap.Seconds())*float64(time.Second)))
}

// followLoss stops the clock when nothing is silent any more, and states what was
// lost once the first window after resumption has shown its event times.
func (m *Machine) followLoss(inc *incident) {
	l := &inc.Loss
	if inc.trouble == 0 && !l.Begins.IsZero() && inc.Cause != CauseBehind {
		l.Begins = 0
		inc.dirty = true
	}
	if l.FirstAgain.IsZero() || m.now < l.FirstAgain.Add(inc.window()) && inc.unwell > 0 {
		return
	}
	if !inc.resumed && inc.trouble > 0 { // a straggler's update: most are silent yet
		l.FirstAgain, l.EventAgain = 0, 0
		inc.dirty = true
		return
	}
	if l.Retention > 0 {
		m.closeLoss(inc)
	}
}

// closeLoss computes the lost interval [start, t1 - R]. Where the first event
// time after resumption says otherwise the wider is given and marked.
func (m *Machine) closeLoss(inc *incident) {
	l := &inc.Loss
	if l.FirstAgain.IsZero() || l.Retention == 0 || inc.Cause == CauseBlind || inc.Cause == CauseTrickling {
		return
	}
	end := l.FirstAgain.Add(-l.Retention)
	if end <= l.Start || l.Start.IsZero() {
		return
	}
	risk := false
	if !l.EventAgain.IsZero() {
		differ := l.EventAgain.Sub(end)
		usual := usualGap(inc.rate)
		risk = differ > usual || differ < -usual
		if differ > usual {
			end = l.EventAgain
		}
	}
	from := l.Start
	if !l.LostFrom.IsZero() {
		from, end = min(from, l.LostFrom), max(end, l.LostTo)
		risk = risk || l.AtRisk
	}
	if from != l.LostFrom || end != l.LostTo || risk != l.AtRisk {
		l.LostFrom, l.LostTo, l.AtRisk = from, end, risk
		inc.dirty = true
	}
}

// lossDue is when what was lost can be stated.
func (inc *incident) lossDue() feed.Instant {
	if inc.Loss.FirstAgain.IsZero() {
		return 0
	}
	return inc.Loss.FirstAgain.Add(inc.window())
}
