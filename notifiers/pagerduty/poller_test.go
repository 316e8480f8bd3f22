package pagerduty_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/feedwatch/feedwatch/notifiers"
	"github.com/feedwatch/feedwatch/notifiers/notifiertest"
	"github.com/feedwatch/feedwatch/notifiers/pagerduty"
	"github.com/feedwatch/feedwatch/watchdog"
	"github.com/feedwatch/feedwatch/watchdog/feed"
)

// looker is a service, an incident, and who compares the two.
type looker struct {
	*desk
	server *notifiertest.PagerDutyServer
	out    *outbox
	poller *pagerduty.Poller
}

func newLooker(t testing.TB) *looker {
	l := &looker{desk: newDesk(t), server: newServer(t)}
	n := newNotifier(t, l.server.URL())
	l.server.SetClock(func() time.Time { return l.now })
	l.out = &outbox{d: l.desk, n: n, at: map[int]time.Time{}}
	l.poller = pagerduty.NewPoller(target, n, newReader(t, l.server.URL()), l.out, l.Desk)
	l.out.tell(t, 1)
	return l
}

// look goes on by d, looking each minute.
func (l *looker) look(d time.Duration) {
	for end := l.now.Add(d); l.now.Before(end); {
		l.now = l.now.Add(time.Minute)
		l.poller.Look(l.t.Context())
	}
}

func TestPollAcknowledged(t *testing.T) {
	l := newLooker(t)
	l.look(3 * time.Minute)
	l.want()
	l.server.Decide(l.key(1), "acknowledged", "Anna")
	at := l.now
	l.look(2 * time.Hour)
	l.want("acknowledged by Anna (PagerDuty)")
	if until := l.incident.Ack.Until.Time(); until.Sub(at.Add(watchdog.AcknowledgeForDefault)).Abs() > time.Second {
		t.Errorf("until %s, want four hours from %s", until, at)
	}
	// It ends, with a page: the alert is still acknowledged there, which decides nothing.
	l.now = at.Add(watchdog.AcknowledgeForDefault)
	l.page(watchdog.ReasonAckExpired)
	l.out.tell(t, 2)
	l.look(time.Hour)
	l.want("acknowledged by Anna (PagerDuty)")
	if l.out.sends != 2 {
		t.Errorf("%d triggers, want one a page", l.out.sends)
	}
}

// TestPollOwnEcho: our own acknowledgement is shown as a service's.
func TestPollOwnEcho(t *testing.T) {
	l := newLooker(t)
	l.server.Decide(l.key(1), "acknowledged", "")
	l.look(time.Hour)
	l.want()
}

func TestPollResolved(t *testing.T) {
	l := newLooker(t)
	l.look(5 * time.Minute)
	l.server.Decide(l.key(1), "resolved", "Bo")
	l.look(20 * time.Minute)
	l.want("resolved_early by Bo (PagerDuty)")
	l.now = l.incident.Ack.Until.Time()
	l.page(watchdog.ReasonNotOver)
	l.out.tell(t, 2)
	l.look(time.Hour)
	l.want("resolved_early by Bo (PagerDuty)")
	if l.server.Rings(l.key(1)) != 1 || l.server.Rings(l.key(2)) != 1 {
		t.Errorf("rang %d and %d times, want once for each page", l.server.Rings(l.key(1)), l.server.Rings(l.key(2)))
	}
}

// TestPollResolvedByNobody: PagerDuty's own timer ends no incident.
func TestPollResolvedByNobody(t *testing.T) {
	l := newLooker(t)
	l.look(5 * time.Minute)
	l.server.Decide(l.key(1), "resolved", "")
	l.look(3 * time.Minute)
	l.want()
	if rings := l.server.Rings(l.key(1)); rings != 2 {
		t.Errorf("rang %d times, want once more", rings)
	}
	l.look(time.Hour)
	if rings := l.server.Rings(l.key(1)); rings != 2 {
		t.Errorf("rang %d times, want no more while it is open", rings)
	}
}

// TestPollMaintenance: what a maintenance window swallowed is there within minutes of its end.
func TestPollMaintenance(t *testing.T) {
	l := newLooker(t)
	l.server.Maintain(true)
	l.page(watchdog.ReasonStep)
	l.out.tell(t, 2)
	l.look(2 * time.Hour)
	if sends := l.out.sends; l.server.Rings(l.key(2)) != 0 || sends > 2+2*60/5+3 {
		t.Errorf("rang in the window, or %d triggers in two hours", sends)
	}
	l.server.Maintain(false)
	l.look(6 * time.Minute)
	if rings := l.server.Rings(l.key(2)); rings != 1 {
		t.Errorf("rang %d times after the window, want once", rings)
	}
	l.look(time.Hour)
	if rings := l.server.Rings(l.key(2)); rings != 1 || l.server.Rings(l.key(1)) != 1 {
		t.Errorf("rang %d times, want once", rings)
	}
}

// TestPollCovered: nobody is woken again for what a person took on.
func TestPollCovered(t *testing.T) {
	l := newLooker(t)
	l.server.Maintain(true)
	l.page(watchdog.ReasonStep)
	l.out.tell(t, 2)
	if err := l.Acknowledge(t.Context(), l.incident.ID, "anna", time.Hour); err != nil {
		t.Fatal(err)
	}
	l.server.Maintain(false)
	l.look(30 * time.Minute)
	if l.server.Rings(l.key(2)) != 0 {
		t.Error("it rang although somebody is on it")
	}
}

// TestPollOrphans: a resolve that was swallowed is sent again, also after a
// restart, and what is open for nothing is resolved; what is not ours stays.
func TestPollOrphans(t *testing.T) {
	l := newLooker(t)
	unknown := "fw/" + installOf(l.incident) + "/external-profiles/77-gone/p1"
	l.server.Put(unknown, l.now)
	l.server.Put("fw/other/external-profiles/1-2/p1", l.now)
	l.server.Put("nagios-host-1", l.now)
	l.incident.State, l.incident.Resolved = watchdog.StateResolved, feed.At(l.now)
	l.server.Maintain(true)
	l.look(10 * time.Minute)
	l.server.Maintain(false)
	l.look(2 * time.Minute)
	for _, a := range l.server.Alerts() {
		if ours := strings.HasPrefix(a.Key, "fw/"+installOf(l.incident)+"/"); (a.Status == "resolved") != ours {
			t.Errorf("%s is %s", a.Key, a.Status)
		}
	}
	l.want()
	reads := l.server.Reads()
	l.look(time.Hour)
	if more := l.server.Reads() - reads; more > 1 {
		t.Errorf("%d looks while nothing is open, want one that finds so", more)
	}
}

// TestPollUnsure: while it is not known what is known, nothing is resolved, and
// an answer that says nothing sends nothing again.
func TestPollUnsure(t *testing.T) {
	l := newLooker(t)
	l.server.Put("fw/"+installOf(l.incident)+"/external-profiles/77-gone/p1", l.now)
	l.busy.Store(true)
	l.look(10 * time.Minute)
	if l.poller.Failing() == "" {
		t.Error("a look that failed is not said")
	}
	for _, a := range l.server.Alerts() {
		if a.Status != "triggered" {
			t.Errorf("%s is %s", a.Key, a.Status)
		}
	}
	l.busy.Store(false)
	for _, body := range []string{"{}", "null", "", "<html></html>", `{"incidents":null}`, `{"incidents":[`} {
		calls := l.out.sends
		l.server.Fail(notifiertest.Answer(200, body, "Content-Type", "application/json"))
		l.look(time.Minute)
		if l.out.sends != calls || l.poller.Failing() == "" {
			t.Errorf("%q was taken for an answer", body)
		}
	}
	l.look(time.Minute)
	if why := l.poller.Failing(); why != "" {
		t.Errorf("still failing: %s", why)
	}
}

func TestPollRateLimited(t *testing.T) {
	l := newLooker(t)
	l.server.Fail(notifiertest.Answer(429, `{"error":{}}`, "Ratelimit-Reset", "150", "Content-Type", "application/json"))
	l.look(time.Minute)
	reads := l.server.Reads()
	l.look(2 * time.Minute)
	if l.server.Reads() != reads {
		t.Error("asked although it was told to wait")
	}
	l.look(time.Minute)
	if l.server.Reads() == reads {
		t.Error("did not go on after the wait")
	}
}

func TestPollRefused(t *testing.T) {
	l := newLooker(t)
	reader, err := pagerduty.NewReader(pagerduty.ReaderConfig{
		Token: notifiers.NewSecret("fwsecret-revoked-1234"), Service: notifiertest.PagerDutyService, APIURL: l.server.URL(),
	})
	if err != nil {
		t.Fatal(err)
	}
	poller := pagerduty.NewPoller(target, newNotifier(t, l.server.URL()), reader, l.out, l.Desk)
	poller.Look(t.Context())
	if why := poller.Failing(); !strings.Contains(why, "401") || strings.Contains(why, "fwsecret-revoked-1234") {
		t.Errorf("failing: %q", why)
	}
}

// TestPollManyPages: what is on another page of the list counts as well.
func TestPollManyPages(t *testing.T) {
	l := newLooker(t)
	l.server.PageMax(2)
	for range 7 {
		l.server.Put("nagios", l.now.Add(-time.Hour))
	}
	l.page(watchdog.ReasonStep)
	l.out.tell(t, 2)
	l.server.Decide(l.key(2), "acknowledged", "Anna")
	l.look(time.Minute)
	l.want("acknowledged by Anna (PagerDuty)")
}

func TestNewReader(t *testing.T) {
	token := notifiers.NewSecret("fwsecret-rest-api")
	cases := []struct {
		name   string
		config pagerduty.ReaderConfig
		want   string
	}{
		{"good", pagerduty.ReaderConfig{Token: token, Service: "PABC123"}, ""},
		{"no token", pagerduty.ReaderConfig{Service: "PABC123"}, "token is empty"},
		{"no service", pagerduty.ReaderConfig{Token: token}, "no ID of a PagerDuty service"},
		{"the service's URL", pagerduty.ReaderConfig{Token: token, Service: "https://x.pagerduty.com/service-directory/PABC123"}, "last part"},
		{"bad URL", pagerduty.ReaderConfig{Token: token, Service: "PABC123", APIURL: "api.pagerduty.com"}, "https://"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			_, err := pagerduty.NewReader(c.config)
			if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %q", err, c.want)
			}
		})
	}
}

// TestMerged: who merges an alert into another incident says neither that it is
// over nor that anybody is to be woken again.
func TestMerged(t *testing.T) {
	l := newLooker(t)
	l.look(5 * time.Minute)
	l.server.Merge(l.key(1), "Anna")
	l.look(time.Hour)
	l.want()
	if rings := l.server.Rings(l.key(1)); rings != 1 {
		t.Errorf("rang %d times, want once", rings)
	}
	text := `{"event":{"id":"m1","event_type":"incident.resolved","occurred_at":"` + l.now.UTC().Format(time.RFC3339) +
		`","agent":{"type":"user_reference","summary":"Anna"},"data":{"incident_key":"` + l.key(1) +
		`","resolve_reason":{"type":"merge_resolve_reason","incident":{"id":"PINC999"}}}}}`
	if code := post(newReceiver(t, l.desk), []byte(text), notifiertest.PagerDutySignature([]byte(text), newSecret)); code != 202 {
		t.Errorf("code %d", code)
	}
	l.want()
}

// TestToldTwiceAtOnce: a webhook and a look that tell of the same are one decision.
func TestToldTwiceAtOnce(t *testing.T) {
	l := newLooker(t)
	l.now = l.now.Add(3 * time.Minute)
	l.server.Decide(l.key(1), "acknowledged", "Anna")
	body, signature := notifiertest.PagerDutyWebhook("e1", "incident.acknowledged", l.key(1), "Anna", l.now, newSecret)
	r := newReceiver(t, l.desk)
	var both sync.WaitGroup
	both.Go(func() { l.poller.Look(t.Context()) })
	both.Go(func() { post(r, body, signature) })
	both.Wait()
	l.want("acknowledged by Anna (PagerDuty)")
}
