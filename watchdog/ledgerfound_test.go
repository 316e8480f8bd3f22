package watchdog

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/feedwatch/feedwatch/watchdog/feed"
)

// What the simulator found the ledger not to say.

const twoOfAFeed = `
feeds:
  - name: f
    retention: 2d
    escalation: on-call
    rules:
      - {name: clients, stale_after: 6h, lag_over: 12h}
` + noLoss

// lost is the interval of a client's row, in hours since noon.
func lost(t *testing.T, rows map[string]LedgerRow, client string) [2]time.Duration {
	t.Helper()
	row, ok := rows[client]
	if !ok {
		t.Fatalf("the ledger has no row of %s: %+v", client, rows)
	}
	return [2]time.Duration{row.From.Sub(noon), row.To.Sub(noon)}
}

// A client that was silent by itself when its feed fell silent too lost what was
// made since its own last update: the silence of the feed began days later, and
// the row with it.
func TestTheLedgerOfWhoWasSilentBeforeTheOthers(t *testing.T) {
	r := newRig(t, twoOfAFeed)
	for h := range 49 {
		r.to(time.Duration(h) * hour)
		for _, client := range []string{"a", "b", "c"} {
			if client != "a" || h <= 24 {
				r.update(client, r.now)
			}
		}
	}
	r.jump(60 * hour) // all are silent
	r.to(61 * hour)
	r.update("b", r.now)
	r.update("c", r.now)
	r.jump(62 * hour) // they hold, while a does not: its incident goes on
	r.update("b", r.now)
	r.update("c", r.now)
	r.jump(120 * hour) // and are silent again
	r.update("a", r.now.Add(-48*hour))
	r.update("b", r.now.Add(-48*hour))
	rows := r.rows(map[string]LedgerRow{})
	if got, want := lost(t, rows, "a"), [2]time.Duration{24 * hour, 72 * hour}; got != want {
		t.Errorf("a lost %v, want %v", got, want)
	}
	if got, want := lost(t, rows, "b"), [2]time.Duration{62 * hour, 72 * hour}; got != want {
		t.Errorf("b lost %v, want %v", got, want)
	}
}

// A feeder that sends one and the same update again reads nothing from its queue:
// people were told that loss had begun, and the ledger had no row.
func TestTheLedgerOfAFrozenClient(t *testing.T) {
	r := newRig(t, twoOfAFeed)
	r.hourly(0, 25, "a")
	still := r.now
	for h := range 96 {
		r.to(time.Duration(25+h) * hour)
		r.update("a", still)
	}
	if inc := r.only(); inc.Cause != CauseFrozen || !inc.Ladder.LossBegun {
		t.Fatalf("the incident is %s, loss begun %v", inc.Cause, inc.Ladder.LossBegun)
	}
	r.to(121 * hour)
	r.hear(feed.Push, feed.Heartbeat{Key: beatOf("a", r.now).Key, Arrival: r.now, Event: r.now.Add(-48 * hour), Count: 1})
	rows := r.rows(map[string]LedgerRow{})
	if got, want := lost(t, rows, "a"), [2]time.Duration{24 * hour, 73 * hour}; got != want {
		t.Errorf("a lost %v, want %v", got, want)
	}
}

// A client that came back with one and the same old update, and fell silent again
// with the others, had read nothing of its queue between.
func TestTheLedgerOfWhoCameBackWithNothingNew(t *testing.T) {
	r := newRig(t, twoOfAFeed)
	all := func(of string, event feed.Instant) {
		r.update("a", event)
		for _, client := range of {
			r.update(string(client), r.now)
		}
	}
	for h := range 25 {
		r.to(time.Duration(h) * hour)
		all("bcdef", r.now)
	}
	old := r.now
	r.to(38 * hour) // all are silent
	for h := 38; h <= 62; h++ {
		r.to(time.Duration(h) * hour)
		all("bcdef", old)
	}
	r.to(70 * hour) // and again
	r.jump(120 * hour)
	r.update("a", r.now.Add(-48*hour))
	if got, want := lost(t, r.rows(map[string]LedgerRow{}), "a"), [2]time.Duration{24 * hour, 72 * hour}; got != want {
		t.Errorf("a lost %v, want %v", got, want)
	}
}

// Where a client's own rule allows more than the queue holds, only the row of the
// feed is silent, and nobody is a member: each had lost the same, and no row said
// so, neither of who came back first nor of who came when all was over.
func TestTheLedgerOfAFeedWhoseClientsMayBeSilentForLonger(t *testing.T) {
	r := newRig(t, `
feeds:
  - name: f
    retention: 2d
    escalation: on-call
    rules:
      - {name: whole, per: feed, stale_after: 6h, lag_over: 12h}
      - {name: clients, stale_after: 10d, lag_over: 9d}
`+noLoss)
	r.hourly(0, 49, "abc")
	r.to(108 * hour)
	r.update("a", noon.Add(60*hour))
	rows := r.rows(map[string]LedgerRow{})
	if got, want := lost(t, rows, "a"), [2]time.Duration{48 * hour, 60 * hour}; got != want {
		t.Errorf("a lost %v, want %v", got, want)
	}
	r.hourly(109, 114, "a")
	r.update("b", noon.Add(61*hour))
	rows = r.rows(rows)
	if got, want := lost(t, rows, "b"), [2]time.Duration{48 * hour, 60 * hour}; got != want {
		t.Errorf("b, which came when all was over, lost %v, want %v", got, want)
	}
	if _, ok := rows["c"]; ok {
		t.Error("c has a row before it came back")
	}
}

// A client that an edit makes well while its feed is silent stays in the incident,
// and had no row: nothing ended a trouble of its own.
func TestTheLedgerOfWhoWasMadeWellByAnEdit(t *testing.T) {
	const rules = `
feeds:
  - name: f
    retention: 2d
    escalation: on-call
    rules:
      - {name: whole, per: feed, stale_after: 6h, lag_over: 12h}
      - {name: clients, stale_after: 8h, lag_over: 7d}
` + noLoss
	r := newRig(t, rules)
	r.hourly(0, 49, "ab")
	r.to(60 * hour)
	r.step(&UseRules{Set: parse(t, strings.Replace(rules, "8h", "10d", 1))})
	r.to(108 * hour)
	r.update("a", noon.Add(60*hour))
	r.to(109 * hour)
	r.update("b", noon.Add(60*hour))
	rows := r.rows(map[string]LedgerRow{})
	for _, client := range []string{"a", "b"} {
		if got, want := lost(t, rows, client), [2]time.Duration{48 * hour, 60 * hour}; got != want {
			t.Errorf("%s lost %v, want %v", client, got, want)
		}
	}
}

// An edit that names a retention for the first time found an incident that was
// opened for a client never seen, and so without a start of the loss: it said at
// once that loss had begun, in 1970, and the ledger had no row of those who joined.
func TestARetentionThatIsNamedWhileAnIncidentIsOpen(t *testing.T) {
	const rules = `
feeds:
  - name: f
    retention: 2d
    escalation: on-call
    roster: [never]
    rules:
      - {name: clients, stale_after: 6h, lag_over: 12h}
` + noLoss
	r := newRig(t, strings.Replace(rules, "    retention: 2d\n", "", 1))
	r.hourly(0, 4, "a")
	r.to(10 * hour)
	r.step(&UseRules{Set: parse(t, rules)})
	inc := r.only()
	if want := inc.Opened.Add(42 * hour); inc.Loss.Begins != want || inc.Ladder.LossBegun {
		t.Errorf("loss begins %s, want %s; begun: %v", inc.Loss.Begins, want, inc.Ladder.LossBegun)
	}
	r.to(100 * hour)
	r.update("a", noon.Add(52*hour))
	if got, want := lost(t, r.rows(map[string]LedgerRow{}), "a"), [2]time.Duration{3 * hour, 52 * hour}; got != want {
		t.Errorf("a lost %v, want %v", got, want)
	}
}

// A client never seen that joined a silence of the others has lost what was made
// since it was expected, not only since theirs began.
func TestTheLedgerOfWhoWasNeverSeenBeforeTheOthersFellSilent(t *testing.T) {
	r := newRig(t, `
feeds:
  - name: f
    retention: 2d
    escalation: on-call
    roster: [never]
    rules:
      - {name: slow, match: ['client="never"'], stale_after: 12h, lag_over: 12h}
      - {name: clients, stale_after: 6h, lag_over: 12h}
`+noLoss)
	r.hourly(0, 4, "ab")
	r.to(13 * hour)
	if inc := r.only(); inc.Scope.Silent != 3 {
		t.Fatalf("%d are silent, want 3", inc.Scope.Silent)
	}
	r.jump(80 * hour)
	r.update("never", noon.Add(32*hour))
	if got, want := lost(t, r.rows(map[string]LedgerRow{}), "never"), [2]time.Duration{0, 32 * hour}; got != want {
		t.Errorf("never lost %v, want %v", got, want)
	}
}

// A client that came back with one and the same old update, too seldom to be
// frozen, had read nothing of its queue until one came that was new.
func TestTheLedgerOfWhoSeldomRepeatsItself(t *testing.T) {
	r := newRig(t, `
feeds:
  - name: f
    retention: 1d
    escalation: on-call
    rules:
      - {name: clients, stale_after: 30h, lag_over: 30h}
`+noLoss)
	r.hourly(0, 25, "ab")
	old := r.now
	r.to(60 * hour)
	r.update("a", old)
	for h := 60; h <= 100; h++ {
		r.to(time.Duration(h) * hour)
		r.update("b", r.now)
		if h == 84 {
			r.update("a", old)
		}
	}
	r.update("a", noon.Add(90*hour))
	if got, want := lost(t, r.rows(map[string]LedgerRow{}), "a"), [2]time.Duration{24 * hour, 90 * hour}; got != want {
		t.Errorf("a lost %v, want %v", got, want)
	}
}

// A client whose own outage began within its rule's time before the others fell
// silent has lost what was made since its last update, which was due by its rate:
// the row began with the silence of the others, and where that was too late for a
// loss there was none.
func TestTheLedgerOfWhoWasDueBeforeTheOthersFellSilent(t *testing.T) {
	r := newRig(t, strings.Replace(twoOfAFeed, "    rules:\n", "    rules:\n      - {name: slow, match: ['client=\"a\"'], stale_after: 30h, lag_over: 12h}\n", 1))
	for h := range 103 {
		r.to(time.Duration(h) * hour)
		r.update("b", r.now)
		if h%12 == 0 && h < 90 {
			r.update("a", r.now)
		}
	}
	r.to(149 * hour) // 47 h after the others' last update, 65 h after its own
	r.update("b", r.now)
	r.update("a", r.now.Add(-47*hour))
	rows := r.rows(map[string]LedgerRow{})
	if got, want := lost(t, rows, "a"), [2]time.Duration{84 * hour, 101 * hour}; got != want || !rows["a"].AtRisk {
		t.Errorf("a lost %v, at risk %v, want %v, at risk", got, rows["a"].AtRisk, want)
	}
	if row, ok := rows["b"]; ok {
		t.Errorf("b lost nothing, and the ledger says %+v", row)
	}
}

// A feed that fell behind and then stopped altogether kept the clock of its last
// speed, and had none where no speed had been measured: half the retention went by
// without updates, and nobody was told that loss was near.
func TestTheLossClockOfWhatFellBehindAndStopped(t *testing.T) {
	r := newRig(t, strings.Replace(twoOfAFeed, "lag_over: 12h", "lag_over: 1h", 1))
	for n := range 6 * 24 {
		r.to(time.Duration(n) * 10 * time.Minute)
		r.update("a", r.now)
	}
	last := r.now
	for n := range 6 * 6 { // nine tenths of the speed of time
		r.to(last.Sub(noon) + 10*time.Minute)
		last = last.Add(10 * time.Minute)
		r.update("a", r.now.Add(-time.Duration(n)*time.Minute-90*time.Minute))
	}
	inc := r.only()
	if inc.Cause != CauseBehind {
		t.Fatalf("the incident is %s", inc.Cause)
	}
	event := last.Add(-125 * time.Minute)
	if late := event.Add(4 * 24 * hour); inc.Loss.Begins < late {
		t.Fatalf("loss begins at %s while it moves, want after %s", inc.Loss.Begins, late)
	}
	r.to(last.Sub(noon) + hour)
	if want, got := event.Add(48*hour), r.only().Loss.Begins; got < want.Add(-hour) || got > want {
		t.Errorf("loss begins at %s once it has stopped, want %s", got, want)
	}
}

// An edit that shortened the retention of a feed that falls behind changed its loss
// clock only with the next speed that was measured: what came rarely had no clock until
// then, though loss had begun.
func TestTheLossClockOfWhatFallsBehindAfterAnEdit(t *testing.T) {
	rules := strings.Replace(twoOfAFeed, "lag_over: 12h", "lag_over: 1h", 1)
	edited := func(retention string) string {
		return strings.Replace(rules, "retention: 2d", "retention: "+retention, 1)
	}
	r := newRig(t, rules)
	const fell = 24 * hour
	for n := range 36 * 6 {
		r.to(time.Duration(n) * 10 * time.Minute)
		r.update("a", r.now.Add(-max(0, r.now.Sub(noon)-fell)/2)) // half the speed of time
	}
	inc := r.only()
	if inc.Cause != CauseBehind {
		t.Fatalf("the incident is %s", inc.Cause)
	}
	for _, c := range []struct {
		retention string
		begins    time.Duration // after it fell behind: when half of that is the retention
	}{{"2d", 96 * hour}, {"1d", 48 * hour}, {"8h", 16 * hour}, {"2h", 12 * hour}} {
		r.step(&UseRules{Set: parse(t, edited(c.retention))})
		got := r.only()
		if off := got.Loss.Begins.Sub(noon.Add(fell + c.begins)); off < -hour/2 || off > hour/2 {
			t.Errorf("retention %s: loss begins %s after it fell behind, want %s", c.retention, got.Loss.Begins.Sub(noon.Add(fell)), c.begins)
		}
	}
	if got := r.only(); !slices.ContainsFunc(got.Pages, func(p Page) bool { return p.About(ReasonLossBegun) }) {
		t.Errorf("the lag is past the retention, and the pages are %s", pages(got))
	}
	r.step(&UseRules{Set: parse(t, strings.Replace(rules, "    retention: 2d\n", "", 1))})
	if got := r.only(); !got.Loss.Begins.IsZero() {
		t.Errorf("no retention is known, and loss begins at %s", got.Loss.Begins)
	}
}

// A client that was silent from the beginning had no rate for ever after: when it was due
// before the others fell silent, its row began with their silence.
func TestTheRateOfWhoFirstCameInAnIncident(t *testing.T) {
	r := newRig(t, strings.Replace(twoOfAFeed, "    rules:\n", "    roster: [a]\n    rules:\n", 1))
	r.hourly(0, 8, "b")
	if r.only().Cause != CauseSilent {
		t.Fatalf("a is not silent: %v", scopesOf(r.open()))
	}
	r.hourly(8, 80, "ab")
	id, _ := r.m.feeds["f"].row("a")
	b, i := r.m.feeds["f"].blocks[id.block()], id.place()
	if rate := b.updateRate(i, r.now); rate*3600 < 0.9 || rate*3600 > 1.1 {
		t.Errorf("a sends %v updates an hour, want 1", rate*3600)
	}
}
