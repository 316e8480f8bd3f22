package watchdog

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/feedwatch/feedwatch/watchdog/feed"
)

// fleetlet is 4 clusters of 10 `pro` and 10 `free` clients each, which beat each
// minute until they stop.
type fleetlet struct {
	*rig
	stops map[string]time.Duration // by what a client's name begins with: its last update
}

func newFleetlet(t testing.TB, yaml string) *fleetlet {
	return &fleetlet{newRig(t, yaml), map[string]time.Duration{}}
}

// until lets time pass to the full minute, and beats.
func (f *fleetlet) until(end time.Duration) *fleetlet {
	f.t.Helper()
	for now := f.now.Sub(noon); now <= end; now += time.Minute {
		f.to(now)
		var beats []feed.Heartbeat
		for _, cluster := range []string{"a", "b", "c", "d"} {
			for _, tier := range []string{"pro", "free"} {
				for n := range 10 {
					client := fmt.Sprintf("%s-%s-%d", cluster, tier, n)
					if !f.stopped(client, now) {
						beats = append(beats, beatOf(client, f.now, "cluster", cluster, "tier", tier))
					}
				}
			}
		}
		f.hear(feed.Push, beats...)
		checkInvariants(f.t, f.m)
	}
	f.to(end + time.Second)
	f.to(end + 30*time.Second)
	checkInvariants(f.t, f.m)
	f.now = noon.Add(end + time.Minute)
	f.step()
	return f
}

func (f *fleetlet) stopped(client string, now time.Duration) bool {
	for prefix, last := range f.stops {
		if strings.HasPrefix(client, prefix) && now > last {
			return true
		}
	}
	return false
}

// silent stops the clients whose names begin with prefix after an update at last.
func (f *fleetlet) silent(last time.Duration, prefixes ...string) *fleetlet {
	for _, p := range prefixes {
		f.stops[p] = last
	}
	return f
}

func (f *fleetlet) want(want ...string) map[string]*Incident {
	f.t.Helper()
	byScope := map[string]*Incident{}
	for _, inc := range f.open() {
		byScope[inc.Scope.String()] = inc
	}
	got := scopesOf(f.open())
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		f.t.Fatalf("open are %q, want %q", got, want)
	}
	return byScope
}

func TestACauseOfTwoLabelsIsOneIncident(t *testing.T) {
	f := newFleetlet(t, plain).silent(0, "b-pro").until(15 * time.Minute)
	inc := f.want("silent cluster=b, tier=pro 10/10")["cluster=b, tier=pro"]
	if s := inc.Scope; s.ElsewhereOf != 70 || s.ElsewhereSilent != 0 || len(s.Oldest) != ScopeExamplesMax {
		t.Errorf("%+v", s)
	}
}

func TestTwoCausesAtOnceAreTwoIncidentsAndLaterClientsJoin(t *testing.T) {
	f := newFleetlet(t, plain).silent(0, "a-pro-1", "a-pro-2", "a-pro-3", "a-pro-4", "a-pro-5", "a-pro-6", "a-pro-7", "c")
	before := f.until(15*time.Minute).want("silent cluster=a, tier=pro 7/10", "silent cluster=c 20/20")
	f.silent(16*time.Minute, "a-pro")
	after := f.until(30*time.Minute).want("silent cluster=a, tier=pro 10/10", "silent cluster=c 20/20")
	for scope, inc := range before {
		if after[scope].ID != inc.ID {
			t.Errorf("%s was %s, is %s", scope, inc.ID, after[scope].ID)
		}
	}
}

func TestClientsThatFallOneByOneAreOneIncident(t *testing.T) {
	f := newFleetlet(t, plain)
	for n := range 10 {
		f.silent(time.Duration(n)*time.Minute, fmt.Sprintf("b-pro-%d", n))
	}
	first := f.until(11 * time.Minute).only()
	if !first.Scope.Whole() {
		t.Fatalf("two clients are said to be %s", first.Scope)
	}
	inc := f.until(25 * time.Minute).want("silent cluster=b, tier=pro 10/10")["cluster=b, tier=pro"]
	if inc.ID != first.ID {
		t.Errorf("its id was %s, is %s", first.ID, inc.ID)
	}
}

// noisy has three clients silent that no label explains, and for long.
func noisy(t testing.TB, yaml string) (f *fleetlet, noise *Incident) {
	f = newFleetlet(t, yaml).silent(0, "a-pro-1", "c-free-2", "d-free-3").until(15 * time.Minute)
	return f, f.want("silent all clients 3/80")["all clients"]
}

func TestACauseAmidUnexplainedSilenceIsAnIncidentOfItsOwn(t *testing.T) {
	f, noise := noisy(t, plain)
	for n := range 10 { // one by one, so that the first look like the noise
		f.silent(time.Duration(16+n)*time.Minute, fmt.Sprintf("b-pro-%d", n))
	}
	open := f.until(40*time.Minute).want("silent all clients 3/80", "silent cluster=b, tier=pro 10/10")
	if open["all clients"].ID != noise.ID {
		t.Errorf("the unexplained silence was %s, is %s", noise.ID, open["all clients"].ID)
	}
	if inc := open["cluster=b, tier=pro"]; len(inc.Pages) == 0 {
		t.Errorf("nobody was paged for %s", inc.Scope)
	}
	if inc := open["all clients"]; inc.Ladder.PagedFor != 3 {
		t.Errorf("what is left was paged for as %d clients, it has 3", inc.Ladder.PagedFor)
	}
}

func TestWhatSomebodyIsOnIsNotTakenApart(t *testing.T) {
	f, noise := noisy(t, plain)
	f.step(&Acknowledge{ID: noise.ID, By: "anna", For: 4 * time.Hour})
	state := f.m.feeds["f"]
	rest := state.incidents[0]
	rest.Ack.Silent, rest.Ladder.PagedFor = 13, 13 // as if she had seen all that is to come
	f.silent(16*time.Minute, "b-pro")
	f.until(30 * time.Minute).want("silent all clients 13/80")
	rest.Ack.Silent = 12
	f.silent(31*time.Minute, "b-free-1")
	open := f.until(45*time.Minute).want("silent all clients 4/80", "silent cluster=b, tier=pro 10/10")
	if open["all clients"].Ack == nil || open["cluster=b, tier=pro"].Ack != nil || len(open["cluster=b, tier=pro"].Pages) == 0 {
		t.Error("the acknowledgement is not where it was given")
	}
}

func TestAWiderCauseWidensItsIncidentInPlace(t *testing.T) {
	f := newFleetlet(t, strings.Replace(plain, "- {name: clients,", "- {name: pro, match: ['tier=\"pro\"'], stale_after: 5m}\n      - {name: clients,", 1))
	first := f.silent(0, "a").until(7 * time.Minute).want("silent cluster=a, tier=pro 10/10")["cluster=a, tier=pro"]
	f.until(15 * time.Minute).want("silent cluster=a 20/20")
	if inc := f.only(); inc.ID != first.ID {
		t.Errorf("its id was %s, is %s", first.ID, inc.ID)
	}
}

func TestAGroupThatIsSilentAmidUnexplainedSilenceSaysSo(t *testing.T) {
	f, noise := noisy(t, strings.Replace(plain, "- {name: clients,", "- {name: cluster, per: cluster, stale_after: 5m}\n      - {name: clients,", 1))
	f.silent(16*time.Minute, "b")
	open := f.until(22*time.Minute).want("silent all clients 3/80", "silent cluster=b 20/20")
	if open["all clients"].ID != noise.ID {
		t.Error("the unexplained silence is another incident")
	}
}

func TestAScopeOutlivesARestart(t *testing.T) {
	f := newFleetlet(t, plain).silent(0, "a-pro", "c")
	before := f.until(15*time.Minute).want("silent cluster=a, tier=pro 10/10", "silent cluster=c 20/20")
	f.restart(plain)
	f.until(35 * time.Minute)
	after := f.want("silent cluster=a, tier=pro 10/10", "silent cluster=c 20/20")
	for scope, inc := range before {
		if after[scope].ID != inc.ID || len(after[scope].Pages) < len(inc.Pages) {
			t.Errorf("%s was %s with %d pages, is %s with %d", scope, inc.ID, len(inc.Pages), after[scope].ID, len(after[scope].Pages))
		}
	}
}

func TestTheMoreSpecificIncidentTakesItsSeries(t *testing.T) {
	f := newFleetlet(t, plain).silent(0, "a-pro").until(15 * time.Minute)
	state := f.m.feeds["f"]
	narrow := state.incidents[0]
	wide := f.m.open(state, CauseSilent, patternFor(t, "cluster", "a"), 0)
	whole := f.m.open(state, CauseSilent, pattern{}, 1)
	for client, want := range map[string]*incident{"a-pro-8": narrow, "a-free-1": wide, "b-pro-1": whole} {
		id, _ := state.row(client)
		if got := state.covering(state.covers(CauseSilent), state.blocks[id.block()].rows[id.place()].labels); got != want {
			t.Errorf("%s belongs to %s, want %s", client, got.pattern, want.pattern)
		}
	}
}

// Whatever falls silent together or one by one, and comes back: each series in
// trouble belongs to one incident, somebody was paged for each, and all end.
func TestCausesComeAndGo(t *testing.T) {
	yaml := []string{
		plain,
		strings.Replace(plain, "- {name: clients,", "- {name: pro, match: ['tier=\"pro\"'], stale_after: 5m}\n      - {name: clients,", 1),
		strings.Replace(plain, "- {name: clients,", "- {name: cluster, per: cluster, stale_after: 5m}\n      - {name: clients,", 1),
	}
	prefix := rapid.Custom(func(t *rapid.T) string {
		cluster := rapid.SampledFrom([]string{"a", "b", "c", "d"}).Draw(t, "cluster")
		tier := rapid.SampledFrom([]string{"", "-pro", "-free"}).Draw(t, "tier")
		if tier == "" {
			return cluster
		}
		return cluster + tier + rapid.SampledFrom([]string{"", "-1", "-2", "-3", "-4", "-5"}).Draw(t, "client")
	})
	rapid.Check(t, func(rt *rapid.T) {
		f := newFleetlet(rt2tb{t, rt}, rapid.SampledFrom(yaml).Draw(rt, "rules"))
		for range rapid.IntRange(1, 8).Draw(rt, "acts") {
			now := f.now.Sub(noon)
			for range rapid.IntRange(1, 6).Draw(rt, "stops") {
				f.silent(now+time.Duration(rapid.IntRange(0, 4).Draw(rt, "last"))*time.Minute, prefix.Draw(rt, "prefix"))
			}
			for range rapid.IntRange(0, 3).Draw(rt, "resumes") {
				delete(f.stops, prefix.Draw(rt, "prefix"))
			}
			switch rapid.IntRange(0, 5).Draw(rt, "else") {
			case 0:
				if open := f.open(); len(open) > 0 {
					f.step(&Acknowledge{ID: open[0].ID, By: "anna", For: 20 * time.Minute})
				}
			case 1:
				f.to(f.now.Sub(noon) + gatherFor)
				f.restart(plain)
			}
			f.until(now + time.Duration(rapid.IntRange(1, 25).Draw(rt, "minutes"))*time.Minute)
		}
		clear(f.stops)
		f.until(f.now.Sub(noon) + 30*time.Minute)
		if open := f.open(); len(open) > 0 {
			rt.Fatalf("all is well, and still open are %q", scopesOf(open))
		}
		for id, inc := range f.seen {
			if inc.State != StateResolved || len(inc.Pages) == 0 {
				rt.Fatalf("%s of %s is %s with %d pages", id, inc.Scope, inc.State, len(inc.Pages))
			}
		}
	})
}

func patternFor(t *testing.T, pairs ...string) pattern {
	return pattern{beatOf("x", 0, pairs...).Labels}
}
