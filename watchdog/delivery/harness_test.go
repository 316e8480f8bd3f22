package delivery

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/feedwatch/feedwatch/rules"
	"github.com/feedwatch/feedwatch/watchdog"
	"github.com/feedwatch/feedwatch/watchdog/feed"
)

var (
	slackA = rules.Target{Kind: "slack", Name: "a"}
	slackB = rules.Target{Kind: "slack", Name: "b"}
	pager  = rules.Target{Kind: "pagerduty", Name: "cdp"}
	hook   = rules.Target{Kind: "webhook", Name: "x"}
)

// call is one attempt as a notifier saw it.
type call struct {
	op Op
	at time.Duration // since the test began
}

// scripted is a notifier that answers as told, and remembers every attempt.
type scripted struct {
	shape  Shape
	answer func(op Op, n int) error // n: attempts so far, from 1; nil accepts all
	takes  time.Duration
	begun  time.Time

	mu     sync.Mutex
	calls  []call
	flying map[string]int // by incident
	wrong  []string
}

func newScripted(shape Shape, answer func(op Op, n int) error) *scripted {
	return &scripted{shape: shape, answer: answer, begun: time.Now(), flying: map[string]int{}}
}

func (s *scripted) Shape() Shape { return s.shape }

func (s *scripted) Deliver(ctx context.Context, op Op) (string, error) {
	s.mu.Lock()
	s.calls = append(s.calls, call{op, time.Since(s.begun)})
	n := len(s.calls)
	s.flying[op.Incident.ID]++
	if s.flying[op.Incident.ID] > 1 {
		s.wrong = append(s.wrong, "two attempts at once for "+op.ID())
	}
	s.mu.Unlock()
	if s.takes > 0 {
		time.Sleep(s.takes)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.flying[op.Incident.ID]--
	if s.answer != nil {
		if err := s.answer(op, n); err != nil {
			return "", err
		}
	}
	return "ref-" + op.Name, ctx.Err()
}

// said is the attempts as "kind name".
func (s *scripted) said() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := []string{}
	for _, c := range s.calls {
		all = append(all, kindWords[c.op.Kind]+" "+c.op.Name)
	}
	return all
}

func (s *scripted) all() []call {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]call(nil), s.calls...)
}

var kindWords = [...]string{"", "post", "update", "reply", "trigger", "ack", "resolve", "tell"}

func failing(c Class) error { return &Error{Class: c, Err: errors.New("scripted")} }

// failFirst fails the first n attempts with class c.
func failFirst(n int, c Class) func(Op, int) error {
	return func(_ Op, i int) error {
		if i <= n {
			return failing(c)
		}
		return nil
	}
}

func always(c Class) func(Op, int) error { return func(Op, int) error { return failing(c) } }

// memory is a journal that may fail.
type memory struct {
	mu       sync.Mutex
	err      error
	receipts []watchdog.Receipt
}

func (m *memory) SaveReceipt(_ context.Context, r watchdog.Receipt) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.err != nil {
		return m.err
	}
	m.receipts = append(m.receipts, r)
	return nil
}

func (m *memory) fail(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.err = err
}

func (m *memory) saved() []watchdog.Receipt {
	m.mu.Lock()
	defer m.mu.Unlock()
	return append([]watchdog.Receipt(nil), m.receipts...)
}

// bench is a Delivery that runs in virtual time.
type bench struct {
	*Delivery
	journal *memory
	stop    func()
}

func newBench(journal *memory, dests ...Destination) *bench {
	d := New(Config{
		Destinations: dests, Journal: journal, Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
		Registerer: prometheus.NewRegistry(), Rand: rand.New(rand.NewPCG(1, 2)), Now: time.Now,
	})
	return &bench{Delivery: d, journal: journal}
}

func (b *bench) start() {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		_ = b.Run(ctx)
		close(ended)
	}()
	b.stop = func() {
		cancel()
		<-ended
	}
}

// in runs a test in virtual time against the destinations, and checks at the end
// that no notifier saw two attempts of one incident at once.
func in(t *testing.T, dests []Destination, test func(t *testing.T, b *bench)) {
	t.Helper()
	b := newBench(&memory{}, dests...)
	b.start()
	test(t, b)
	b.stop()
	for _, d := range dests {
		if s, ok := d.Notifier.(*scripted); ok && len(s.wrong) > 0 {
			t.Errorf("%s: %v", d.Target, s.wrong)
		}
	}
}

func after(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// life builds the pictures of one incident.
type life struct{ now watchdog.Incident }

func opened(id string, severity rules.Severity, targets ...rules.Target) *life {
	l := &life{watchdog.Incident{
		ID: id, Key: "fw/test/feed/" + id, State: watchdog.StateOpen, Severity: severity, Opened: feed.At(time.Now()),
	}}
	l.event(watchdog.EventOpened, 0)
	return l.page(targets...)
}

func (l *life) event(kind watchdog.EventKind, page int) *life {
	l.now.Events = append(l.now.Events, watchdog.Event{
		N: len(l.now.Events) + 1, At: feed.At(time.Now()), Kind: kind, Page: page,
	})
	l.now.Revision++
	return l
}

func (l *life) page(targets ...rules.Target) *life {
	n := len(l.now.Pages) + 1
	l.now.Pages = append(l.now.Pages, watchdog.Page{N: n, At: feed.At(time.Now()), Targets: targets})
	return l.event(watchdog.EventPaged, n)
}

func (l *life) ack() *life {
	l.now.State = watchdog.StateAcknowledged
	l.now.Ack = &watchdog.Ack{By: "ida", At: feed.At(time.Now())}
	return l.event(watchdog.EventAcknowledged, 0)
}

func (l *life) resolve() *life {
	l.now.State = watchdog.StateResolved
	return l.event(watchdog.EventResolved, 0)
}

// picture is the incident now, apart from what becomes of it later.
func (l *life) picture() *watchdog.Incident {
	inc := l.now
	inc.Pages = append([]watchdog.Page(nil), l.now.Pages...)
	inc.Events = append([]watchdog.Event(nil), l.now.Events...)
	return &inc
}

func (b *bench) show(l *life) { b.Apply([]*watchdog.Incident{l.picture()}, true) }
