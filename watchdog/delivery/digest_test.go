package delivery

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/feedwatch/feedwatch/rules"
	"github.com/feedwatch/feedwatch/watchdog"
	"github.com/feedwatch/feedwatch/watchdog/bubble"
)

// toldIn is what each attempt told of, the incident that leads first.
func toldIn(calls []call) [][]string {
	var all [][]string
	for _, c := range calls {
		ids := []string{kindWords[c.op.Kind], c.op.Incident.ID}
		for _, o := range c.op.With {
			ids = append(ids, o.Incident.ID)
		}
		all = append(all, ids)
	}
	return all
}

func wantTold(t *testing.T, s *scripted, want ...[]string) {
	t.Helper()
	if got := toldIn(s.all()); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("told\n%v, want\n%v", got, want)
	}
}

// linked is an incident with the same cause as others.
func linkedTo(id string, others []string, targets ...rules.Target) *life {
	l := opened(id, rules.Error, targets...)
	for _, other := range others {
		l.now.Linked = append(l.now.Linked, watchdog.Link{ID: other})
	}
	return l
}

func (b *bench) showAll(lives ...*life) {
	var all []*watchdog.Incident
	for _, l := range lives {
		all = append(all, l.picture())
	}
	b.Apply(all, true)
}

func many(n int, targets ...rules.Target) []*life {
	var all []*life
	for i := range n {
		all = append(all, opened(fmt.Sprintf("%02d", i), rules.Error, targets...))
	}
	return all
}

func TestNineAtOnceAreNineMessages(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		s := newScripted(Thread, nil)
		in(t, []Destination{{Target: slackA, Notifier: s}}, func(t *testing.T, b *bench) {
			b.showAll(many(9, slackA)...)
			after(time.Minute)
			if n := len(s.all()); n != 9 {
				t.Errorf("%d messages, want 9", n)
			}
		})
	})
}

func TestTenAtOnceAreOneMessage(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		s, alerts := newScripted(Thread, nil), newScripted(Alerts, nil)
		in(t, []Destination{{Target: slackA, Notifier: s}, {Target: pager, Notifier: alerts}}, func(t *testing.T, b *bench) {
			lives := many(12, slackA, pager)
			lives[7].now.Severity = rules.Critical
			b.showAll(lives...)
			after(10 * time.Second)
			if all := toldIn(s.all()); len(all) != 1 || len(all[0]) != 13 || all[0][1] != "07" {
				t.Errorf("told %v, want one message of 12 led by the critical one", all)
			}
			if n := len(alerts.all()); n != 12 {
				t.Errorf("%d alerts, want 12: each wakes somebody on its own", n)
			}
		})
	})
}

func TestTenWithinAMinuteCountThoseThatWereTold(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		s := newScripted(Thread, nil)
		in(t, []Destination{{Target: slackA, Notifier: s}}, func(t *testing.T, b *bench) {
			for i, l := range many(14, slackA) {
				if i == 12 {
					time.Sleep(2 * time.Minute) // then it is over
				}
				b.show(l)
				after(3 * time.Second)
			}
			wantTold(t, s,
				[]string{"post", "00"}, []string{"post", "01"}, []string{"post", "02"}, []string{"post", "03"}, []string{"post", "04"},
				[]string{"post", "05"}, []string{"post", "06"}, []string{"post", "07"}, []string{"post", "08"},
				[]string{"post", "09"}, []string{"reply", "10"}, []string{"update", "10", "09"}, []string{"reply", "11"}, []string{"update", "11", "09", "10"},
				[]string{"post", "12"}, []string{"post", "13"})
			for _, c := range s.all() {
				if c.op.Kind == Reply && (!c.op.Joins || !c.op.Shared || c.op.Page == nil) {
					t.Errorf("%s came to the thread, and the reply does not say so", c.op.Incident.ID)
				}
			}
		})
	})
}

func TestLinkedIncidentsShareOneMessage(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		s := newScripted(Thread, nil)
		in(t, []Destination{{Target: slackA, Notifier: s}}, func(t *testing.T, b *bench) {
			one, two := opened("1", rules.Error, slackA), linkedTo("2", []string{"1"}, slackA)
			b.showAll(one, two)
			synctest.Wait()
			wantTold(t, s, []string{"post", "1", "2"})
			three := linkedTo("3", []string{"1", "2"}, slackA)
			b.show(three)
			after(time.Minute)
			b.showAll(one.ack(), two.ack(), three.ack())
			after(time.Minute)
			b.show(three.page(slackA)) // data loss is near: whatever was acknowledged
			after(time.Minute)
			b.showAll(one.resolve(), three.resolve())
			after(time.Minute)
			b.show(two.resolve())
			after(time.Minute)
			wantTold(t, s, []string{"post", "1", "2"}, []string{"reply", "3"}, []string{"update", "3", "1", "2"},
				[]string{"reply", "1", "2", "3"}, []string{"update", "1", "2", "3"},
				[]string{"reply", "3"}, []string{"update", "3", "1", "2"},
				[]string{"reply", "1", "3"}, []string{"update", "1", "2", "3"},
				[]string{"reply", "2"}, []string{"update", "2", "1", "3"})
			if len(b.known) != 0 {
				t.Error("they are not let go together")
			}
		})
	})
}

// What feedwatch cannot page through must not drown in what it pages for.
func TestANotifierThatFailsIsToldAlone(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		s := newScripted(Thread, nil)
		in(t, []Destination{{Target: slackA, Notifier: s}}, func(t *testing.T, b *bench) {
			lives := many(12, slackA)
			lives[3].now.Cause = watchdog.CauseUnheard
			b.showAll(lives...)
			after(time.Minute)
			for _, told := range toldIn(s.all()) {
				if slices.Contains(told, "03") && len(told) > 2 {
					t.Errorf("told with others: %v", told)
				}
			}
			if n := len(s.all()); n != 2 {
				t.Errorf("%d messages, want 2", n)
			}
		})
	})
}

// A process that dies between sending a digest and writing so down tells nobody twice.
func TestACrashAfterADigestTellsNobodyTwice(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		sent := newScripted(Thread, nil)
		journal := &memory{}
		b := newBench(journal, Destination{Target: slackA, Notifier: sent})
		b.start()
		lives := many(12, slackA)
		b.showAll(lives...)
		after(10 * time.Second)
		b.stop()
		var ahead []watchdog.Receipt
		for _, r := range journal.saved() {
			if r.Op == digestName {
				ahead = append(ahead, r)
			}
		}
		root := func(incident, ref string, after time.Duration) watchdog.Receipt {
			return watchdog.Receipt{Target: slackA, Incident: incident, Op: rootName, Ref: ref, Revision: 2, At: ahead[0].At.Add(after)}
		}
		lead := ahead[0].Incident
		anew := slices.Clone(ahead) // the message was deleted, and posted once more
		for _, l := range lives {
			anew = append(anew, root(l.now.ID, "ref-deleted", time.Second))
		}
		for name, receipts := range map[string][]watchdog.Receipt{
			"the digest alone":             ahead,
			"its root as well":             append(slices.Clone(ahead), root(lead, "ref-root", time.Second)),
			"the root that took its place": append(anew, root(lead, "ref-root", time.Minute)),
		} {
			s := newScripted(Thread, nil)
			again := newBench(&memory{}, Destination{Target: slackA, Notifier: s})
			var pictures []*watchdog.Incident
			for _, l := range lives {
				pictures = append(pictures, l.picture())
			}
			again.Restore(pictures, receipts)
			again.start()
			after(10 * time.Second)
			again.stop()
			calls := s.all()
			if len(calls) == 0 || len(calls[0].op.With) != 11 || calls[0].op.Kind == Post && !calls[0].op.MaybeSent {
				t.Errorf("%s: %v", name, toldIn(calls))
			}
			for _, c := range calls[1:] {
				if c.op.Kind != Update {
					t.Errorf("%s: %v", name, toldIn(calls))
				}
			}
			if n := len(again.Sharing("ref-root")); n != 12 {
				t.Errorf("%s: %d share the thread, want 12", name, n)
			}
		}
	})
}

// An answer that was lost is no reason to tell each of them alone.
func TestAReplyOfSeveralIsTriedAgainAsOne(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		s := newScripted(Thread, func(op Op, n int) error {
			if n == 2 {
				return failing(Ambiguous)
			}
			return nil
		})
		in(t, []Destination{{Target: slackA, Notifier: s}}, func(t *testing.T, b *bench) {
			one, two := opened("1", rules.Error, slackA), linkedTo("2", []string{"1"}, slackA)
			b.showAll(one, two)
			synctest.Wait()
			b.showAll(one.ack(), two.ack())
			after(time.Minute)
			calls := s.all()
			if len(calls) != 4 || len(calls[2].op.With) != 1 || !calls[2].op.MaybeSent || !calls[2].op.With[0].MaybeSent {
				t.Errorf("told %v", toldIn(calls))
			}
		})
	})
}

// A message that somebody deleted is posted anew for all whom it told of.
func TestADeletedDigestIsPostedAnew(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		s := newScripted(Thread, func(op Op, n int) error {
			if op.Kind == Reply && op.Ref == "ref-root" && n == 2 {
				return failing(LostTarget)
			}
			return nil
		})
		in(t, []Destination{{Target: slackA, Notifier: s}}, func(t *testing.T, b *bench) {
			lives := many(12, slackA)
			b.showAll(lives...)
			after(5 * time.Second)
			b.show(lives[4].ack())
			after(time.Minute)
			all := toldIn(s.all())
			if len(all) < 3 || all[2][0] != "post" || len(all[2]) != 13 {
				t.Errorf("told %v", all)
			}
		})
	})
}

// A channel that takes the digest in no form hands all of it to others.
func TestADigestThatIsRefusedIsToldByOthers(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		s, other := newScripted(Thread, always(BadPayload)), newScripted(Alerts, nil)
		in(t, []Destination{{Target: slackA, Notifier: s}, {Target: pager, Notifier: other}}, func(t *testing.T, b *bench) {
			b.showAll(many(12, slackA)...)
			after(time.Minute)
			if n, told := len(s.all()), len(other.all()); n != 2 || told != 12 {
				t.Errorf("%d attempts, and %d were told by the other; want 2 and 12", n, told)
			}
		})
	})
}
