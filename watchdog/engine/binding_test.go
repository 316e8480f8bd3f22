package engine

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/feedwatch/feedwatch/rules"
	"github.com/feedwatch/feedwatch/watchdog"
	"github.com/feedwatch/feedwatch/watchdog/bubble"
	"github.com/feedwatch/feedwatch/watchdog/feed"
)

func manyFeeds(t *testing.T, staleAfter string) *rules.Set {
	t.Helper()
	head, rest, _ := strings.Cut(testRules, "profiles")
	one, ladders, _ := strings.Cut(head+"profiles"+rest, "escalations:")
	one = strings.TrimPrefix(strings.TrimSpace(one), "feeds:")
	text := "feeds:\n"
	for n := range 3 {
		text += strings.Replace(one, "profiles", fmt.Sprint("profiles-", n), 1) + "\n"
	}
	set, err := rules.Parse([]rules.File{{Name: "r.yaml", Data: []byte(strings.Replace(text, "1m", staleAfter, 1) + "escalations:" + ladders)}})
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// Heartbeats do not wait for new rules to reach every feed; who put them in force does.
func TestNewRulesAreAnsweredOnceTheyGovernEveryFeed(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		m := &memory{saved: map[string]uint64{}}
		e, err := New(t.Context(), Config{
			Install: "test", Store: m, Archive: m, Delivery: m, Log: slog.New(slog.DiscardHandler),
			Registerer: prometheus.NewRegistry(), Now: time.Now, BindRowsMax: 1,
			HeardThrough: func(now time.Time) time.Time { return now },
		}, &watchdog.Saved{})
		if err != nil {
			t.Fatal(err)
		}
		e.begin(manyFeeds(t, "1m"), feed.At(time.Now()), nil)
		if e.machine.Binding() {
			t.Fatal("the first rules do not govern every feed when the watch begins")
		}
		used, heard := make(chan error, 1), make(chan struct{})
		go func() { used <- e.UseRules(t.Context(), manyFeeds(t, "2m"), nil) }()
		synctest.Wait()
		turns := 0
		e.Drive()
		go func() {
			beat(t, e, "acme")
			close(heard)
		}()
		synctest.Wait()
		for ; e.machine.Binding(); turns++ {
			synctest.Wait()
			if len(used) > 0 {
				t.Fatal("answered before the rules govern every feed")
			}
			if next := e.Drive(); turns == 0 && time.Until(next) > 10*time.Millisecond {
				t.Errorf("the next turn is to come in %s", time.Until(next))
			}
			if turns == 0 {
				<-heard
			}
		}
		if err := <-used; err != nil || turns < 2 {
			t.Errorf("in force after %d turns: %v", turns, err)
		}
	})
}
