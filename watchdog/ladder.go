package watchdog

import (
	"slices"
	"time"

	"github.com/feedwatch/feedwatch/rules"
	"github.com/feedwatch/feedwatch/watchdog/feed"
)

const (
	// overdueApart keeps steps that are overdue after a downtime from waking
	// everybody at once.
	overdueApart = 2 * time.Minute
	// growthApart is the least time between two pages for growth, unless the
	// severity rises.
	growthApart = 5 * time.Minute
)

// climb pages whoever is due, and says who is next. Only `after` steps and
// growth wait for an acknowledgement's end; the loss clock waits for nobody.
func (m *Machine) climb(inc *incident) {
	if inc.unsure && m.now <= m.patience(inc) {
		return // its source may see again
	}
	m.refreshHold(inc)
	m.expireAck(inc)
	if inc.ladder == nil {
		m.sendPages(inc)
		m.setNext(inc, nil)
		return
	}
	if m.openingDue(inc) && m.recast(inc) {
		return
	}
	if inc.trouble > 0 {
		m.nextLoss(inc)
		m.climbLoss(inc)
	}
	if inc.trouble > 0 && inc.Hold == nil {
		m.climbGrowth(inc)
		for m.climbStep(inc) {
		}
	}
	m.sendPages(inc)
	m.setNext(inc, m.nextStep(inc))
}

// openingDue says that people are about to be told of the incident for the first time.
func (m *Machine) openingDue(inc *incident) bool {
	if len(inc.Pages) > 0 || len(inc.paging) > 0 || inc.trouble == 0 || inc.Hold != nil || inc.Ack != nil {
		return false
	}
	at, ok := inc.stepDue()
	return ok && at <= m.now
}

// pagedAt is the time of a page: of the opening one it is when the trouble was
// seen, not when its cause had been found.
func (m *Machine) pagedAt(inc *incident, why Reason) feed.Instant {
	if why == ReasonOpened && m.now.Sub(inc.Seen) <= gatherFor {
		return inc.Seen
	}
	return m.now
}

// page asks for a page. What is asked for at one instant is one page: nobody is
// rung twice because two reasons fall together.
func (m *Machine) page(inc *incident, why Reason, step int, targets []rules.Target) {
	if len(targets) == 0 {
		return
	}
	inc.paging = append(inc.paging, Page{Reason: why, Step: step, Targets: targets})
	for _, t := range targets {
		if !slices.Contains(inc.Ladder.Engaged, t) {
			inc.Ladder.Engaged = append(slices.Clip(inc.Ladder.Engaged), t)
		}
	}
}

// reasonRanks order reasons: the first of those that fall together is the page's.
var reasonRanks = [...]Reason{
	ReasonOpened, ReasonLossBegun, ReasonLossNear, ReasonGrew, ReasonNotOver, ReasonHoldEnded,
	ReasonSnoozeOver, ReasonAckExpired, ReasonStep, ReasonRepeat,
}

// sendPages makes one page of what was asked for.
func (m *Machine) sendPages(inc *incident) {
	if len(inc.paging) == 0 {
		return
	}
	slices.SortStableFunc(inc.paging, func(a, b Page) int {
		return slices.Index(reasonRanks[:], a.Reason) - slices.Index(reasonRanks[:], b.Reason)
	})
	p := inc.paging[0]
	p.Targets = slices.Clone(p.Targets)
	for _, also := range inc.paging[1:] {
		p.Step = max(p.Step, also.Step)
		if !p.About(also.Reason) {
			p.Also = append(p.Also, also.Reason)
		}
		for _, t := range also.Targets {
			if !slices.Contains(p.Targets, t) {
				p.Targets = append(p.Targets, t)
			}
		}
	}
	inc.paging = nil
	p.N, p.At, p.Scope = len(inc.Pages)+1, m.pagedAt(inc, p.Reason), inc.Scope.String()
	inc.Pages = append(inc.Pages, p)
	paged := inc.Scope.Silent
	if inc.trouble > inc.silent { // after a restart some are blind, not better
		paged = max(paged, inc.Ladder.PagedFor)
	}
	inc.Ladder.PagedFor, inc.Ladder.PagedAs = paged, inc.Severity
	inc.Ladder.PagedOf = inc.Scope.Of + inc.Scope.ElsewhereOf
	m.record(inc, Event{At: p.At, Kind: EventPaged, Page: p.N})
}

// afterSteps are the steps by time; the others are by loss.
func (inc *incident) afterSteps() []rules.Step {
	steps := inc.ladder.Steps()
	for i, s := range steps {
		if !s.BeforeLoss.IsZero() {
			return steps[:i]
		}
	}
	return steps
}

func (inc *incident) lossSteps() []rules.Step {
	return inc.ladder.Steps()[len(inc.afterSteps()):]
}

// stepDue is when the next `after` step is due: its time since opening, but
// overdue steps not closer than 2 min (or than the ladder itself has them).
func (inc *incident) stepDue() (feed.Instant, bool) {
	steps, n := inc.afterSteps(), inc.Ladder.Step
	if n >= len(steps) {
		return 0, false
	}
	at := inc.Opened.Add(steps[n].After)
	if n > 0 {
		apart := min(overdueApart, steps[n].After-steps[n-1].After)
		at = max(at, inc.Ladder.StepAt.Add(apart))
	}
	return at, true
}

// climbStep takes one due step or repeat, and says whether it did.
func (m *Machine) climbStep(inc *incident) bool {
	if inc.Ack != nil {
		return false
	}
	steps := inc.afterSteps()
	if at, ok := inc.stepDue(); ok && at <= m.now {
		n := inc.Ladder.Step
		why := ReasonStep
		if len(inc.Pages) == 0 {
			why = ReasonOpened
		}
		paged := m.pagedAt(inc, why)
		if why == ReasonOpened {
			inc.Ladder.GrowthAt = paged
		}
		inc.Ladder.Step, inc.Ladder.StepAt = n+1, paged
		inc.Ladder.RepeatAt = 0
		if every := steps[n].Repeat; every > 0 {
			inc.Ladder.RepeatAt = paged.Add(every)
		}
		m.page(inc, why, n+1, steps[n].Notify)
		return true
	}
	if at := inc.Ladder.RepeatAt; !at.IsZero() && at <= m.now {
		n := min(inc.Ladder.Step, len(steps)) - 1
		if n < 0 || steps[n].Repeat <= 0 {
			inc.Ladder.RepeatAt = 0
			return false
		}
		inc.Ladder.RepeatAt = m.now.Add(steps[n].Repeat)
		m.page(inc, ReasonRepeat, n+1, steps[n].Notify)
		return true
	}
	return false
}

// climbGrowth pages everyone engaged when it has grown past what was paged for,
// and past what was acknowledged: by x2 and at least 5 % of the feed, to half, or
// to all. Where nobody was paged yet the ladder begins, whatever was acknowledged.
func (m *Machine) climbGrowth(inc *incident) {
	paged := len(inc.Pages) > 0
	rose := paged && inc.Severity > inc.Ladder.PagedAs
	if !inc.grew() && !rose {
		return
	}
	if paged && !rose && m.now < inc.Ladder.GrowthAt.Add(growthApart) {
		return
	}
	inc.Ladder.GrowthAt = m.now
	m.record(inc, Event{Kind: EventScope, Was: inc.told().part})
	if inc.Ack != nil {
		inc.Ack = nil // it covered less
		m.refreshState(inc)
	}
	m.page(inc, ReasonGrew, 0, inc.Ladder.Engaged)
}

func (inc *incident) grew() bool {
	return (len(inc.Pages) > 0 || inc.Ack != nil) && inc.told().grewTo(inc.share())
}

// share is what is silent now, of the feed.
func (inc *incident) share() share {
	return share{inc.Scope.Silent, inc.Scope.Of + inc.Scope.ElsewhereOf}
}

// told is the share that people know of: that of the last page, or of what was
// acknowledged since.
func (inc *incident) told() share {
	s := share{inc.Ladder.PagedFor, inc.Ladder.PagedOf}
	if a := inc.Ack; a != nil && (len(inc.Pages) == 0 || a.Silent > s.part) {
		s = share{a.Silent, inc.share().of}
	}
	return s
}

// share is a part of a feed's clients.
type share struct{ part, of int }

func (s share) all() bool  { return s.part >= s.of }
func (s share) half() bool { return 2*s.part >= s.of }

func (s share) grewTo(now share) bool {
	switch {
	case now.part <= s.part:
		return false
	case now.all() && !s.all(), now.half() && !s.half():
		return true
	default:
		return now.part >= 2*s.part && 20*(now.part-s.part) >= now.of
	}
}

// climbLoss takes the `before_loss` steps and the page for loss begun, whatever
// was acknowledged.
func (m *Machine) climbLoss(inc *incident) {
	begins := inc.Loss.Begins
	if begins.IsZero() || inc.Loss.Accepted != nil {
		return
	}
	steps := inc.lossSteps()
	due := func(n int) feed.Instant { return begins.Add(-steps[n].BeforeLoss.Of(inc.Loss.Retention)) }
	if inc.Cause != CauseBehind { // there it moves to and fro with the speed
		l := &inc.Ladder // what was said of an earlier end is to be said again
		l.LossBegun = l.LossBegun && m.now >= begins
		l.LossSteps = min(l.LossSteps, len(steps))
		for l.LossSteps > l.LossKept && m.now < due(l.LossSteps-1) {
			l.LossSteps--
		}
	}
	for n := inc.Ladder.LossSteps; n < len(steps); n++ {
		if m.now < due(n) {
			break
		}
		inc.Ladder.LossSteps = n + 1
		m.page(inc, ReasonLossNear, 0, steps[n].Notify)
	}
	if !inc.Ladder.LossBegun && m.now >= begins {
		inc.Ladder.LossBegun = true
		inc.knowsLoss()
		m.record(inc, Event{Kind: EventLossBegun, From: inc.Loss.Start})
		m.page(inc, ReasonLossBegun, 0, inc.ladder.Targets())
	}
}

// expireAck ends an acknowledgement whose time is over, and says so to whoever
// was told before, if it is still silent.
func (m *Machine) expireAck(inc *incident) {
	if inc.Ack == nil || m.now < inc.Ack.Until {
		return
	}
	why := inc.Ack.ends()
	inc.Ack = nil
	inc.dirty = true
	m.refreshState(inc)
	switch {
	case inc.trouble == 0:
		inc.Ladder.PagedFor = 0 // trouble that is back within a flap is a reason to page
	case inc.ladder != nil && inc.Hold == nil:
		m.pageEngaged(inc, why)
	}
}

// pageEngaged pages everyone engaged because what stopped the ladder is over. It
// goes on from here, not all at once.
func (m *Machine) pageEngaged(inc *incident, why Reason) {
	m.page(inc, why, 0, inc.Ladder.Engaged)
	inc.Ladder.StepAt = m.now
	if n := inc.Ladder.Step; n > 0 && !inc.Ladder.RepeatAt.IsZero() && n <= len(inc.afterSteps()) {
		inc.Ladder.RepeatAt = m.now.Add(inc.afterSteps()[n-1].Repeat)
	}
}

// resumeRepeat lets an edit that makes the step reached last repeat take effect.
func (m *Machine) resumeRepeat(inc *incident) {
	l := &inc.Ladder
	if inc.ladder == nil || l.Step == 0 || l.Step > len(inc.afterSteps()) || !l.RepeatAt.IsZero() {
		return
	}
	if every := inc.afterSteps()[l.Step-1].Repeat; every > 0 {
		l.RepeatAt = max(m.now, l.StepAt.Add(every))
	}
}

// ends is the reason to page when it ends while the trouble goes on.
func (a *Ack) ends() Reason {
	switch a.Kind {
	case AckSnoozed:
		return ReasonSnoozeOver
	case AckResolved:
		return ReasonNotOver
	default:
		return ReasonAckExpired
	}
}

// nextStep is who is told next and when, unless something changes.
func (m *Machine) nextStep(inc *incident) *Next {
	if inc.trouble == 0 {
		return nil
	}
	var next *Next
	offer := func(at feed.Instant, why Reason, targets []rules.Target) {
		if at > m.now && (next == nil || at < next.At) {
			next = &Next{At: at, Why: why, Targets: targets}
		}
	}
	steps := inc.afterSteps()
	switch {
	case inc.Hold != nil && len(inc.Pages) > 0:
		offer(inc.Hold.Until, ReasonHoldEnded, inc.Ladder.Engaged)
	case inc.Hold != nil && len(steps) > 0:
		offer(max(inc.Hold.Until, inc.Opened.Add(steps[0].After)), ReasonOpened, steps[0].Notify)
	case inc.Hold != nil:
	case inc.Ack != nil:
		offer(inc.Ack.Until, inc.Ack.ends(), inc.Ladder.Engaged)
	default:
		if at, ok := inc.stepDue(); ok {
			offer(at, ReasonStep, steps[inc.Ladder.Step].Notify)
		}
		if at := inc.Ladder.RepeatAt; !at.IsZero() && inc.Ladder.Step > 0 && inc.Ladder.Step <= len(steps) {
			offer(at, ReasonRepeat, steps[inc.Ladder.Step-1].Notify)
		}
	}
	if begins := inc.Loss.Begins; !begins.IsZero() && inc.Loss.Accepted == nil {
		if loss := inc.lossSteps(); inc.Ladder.LossSteps < len(loss) {
			s := loss[inc.Ladder.LossSteps]
			offer(begins.Add(-s.BeforeLoss.Of(inc.Loss.Retention)), ReasonLossNear, s.Notify)
		}
		if !inc.Ladder.LossBegun {
			offer(begins, ReasonLossBegun, inc.ladder.Targets())
		}
	}
	return next
}

func (m *Machine) setNext(inc *incident, next *Next) {
	if (next == nil) != (inc.Next == nil) || next != nil && (next.At != inc.Next.At || next.Why != inc.Next.Why) {
		inc.Next = next
		inc.dirty = true
	}
}

// growthDue is when a growth that came too soon after the last page may page.
func (inc *incident) growthDue() feed.Instant {
	if len(inc.Pages) == 0 || !inc.grew() {
		return 0 // or at once
	}
	return inc.Ladder.GrowthAt.Add(growthApart)
}
