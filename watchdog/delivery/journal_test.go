package delivery

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/feedwatch/feedwatch/rules"
	"github.com/feedwatch/feedwatch/watchdog"
	"github.com/feedwatch/feedwatch/watchdog/bubble"
)

func TestAFailingJournalSendsNothingTwice(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		s := newScripted(Thread, nil)
		in(t, []Destination{{Target: slackA, Notifier: s}}, func(t *testing.T, b *bench) {
			b.journal.fail(errors.New("disk full"))
			l := opened("one", rules.Error, slackA)
			b.show(l)
			after(time.Hour)
			b.show(l.ack())
			after(time.Hour)
			wantSaid(t, s, "post root", "reply e3", "update root")
			if len(b.journal.saved()) != 0 {
				t.Fatal("the journal did not fail")
			}
			b.journal.fail(nil)
			after(time.Second)
			saved := b.journal.saved()
			if len(saved) != 3 || saved[0].Op != rootName || saved[1].Op != "e3" || saved[2].Revision != l.now.Revision {
				t.Errorf("saved %+v", saved)
			}
			wantSaid(t, s, "post root", "reply e3", "update root")
		})
	})
}

// A disk that is full for a day must not fill the log as well.
func TestAFailingJournalIsLoggedOnChange(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		store := &memory{}
		j := newJournal(store, slog.New(slog.NewTextHandler(&log, nil)))
		ctx, stop := context.WithCancel(t.Context())
		var ended sync.WaitGroup
		ended.Go(func() { j.run(ctx) })
		store.fail(errors.New("disk full"))
		for range 3 {
			j.save(watchdog.Receipt{Op: "root"}, nil)
		}
		after(10*time.Minute + journalRetry)
		store.fail(nil)
		after(time.Minute)
		stop()
		ended.Wait()
		text := log.String()
		for words, n := range map[string]int{"level=ERROR": 11, "disk full": 11, "level=INFO": 1, "receipts are saved again": 1} {
			if got := strings.Count(text, words); got != n {
				t.Errorf("%q stands there %d times, want %d", words, got, n)
			}
		}
		if t.Failed() {
			t.Log(text)
		}
	})
}

func TestAFailoverWaitsForItsReceiptButNotForEver(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		a, b2 := newScripted(Alerts, always(Refused)), newScripted(Thread, nil)
		in(t, []Destination{{Target: pager, Notifier: a}, {Target: slackB, Notifier: b2}}, func(t *testing.T, b *bench) {
			b.journal.fail(errors.New("disk full"))
			b.show(opened("other", rules.Error, slackB)) // its receipt stands first in the line
			after(time.Minute)
			b.show(opened("one", rules.Error, pager))
			after(journalWithin - journalRetry)
			wantSaid(t, b2, "post root")
			after(2 * journalRetry)
			wantSaid(t, b2, "post root", "post root")
		})
	})
}

func TestStopSavesWhatIsUnderWay(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		s := newScripted(Alerts, nil)
		s.takes = 20 * time.Second
		b := newBench(&memory{}, Destination{Target: pager, Notifier: s})
		b.start()
		b.show(opened("one", rules.Error, pager))
		b.show(opened("two", rules.Error, pager))
		after(time.Second)
		b.stop()
		if n := len(b.journal.saved()); n != 2 || len(s.all()) != 2 {
			t.Errorf("%d receipts for %d attempts", n, len(s.all()))
		}
	})
}

func TestWhatWaitsForTheJournalIsBounded(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		b := newBench(&memory{})
		released := make(chan struct{})
		b.Delivery.journal.save(watchdog.Receipt{Op: "first"}, func() { close(released) })
		for range journalWaitingMax {
			b.Delivery.journal.save(watchdog.Receipt{Op: "more"}, nil)
		}
		<-released // what is let go holds nothing up
		if n := len(b.Delivery.journal.waiting); n != journalWaitingMax {
			t.Errorf("%d wait", n)
		}
	})
}

func TestRestore(t *testing.T) {
	for name, tc := range map[string]struct {
		target   rules.Target
		shape    Shape
		receipts []watchdog.Receipt
		resolved bool
		want     []string
		maybe    bool // of the first
	}{
		"nothing is known":         {pager, Alerts, nil, false, []string{"trigger p1"}, true},
		"the trigger was accepted": {pager, Alerts, []watchdog.Receipt{{Target: pager, Incident: "one", Op: "p1"}}, false, nil, false},
		"resolved, nothing known":  {pager, Alerts, nil, true, []string{"resolve p1/resolve"}, false},
		"all is done": {pager, Alerts, []watchdog.Receipt{
			{Target: pager, Incident: "one", Op: "p1"}, {Target: pager, Incident: "one", Op: "p1/resolve"},
		}, true, nil, false},
		"the root shows what is":             {slackA, Thread, []watchdog.Receipt{{Target: slackA, Incident: "one", Op: rootName, Ref: "C1/2", Revision: 2}}, false, nil, false},
		"the root shows less":                {slackA, Thread, []watchdog.Receipt{{Target: slackA, Incident: "one", Op: rootName, Ref: "C1/2", Revision: 1}}, false, []string{"update root"}, false},
		"the root shows more than was saved": {slackA, Thread, []watchdog.Receipt{{Target: slackA, Incident: "one", Op: rootName, Ref: "C1/2", Revision: 9}}, false, []string{"update root"}, false},
		"of another destination":             {slackA, Thread, []watchdog.Receipt{{Target: pager, Incident: "one", Op: "p1"}}, false, []string{"post root", "update root"}, true},
	} {
		t.Run(name, func(t *testing.T) {
			bubble.Test(t, func(t *testing.T) {
				s := newScripted(tc.shape, nil)
				l := opened("one", rules.Error, tc.target)
				if tc.resolved {
					l.resolve()
				}
				time.Sleep(time.Hour)
				b := newBench(&memory{}, Destination{Target: tc.target, Notifier: s})
				b.Restore([]*watchdog.Incident{l.picture()}, tc.receipts)
				b.start()
				synctest.Wait()
				wantSaid(t, s, tc.want...)
				if calls := s.all(); len(calls) > 0 && calls[0].op.MaybeSent != tc.maybe {
					t.Errorf("maybe sent: %v", calls[0].op.MaybeSent)
				}
				b.stop()
			})
		})
	}
}

// An acknowledgement that a pager accepted, and that a crash kept from being written
// down, is said once more: it is planned from the incident, not from what was tried.
func TestAnAckWithoutAReceiptIsSentAfterARestart(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		s := newScripted(Alerts, nil)
		l := opened("one", rules.Error, pager).ack()
		time.Sleep(time.Minute)
		b := newBench(&memory{}, Destination{Target: pager, Notifier: s})
		b.Restore([]*watchdog.Incident{l.picture()}, []watchdog.Receipt{{Target: pager, Incident: "one", Op: "p1"}})
		b.start()
		synctest.Wait()
		wantSaid(t, s, "ack p1/ack")
		b.stop()
	})
}
