package sim

import (
	"slices"
	"strings"
	"time"

	"github.com/feedwatch/feedwatch/watchdog"
	"github.com/feedwatch/feedwatch/watchdog/feed"
)

// watcher holds what the watchdog says and does against the oracle.
type watcher struct {
	*sim
	lives    map[string]*life // by incident
	must     []string         // incidents that were durable and open when the process started
	started  time.Time        // by the watchdog's clock
	troubled map[string]trouble
	overdue  map[*series]time.Time // since when each is shown in trouble and in no incident
	silent   map[string]time.Time  // since when a group of a feed is
	crowded  bool                  // a feed had two incidents at once
	blindFor map[string]int        // turns in a row in which a feed's blindness should have been told
	shown    map[*series]*watchdog.ClientView
	lossSaid map[*series]map[watchdog.Reason]said
	accepted map[string]bool // incidents of which a person accepted the loss
}

// life is one incident as it was seen.
type life struct {
	first     *watchdog.Incident
	last      *watchdog.Incident
	events    int
	again     time.Time // when it opened, or was last said to be stale again
	retention time.Duration
	lossTold  map[watchdog.Reason]feed.Instant // in this silence: when the loss was to begin that was told of
	told      []time.Time                      // when each page was first seen; true time
	constant  bool                             // open and not acknowledged ever since it opened
	oldest    time.Time                        // what came last of the feed's series then, the earliest of them
	since     time.Time                        // from when its overdue steps count
	ack       time.Time                        // until when an answered acknowledgement holds
	ackPages  int
	split     string    // the incident that its stragglers come from; "no": they are none
	lossSeen  int       // pages that lossOnce has seen
	grew      time.Time // since when it is more than people know
	misheld   time.Time // since when its hold is not what it should be
	held      bool      // it ever was
}

// trouble is what could rightly page for a feed.
type trouble struct{ silent, odd, blind bool }

// gathering is how long a page may wait for others with its cause.
const gathering = 200 * time.Millisecond

func newWatcher(s *sim) watcher {
	return watcher{sim: s, lives: map[string]*life{}, troubled: map[string]trouble{}, blindFor: map[string]int{}, shown: map[*series]*watchdog.ClientView{}, lossSaid: map[*series]map[watchdog.Reason]said{}, accepted: map[string]bool{}, overdue: map[*series]time.Time{}, silent: map[string]time.Time{}}
}

// rewind is a clock that was set back.
func (w *watcher) rewind(by time.Duration) {
	back := func(t *time.Time) {
		if !t.IsZero() {
			*t = t.Add(-by)
		}
	}
	back(&w.started)
	for _, l := range w.lives {
		moved := *l.first
		moved.Opened = moved.Opened.Add(-by)
		l.first = &moved
		for _, t := range []*time.Time{&l.again, &l.oldest, &l.since, &l.ack, &l.misheld, &l.grew} {
			back(t)
		}
	}
	for s, t := range w.overdue {
		w.overdue[s] = t.Add(-by)
	}
	for name, t := range w.silent {
		w.silent[name] = t.Add(-by)
	}
}

// before looks at the truth after time has passed and before anything new is
// heard: a page of this turn may be for what is over with it.
func (w *watcher) before(news bool) {
	clear(w.troubled)
	if !news {
		return // it will look the same afterwards
	}
	for i := range w.oracle.set.feeds {
		f := &w.oracle.set.feeds[i]
		w.troubled[f.name] = w.trouble(f)
	}
}

func (w *watcher) trouble(f *feedSpec) (t trouble) {
	for _, s := range w.fleet.of(f.name) {
		m, ok := w.oracle.marks[s]
		if !ok || m.retired {
			continue
		}
		t.silent = t.silent || w.oracle.overdue(s)
		t.odd = t.odd || !m.behind.IsZero()
		t.blind = t.blind || w.oracle.cannotSee(s)
	}
	if !w.oracle.anyone(f) { // it is expected as a whole
		t.blind = w.oracle.blindOf(true, w.fleet.pull == f.name)
	}
	t.silent = t.silent || w.oracle.silentGroup(f, true) != ""
	return t
}

// look checks everything after one turn. The caller holds the lock.
func (w *watcher) look(views map[string]*watchdog.ClientPage) {
	incidents := map[string]*watchdog.Incident{}
	for _, inc := range w.incidents() {
		if incidents[inc.ID] != nil && inc.State != watchdog.StateResolved {
			w.wrong("the incident %s is there twice", inc.ID)
		}
		if incidents[inc.ID] == nil {
			incidents[inc.ID] = inc
		}
	}
	for i := range w.oracle.set.feeds {
		f := &w.oracle.set.feeds[i]
		t, was := w.trouble(f), w.troubled[f.name]
		w.troubled[f.name] = trouble{t.silent || was.silent, t.odd || was.odd, t.blind || was.blind}
		w.clients(f, views[f.name].Clients, incidents)
		w.groups(f, incidents)
		w.blindness(f, t.blind, incidents)
	}
	open := map[string]bool{}
	for _, inc := range incidents {
		if inc.State != watchdog.StateResolved {
			w.crowded = w.crowded || open[inc.Feed]
			open[inc.Feed] = true
		}
	}
	for _, id := range w.must {
		if incidents[id] == nil {
			w.wrong("the incident %s was durable and open, and is gone after a restart", id)
		}
	}
	w.must = nil
	for id, l := range w.lives {
		if incidents[id] == nil && l.last.State != watchdog.StateResolved {
			w.wrong("the incident %s is gone without having been resolved", id)
		}
	}
	for _, inc := range w.incidents() {
		w.incident(inc)
	}
	w.toldInTime()
}

// clients compares the verdict of each, and that whoever is stale is in an incident.
func (w *watcher) clients(f *feedSpec, views []watchdog.ClientView, incidents map[string]*watchdog.Incident) {
	shown := map[string]*watchdog.ClientView{}
	for i := range views {
		shown[views[i].Client] = &views[i]
	}
	for _, s := range w.fleet.of(f.name) {
		view, was := shown[s.client], w.shown[s]
		w.shown[s] = view
		want, loose := w.oracle.verdict(s)
		if view == nil {
			if want != unknown {
				w.wrong("%s is not shown, it is %s", s.name(), want)
			}
			continue
		}
		got := view.Verdict.String()
		if was != nil && was.Verdict == view.Verdict && view.Verdict == watchdog.Stale && was.Arrival == view.Arrival && !w.oracle.cannotSee(s) {
			want = got // a silence that was seen stays one when we slept
		}
		if got == retired && want != retired {
			w.retired(s, want)
			continue
		}
		if got != want && (!loose || !odd(view.Verdict)) {
			w.wrong("%s is shown as %s, it is %s; seen %v, now %v", s.name(), got, want, view.Arrival, feed.At(w.oracle.now))
		}
		if !view.Verdict.Opens() {
			delete(w.overdue, s)
			continue
		}
		if inc := incidents[view.Incident]; inc != nil && inc.State != watchdog.StateResolved {
			delete(w.overdue, s)
			continue
		}
		if w.overdue[s].IsZero() {
			w.overdue[s] = w.oracle.now
		}
		if w.oracle.now.Sub(w.overdue[s]) > gathering {
			w.wrong("%s is %s and in no open incident (%q)", s.name(), got, view.Incident)
		}
	}
}

// odd are the verdicts by event time, and those into which they pass.
func odd(v watchdog.Verdict) bool {
	return v == watchdog.CatchingUp || v == watchdog.FallingBehind || v == watchdog.Frozen || v == watchdog.Late || v == watchdog.Fresh
}

// retired is right only for who left the roster.
func (w *watcher) retired(s *series, want string) {
	onRoster, was := w.oracle.roster[s.feed][s.client]
	m := w.oracle.marks[s]
	r := w.oracle.ruleOf(s)
	forgotten := r != nil && r.forget > 0 && !m.arrival.IsZero() && !w.oracle.now.Before(m.arrival.Add(r.forget))
	if forgotten && !onRoster {
		w.stats.forgot++
	} else if !was || onRoster {
		w.wrong("%s is retired: on the roster %v (%v), it is %s", s.name(), onRoster, was, want)
	}
	m.retired = true
	w.oracle.marks[s] = m
}

// groups: where a group as a whole is silent there is an incident that says so.
func (w *watcher) groups(f *feedSpec, incidents map[string]*watchdog.Incident) {
	group := w.oracle.silentGroup(f, false)
	if group == "" {
		delete(w.silent, f.name)
		return
	}
	for _, inc := range incidents {
		if inc.Feed == f.name && inc.Cause != watchdog.CauseBlind && (inc.State == watchdog.StateOpen || inc.State == watchdog.StateAcknowledged) {
			delete(w.silent, f.name)
			return
		}
	}
	if w.silent[f.name].IsZero() {
		w.silent[f.name] = w.oracle.now
	}
	if w.oracle.now.Sub(w.silent[f.name]) > gathering {
		w.wrong("%s: by the rule %s it is silent, and no incident says so", f.name, group)
	}
}

// blindness that lasts longer than the shortest stale_after is told, but where
// somebody was told of those clients already, as silent.
func (w *watcher) blindness(f *feedSpec, is bool, incidents map[string]*watchdog.Incident) {
	shortest := f.rules[0].allows()
	for i := range f.rules {
		shortest = min(shortest, f.rules[i].allows())
	}
	if !is || !w.oracle.blindLonger(f, shortest) {
		w.blindFor[f.name] = 0
		return
	}
	if w.blindFor[f.name]++; w.blindFor[f.name] < 2 {
		return
	}
	for _, inc := range incidents {
		if inc.Feed == f.name && (inc.Cause == watchdog.CauseBlind || inc.Cause == watchdog.CauseSilent) && inc.State != watchdog.StateResolved {
			return
		}
	}
	w.wrong("%s cannot be seen for longer than %s, and no incident says so", f.name, shortest)
}

func (o *oracle) blindLonger(f *feedSpec, d time.Duration) bool {
	for _, s := range o.fleet.of(f.name) {
		m, ok := o.marks[s]
		if ok && !m.retired && o.ruleOf(s) != nil && o.cannotSee(s) && o.now.Sub(o.horizon(s)) > d {
			return true
		}
	}
	return false
}

// incident checks one from its picture and what was seen of it before.
func (w *watcher) incident(inc *watchdog.Incident) {
	l := w.lives[inc.ID]
	now := w.oracle.now
	if l == nil {
		if inc.State == watchdog.StateResolved && len(w.lives) > 0 && inc.Resolved.Time().Before(w.started) {
			return
		}
		l = &life{first: inc, constant: true, since: now, again: now, lossTold: map[watchdog.Reason]feed.Instant{}}
		l.oldest, _ = w.oracle.extremes(w.oracle.set.feed(inc.Feed))
		w.lives[inc.ID] = l
		w.stats.incidents++
	}
	if l.last == inc && inc.State == watchdog.StateResolved {
		return
	}
	if a := l.first; a.Key != inc.Key || a.Opened != inc.Opened || a.Feed != inc.Feed || a.Anchor != inc.Anchor {
		w.wrong("the incident %s became another one", inc.ID)
	}
	if len(l.told) > 0 && l.last.Cause != inc.Cause { // until people are told it is what its series are now
		w.wrong("%s was told as %s and is %s", inc.ID, l.last.Cause, inc.Cause)
	}
	if l.last != nil && l.last.State == watchdog.StateResolved && inc.State != watchdog.StateResolved {
		w.wrong("the incident %s is open again after it was resolved", inc.ID)
	}
	if inc.State == watchdog.StateResolved && inc.ResolvedBy != "feedwatch" && l.last != nil && l.last.State != watchdog.StateRecovering {
		w.wrong("%s was resolved by %s, and it was %s", inc.ID, inc.ResolvedBy, l.last.State)
	}
	w.again(l, inc)
	w.released(l, inc)
	w.heldPages(l, inc)
	w.pages(l, inc)
	w.holds(l, inc)
	w.growth(l, inc)
	w.lossOnce(l, inc)
	if inc.Hold != nil && !l.held {
		l.held = true
		w.stats.held++
	}
	l.constant = l.constant && inc.State == watchdog.StateOpen && inc.Ack == nil && inc.Hold == nil
	l.last = inc
	if inc.State == watchdog.StateOpen || inc.State == watchdog.StateAcknowledged {
		w.ladder(l, inc)
		w.loss(inc)
	}
	w.acknowledgement(l, inc)
}

// again: trouble that is said to be back was away, so something arrived.
func (w *watcher) again(l *life, inc *watchdog.Incident) {
	if inc.State == watchdog.StateRecovering {
		clear(l.lossTold)
	}
	for _, e := range inc.Events[min(l.events, len(inc.Events)):] {
		if e.Kind != watchdog.EventStaleAgain {
			continue
		}
		clear(l.lossTold)
		arrived := inc.Cause == watchdog.CauseBlind || w.oracle.edited.After(l.again) || w.world.forgotten[inc.ID]
		for _, s := range w.fleet.of(inc.Feed) {
			arrived = arrived || w.oracle.marks[s].heard.After(l.again)
		}
		for _, before := range inc.Events { // all of it went, and another fell silent before that was over
			arrived = arrived || before.Kind == watchdog.EventForgotten && before.At.Time().After(l.again)
		}
		if !arrived {
			w.wrong("%s is said to be stale again, and nothing came since %v", inc.ID, l.again)
		}
		l.again = w.oracle.now
	}
	l.events = len(inc.Events)
}

// pages: each new one has a reason that is true, and no reason comes twice.
func (w *watcher) pages(l *life, inc *watchdog.Incident) {
	if len(inc.Pages) < len(l.told) {
		w.wrong("%s had %d pages and has %d", inc.ID, len(l.told), len(inc.Pages))
	}
	if inc.Loss.Retention != l.retention { // the clock is another
		clear(l.lossTold)
		l.retention = inc.Loss.Retention
	}
	for i := len(l.told); i < len(inc.Pages); i++ {
		p := &inc.Pages[i]
		l.told = append(l.told, w.clock.truth())
		w.note("page %d of %s: %s to %v (%s, %s, %d of %d)", p.N, inc.ID, p.Reason, p.Targets, inc.Feed, inc.Cause, inc.Scope.Silent, inc.Scope.Of)
		w.note("... %s, anchor %s", inc.Scope, inc.Anchor)
		t := w.troubled[inc.Feed]
		t.blind = t.blind || w.waitedOut(inc)
		if inc.Cause == watchdog.CauseSilent && p.Reason == watchdog.ReasonOpened && !t.silent && !t.blind || !t.silent && !t.blind && !t.odd || inc.Cause == watchdog.CauseBlind && !t.blind ||
			(inc.Cause == watchdog.CauseFrozen || inc.Cause == watchdog.CauseBehind) && !t.odd && !t.silent {
			w.wrong("page %d of %s (%s, %s) without a silence", p.N, inc.ID, inc.Cause, p.Reason)
		}
		if p.About(watchdog.ReasonLossBegun) && inc.Cause == watchdog.CauseSilent && w.oracle.now.Before(l.oldest.Add(inc.Loss.Retention)) {
			w.wrong("%s: loss is said to have begun, and nothing was that old when it opened: %v", inc.ID, l.oldest)
		}
		for _, why := range []watchdog.Reason{watchdog.ReasonLossNear, watchdog.ReasonLossBegun} {
			if !p.About(why) {
				continue
			}
			if told, again := l.lossTold[why]; again && inc.Loss.Begins <= told { // an edit may have put it off
				w.wrong("page %d of %s: %s, for the second time in one silence", p.N, inc.ID, why)
			}
			l.lossTold[why] = inc.Loss.Begins
		}
		if p.Reason != watchdog.ReasonOpened && p.Reason != watchdog.ReasonStep {
			continue
		}
		if slices.ContainsFunc(inc.Pages[:i], func(q watchdog.Page) bool { return q.Reason == p.Reason && q.Step == p.Step }) {
			w.wrong("page %d of %s: %s, step %d, for the second time", p.N, inc.ID, p.Reason, p.Step)
		}
	}
}

// waits says that a blind incident is from before this process, and that none of its
// sources was heard since: nothing of it moves until one is, or it has waited long enough.
func (w *watcher) waits(inc *watchdog.Incident) bool {
	for name := range strings.SplitSeq(inc.Source, ", ") {
		if w.oracle.known[name].After(w.started) {
			return false
		}
	}
	return inc.Cause == watchdog.CauseBlind && inc.Opened.Time().Before(w.started)
}

// waitedOut says that it waits for the longest bound of its sources after the first
// start that followed the last that happened to it: a crash loop puts no page off.
func (w *watcher) waitedOut(inc *watchdog.Incident) bool {
	last := inc.Opened
	for _, e := range inc.Events {
		if e.At.Time().Before(w.started) {
			last = e.At
		}
	}
	first := w.started
	for _, r := range w.oracle.ran {
		if r.At >= last {
			first = earlier(first, r.At.Time())
		}
	}
	longest := w.pushLag()
	if inc.Source == pullName {
		longest = pullLag
	}
	return w.waits(inc) && !w.oracle.now.Before(first.Add(longest))
}

// ladder: nobody has acknowledged, so each step was taken when it was due.
func (w *watcher) ladder(l *life, inc *watchdog.Incident) {
	now := w.oracle.now
	steps := w.set.ladders[0].steps
	asked := time.Time{}
	if inc.Cause == watchdog.CauseBlind { // after a start the source is heard first
		asked = w.started.Add(pullLag)
	}
	if len(inc.Pages) == 0 && inc.State == watchdog.StateOpen && inc.Ack == nil && inc.Hold == nil && !now.Before(inc.Opened.Time().Add(steps[0].after)) && now.After(asked) {
		w.wrong("%s is open since %v and nobody is paged", inc.ID, inc.Opened)
	}
	if !l.constant {
		return
	}
	for k, step := range steps {
		apart := time.Duration(2*k) * time.Minute // overdue ones
		due := later(inc.Opened.Time().Add(step.after), later(asked, later(l.since, w.started)).Add(apart))
		if !now.Before(due) && inc.Ladder.Step <= k {
			w.wrong("%s: step %d was due at %v and is not taken", inc.ID, k+1, due)
		}
	}
}

// loss: when it has begun for sure somebody was told.
func (w *watcher) loss(inc *watchdog.Incident) {
	f := w.oracle.set.feed(inc.Feed)
	_, newest := w.oracle.extremes(f)
	if f.retention == 0 || newest.IsZero() || inc.Cause == watchdog.CauseBlind || inc.Loss.Accepted != nil {
		return
	}
	now := w.oracle.now
	if moves := now.Add(-30 * time.Minute); inc.Cause == watchdog.CauseBehind && w.oracle.lastHeard(f).After(moves) {
		return // it has longer, until nothing came for as long as a speed is measured over
	}
	told := func(why watchdog.Reason) bool {
		return slices.ContainsFunc(inc.Pages, func(p watchdog.Page) bool { return p.About(why) })
	}
	if !now.Before(newest.Add(f.retention)) && !told(watchdog.ReasonLossBegun) {
		w.wrong("%s: nothing of %s came since %v, loss has begun, and nobody was told", inc.ID, f.name, newest)
	}
	if !now.Before(newest.Add(f.retention/2)) && !told(watchdog.ReasonLossNear) {
		w.wrong("%s: nothing of %s came since %v, half the retention is over, and nobody was told", inc.ID, f.name, newest)
	}
}

// acknowledgement: what was answered holds for its time, but for growth and loss.
func (w *watcher) acknowledgement(l *life, inc *watchdog.Incident) {
	now := w.oracle.now
	if inc.Ack != nil && !now.Before(inc.Ack.Until.Time()) {
		w.wrong("%s: the acknowledgement until %v still holds", inc.ID, inc.Ack.Until)
	}
	if inc.Ack == nil && now.Before(l.ack) && len(inc.Pages) == l.ackPages && inc.State != watchdog.StateResolved {
		w.wrong("%s: the acknowledgement until %v is gone", inc.ID, l.ack)
	}
	if inc.Ack == nil {
		l.ack = time.Time{}
		return
	}
	for _, p := range inc.Pages {
		if p.At > inc.Ack.At && !p.Loss() {
			w.wrong("page %d of %s (%s) while it is acknowledged", p.N, inc.ID, p.Reason)
		}
	}
}

// acknowledged is an answer to a person. The caller holds the lock.
func (w *watcher) acknowledged(id string, err error) {
	l := w.lives[id]
	if err != nil || l == nil {
		return
	}
	for _, inc := range w.incidents() {
		if inc.ID == id && inc.Ack != nil {
			l.ack, l.ackPages, l.constant = inc.Ack.Until.Time(), len(inc.Pages), false
		}
	}
}
