package watchdog

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/feedwatch/feedwatch/watchdog/feed"
)

// What the simulator found, by what it showed.

const mildAndSevere = `
feeds:
  - name: f
    escalation: on-call
    rules:
      - {name: whole, per: feed, stale_after: 6d}
      - {name: gold, match: ['tier="gold"'], stale_after: 10m, severity: warning}
      - {name: others, stale_after: 1h, severity: critical}
` + noLoss

// A series that is only unknown after a restart joins the open incident, and made
// it as severe as its own rule: a page for growth, with nobody more silent.
func TestARestartMakesNothingMoreSevere(t *testing.T) {
	r := newRig(t, mildAndSevere)
	r.beat("g", 1, "tier", "gold")
	r.beat("o", 3, "tier", "other")
	r.to(50 * time.Minute)
	before := pages(r.only())
	r.now = noon.Add(62 * time.Minute) // down while the others were due
	r.restart(mildAndSevere)
	r.beat("o", 3, "tier", "other")
	r.to(70 * time.Minute)
	if after := pages(r.only()); !slices.Equal(after, before) {
		t.Errorf("pages %v, before the restart they were %v", after, before)
	}
	checkInvariants(t, r.m)
}

// After a restart a blind incident waits for its source: it paged its overdue step
// at once, though the source answered with the first turn.
func TestABlindIncidentClimbsNoFurtherBeforeItsSourceHadItsSay(t *testing.T) {
	for _, c := range []struct {
		name string
		deaf bool
		want []string
	}{
		{"it answers", false, []string{"10m0s opened"}},
		{"it does not", true, []string{"10m0s opened", "2h0m30.001s not_acknowledged"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t, strings.Replace(plain, "after: 30m", "after: 8h", 1))
			r.beat("a", 1)
			r.deaf = true
			r.to(12 * time.Minute)
			id := r.only().ID
			r.now = noon.Add(2 * time.Hour)
			r.restart(strings.Replace(plain, "after: 30m", "after: 8h", 1))
			r.deaf = c.deaf
			for range 120 {
				r.to(r.now.Sub(noon) + time.Second)
				if !r.deaf {
					r.beat("a", 1)
				}
			}
			if got := pages(r.seen[id]); !slices.Equal(got, c.want) {
				t.Errorf("pages %v, want %v", got, c.want)
			}
		})
	}
}

// An incident that had resumed once and fell silent again was taken as just fallen
// silent by every restart: each paged, for the scope and for the loss that is near.
func TestARestartIsNoSecondSilence(t *testing.T) {
	r := newRig(t, plain)
	r.beat("a", 4)
	r.to(20 * time.Minute)
	r.beat("a", 2)           // half of them resume, and are silent again
	r.to(6 * 24 * time.Hour) // loss is near
	id := r.only().ID
	before := pages(r.only())
	for range 3 {
		r.now++
		r.restart(plain)
		r.to(r.now.Sub(noon) + time.Second)
	}
	if after := pages(r.seen[id]); !slices.Equal(after, before) {
		t.Errorf("the restarts paged %v", after[len(before):])
	}
	checkInvariants(t, r.m)
}

// How many there were at the worst is not lost with a restart: the last two of six
// are no new silence because they are all that a restart finds.
func TestARestartRemembersTheWorst(t *testing.T) {
	r := newRig(t, plain)
	r.beat("a", 1)
	r.to(time.Minute)
	r.beat("b", 3)
	r.to(12 * time.Minute) // a pages, b follows within the time that pages are apart
	r.beat("b", 3)
	r.to(13 * time.Minute)
	before := pages(r.only())
	r.restart(plain)
	r.to(14 * time.Minute)
	inc := r.only()
	if after := pages(inc); !slices.Equal(after, before) {
		t.Errorf("pages %v, before the restart they were %v", after, before)
	}
	for _, e := range inc.Events {
		if e.Kind == EventStaleAgain {
			t.Errorf("%s is said to be stale again at %s", inc.ID, e.At)
		}
	}
}

// A client that was expected through a source that is blind, and is heard through
// another: the incident for it went on, and climbed.
func TestABlindIncidentEndsWhenNobodyIsHeardThroughItsSource(t *testing.T) {
	const roster = `
feeds:
  - name: f
    retention: 7d
    escalation: on-call
    roster: [a]
    rules:
      - {name: whole, per: feed, stale_after: 10m}
      - {name: clients, stale_after: 10m}
` + onCall
	pull := feed.Source{Name: "pull", LagMax: time.Hour, Feed: "f"}
	r := newRig(t, roster, pull)
	r.hear(feed.Source{Name: "pull"}, beatOf("b", r.now))
	r.deaf = true
	for minute := range 14 {
		r.to(time.Duration(minute) * time.Minute)
		r.step(&Heard{Report: feed.Report{Source: pull, KnownThrough: r.now, Heartbeats: []feed.Heartbeat{beatOf("b", r.now)}}})
	}
	inc := r.only()
	if inc.Cause != CauseBlind {
		t.Fatalf("open: %v, want what cannot be seen", scopesOf(r.open()))
	}
	for minute := 14; minute < 40; minute++ {
		r.to(time.Duration(minute) * time.Minute)
		r.step(&Heard{Report: feed.Report{Source: pull, KnownThrough: r.now, Heartbeats: []feed.Heartbeat{beatOf("a", r.now), beatOf("b", r.now)}}})
	}
	if got := r.seen[inc.ID]; got.State != StateResolved || len(got.Pages) != 1 {
		t.Errorf("%s with pages %v, want it resolved after its first", got.State, pages(got))
	}
}

// A client that was never seen is silent, and an edit gives it more time: it was
// still climbed for, as if it were silent.
func TestAnEditThatGivesMoreTimeEndsTheClimb(t *testing.T) {
	roster := strings.Replace(plain, "    rules:", "    roster: [a]\n    rules:", 1)
	r := newRig(t, roster)
	r.beat("b", 1)
	for minute := range 12 {
		r.to(time.Duration(minute) * time.Minute)
		r.beat("b", 1)
	}
	before := pages(r.only())
	id := r.only().ID
	r.step(&UseRules{Set: parse(t, strings.Replace(roster, "stale_after: 10m", "stale_after: 10h", 1))})
	r.to(3 * time.Hour)
	if after := pages(r.seen[id]); !slices.Equal(after, before) {
		t.Errorf("pages %v, before the edit they were %v", after, before)
	}
	r.to(10*time.Hour + 12*time.Minute)
	if inc := r.only(); inc.Scope.Silent != 2 || len(inc.Pages) <= len(before) {
		t.Errorf("once its time is over: %v with pages %v", scopesOf(r.open()), pages(inc))
	}
}

// While a silence held its page, all that an incident was about came again, with an
// event time that stood still: people were told "silent, 3 of 3" of a feed that
// updates came of, and "frozen, 3 of 3" at the same instant.
func TestWhatTurnedFrozenUnderASilenceIsToldAsFrozen(t *testing.T) {
	for _, c := range []struct {
		name   string
		others string // clients that stand still from the beginning
	}{
		{"all of it turned", ""},
		{"others were frozen before", "xyz"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t, strings.Replace(twoOfAFeed, "    retention: 2d\n", "", 1))
			repeat := func(clients string, event feed.Instant) {
				for _, client := range clients {
					r.update(string(client), event)
				}
			}
			r.hourly(0, 25, "abc"+c.others)
			old := r.now
			r.step(silenceFor(`feed="f"`, 24*hour, 80*hour))
			for h := 25; h < 80; h++ {
				r.to(time.Duration(h) * hour)
				repeat(c.others, old)
				if h >= 50 {
					repeat("abc", old)
				}
			}
			r.to(80*hour + time.Minute)
			told := 0
			for _, inc := range r.open() {
				if told += len(inc.Pages); len(inc.Pages) > 0 && inc.Cause != CauseFrozen {
					t.Errorf("people were told of %s: %s", inc.Cause, pages(inc))
				}
			}
			if told != 1 {
				t.Errorf("%d pages, want 1", told)
			}
			checkInvariants(t, r.m)
		})
	}
}

// All clients of a feed were known to fall behind when feedwatch could no longer see
// them: that they might have stopped altogether was told to nobody, as if they were
// known to be silent.
func TestWhatFallsBehindAndGoesOutOfSightIsTold(t *testing.T) {
	r := newRig(t, strings.Replace(twoOfAFeed, "lag_over: 12h", "lag_over: 1h", 1))
	for n := range 36 * 6 {
		r.to(time.Duration(n) * 10 * time.Minute)
		r.update("a", r.now.Add(-r.now.Sub(noon)/2))
	}
	if inc := r.only(); inc.Cause != CauseBehind {
		t.Fatalf("the incident is %s", inc.Cause)
	}
	r.deaf = true
	r.to(42 * hour)
	if all := r.open(); !slices.ContainsFunc(all, func(inc *Incident) bool { return inc.Cause == CauseBlind && len(inc.Pages) > 0 }) {
		t.Errorf("6 h after the last that was seen: %v, with pages %v", scopesOf(all), pages(all[len(all)-1]))
	}
	checkInvariants(t, r.m)
}

// A group that had recovered was out of sight for a while, and what was silent of its
// incident was silenced: the hold ended, and somebody was woken for nothing.
func TestWhatIsOutOfSightEndsNoHold(t *testing.T) {
	r := newRig(t, `
feeds:
  - name: f
    escalation: on-call
    rules:
      - {name: whole, per: feed, stale_after: 2h}
      - {name: gold, match: ['tier="gold"'], stale_after: 150m}
      - {name: others, stale_after: 8h}
`+noLoss)
	r.beat("g", 1, "tier", "gold")
	r.beat("o", 1, "tier", "other")
	r.to(3 * hour) // the feed as a whole was silent
	r.beat("o", 1, "tier", "other")
	r.step(silenceFor(`tier="gold"`, 3*hour, 30*hour))
	r.to(3*hour + time.Minute)
	before := pages(r.only())
	if r.only().Hold == nil {
		t.Fatalf("it is not held: %v", scopesOf(r.open()))
	}
	r.now = noon.Add(6 * hour)
	r.m.Wake(r.now) // asleep while the whole feed was due
	r.to(6*hour + 4*time.Minute)
	if after := r.only(); after.Hold == nil || !slices.Equal(pages(after), before) {
		t.Errorf("held by %v, with pages %v, before it was out of sight they were %v", after.Hold, pages(after), before)
	}
	r.to(6*hour + 10*time.Minute) // now it is known
	if after := r.only(); after.Hold != nil || len(after.Pages) == len(before) {
		t.Errorf("once the whole feed is silent: held by %v, with pages %v", after.Hold, pages(after))
	}
	checkInvariants(t, r.m)
}

// Loss had begun for one client, and was told, when all others fell silent for the same
// cause: nobody was told that they were about to lose updates as well, nor when they did.
func TestWhoFallsSilentAfterLossHasBegunHasAClockOfItsOwn(t *testing.T) {
	for _, c := range []struct {
		name    string
		silence bool // which holds no page about loss
		split   bool // it is of stragglers: their loss was told in another incident
		want    []string
	}{
		{"nothing holds it", false, false, []string{"66h0m0s scope_grew", "84h0m0s loss_near", "108h0m0s loss_begun"}},
		{"it is silenced", true, false, []string{"84h0m0s loss_near", "100h0m0s hold_ended", "108h0m0s loss_begun"}},
		{"it was split off", false, true, []string{"66h0m0s scope_grew", "84h0m0s loss_near", "108h0m0s loss_begun"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t, strings.Replace(twoOfAFeed, "stale_after: 6h, lag_over: 12h", "stale_after: 6h", 1))
			r.hourly(0, 1, "abcd")
			r.hourly(1, 50, "bcd")
			if c.split {
				id := r.only().ID
				r.m.byID[id].Ladder.LossFor, r.m.byID[id].Ladder.LossOf = 0, 0
				r.step(&Snooze{ID: id, By: "anna", For: time.Hour}) // it is looked at before it grows
			}
			r.hourly(50, 61, "bcd")
			inc := r.only()
			if got := pages(inc); !slices.Contains(got, "48h0m0s loss_begun") {
				t.Fatalf("of the first: %s", got)
			}
			if c.silence {
				r.step(silenceFor(`feed="f"`, 61*hour, 100*hour))
			}
			before := len(inc.Pages)
			r.to(109 * hour)
			var got []string
			for _, p := range r.seen[inc.ID].Pages[before:] {
				got = append(got, fmt.Sprintf("%s %s", p.At.Sub(noon).Round(time.Minute), p.Reason))
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("told %s, want %s", got, c.want)
			}
			r.to(110 * hour)
			for _, client := range []string{"a", "b", "c", "d"} { // the oldest that is kept
				r.update(client, r.now.Add(-48*hour))
			}
			r.to(110*hour + 30*time.Minute)
			rows := r.rows(map[string]LedgerRow{})
			for client, want := range map[string][2]time.Duration{"a": {0, 62 * hour}, "b": {60 * hour, 62 * hour}} {
				if got := lost(t, rows, client); got != want {
					t.Errorf("%s lost %v, want %v", client, got, want)
				}
			}
			checkInvariants(t, r.m)
		})
	}
}

// All of an incident had come again when we slept; one was out of sight, and then known
// to be silent once more: the loss clock, which had stopped, never ran again.
func TestTheLossClockRunsAgainForWhatWasOutOfSight(t *testing.T) {
	r := newRig(t, strings.Replace(twoOfAFeed, "stale_after: 6h, lag_over: 12h", "stale_after: 6h, resolve_after: 10h", 1))
	r.hourly(0, 2, "abcde")
	r.hourly(2, 8, "e")
	r.hourly(8, 10, "abcde")
	if inc := r.only(); !inc.Loss.Begins.IsZero() || inc.Calm.IsZero() {
		t.Fatalf("%s, calm since %s, and loss begins at %s", inc.State, inc.Calm, inc.Loss.Begins)
	}
	r.now = noon.Add(16 * hour)
	r.m.Wake(r.now)
	r.hourly(16, 17, "bcde")
	r.to(16*hour + time.Minute)
	if v := r.verdict("a"); v != Blind {
		t.Fatalf("a is %s", v)
	}
	r.to(16*hour + 10*time.Minute)
	if got, want := r.only().Loss.Begins, noon.Add(57*hour); got != want {
		t.Errorf("loss begins at %s, want %s", got, want)
	}
	checkInvariants(t, r.m)
}
