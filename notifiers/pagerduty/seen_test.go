package pagerduty_test

import (
	"errors"
	"net/http"
	"testing"

	"github.com/feedwatch/feedwatch/notifiers/notifiertest"
	"github.com/feedwatch/feedwatch/watchdog/delivery"
)

// TestSeenBack: an incident is seen by its key, whatever became of it, and not where
// a maintenance window swallowed it.
func TestSeenBack(t *testing.T) {
	s := newServer(t)
	n, r := newNotifier(t, s.URL()), newReader(t, s.URL())
	op := notifiertest.Drill().Op(delivery.Trigger, target)
	seen := func(key string) bool {
		t.Helper()
		ok, err := r.SeenBack(t.Context(), key, op.ID())
		if err != nil {
			t.Fatal(err)
		}
		return ok
	}
	s.Maintain(true)
	key, err := n.Deliver(t.Context(), op)
	if err != nil {
		t.Fatal(err)
	}
	if seen(key) {
		t.Error("an incident that was swallowed was seen")
	}
	s.Maintain(false)
	if _, err := n.Deliver(t.Context(), op); err != nil {
		t.Fatal(err)
	}
	if !seen(key) || seen(key+"0") {
		t.Error("an incident that is there was not seen, or one that is not was")
	}
	s.Decide(key, "resolved", "Anna")
	if !seen(key) {
		t.Error("an incident that somebody resolved was not seen")
	}
	s.Fail(notifiertest.Answer(http.StatusUnauthorized, "{}"))
	_, err = r.SeenBack(t.Context(), key, op.ID())
	var failed *delivery.Error
	if !errors.As(err, &failed) || failed.Class != delivery.Refused {
		t.Errorf("with a token that is none: %v", err)
	}
}
