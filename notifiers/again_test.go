package notifiers_test

import (
	"testing"
	"time"

	"github.com/feedwatch/feedwatch/notifiers"
	"github.com/feedwatch/feedwatch/notifiers/notifiertest"
)

func TestAgain(t *testing.T) {
	first := time.Date(2025, 11, 24, 1, 35, 0, 0, time.UTC)
	for _, c := range []struct {
		last time.Time
		more int
		want string
	}{
		{first.Add(118 * time.Hour), 118, "and again every 1 h, 118 times, until 28 Nov 2025 23:35 UTC"},
		{first.Add(10 * time.Second), 1, "and again every 10 s, once, until 24 Nov 2025 01:35:10 UTC"},
		{first.Add(time.Hour + 200*time.Millisecond), 2, "and again every 30 min, 2 times, until 24 Nov 2025 02:35 UTC"},
	} {
		if got := notifiers.Again(first, c.last, c.more); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}

func TestForWhomAndWhere(t *testing.T) {
	for _, c := range []struct {
		scene       notifiertest.Scene
		whom, where string
	}{
		{notifiertest.Open(), "all 1,248 clients", "every cluster (3)"},
		{notifiertest.Resolved(), "all 1,248 clients", "every cluster (3)"},
		{notifiertest.OneCluster(), "312 of 1,248 clients: cluster fsn1", "cluster fsn1"},
		{notifiertest.ResolvedWithoutLoss(), "1 of 1,248 clients: acme", ""},
		{notifiertest.NeverSeen(), "", ""},
	} {
		if _, whom := notifiers.Affected(c.scene.Incident); whom != c.whom {
			t.Errorf("%s: for %q, want %q", c.scene.Name, whom, c.whom)
		}
		if where := notifiers.Where(c.scene.Incident); where != c.where {
			t.Errorf("%s: on %q, want %q", c.scene.Name, where, c.where)
		}
	}
}
