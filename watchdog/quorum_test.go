package watchdog

import (
	"slices"
	"strings"
	"testing"
	"time"
)

const quorumRules = `
feeds:
  - name: f
    retention: 7d
    escalation: on-call
    rules:
      - {name: whole, per: feed, stale_after: 6d}
      - {name: clients, stale_after: 10m, quorum: 3}
` + onCall

// some keeps a<from> ... a10 arriving each minute.
func (r *rig) some(from int, until time.Duration) {
	r.t.Helper()
	for r.now < noon.Add(until) {
		r.beatSome(from, 10)
		r.to(min(until, r.now.Sub(noon)+time.Minute))
		checkInvariants(r.t, r.m)
	}
}

func (r *rig) client(name string) ClientView {
	page, _ := r.m.Clients(ClientQuery{Feed: "f", Client: name, Any: true})
	return page.Clients[0]
}

// Two are shown and open nothing; the third opens an incident for all of them, as of
// its own deadline.
func TestAQuorumOpensForAllOfThem(t *testing.T) {
	r := newRig(t, quorumRules)
	r.some(1, 5*time.Minute) // a1 ... a10 until 4m
	r.some(3, 20*time.Minute)
	if len(r.open()) > 0 {
		t.Fatalf("two of three needed open %v", scopesOf(r.open()))
	}
	v := r.client("a1")
	if v.Verdict != Late || v.Quorum == nil || *v.Quorum != (QuorumView{Overdue: 2, Needs: 3, Since: noon.Add(14 * time.Minute), Until: noon.Add(4*time.Minute + 5*24*time.Hour)}) {
		t.Errorf("a1 is %s, %+v", v.Verdict, v.Quorum)
	}
	if n := r.m.Feeds()[0].BelowQuorum; n != 2 {
		t.Errorf("%d are below the quorum", n)
	}
	r.some(4, 35*time.Minute) // a3 came last at 19m
	inc := r.only()
	if inc.Opened != noon.Add(29*time.Minute) || inc.Scope.Silent != 3 || !slices.Equal(pages(inc)[:2], []string{"29m0s opened", "34m0s not_acknowledged"}) {
		t.Errorf("opened at %s for %d, paged %v", inc.Opened, inc.Scope.Silent, pages(inc))
	}
	// Who is in it stays so, however few are left.
	r.some(2, 45*time.Minute)
	if inc = r.only(); inc.Scope.Silent != 1 || r.verdict("a1") != Stale {
		t.Errorf("%d are silent, a1 is %s", inc.Scope.Silent, r.verdict("a1"))
	}
	r.some(1, 55*time.Minute)
	if len(r.open()) > 0 || r.verdict("a1") != Fresh {
		t.Errorf("a1 is %s, open are %v", r.verdict("a1"), scopesOf(r.open()))
	}
}

// Alone it pages when its loss draws near, whatever the quorum.
func TestAQuorumLosesNothing(t *testing.T) {
	r := newRig(t, quorumRules)
	r.beatSome(1, 10)
	near := 5 * 24 * time.Hour // 48 h before 7 d have passed
	for r.now < noon.Add(near+time.Hour) {
		r.beatSome(2, 10)
		r.jump(r.now.Sub(noon) + 5*time.Minute)
		if at := r.now.Sub(noon); at != near && (len(r.open()) > 0) != (at > near) {
			t.Fatalf("at %s open are %v", at, scopesOf(r.open()))
		}
	}
	inc := r.only()
	if inc.Opened != noon.Add(near) || !inc.Pages[0].About(ReasonLossNear) || inc.Loss.Begins != noon.Add(7*24*time.Hour) {
		t.Errorf("opened at %s, paged %v, loss begins %s", inc.Opened, pages(inc), inc.Loss.Begins)
	}
	checkInvariants(t, r.m)
}

func TestAShareOfTheClientsIsAQuorum(t *testing.T) {
	r := newRig(t, strings.Replace(quorumRules, "quorum: 3", "quorum: 25%", 1))
	r.some(1, 5*time.Minute)
	r.some(3, 20*time.Minute)
	if len(r.open()) > 0 {
		t.Fatalf("2 of 10 open %v", scopesOf(r.open()))
	}
	r.some(4, 35*time.Minute)
	if inc := r.only(); inc.Scope.Silent != 3 {
		t.Errorf("%d are silent", inc.Scope.Silent)
	}
}

// The same happens whether each deadline was looked at, or all at once after a stop;
// and a restart neither loses who is in an incident nor opens one for too few.
func TestAQuorumAfterARestart(t *testing.T) {
	r, d := newRig(t, quorumRules), disk{}
	r.some(1, 5*time.Minute)
	r.some(4, 20*time.Minute)
	id := r.only().ID
	r.some(2, 30*time.Minute) // one of three is left
	d.flush(r)
	d.crash(r, quorumRules)
	r.some(2, 45*time.Minute)
	if inc := r.only(); inc.ID != id || r.verdict("a1") != Stale {
		t.Errorf("%s is open, and was %s; a1 is %s", inc.ID, id, r.verdict("a1"))
	}
	r.some(1, 60*time.Minute)
	r.some(2, 80*time.Minute)
	d.flush(r)
	d.crash(r, quorumRules)
	r.some(2, 100*time.Minute)
	if len(r.open()) > 0 || r.verdict("a1") != Late {
		t.Errorf("a1 is %s, open are %v", r.verdict("a1"), scopesOf(r.open()))
	}
}

// What is left of an incident with a hundred goes on by itself only where it is enough.
func TestStragglersBelowAQuorumPageNobody(t *testing.T) {
	r := newRig(t, quorumRules)
	r.beat("a", 100)
	r.to(12 * time.Minute)
	id := r.only().ID
	for r.now < noon.Add(30*time.Minute) {
		for i := range 98 {
			r.beatSome(i+3, i+3)
		}
		r.to(r.now.Sub(noon) + time.Minute)
		checkInvariants(t, r.m)
	}
	if r.seen[id].State != StateResolved || len(r.open()) > 0 || r.verdict("a1") != Late {
		t.Errorf("it is %s, a1 is %s, open are %v", r.seen[id].State, r.verdict("a1"), scopesOf(r.open()))
	}
	if last := r.seen[id].Events; !slices.ContainsFunc(last, func(e Event) bool { return e.Kind == EventSplit && e.Was == 2 && e.Note == NoteBelowQuorum }) {
		t.Errorf("its timeline is %+v", last)
	}
}

// A client that has left for good does not count for ever.
func TestAQuorumForgets(t *testing.T) {
	r := newRig(t, strings.Replace(quorumRules, "quorum: 3", "quorum: 3, forget_after: 30m", 1))
	r.some(1, 5*time.Minute)
	r.some(3, 50*time.Minute)
	if v := r.verdict("a1"); v != Retired {
		t.Errorf("a1 is %s", v)
	}
	r.some(5, 70*time.Minute)
	if len(r.open()) > 0 {
		t.Errorf("two of three needed open %v", scopesOf(r.open()))
	}
}

// An edit that lowers the quorum pages at once for who waited.
func TestAQuorumThatIsEdited(t *testing.T) {
	r := newRig(t, quorumRules)
	r.some(1, 5*time.Minute)
	r.some(3, 20*time.Minute)
	r.step(&UseRules{Set: parse(t, strings.Replace(quorumRules, "quorum: 3", "quorum: 2", 1))})
	r.some(3, 21*time.Minute)
	if inc := r.only(); inc.Scope.Silent != 2 {
		t.Errorf("%d are silent", inc.Scope.Silent)
	}
}

func TestAShareIsOfAllClientsThoughTheyAreBoundOneByOne(t *testing.T) {
	yaml := strings.Replace(quorumRules, "quorum: 3", "quorum: 25%", 1)
	r := newRig(t, yaml)
	r.some(1, 5*time.Minute)
	r.some(3, 20*time.Minute)
	r.step(&UseRules{Set: parse(t, strings.Replace(yaml, "5m", "6m", 1))})
	r.some(3, 25*time.Minute)
	if len(r.open()) > 0 {
		t.Errorf("2 of 10 open %v after an edit", scopesOf(r.open()))
	}
}

func TestAShareIsOfAllClientsAfterARestart(t *testing.T) {
	yaml := strings.Replace(quorumRules, "quorum: 3", "quorum: 25%", 1)
	r, d := newRig(t, yaml), disk{}
	r.some(1, 5*time.Minute)
	r.some(3, 20*time.Minute)
	d.flush(r)
	d.crash(r, yaml)
	r.some(3, 40*time.Minute)
	if len(r.open()) > 0 {
		t.Errorf("2 of 10 open %v after a restart", scopesOf(r.open()))
	}
}

// A rule that governs fewer clients than its quorum pages once all of them are silent.
func TestAQuorumIsNeverMoreThanAllOfThem(t *testing.T) {
	r := newRig(t, strings.Replace(quorumRules, "{name: clients,", `{name: pro, match: ['tier="pro"'], stale_after: 10m, quorum: 3}
      - {name: clients,`, 1))
	r.beat("p", 2, "tier", "pro")
	for r.now < noon.Add(30*time.Minute) {
		r.beatSome(1, 10)
		r.to(r.now.Sub(noon) + time.Minute)
		checkInvariants(t, r.m)
	}
	if inc := r.only(); inc.Scope.Silent != 2 {
		t.Errorf("%d are silent", inc.Scope.Silent)
	}
}

// Enough for a moment, while it is found out what they have in common, open nothing
// when one of them comes back before they are told of.
func TestAQuorumThatIsNoLongerMetOpensNothing(t *testing.T) {
	r := newRig(t, quorumRules)
	r.some(1, 5*time.Minute)
	r.some(4, 14*time.Minute-time.Second)
	r.now = noon.Add(14 * time.Minute)
	r.step() // all three are due
	r.beatSome(3, 3)
	r.some(3, 20*time.Minute)
	if len(r.open()) > 0 {
		t.Errorf("two of three needed open %v", scopesOf(r.open()))
	}
	r.some(4, 40*time.Minute)
	if inc := r.only(); inc.Scope.Silent != 3 {
		t.Errorf("%d are silent", inc.Scope.Silent)
	}
}
