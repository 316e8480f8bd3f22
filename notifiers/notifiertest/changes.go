package notifiertest

import (
	"context"
	"time"

	"github.com/feedwatch/feedwatch/notifiers"
	"github.com/feedwatch/feedwatch/rules"
	"github.com/feedwatch/feedwatch/watchdog/delivery"
)

// RuleChange is another rule set in force.
func RuleChange() *notifiers.RuleChange {
	return &notifiers.RuleChange{
		Install: "example", From: "aaaaaaaaaaaa", To: "bbbbbbbbbbbb", At: time.Date(2025, 11, 24, 9, 12, 0, 0, time.UTC),
		PageURL: "https://feedwatch.example.com", Changes: []rules.Change{{What: "feed profiles, rule everyone, stale_after", Was: "30m", Now: "45m"}},
	}
}

// Changer is what tells of rule changes as a notifier of the conformance suite.
type Changer struct{ Teller notifiers.ChangeTeller }

// Shape is that of single messages.
func (Changer) Shape() delivery.Shape { return delivery.Stream }

// Deliver tells of RuleChange.
func (c Changer) Deliver(ctx context.Context, _ delivery.Op) (string, error) {
	if err := c.Teller.TellChange(ctx, RuleChange()); err != nil {
		return "", err
	}
	return "told", nil
}
