package slack_test

import (
	"errors"
	"testing"

	"github.com/feedwatch/feedwatch/notifiers/notifiertest"
	"github.com/feedwatch/feedwatch/watchdog/delivery"
)

// TestSeenBack: a message is seen while it is there, and is the one of that op.
func TestSeenBack(t *testing.T) {
	s := newServer(t)
	n := newNotifier(t, s.URL())
	op := notifiertest.Drill().Op(delivery.Post, target)
	deliver(t, n, notifiertest.Open().Op(delivery.Post, target))
	ref := deliver(t, n, op)
	deliver(t, n, notifiertest.OneCluster().Op(delivery.Post, target))
	seen := func(ref, id string) bool {
		t.Helper()
		ok, err := n.SeenBack(t.Context(), ref, id)
		if err != nil {
			t.Fatal(err)
		}
		return ok
	}
	if !seen(ref, op.ID()) {
		t.Error("a message that is there was not seen")
	}
	if seen(ref, "fw/prod/other/root") || seen(channel+"/1.000001", op.ID()) {
		t.Error("another message was taken for it")
	}
	s.Delete(channel, timestamp(ref))
	if seen(ref, op.ID()) {
		t.Error("a message that was removed was seen")
	}
	s.Scopes("chat:write")
	_, err := n.SeenBack(t.Context(), ref, op.ID())
	var failed *delivery.Error
	if !errors.As(err, &failed) || failed.Class != delivery.Refused {
		t.Errorf("without the scope: %v", err)
	}
	if _, err := n.SeenBack(t.Context(), "nonsense", op.ID()); err == nil {
		t.Error("a reference that is none was taken")
	}
}
