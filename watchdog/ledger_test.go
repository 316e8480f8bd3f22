package watchdog

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/feedwatch/feedwatch/watchdog/feed"
)

const hour = time.Hour

// update is an arrival now of an update made at event.
func (r *rig) update(client string, event feed.Instant) {
	hb := beatOf(client, r.now)
	hb.Event = event
	r.hear(feed.Push, hb)
}

// hourly has each of the clients, one a letter, send what is new every hour in [from, to).
func (r *rig) hourly(from, to int, clients string) {
	for h := from; h < to; h++ {
		r.to(time.Duration(h) * hour)
		for _, client := range clients {
			r.update(string(client), r.now)
		}
	}
}

// rows are what the ledger says in the end, by client.
func (r *rig) rows(into map[string]LedgerRow) map[string]LedgerRow {
	flush, _ := r.m.Flush(AllBlocks)
	for _, row := range flush.Ledger {
		into[row.Client] = row
	}
	return into
}

// outage is a feeder of two clients, one update an hour of a and two a day of b,
// that stops after 3 days for 9 days; the queue keeps 7. It then reads the queue,
// 20 hours of updates an hour, oldest first.
func outage(r *rig) (stopped, again feed.Instant) {
	r.step()
	for h := range 3*24 + 1 {
		r.to(time.Duration(h) * hour)
		r.update("a", r.now)
		if h%12 == 0 {
			r.update("b", r.now)
		}
	}
	stopped = r.now
	r.jump(12 * 24 * hour)
	again = r.now
	event := again.Add(-7 * 24 * hour)
	for r.now.Sub(event) > 3*time.Minute {
		event = event.Add(hour)
		r.to(r.now.Sub(noon) + 3*time.Minute)
		r.update("a", event)
		if event.Sub(noon)%(12*hour) == 0 {
			r.update("b", event)
		}
	}
	return stopped, again
}

const hourly = `
feeds:
  - name: f
    retention: 7d
    escalation: on-call
    rules:
      - {name: clients, stale_after: 1d, lag_over: 2h}
` + noLoss

func TestTheLedgerSaysWhatEachClientLost(t *testing.T) {
	r := newRig(t, hourly)
	stopped, again := outage(r)
	rows := r.rows(map[string]LedgerRow{})
	first := again.Add(3 * time.Minute) // when the first update came
	a := rows["a"]
	if a.From != stopped || a.To != first.Add(-7*24*hour) || a.AtRisk || a.ByArrival {
		t.Errorf("a lost %s to %s (at risk: %v), want %s to %s", a.From, a.To, a.AtRisk, stopped, first.Add(-7*24*hour))
	}
	if math.Abs(a.Updates-48) > 5 {
		t.Errorf("a lost about %.1f updates, want 48: one an hour for two days", a.Updates)
	}
	b := rows["b"]
	if b.From != stopped || b.To < a.To || math.Abs(b.Updates-4) > 1 {
		t.Errorf("b lost %+v, want about 4 updates from %s to %s or later", b, stopped, a.To)
	}
	inc := r.only()
	if inc.Loss.Clients != 2 || math.Abs(inc.Loss.Updates-a.Updates-b.Updates) > 0.01 || inc.Loss.LostFrom != stopped || inc.Loss.LostTo != a.To {
		t.Errorf("the incident says %+v", inc.Loss)
	}
	checkInvariants(t, r.m)
}

func TestAShortSilenceLosesNothing(t *testing.T) {
	r := newRig(t, hourly)
	r.update("a", r.now)
	r.to(6 * 24 * hour)
	r.update("a", r.now.Add(-5*24*hour))
	if rows := r.rows(map[string]LedgerRow{}); len(rows) != 0 {
		t.Errorf("the queue still held all: %+v", rows)
	}
}

func TestTheWiderIntervalIsAtRisk(t *testing.T) {
	r := newRig(t, hourly)
	r.update("a", r.now)
	r.to(9 * 24 * hour)
	r.update("a", noon.Add(4*24*hour)) // two days later than the queue should have kept
	want := LedgerRow{Feed: "f", Client: "a", From: noon, To: noon.Add(4 * 24 * hour), AtRisk: true, Updates: -1}
	got := r.rows(map[string]LedgerRow{})["a"]
	got.Incident = ""
	if got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	r.to(9*24*hour + time.Minute)
	r.update("a", noon.Add(3*24*hour)) // an older one in the first window
	if got := r.rows(map[string]LedgerRow{})["a"]; got.To != noon.Add(3*24*hour) {
		t.Errorf("corrected to %s", got.To)
	}
}

func TestTheRateIsThatOfBeforeTheSilence(t *testing.T) {
	r := newRig(t, hourly)
	for i := range 4 * 20 { // four hours, one update in three minutes
		r.now = noon.Add(time.Duration(i) * 3 * time.Minute)
		r.update("a", r.now)
	}
	last := r.now
	r.to(10 * 24 * hour)
	r.update("a", r.now.Add(-7*24*hour))
	row := r.rows(map[string]LedgerRow{})["a"]
	if want := 20 * row.To.Sub(last).Hours(); math.Abs(row.Updates-want) > want/20 {
		t.Errorf("about %.0f updates lost in %s, want %.0f", row.Updates, row.To.Sub(row.From), want)
	}
}

func TestByArrivalWhereThereAreNoEventTimes(t *testing.T) {
	r := newRig(t, hourly)
	r.beat("a", 2)
	r.to(9 * 24 * hour)
	r.beat("a", 2)
	rows := r.rows(map[string]LedgerRow{})
	if row := rows["a1"]; !row.ByArrival || row.From != noon || row.To != noon.Add(2*24*hour) || row.AtRisk {
		t.Errorf("%+v", row)
	}
}

func TestARateIsAnAverageOverADay(t *testing.T) {
	r := newRig(t, hourly)
	for i := range 24 * 60 {
		r.now = noon.Add(time.Duration(i) * time.Minute)
		r.hear(feed.Push, feed.Heartbeat{Key: beatOf("a", r.now).Key, Arrival: r.now, Count: 3})
	}
	b := r.m.feeds["f"].blocks[0]
	id, _ := r.m.feeds["f"].row("a")
	i := id.place()
	if got := b.updateRate(i, r.now) * 60; math.Abs(got-3) > 0.1 {
		t.Errorf("%.2f updates a minute, want 3", got)
	}
	r.restart(hourly)
	if got := r.m.feeds["f"].blocks[0].updateRate(i, r.now) * 60; math.Abs(got-3) > 0.1 {
		t.Errorf("%.2f updates a minute after a restart, want 3", got)
	}
}

func TestAMinorityThatComesBackTooLateHasLost(t *testing.T) {
	r := newRig(t, hourly)
	for h := range 25 {
		r.to(time.Duration(h) * hour)
		r.beat("a", 10)
	}
	r.to(4 * 24 * hour)
	for r.now < noon.Add(10*24*hour) { // all but a10 come back in time
		r.beat("a", 9)
		r.to(r.now.Sub(noon) + 12*hour)
	}
	r.beat("a", 10)
	row := r.rows(map[string]LedgerRow{})["a10"]
	if row.From != noon.Add(24*hour) || row.To != r.now.Add(-7*24*hour) || !row.AtRisk {
		t.Errorf("a10 lost %s to %s (at risk: %v)", row.From, row.To, row.AtRisk)
	}
	inc := r.seen[row.Incident]
	if inc == nil || inc.Loss.LostTo != row.To || !inc.Loss.AtRisk {
		t.Errorf("the incident says %+v", inc)
	}
}

// A feeder that is restarted and stops once more, soon after its first update.
func TestWhoFallsSilentAgainHasARowForEachTime(t *testing.T) {
	r := newRig(t, strings.Replace(hourly, "stale_after: 1d, lag_over: 2h", "stale_after: 10m, lag_over: 20m", 1))
	r.update("a", r.now)
	var rows []LedgerRow
	for _, at := range []time.Duration{9 * 24 * hour, 9*24*hour + 30*time.Minute} {
		r.to(at)
		r.update("a", r.now.Add(-7*24*hour))
		rows = append(rows, mustFlush(r).Ledger...)
	}
	middle, end := noon.Add(2*24*hour), noon.Add(2*24*hour+30*time.Minute)
	if len(rows) != 2 || rows[0].From != noon || rows[0].To != middle || rows[1].From != middle || rows[1].To != end {
		t.Errorf("%+v", rows)
	}
	if l := r.only().Loss; l.Clients != 1 || l.LostFrom != noon || l.LostTo != end {
		t.Errorf("the incident says %+v", l)
	}
}

func TestWhoComesBackAfterItWasForgottenHasLost(t *testing.T) {
	r := newRig(t, strings.Replace(hourly, "lag_over: 2h", "lag_over: 2h, forget_after: 2d", 1))
	r.beat("a", 1)
	for h := range 10 * 24 {
		r.beat("b", 3)
		r.to(time.Duration(h) * hour)
	}
	if v := r.verdict("a1"); v != Retired || len(r.open()) != 0 {
		t.Fatalf("a1 is %s, open %v", v, scopesOf(r.open()))
	}
	r.beat("a", 1)
	row := r.rows(map[string]LedgerRow{})["a1"]
	if row.From != noon || row.To != r.now.Add(-7*24*hour) || r.seen[row.Incident] == nil {
		t.Errorf("%+v, want what was lost in the incident in which it was forgotten", row)
	}
	checkInvariants(t, r.m)
}
