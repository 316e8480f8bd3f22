package watchdog

import (
	"fmt"
	"strings"
	"testing"

	"github.com/feedwatch/feedwatch/watchdog/feed"
)

// named is what the roster expects, beside two clients that were heard.
const named = `
feeds:
  - name: f
    retention: 7d
    escalation: on-call
    roster: [expected]
    rules:
      - {name: clients, stale_after: 10m}
  - name: other
    retention: 7d
    escalation: on-call
    rules:
      - {name: clients, stale_after: 10m}
` + onCall

// tell sends a heartbeat of each client and returns why each was refused.
func (r *rig) tell(quota *feed.Quota, clients ...string) string {
	beats := make([]feed.Heartbeat, len(clients))
	for i, client := range clients {
		beats[i] = beatOf(client, r.now)
	}
	in := &Heard{Report: feed.Report{Source: feed.Push, Heartbeats: beats, Quota: quota}}
	r.step(in)
	var all []string
	for _, why := range in.Refused {
		all = append(all, string(why))
	}
	return strings.Join(all, " ")
}

// Whoever makes up names gets no further than its quota, and then than the limit of
// all; who is known is heard, and found silent, all the same.
func TestNamesThatSomebodyMakesUp(t *testing.T) {
	r := newRig(t, named)
	r.m.cfg.SeriesMax = 5
	quota := &feed.Quota{Feeds: []string{"f", "nobody-knows-it"}, SeriesMax: 3}
	if got := r.tell(quota, "a", "b", "c", "a", "expected"); got != "  over_quota  " {
		t.Errorf("past its quota: %q", got)
	}
	if got := r.tell(&feed.Quota{SeriesMax: 3}, "c"); got != "over_quota" {
		t.Errorf("past a quota of all feeds: %q", got)
	}
	if got := r.tell(nil, "c", "d", "e", "b"); got != "  too_many_series " {
		t.Errorf("past the limit: %q", got)
	}
	if got := fmt.Sprint(r.m.Trouble()); !strings.Contains(got, "5 clients are known, as many as series_max allows") {
		t.Errorf("in trouble: %s", got)
	}
	before := len(r.m.order)
	in := &Heard{Report: feed.Report{Source: feed.Push, Heartbeats: []feed.Heartbeat{{Key: key(t, "made-up", "x"), Arrival: r.now, Count: 1}}}}
	r.step(in)
	if len(in.Refused) != 1 || in.Refused[0] != feed.TooManySeries || len(r.m.order) != before {
		t.Errorf("a feed nobody knows: %v, %d feeds", in.Refused, len(r.m.order))
	}
	// The rule files may expect somebody all the same.
	r.step(&UseRules{Set: parse(t, strings.Replace(named, "[expected]", "[expected, another]", 1))})
	if page, _ := r.m.Clients(ClientQuery{Feed: "f", Client: "another", Any: true, Limit: 1}); len(page.Clients) != 1 {
		t.Error("a client of the roster is not watched")
	}
	r.to(11 * 60e9)
	silent := 0
	for _, inc := range r.seen {
		silent += inc.Scope.Silent
	}
	if silent != 6 {
		t.Errorf("%d clients are silent, want the 5 that were known and the one of the roster", silent)
	}
}

func TestLabelsThatSomebodyMakesUpTakeSoMuchMemoryOnly(t *testing.T) {
	r := newRig(t, plain)
	r.m.labelBytes = LabelBytesMax - 1_000
	long := strings.Repeat("x", 128)
	for i := range 100 {
		r.hear(feed.Push, beatOf(fmt.Sprint(i), noon, "a", fmt.Sprint(i)+long[3:], "b", long))
	}
	if got := fmt.Sprint(r.m.Trouble()); r.m.labelBytes > LabelBytesMax || r.m.series != 100 || !strings.Contains(got, labelsFull) {
		t.Errorf("%d bytes of labels, %d series, %s", r.m.labelBytes, r.m.series, got)
	}
}
