package notifiers_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/feedwatch/feedwatch/notifiers"
	"github.com/feedwatch/feedwatch/rules"
	"github.com/feedwatch/feedwatch/watchdog/bubble"
	"github.com/feedwatch/feedwatch/watchdog/delivery"
	"github.com/feedwatch/feedwatch/watchdog/said"
)

// listener is told of changes, and answers with what it has; wants asks what it was
// told since it was asked last.
type listener struct {
	begun time.Time

	mu      sync.Mutex
	answers []error
	told    []string // "a>b at 1m0s: what changed"
}

func (l *listener) TellChange(_ context.Context, c *notifiers.RuleChange) error {
	var what []string
	for _, one := range c.Changes {
		what = append(what, one.What)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.told = append(l.told, c.From+">"+c.To+" at "+time.Since(l.begun).String()+": "+strings.Join(what, ", "))
	if len(l.answers) == 0 {
		return nil
	}
	err := l.answers[0]
	l.answers = l.answers[1:]
	return err
}

func (l *listener) answering(errs ...error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.answers = errs
}

func changed(from, to, what string) *notifiers.RuleChange {
	return &notifiers.RuleChange{From: from, To: to, Changes: []rules.Change{{What: what, Now: "1"}}}
}

// telling runs Changes of a listener.
func telling(t *testing.T, every time.Duration, during func(*listener, *notifiers.Changes)) {
	bubble.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		l := &listener{begun: time.Now()}
		c := notifiers.NewChanges(rules.Target{Kind: "slack", Name: "a"}, l, every, said.Log())
		ended := make(chan error)
		go func() { ended <- c.Run(ctx) }()
		during(l, c)
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		for range 100 { // nobody takes them any more: it does not block
			c.Add(changed("x", "y", "z"))
		}
	})
}

func (l *listener) wants(t *testing.T, want ...string) {
	t.Helper()
	synctest.Wait()
	l.mu.Lock()
	defer l.mu.Unlock()
	if got := strings.Join(l.told, "\n"); got != strings.Join(want, "\n") {
		t.Errorf("told\n%s\nwant\n%s", got, strings.Join(want, "\n"))
	}
	l.told = nil
}

// TestChangesAreGathered: at most one message a minute, and none is forgotten.
func TestChangesAreGathered(t *testing.T) {
	telling(t, time.Minute, func(l *listener, c *notifiers.Changes) {
		c.Add(changed("a", "b", "one"))
		l.wants(t, "a>b at 0s: one")
		c.Add(changed("b", "c", "two"))
		time.Sleep(30 * time.Second)
		c.Add(changed("c", "d", "three"))
		l.wants(t)
		time.Sleep(time.Hour)
		l.wants(t, "b>d at 1m0s: two, three")
	})
}

func TestChangesEach(t *testing.T) {
	telling(t, 0, func(l *listener, c *notifiers.Changes) {
		c.Add(changed("a", "b", "one"))
		c.Add(changed("b", "c", "two"))
		l.wants(t, "a>b at 0s: one", "b>c at 0s: two")
	})
}

// TestChangesAreTriedAgain: until one is told, and not for ever.
func TestChangesAreTriedAgain(t *testing.T) {
	telling(t, 0, func(l *listener, c *notifiers.Changes) {
		down := errors.New("connection refused")
		l.answering(&delivery.Error{Class: delivery.Refused, Err: errors.New("no")})
		c.Add(changed("a", "b", "one"))
		time.Sleep(time.Hour)
		l.wants(t, "a>b at 0s: one") // given up
		l.answering(down, &delivery.Error{Class: delivery.RateLimited, RetryAfter: 3 * time.Minute, Err: errors.New("later")})
		c.Add(changed("b", "c", "two"))
		time.Sleep(time.Hour)
		l.wants(t, "b>c at 1h0m0s: two", "b>c at 1h1m0s: two", "b>c at 1h4m0s: two")
		l.answering(down, down, down, down, down, down, down)
		c.Add(changed("c", "d", "three"))
		time.Sleep(time.Hour)
		l.wants(t, "c>d at 2h0m0s: three", "c>d at 2h1m0s: three", "c>d at 2h2m0s: three", "c>d at 2h3m0s: three", "c>d at 2h4m0s: three")
	})
}
