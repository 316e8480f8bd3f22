package notifiertest

import (
	"github.com/feedwatch/feedwatch/rules"
	"github.com/feedwatch/feedwatch/watchdog"
)

// Drill is one that asks nobody for anything.
func Drill() Scene {
	at := At("2025-11-24 10:00")
	targets := []rules.Target{slackCDP, pagerCDP, {Kind: "webhook", Name: "tickets"}}
	drill := &watchdog.Drill{Escalations: []string{"cdp-on-call", "consent"}, By: "the schedule", Until: At("2025-11-24 10:02")}
	for _, t := range targets {
		drill.Notifiers = append(drill.Notifiers, watchdog.DrillResult{Notifier: t, State: watchdog.DrillWaiting, At: at})
	}
	inc := &watchdog.Incident{
		ID: "1763978400000-0dd12111", Key: "fw/prod/feedwatch/1763978400000-0dd12111", Feed: watchdog.SelfFeed, Cause: watchdog.CauseDrill,
		Opened: at, Seen: at, Since: at, Anchor: "drill", State: watchdog.StateOpen, Severity: rules.Info, Drill: drill,
		Pages: []watchdog.Page{{N: 1, At: at, Reason: watchdog.ReasonOpened, Targets: targets}},
	}
	add(inc, "2025-11-24 10:00", watchdog.EventOpened, watchdog.Event{})
	add(inc, "2025-11-24 10:00", watchdog.EventPaged, watchdog.Event{Page: 1})
	return Scene{"drill", at, inc}
}

// DrillAsks is one that asks a person.
func DrillAsks() Scene {
	s := Drill()
	s.Name, s.Incident.Severity = "drill-asks", rules.Error
	d := s.Incident.Drill
	d.Escalations, d.By, d.Human, d.Until = []string{"cdp-on-call"}, "anna", true, At("2025-11-24 10:15")
	return s
}

// DrillAnswered is one that somebody acknowledged.
func DrillAnswered() Scene {
	inc := DrillAsks().Incident
	inc.State, inc.Ack = watchdog.StateAcknowledged, &watchdog.Ack{By: "bo", At: At("2025-11-24 10:03"), Until: At("2025-11-24 14:03")}
	add(inc, "2025-11-24 10:03", watchdog.EventAcknowledged, watchdog.Event{Who: "bo"})
	return Scene{"drill-answered", At("2025-11-24 10:03"), inc}
}

// DrillFailed is the end of one that went wrong in every way.
func DrillFailed() Scene {
	inc := DrillAsks().Incident
	now := At("2025-11-24 10:15")
	d := inc.Drill
	d.Over, d.Failed = true, "nobody acknowledged within 15 min"
	d.Notifiers[0].State, d.Notifiers[0].At = watchdog.DrillSeen, At("2025-11-24 10:00:02")
	d.Notifiers[1].State, d.Notifiers[1].At = watchdog.DrillFailed, At("2025-11-24 10:02")
	d.Notifiers[1].Why, d.Notifiers[1].Mend = "accepted, but not seen there within 2 min", "look for a maintenance window of the service"
	d.Notifiers[2].State, d.Notifiers[2].At = watchdog.DrillUnseen, At("2025-11-24 10:00:01")
	inc.State, inc.Resolved = watchdog.StateResolved, now
	add(inc, "2025-11-24 10:15", watchdog.EventResolved, watchdog.Event{})
	return Scene{"drill-failed", now, inc}
}

// FoundByDrill is a notifier that takes what it is sent, and shows none of it.
func FoundByDrill() Scene {
	s := Unheard()
	s.Name = "found-by-drill"
	s.Incident.Failure, s.Incident.FoundBy = "A drill did not get through: accepted, but not seen there within 2 min", "1763978400000-0dd12111"
	return s
}
