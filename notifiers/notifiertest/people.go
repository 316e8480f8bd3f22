package notifiertest

import (
	"github.com/feedwatch/feedwatch/rules"
	"github.com/feedwatch/feedwatch/watchdog"
)

// Scenes of what people decide, and of what is held.

// Silenced is a silence over an incident that was paged for.
func Silenced() Scene {
	inc := Open().Incident
	hold(inc, "2025-11-24 00:31", watchdog.Hold{Kind: watchdog.HoldSilence, Name: "moving racks", By: "anna", Until: At("2025-11-24 02:00")})
	inc.Next = &watchdog.Next{At: inc.Hold.Until, Targets: []rules.Target{slackCDP}, Why: watchdog.ReasonHoldEnded}
	return Scene{"silenced", At("2025-11-24 00:31"), inc}
}

// InMaintenance is held before anybody was paged.
func InMaintenance() Scene {
	inc := OneCluster().Incident
	inc.Pages, inc.Events, inc.Ladder = nil, nil, watchdog.Ladder{}
	add(inc, "2025-11-24 00:05", watchdog.EventOpened, watchdog.Event{})
	hold(inc, "2025-11-24 00:05", watchdog.Hold{Kind: watchdog.HoldMaintenance, Name: "fsn1 weekly", Until: At("2025-11-24 04:05")})
	inc.Next = &watchdog.Next{At: inc.Hold.Until, Targets: []rules.Target{slackCDP}, Why: watchdog.ReasonOpened}
	return Scene{"in-maintenance", At("2025-11-24 00:05"), inc}
}

// DependsOn is held by a feed that it depends on, then let go, and paged for.
func DependsOn() Scene {
	inc := Open().Incident
	inc.Feed, inc.Loss = "segments", watchdog.Loss{}
	inc.Pages, inc.Events = nil, nil
	add(inc, "2025-11-24 00:05", watchdog.EventOpened, watchdog.Event{})
	hold(inc, "2025-11-24 00:05", watchdog.Hold{Kind: watchdog.HoldParent, Name: "external-profiles"})
	inc.Hold.Until = At("2025-11-24 00:55")
	inc.Next = &watchdog.Next{At: inc.Hold.Until, Targets: []rules.Target{slackCDP}, Why: watchdog.ReasonOpened}
	return Scene{"depends-on", At("2025-11-24 00:50"), inc}
}

func hold(inc *watchdog.Incident, at string, h watchdog.Hold) {
	h.Since = At(at)
	inc.Hold = &h
	add(inc, at, watchdog.EventHeld, watchdog.Event{Who: h.By, Until: h.Until, Note: h.Name})
}

// Snoozed is a person's word that it can wait.
func Snoozed() Scene {
	inc := Open().Incident
	addPage(inc, "2025-11-24 00:10", watchdog.ReasonStep, pagerCDP)
	decided(inc, "2025-11-24 00:12", watchdog.EventSnoozed, watchdog.AckSnoozed, "anna", "2025-11-24 01:12", watchdog.ReasonSnoozeOver)
	return Scene{"snoozed", At("2025-11-24 00:12"), inc}
}

// HandedOver is an acknowledgement that another person took over.
func HandedOver() Scene {
	inc := Acknowledged().Incident
	inc.Ack.By = "bo"
	add(inc, "2025-11-24 00:20", watchdog.EventHandedOver, watchdog.Event{Who: "anna", Note: "bo", Until: inc.Ack.Until})
	return Scene{"handed-over", At("2025-11-24 00:20"), inc}
}

// ResolvedEarly is a person's resolve while it is still silent.
func ResolvedEarly() Scene {
	inc := Snoozed().Incident
	decided(inc, "2025-11-24 00:40", watchdog.EventResolvedEarly, watchdog.AckResolved, "bo", "2025-11-24 01:10", watchdog.ReasonNotOver)
	inc.Events[len(inc.Events)-1].Note = "restarted it"
	return Scene{"resolved-early", At("2025-11-24 00:40"), inc}
}

func decided(inc *watchdog.Incident, at string, what watchdog.EventKind, kind watchdog.AckKind, by, until string, why watchdog.Reason) {
	inc.State = watchdog.StateAcknowledged
	inc.Ack = &watchdog.Ack{Kind: kind, By: by, At: At(at), Until: At(until), Silent: inc.Scope.Silent}
	inc.Next = &watchdog.Next{At: At(until), Targets: []rules.Target{slackCDP, pagerCDP}, Why: why}
	add(inc, at, what, watchdog.Event{Who: by, Until: At(until)})
}

// NotOver is every page for what was put off too long, the last over a silence.
func NotOver() Scene {
	inc := Snoozed().Incident
	addPage(inc, "2025-11-24 01:12", watchdog.ReasonSnoozeOver, slackCDP, pagerCDP)
	decided(inc, "2025-11-24 01:20", watchdog.EventResolvedEarly, watchdog.AckResolved, "bo", "2025-11-24 01:50", watchdog.ReasonNotOver)
	inc.State, inc.Ack = watchdog.StateOpen, nil
	addPage(inc, "2025-11-24 01:50", watchdog.ReasonNotOver, slackCDP, pagerCDP)
	hold(inc, "2025-11-24 02:00", watchdog.Hold{Kind: watchdog.HoldSilence, Name: "at it!", By: "anna", Until: At("2025-11-24 06:00")})
	inc.Hold = nil
	add(inc, "2025-11-24 06:00", watchdog.EventReleased, watchdog.Event{Note: "at it!"})
	addPage(inc, "2025-11-24 06:00", watchdog.ReasonHoldEnded, slackCDP, pagerCDP)
	hold(inc, "2025-11-24 06:10", watchdog.Hold{Kind: watchdog.HoldSilence, Name: "still at it", By: "anna", Until: At("2025-12-01 06:00")})
	addPage(inc, "2025-11-29 00:00", watchdog.ReasonLossNear, pagerInfo)
	inc.Next = &watchdog.Next{At: At("2025-12-01 00:00"), Targets: []rules.Target{slackCDP, pagerCDP, pagerInfo}, Why: watchdog.ReasonLossBegun}
	return Scene{"not-over", At("2025-11-29 00:00"), inc}
}

// LossAccepted is a loss clock that a person ended.
func LossAccepted() Scene {
	inc := Acknowledged().Incident
	inc.Loss.Accepted = &watchdog.Accepted{By: "anna", At: At("2025-11-24 00:30"), Reason: "test data"}
	add(inc, "2025-11-24 00:30", watchdog.EventLossAccepted, watchdog.Event{Who: "anna", Note: "test data"})
	return Scene{"loss-accepted", At("2025-11-24 00:30"), inc}
}
