package watchdog

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/feedwatch/feedwatch/watchdog/feed"
)

func TestTheLossOfThoseThatNeverCameBackIsPagedFor(t *testing.T) {
	r := newRig(t, plain)
	r.beat("a", 10)
	r.to(6 * 24 * time.Hour)
	for range 20 { // six of ten are back for a while
		r.beat("a", 6)
		r.to(r.now.Sub(noon) + time.Minute)
	}
	r.to(8 * 24 * time.Hour)
	var got []string
	for _, p := range r.only().Pages {
		if p.Reason == ReasonLossNear || p.Reason == ReasonLossBegun {
			got = append(got, fmt.Sprintf("%s %s", p.At.Sub(noon), p.Reason))
		}
	}
	if want := []string{"120h0m0s loss_near", "168h0m0s loss_begun"}; !slices.Equal(got, want) {
		t.Errorf("pages %v, want %v", got, want)
	}
}

func TestALateUpdateOfWhoFellSilentLaterMovesNoClock(t *testing.T) {
	r := newRig(t, plain)
	r.beat("a", 10)
	for r.now < noon.Add(3*24*time.Hour) {
		r.to(r.now.Sub(noon) + 5*time.Minute)
		r.beat("a", 7)
	}
	r.to(3*24*time.Hour + 30*time.Minute)
	r.hear(feed.Push, beatOf("a1", r.now.Add(-15*time.Minute)))
	r.to(3*24*time.Hour + 31*time.Minute)
	if inc := r.only(); inc.Loss.Begins != noon.Add(7*24*time.Hour) || inc.Newest != noon.Add(3*24*time.Hour+15*time.Minute) {
		t.Errorf("loss begins %s, newest update %s", inc.Loss.Begins, inc.Newest)
	}
}

func TestTheWorstScopeIsKeptThoughNoEventTellsOfIt(t *testing.T) {
	r := newRig(t, plain)
	r.beat("a", 2)
	r.to(2 * time.Minute)
	r.beat("a", 1) // a2 is silent first
	r.to(13 * time.Minute)
	if inc := r.only(); inc.Events[0].Scope.Silent != 1 || inc.Worst.Silent != 2 {
		t.Fatalf("opened for %d, at worst %d, want 1 and 2", inc.Events[0].Scope.Silent, inc.Worst.Silent)
	}
	r.beat("a", 2)
	r.to(14 * time.Minute)
	if inc := r.only(); inc.Scope.Silent != 0 || inc.Worst.Silent != 2 || len(inc.Worst.Oldest) != 2 {
		t.Errorf("recovering with %d silent, at worst %+v", inc.Scope.Silent, inc.Worst)
	}
}

func TestARestartDoesNotShrinkTheScope(t *testing.T) {
	r := newRig(t, plain)
	r.beat("a", 2)
	r.to(11 * time.Minute)
	r.now = r.now.Add(time.Minute)
	saved := &Saved{Blocks: mustFlush(r).Blocks, Through: noon.Add(time.Minute), Incidents: r.m.Incidents(), Restarts: []Restart{{At: r.now, Through: noon.Add(time.Minute)}}}
	r.m = New(Config{Install: "test"}, r.now, saved)
	r.step(&UseRules{Set: parse(t, plain)})
	r.to(13 * time.Minute)
	if v := r.verdict("a1"); v != Blind {
		t.Fatalf("in its grace a1 is %s", v)
	}
	if inc := r.only(); inc.Scope.Silent != 2 || inc.State != StateOpen {
		t.Errorf("%s for %d of %d, want still 2", inc.State, inc.Scope.Silent, inc.Scope.Of)
	}
}

func mustFlush(r *rig) Flush {
	r.t.Helper()
	flush, more := r.m.Flush(AllBlocks)
	if more {
		r.t.Fatal("more to flush")
	}
	return flush
}

func TestAfterAFlapSinceAndTheLossClockAgree(t *testing.T) {
	r := newRig(t, plain)
	r.beat("a", 2)
	r.to(11 * time.Minute)
	r.beat("a", 2)
	r.to(22 * time.Minute) // silent again before it resolved
	if inc := r.only(); inc.Since != noon.Add(11*time.Minute) || inc.Loss.Start != inc.Since {
		t.Errorf("since %s, loss from %s", inc.Since, inc.Loss.Start)
	}
}

func TestASecondSourceThatFailsIsTheSameIncident(t *testing.T) {
	other := feed.Source{Name: "other", LagMax: time.Minute}
	r := newRig(t, plain, pull, other)
	report := func(sources ...feed.Source) {
		for _, src := range sources {
			r.step(&Heard{Report: feed.Report{Source: src, KnownThrough: r.now}})
		}
	}
	r.hear(pull, beatOf("p1", r.now), beatOf("p2", r.now))
	r.hear(other, beatOf("o1", r.now), beatOf("o2", r.now))
	for minute := range 60 {
		r.to(time.Duration(minute) * time.Minute)
		var beats []feed.Heartbeat
		switch {
		case minute < 20:
			report(pull, other)
			beats = append(beats, beatOf("o1", r.now), beatOf("o2", r.now), beatOf("p1", r.now), beatOf("p2", r.now))
		case minute < 35:
			report(other)
			beats = append(beats, beatOf("o1", r.now), beatOf("o2", r.now))
		}
		if minute < 35 {
			r.hear(other, beats...)
		}
	}
	inc := r.only()
	if inc.Cause != CauseBlind || inc.Source != "other, pull" || inc.Scope.Silent != 4 || inc.Scope.Of != 4 {
		t.Fatalf("%s of %q for %d of %d", inc.Cause, inc.Source, inc.Scope.Silent, inc.Scope.Of)
	}
	checkInvariants(t, r.m)
}

func TestAnEditThatMakesAStepRepeatTakesEffect(t *testing.T) {
	once := strings.Replace(plain, onCall, "\nescalations:\n  - name: on-call\n    steps:\n      - {notify: [slack/alerts]}\n", 1)
	r := newRig(t, once)
	r.beat("a", 1)
	r.to(30 * time.Minute)
	r.step(&UseRules{Set: parse(t, strings.Replace(once, "{notify: [slack/alerts]}", "{notify: [slack/alerts], repeat: 40m}", 1))})
	r.to(92 * time.Minute)
	if got, want := pages(r.only()), []string{"10m0s opened", "50m0s repeat", "1h30m0s repeat"}; !slices.Equal(got, want) {
		t.Errorf("pages %v, want %v", got, want)
	}
}

func TestWhatFellSilentLaterHasATimeOfItsOwn(t *testing.T) {
	r := newRig(t, plain)
	r.beat("a", 4, "cluster", "x")
	r.to(5 * time.Minute)
	r.beat("b", 4, "cluster", "x")
	r.to(20 * time.Minute)
	if inc := r.only(); inc.Since != noon || inc.Newest != noon.Add(5*time.Minute) {
		t.Errorf("since %s, the last of them since %s", inc.Since, inc.Newest)
	}
	r.restart(plain)
	r.to(21 * time.Minute)
	if inc := r.only(); inc.Newest != noon.Add(5*time.Minute) {
		t.Errorf("after a restart the last since %s", inc.Newest)
	}
}

func TestAReplayIsFrozenAndABacklogIsNot(t *testing.T) {
	rules := strings.Replace(plain, "stale_after: 10m", "stale_after: 10m, lag_over: 8m", 1)
	t.Run("replay", func(t *testing.T) {
		r := newRig(t, rules)
		for minute := range 30 {
			r.to(time.Duration(minute) * time.Minute)
			r.update("a", r.now)
		}
		for minute := 30; minute < 60; minute++ { // from an hour ago on, at double speed
			r.to(time.Duration(minute) * time.Minute)
			r.update("a", r.now.Add(-time.Duration(90-(minute-30))*time.Minute))
		}
		if inc := r.only(); inc.Cause != CauseFrozen {
			t.Errorf("a replay is %s", inc.Cause)
		}
	})
	t.Run("backlog behind a live update", func(t *testing.T) {
		r := newRig(t, rules)
		r.update("a", r.now)
		r.to(2 * time.Hour)
		r.update("a", r.now)
		for minute := range 60 {
			r.to(2*time.Hour + time.Duration(minute+1)*time.Minute)
			r.update("a", noon.Add(time.Duration(1+2*minute)*time.Minute))
		}
		inc := r.only()
		if v := r.verdict("a"); v != CatchingUp || inc.Cause != CauseSilent || slices.ContainsFunc(inc.Events, func(e Event) bool { return e.Kind == EventStaleAgain }) {
			t.Errorf("a backlog is %s, events %v", v, inc.Events)
		}
	})
}

func TestACrashLoopDoesNotPostponeThePagesOfABlindIncident(t *testing.T) {
	r := newRig(t, plain, pull) // pull lags two minutes at most
	r.hear(pull, beatOf("p1", r.now))
	r.to(12 * time.Minute)
	if inc := r.only(); inc.Cause != CauseBlind || len(inc.Pages) != 1 {
		t.Fatalf("%s with %v", inc.Cause, pages(inc))
	}
	var restarts []Restart
	for i := range 20 { // a crash a minute
		flush := mustFlush(r)
		restarts = append(restarts, Restart{At: r.now, Through: flush.Through})
		saved := &Saved{Incidents: r.m.Incidents(), Restarts: restarts, Through: flush.Through}
		for id, b := range r.m.feeds["f"].rows { // the whole table, as a store has it
			if id.place() == 0 {
				saved.Blocks = append(saved.Blocks, BlockImage{Feed: "f", Index: id.block(), Names: r.m.encodeNames(r.m.feeds["f"], b), Marks: encodeMarks(b)})
			}
		}
		r.m = New(Config{Install: "test", Sources: []feed.Source{pull}}, r.now, saved)
		r.step(&UseRules{Set: parse(t, plain)})
		r.to(time.Duration(13+i) * time.Minute)
	}
	for _, inc := range r.open() {
		if inc.Cause == CauseBlind && len(inc.Pages) < 2 {
			t.Errorf("after 20 minutes of crashes %v, want the next step too", pages(inc))
		}
	}
}

func TestTheLossClockIsThatOfWhoIsStillSilent(t *testing.T) {
	r := newRig(t, plain)
	r.beat("a", 4)
	r.to(5 * time.Minute)
	r.beat("b", 2)
	r.to(16 * time.Minute)
	if inc := r.only(); inc.Loss.Start != noon {
		t.Fatalf("loss from %s", inc.Loss.Start)
	}
	for i := range 4 { // all with whom it opened come back
		r.beat("a", 4)
		r.to(time.Duration(17+i) * time.Minute)
	}
	if inc := r.only(); inc.Loss.Start != noon.Add(5*time.Minute) || inc.Loss.Begins != noon.Add(7*24*time.Hour+5*time.Minute) {
		t.Errorf("loss from %s, begins %s, want those of b", inc.Loss.Start, inc.Loss.Begins)
	}
}
