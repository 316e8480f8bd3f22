package watchdog

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/feedwatch/feedwatch/watchdog/feed"
)

func silenceFor(match string, from, until time.Duration) *AddSilence {
	return &AddSilence{Silence: Silence{ID: "s1", Match: match, By: "anna", Comment: "moving racks", From: noon.Add(from), Until: noon.Add(until)}}
}

func (r *rig) wantPages(want ...string) {
	r.t.Helper()
	var got []string
	for _, inc := range r.seen {
		got = append(got, pages(inc)...)
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		r.t.Errorf("pages %q, want %q", got, want)
	}
}

func (r *rig) happened(kind EventKind) []string {
	var all []string
	for _, inc := range r.seen {
		for _, e := range inc.Events {
			if e.Kind == kind {
				all = append(all, strings.TrimSpace(e.At.Sub(noon).String()+" "+e.Note))
			}
		}
	}
	return all
}

func TestASilenceHoldsPagesUntilItsEnd(t *testing.T) {
	r := newRig(t, plain)
	r.beat("a", 3, "cluster", "x")
	in := silenceFor(`cluster="x"`, 0, 30*time.Minute)
	r.step(in)
	if in.Err != nil {
		t.Fatal(in.Err)
	}
	r.to(29 * time.Minute)
	inc := r.only()
	if len(inc.Pages) != 0 || inc.Hold == nil || inc.Hold.Until != noon.Add(30*time.Minute) || inc.Next == nil || inc.Next.At != inc.Hold.Until {
		t.Fatalf("held by %+v, next %+v, pages %v", inc.Hold, inc.Next, pages(inc))
	}
	r.to(33 * time.Minute)
	r.wantPages("30m0s opened", "32m0s not_acknowledged") // an overdue step, 2 min apart
	if got := r.happened(EventHeld); !slices.Equal(got, []string{"10m0.2s moving racks"}) {
		t.Errorf("held: %q", got)
	}
}

func TestASilenceOverAnOpenIncidentPagesAtItsEnd(t *testing.T) {
	r := newRig(t, plain)
	r.beat("a", 3, "cluster", "x")
	r.to(11 * time.Minute)
	r.step(silenceFor(`client=~"a.*"`, 11*time.Minute, time.Hour))
	r.to(61 * time.Minute)
	r.wantPages("10m0s opened", "1h0m0s hold_ended")
	r.step(&EndSilence{ID: "none", By: "anna"})
}

func TestARepeatThatWasDueMeanwhileIsNoSecondPage(t *testing.T) {
	r := newRig(t, plain)
	r.beat("a", 3)
	r.to(45 * time.Minute)
	r.step(silenceFor(`feed="f"`, 45*time.Minute, 3*time.Hour))
	r.to(3*time.Hour + 3*time.Minute)
	r.wantPages("10m0s opened", "15m0s not_acknowledged", "40m0s not_acknowledged", "3h0m0s hold_ended")
	r.to(4 * time.Hour)
	r.wantPages("10m0s opened", "15m0s not_acknowledged", "40m0s not_acknowledged", "3h0m0s hold_ended", "4h0m0s repeat")
}

func TestEndingASilencePagesAtOnce(t *testing.T) {
	r := newRig(t, plain)
	r.beat("a", 3, "cluster", "x")
	r.step(silenceFor(`feed="f"`, 0, time.Hour))
	r.to(20 * time.Minute)
	end := &EndSilence{ID: "s1", By: "bo"}
	r.step(end)
	if end.Err != nil || end.Ended.EndedBy != "bo" || end.Ended.Until != noon.Add(20*time.Minute) {
		t.Errorf("ended as %+v: %v", end.Ended, end.Err)
	}
	again := &EndSilence{ID: "s1", By: "bo"}
	r.to(20*time.Minute + time.Second)
	r.step(again)
	if !errors.Is(again.Err, ErrNoSilence) {
		t.Errorf("ended twice: %v", again.Err)
	}
	r.wantPages("20m0s opened")
}

func TestASilenceHidesNoResolveAndNoOtherSilence(t *testing.T) {
	r := newRig(t, plain)
	r.beat("a", 3, "cluster", "x")
	r.beat("b", 3, "cluster", "y")
	r.to(11 * time.Minute) // one incident, of the whole
	r.step(silenceFor(`cluster="x"`, 11*time.Minute, 5*time.Hour))
	r.to(16 * time.Minute)
	r.wantPages("10m0s opened", "15m0s not_acknowledged") // y is not silenced
	for i := range 8 {
		r.beat("b", 3, "cluster", "y")
		r.to(time.Duration(17+i) * time.Minute)
	}
	if inc := r.only(); inc.Hold == nil {
		t.Error("only what is silenced is silent, and it is not held")
	}
	for i := range 8 {
		r.beat("a", 3, "cluster", "x")
		r.beat("b", 3, "cluster", "y")
		r.to(time.Duration(26+i) * time.Minute)
	}
	if all := r.open(); len(all) != 0 {
		t.Errorf("a silence keeps open: %v", scopesOf(all))
	}
}

func TestNoSilenceHoldsThePageBeforeLoss(t *testing.T) {
	r := newRig(t, plain)
	r.beat("a", 3, "cluster", "x")
	r.step(silenceFor(`feed=~".+"`, 0, 20*24*time.Hour))
	r.to(8 * 24 * time.Hour)
	r.wantPages("120h0m0s loss_near", "168h0m0s loss_begun")
}

func TestAcceptedLossPagesNobody(t *testing.T) {
	r := newRig(t, plain)
	r.beat("a", 3, "cluster", "x")
	r.to(11 * time.Minute)
	id := r.only().ID
	for _, wrong := range []*AcceptLoss{{ID: id, By: "anna"}, {ID: id, Reason: "x"}, {ID: "none", By: "anna", Reason: "x"}} {
		if r.step(wrong); wrong.Err == nil {
			t.Errorf("%+v was taken", wrong)
		}
	}
	r.step(&Acknowledge{ID: id, By: "anna", For: AcknowledgeForMax}, &AcceptLoss{ID: id, By: "anna", Reason: "test data"})
	r.to(7*24*time.Hour + time.Minute)
	r.wantPages("10m0s opened")
	if inc := r.only(); inc.Loss.Accepted == nil || inc.Loss.Begins != noon.Add(7*24*time.Hour) {
		t.Errorf("the clock is still to be seen: %+v", inc.Loss)
	}
}

const maintained = plain + `
maintenance:
  - name: racks
    match: ['cluster="x"']
    from: 2025-11-24T00:05:00Z
    to: 2025-11-24T01:00:00Z
`

func TestAfterMaintenanceThereIsTimeToArriveFirst(t *testing.T) {
	r := newRig(t, maintained)
	r.beat("a", 3, "cluster", "x")
	r.to(73 * time.Minute)
	r.wantPages("1h10m0s opened", "1h12m0s not_acknowledged")
	if got := r.happened(EventHeld); !slices.Equal(got, []string{"10m0.2s racks"}) {
		t.Errorf("held: %q", got)
	}
}

func TestMaintenancesThatHoldOrAreToCome(t *testing.T) {
	r := newRig(t, maintained+`
  - name: weekly
    match: ['cluster="y"']
    schedule: {cron: "0 2 * * 0", duration: 2h}
`)
	want := []MaintenanceView{
		{"racks", `cluster="x"`, noon.Add(5 * time.Minute), noon.Add(time.Hour)},
		{"weekly", `cluster="y"`, noon.Add(6*24*time.Hour + 2*time.Hour), noon.Add(6*24*time.Hour + 4*time.Hour)},
	}
	for _, at := range []time.Duration{0, 5 * time.Minute} {
		r.to(at)
		got := r.m.Maintenances()
		if !slices.Equal(got, want) || got[0].Active(r.now) != (at > 0) {
			t.Errorf("at %s: %v, want %v", at, got, want)
		}
	}
	r.to(time.Hour)
	if got := r.m.Maintenances(); !slices.Equal(got, want[1:]) {
		t.Errorf("when one is over: %v", got)
	}
}

func TestWhoArrivesAfterMaintenancePagesNobody(t *testing.T) {
	r := newRig(t, maintained)
	r.beat("a", 3, "cluster", "x")
	r.to(65 * time.Minute)
	for i := range 10 {
		r.beat("a", 3, "cluster", "x")
		r.to(time.Duration(66+i) * time.Minute)
	}
	r.wantPages()
	if len(r.open()) != 0 || len(r.seen) != 1 {
		t.Errorf("%d incidents, open %v: want one that was held and resolved", len(r.seen), scopesOf(r.open()))
	}
}

const dependent = `
feeds:
  - {name: p, escalation: on-call, rules: [{name: clients, stale_after: 10m}]}
  - {name: f, depends_on: [p], escalation: on-call, rules: [{name: clients, stale_after: 15m}]}
` + noLoss

func (r *rig) beatParent() {
	r.hear(feed.Push, underName("p", beatOf("a1", r.now)))
}

func TestAFeedWaitsForTheOneItDependsOn(t *testing.T) {
	r := newRig(t, dependent)
	r.beat("a", 1)
	r.beatParent()
	r.to(40 * time.Minute)
	r.wantPages("10m0s opened") // the parent's
	for i := range 30 {
		r.beatParent()
		r.to(time.Duration(41+i) * time.Minute)
	}
	r.wantPages("10m0s opened", "55m0s opened") // f had its time after p came back
}

func TestAHeldParentExplainsNothing(t *testing.T) {
	r := newRig(t, dependent)
	r.beat("a", 1)
	r.beatParent()
	r.step(silenceFor(`feed="p"`, 0, 5*time.Hour))
	r.to(40 * time.Minute)
	r.wantPages("15m0s opened")
}

func TestAFewClientsOfTheParentExplainNoSilenceOfAll(t *testing.T) {
	r := newRig(t, dependent)
	r.beat("a", 5)
	for minute := range 120 {
		for i := range 5 {
			if minute < 2 || i > 0 { // one client of p has left
				r.hear(feed.Push, underName("p", beatOf(fmt.Sprint("a", i), r.now)))
			}
		}
		if minute < 60 {
			r.beat("a", 5)
		}
		r.to(time.Duration(minute+1) * time.Minute)
	}
	r.wantPages("11m0s opened", "1h14m0s opened")
}

func TestMostOfTheParentIsBackSoTheChildHasItsTime(t *testing.T) {
	r := newRig(t, dependent)
	r.beat("a", 5)
	for i := range 5 {
		r.hear(feed.Push, underName("p", beatOf(fmt.Sprint("a", i), r.now)))
	}
	r.to(30 * time.Minute)
	for minute := range 30 {
		for i := range 4 { // the last one stays away
			r.hear(feed.Push, underName("p", beatOf(fmt.Sprint("a", i), r.now)))
		}
		if minute > 10 {
			r.beat("a", 5)
		}
		r.to(time.Duration(31+minute) * time.Minute)
	}
	r.wantPages("10m0s opened") // the parent's
}

func TestAParentThatCannotBeSeenExplainsNoSilence(t *testing.T) {
	r := newRig(t, dependent, pull)
	r.beat("a", 1)
	r.hear(pull, underName("p", beatOf("a1", r.now)))
	r.to(2 * time.Hour)
	pagedFor := map[string]int{}
	for _, inc := range r.seen {
		pagedFor[inc.Feed+" "+string(inc.Cause)] += len(inc.Pages)
	}
	if pagedFor["p blind"] == 0 || pagedFor["f silent"] == 0 {
		t.Errorf("pages %v", pagedFor)
	}
}

func TestSnoozeHandOverAndAResolveTooEarly(t *testing.T) {
	r := newRig(t, strings.Replace(plain, onCall, noLoss, 1))
	r.beat("a", 3)
	r.to(11 * time.Minute)
	id := r.only().ID
	early := &HandOver{ID: id, By: "anna", To: "bo"}
	r.step(early)
	if early.Err == nil {
		t.Error("handed over what nobody had acknowledged")
	}
	r.step(&Snooze{ID: id, By: "anna"})
	r.to(72 * time.Minute)
	r.step(&Acknowledge{ID: id, By: "anna", For: time.Hour})
	r.to(80 * time.Minute)
	over := &HandOver{ID: id, By: "anna", To: "bo"}
	r.step(over)
	if inc := r.only(); over.Err != nil || inc.Ack.By != "bo" || inc.Ack.Until != noon.Add(132*time.Minute) {
		t.Errorf("handed over: %+v: %v", inc.Ack, over.Err)
	}
	r.step(&Resolve{ID: id, By: "bo", Reason: "restarted it"})
	r.to(3 * time.Hour)
	r.wantPages("10m0s opened", "1h11m0s snooze_over", "1h50m0s not_over")
	for i := range 2 {
		r.beat("a", 3)
		r.to(3*time.Hour + time.Duration(i+1)*time.Minute)
	}
	r.step(&Resolve{ID: id, By: "bo"})
	if inc := r.seen[id]; inc.State != StateResolved || inc.ResolvedBy != "bo" {
		t.Errorf("%s by %q, want it resolved by bo: nothing is silent", inc.State, inc.ResolvedBy)
	}
	checkInvariants(t, r.m)
}

func TestSilencesSurviveARestart(t *testing.T) {
	r := newRig(t, plain)
	r.beat("a", 3, "cluster", "x")
	r.step(silenceFor(`cluster="x"`, 0, 30*time.Minute))
	r.to(11 * time.Minute)
	flush := mustFlush(r)
	saved := &Saved{Blocks: flush.Blocks, Through: flush.Through, Incidents: r.m.Incidents(), Silences: r.m.Silences(), Restarts: []Restart{{At: r.now, Through: flush.Through}}}
	r.m = New(Config{Install: "test"}, r.now, saved)
	r.step(&UseRules{Set: parse(t, plain)})
	r.to(31 * time.Minute)
	r.wantPages("30m0s opened")
	if got := r.happened(EventHeld); len(got) != 1 {
		t.Errorf("held: %q, want once", got)
	}
}

func TestWrongSilences(t *testing.T) {
	good := Silence{Match: `feed="f"`, By: "anna", Comment: "why", Until: noon.Add(time.Hour)}
	if err := good.Check(noon); err != nil {
		t.Fatal(err)
	}
	for name, break_ := range map[string]func(*Silence){
		"no matcher":  func(s *Silence) { s.Match = "" },
		"bad matcher": func(s *Silence) { s.Match = "cluster" },
		"no author":   func(s *Silence) { s.By = " " },
		"no comment":  func(s *Silence) { s.Comment = "" },
		"no end":      func(s *Silence) { s.Until = 0 },
		"past":        func(s *Silence) { s.Until = noon },
		"too long":    func(s *Silence) { s.From = noon; s.Until = noon.Add(SilenceMax + time.Hour) },
	} {
		s := good
		if break_(&s); s.Check(noon) == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
