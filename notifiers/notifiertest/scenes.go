package notifiertest

import (
	"strconv"
	"time"

	"github.com/feedwatch/feedwatch/rules"
	"github.com/feedwatch/feedwatch/watchdog"
	"github.com/feedwatch/feedwatch/watchdog/delivery"
	"github.com/feedwatch/feedwatch/watchdog/feed"
)

// Scene is an incident as it was at one time.
type Scene struct {
	Name     string
	Now      feed.Instant
	Incident *watchdog.Incident
}

// The destinations of the scenes.
var (
	slackCDP  = rules.Target{Kind: "slack", Name: "cdp-alerts"}
	pagerCDP  = rules.Target{Kind: "pagerduty", Name: "cdp"}
	pagerInfo = rules.Target{Kind: "pagerduty", Name: "infrastructure"}
)

// At reads "2025-11-24 00:05" or with seconds, in UTC. It panics on anything
// else: scenes are written by hand.
func At(s string) feed.Instant {
	layout := "2006-01-02 15:04"
	if len(s) > len(layout) {
		layout += ":05"
	}
	t, err := time.Parse(layout, s)
	if err != nil {
		panic(err)
	}
	return feed.At(t)
}

const day = 24 * time.Hour

// opened is the incident that feedwatch exists for, five minutes in.
func opened() *watchdog.Incident {
	scope := watchdog.Scope{
		Silent: 1248, Of: 1248, Spread: []string{"cluster=3"},
		Oldest: []watchdog.Example{{Client: "acme", Last: At("2025-11-23 23:41")}, {Client: "globex", Last: At("2025-11-23 23:52")}},
	}
	return &watchdog.Incident{
		ID: "1763942700000-5f3a9c", Key: "fw/prod/external-profiles/1763942700000-5f3a9c",
		Feed: "external-profiles", Cause: watchdog.CauseSilent, Opened: At("2025-11-24 00:05"), Seen: At("2025-11-24 00:05"),
		Anchor: "the whole feed", Revision: 1, State: watchdog.StateOpen, Severity: rules.Critical,
		Rule: "whole-feed", Allowed: 5 * time.Minute, Escalation: "cdp-on-call",
		Runbook: "https://wiki.example.com/runbooks/external-profiles", Owner: "cdp-team",
		Scope: scope, Worst: scope, Since: At("2025-11-24 00:00"),
		Loss:   watchdog.Loss{Retention: 7 * day, Start: At("2025-11-24 00:00"), Begins: At("2025-12-01 00:00")},
		Ladder: watchdog.Ladder{Step: 1, PagedFor: 1248, PagedAs: rules.Critical, Engaged: []rules.Target{slackCDP}},
		Next:   &watchdog.Next{At: At("2025-11-24 00:10"), Targets: []rules.Target{pagerCDP}, Why: watchdog.ReasonStep},
		Pages: []watchdog.Page{
			{N: 1, At: At("2025-11-24 00:05"), Reason: watchdog.ReasonOpened, Step: 1, Targets: []rules.Target{slackCDP}, Scope: "all clients"},
		},
		Events: []watchdog.Event{
			event(1, "2025-11-24 00:05", watchdog.EventOpened, scope, watchdog.Event{}),
			event(2, "2025-11-24 00:05", watchdog.EventPaged, scope, watchdog.Event{Page: 1}),
		},
	}
}

func event(n int, at string, kind watchdog.EventKind, s watchdog.Scope, more watchdog.Event) watchdog.Event {
	s.Same, s.Oldest, s.StillArrive, s.Spread = nil, nil, nil, nil
	more.N, more.At, more.Kind, more.Scope = n, At(at), kind, s
	return more
}

// add appends an event of now.
func add(inc *watchdog.Incident, at string, kind watchdog.EventKind, more watchdog.Event) {
	inc.Events = append(inc.Events, event(len(inc.Events)+1, at, kind, inc.Scope, more))
	inc.Revision++
}

// page appends a page and its event.
func addPage(inc *watchdog.Incident, at string, why watchdog.Reason, targets ...rules.Target) {
	n := len(inc.Pages) + 1
	inc.Pages = append(inc.Pages, watchdog.Page{N: n, At: At(at), Reason: why, Targets: targets, Scope: inc.Scope.String()})
	add(inc, at, watchdog.EventPaged, watchdog.Event{Page: n})
}

// Open is the whole feed silent, five minutes in: the first page.
func Open() Scene { return Scene{"open", At("2025-11-24 00:05"), opened()} }

// Acknowledged is the same after a second page and a person's word.
func Acknowledged() Scene {
	inc := opened()
	addPage(inc, "2025-11-24 00:10", watchdog.ReasonStep, pagerCDP)
	add(inc, "2025-11-24 00:12", watchdog.EventAcknowledged, watchdog.Event{Who: "@on-call", Until: At("2025-11-24 04:12")})
	inc.State = watchdog.StateAcknowledged
	inc.Ack = &watchdog.Ack{By: "@on-call", At: At("2025-11-24 00:12"), Until: At("2025-11-24 04:12"), Silent: 1248}
	inc.Next = &watchdog.Next{At: At("2025-11-24 04:12"), Targets: []rules.Target{pagerCDP}, Why: watchdog.ReasonAckExpired}
	return Scene{"acknowledged", At("2025-11-24 00:12"), inc}
}

// Losing is nine days later, nobody having acted, with every reason to page told.
func Losing() Scene {
	inc := Acknowledged().Incident
	inc.State, inc.Ack = watchdog.StateOpen, nil
	addPage(inc, "2025-11-24 04:12", watchdog.ReasonAckExpired, slackCDP, pagerCDP)
	addPage(inc, "2025-11-24 05:12", watchdog.ReasonRepeat, pagerInfo)
	addPage(inc, "2025-11-29 00:00", watchdog.ReasonLossNear, pagerInfo, slackCDP)
	add(inc, "2025-12-01 00:00", watchdog.EventLossBegun, watchdog.Event{})
	addPage(inc, "2025-12-01 00:00", watchdog.ReasonLossBegun, slackCDP, pagerCDP, pagerInfo)
	inc.Next = &watchdog.Next{At: At("2025-12-03 17:12"), Targets: []rules.Target{pagerInfo}, Why: watchdog.ReasonRepeat}
	inc.Linked = []watchdog.Link{{ID: "1", Feed: "consent", Silent: 12, Of: 12}, {ID: "2", Feed: "segments", Silent: 3, Of: 3}, {ID: "3", Feed: "new-feed"}}
	inc.LinkedMore = 1
	return Scene{"losing", At("2025-12-03 17:00"), inc}
}

// CatchingUp is after the restart: updates arrive again, days behind.
func CatchingUp() Scene {
	inc := Losing().Incident
	inc.State, inc.Next = watchdog.StateRecovering, nil
	inc.Loss.Begins = 0
	inc.Loss.FirstAgain, inc.Loss.EventAgain = At("2025-12-03 18:00"), At("2025-11-26 18:00")
	inc.Loss.LostFrom, inc.Loss.LostTo = At("2025-11-24 00:00"), At("2025-11-26 18:00")
	inc.Scope.Silent = 0
	inc.CatchUp = &watchdog.CatchUp{
		Event: At("2025-11-26 20:30"), Lag: 6*day + 21*time.Hour + 45*time.Minute, Speed: 10,
		From: At("2025-12-04 11:20"), To: At("2025-12-04 14:00"),
	}
	add(inc, "2025-12-03 18:00", watchdog.EventResumed, watchdog.Event{})
	add(inc, "2025-12-03 18:15", watchdog.EventCatchUp, watchdog.Event{From: At("2025-12-04 11:20"), Until: At("2025-12-04 14:00")})
	return Scene{"catching-up", At("2025-12-03 18:15"), inc}
}

// Holding is current again, and not yet believed.
func Holding() Scene {
	inc := CatchingUp().Incident
	inc.CatchUp, inc.WellSince = nil, At("2025-12-04 12:30")
	add(inc, "2025-12-04 12:30", watchdog.EventWell, watchdog.Event{})
	return Scene{"holding", At("2025-12-04 12:31"), inc}
}

// Resolved is the end, with what was lost.
func Resolved() Scene {
	inc := Holding().Incident
	inc.State, inc.Resolved, inc.ResolvedBy = watchdog.StateResolved, At("2025-12-04 12:35"), "feedwatch"
	add(inc, "2025-12-04 12:35", watchdog.EventResolved, watchdog.Event{From: inc.Loss.LostFrom, Until: inc.Loss.LostTo})
	return Scene{"resolved-with-loss", At("2025-12-04 12:35"), inc}
}

// OneCluster is a part of the clients, then all.
func OneCluster() Scene {
	inc := opened()
	inc.Rule, inc.Since = "enterprise", At("2025-11-24 00:00")
	inc.Scope = watchdog.Scope{
		Labels: labels("cluster", "fsn1"), Silent: 312, Of: 318, ElsewhereOf: 930,
		Same:        []feed.Labels{labels("provider", "hetzner", "zone", "fsn1-dc14")},
		Oldest:      []watchdog.Example{{Client: "acme", Last: At("2025-11-23 23:41")}, {Client: "globex", Last: At("2025-11-23 23:52")}, {Client: "never-seen"}},
		StillArrive: []string{"initech", "umbrella", "hooli", "vehement", "massive"},
	}
	inc.Worst, inc.Events, inc.Revision = inc.Scope, nil, 0
	add(inc, "2025-11-24 00:05", watchdog.EventOpened, watchdog.Event{})
	add(inc, "2025-11-24 00:05", watchdog.EventPaged, watchdog.Event{Page: 1})
	return Scene{"one-cluster", At("2025-11-24 00:05"), inc}
}

// labels are label names and values by turns. It panics on bad ones: scenes are
// written by hand.
func labels(pairs ...string) feed.Labels {
	m := map[string]string{}
	for i := 0; i < len(pairs); i += 2 {
		m[pairs[i]] = pairs[i+1]
	}
	parsed, err := feed.ParseLabels(m)
	if err != nil {
		panic(err)
	}
	return parsed
}

// TwoLabels is a part of the clients that takes two labels to say.
func TwoLabels() Scene {
	inc := OneCluster().Incident
	inc.Scope.Labels = labels("cluster", "fsn1", "tier", "pro")
	inc.Scope.Same = []feed.Labels{labels("tier", "pro", "zone", "fsn1-dc14"), labels("pool", "17")}
	inc.Scope.Silent, inc.Scope.Of, inc.Scope.ElsewhereSilent, inc.Scope.ElsewhereOf = 41, 41, 3, 1207
	inc.Scope.StillArrive = nil
	inc.Events, inc.Revision = nil, 0
	add(inc, "2025-11-24 00:05", watchdog.EventOpened, watchdog.Event{})
	add(inc, "2025-11-24 00:05", watchdog.EventPaged, watchdog.Event{Page: 1})
	return Scene{"two-labels", At("2025-11-24 00:05"), inc}
}

// Grown is OneCluster after it took the whole feed.
func Grown() Scene {
	inc := OneCluster().Incident
	inc.Scope, inc.Worst = opened().Scope, opened().Scope
	add(inc, "2025-11-24 00:31", watchdog.EventScope, watchdog.Event{Was: 312})
	inc.Newest = At("2025-11-24 00:26")
	addPage(inc, "2025-11-24 00:31", watchdog.ReasonGrew, slackCDP)
	add(inc, "2025-11-24 00:40", watchdog.EventRule, watchdog.Event{Note: "whole-feed"})
	inc.Rule, inc.Next.At = "whole-feed", At("2025-11-24 00:45")
	return Scene{"grown", At("2025-11-24 00:40"), inc}
}

// OneClient is a single client, and a short outage without loss.
func OneClient() Scene {
	inc := opened()
	inc.Rule, inc.Severity = "everyone-else", rules.Error
	inc.Allowed, inc.Since = 30*time.Minute, At("2025-11-23 23:35")
	inc.Scope = watchdog.Scope{Silent: 1, Of: 1248, Oldest: []watchdog.Example{{Client: "acme", Last: At("2025-11-23 23:35")}}}
	inc.Loss.Start, inc.Loss.Begins = At("2025-11-23 23:35"), At("2025-11-30 23:35")
	inc.Worst, inc.Events, inc.Revision = inc.Scope, nil, 0
	add(inc, "2025-11-24 00:05", watchdog.EventOpened, watchdog.Event{})
	add(inc, "2025-11-24 00:05", watchdog.EventPaged, watchdog.Event{Page: 1})
	return Scene{"one-client", At("2025-11-24 00:05"), inc}
}

// ResolvedWithoutLoss is OneClient's end.
func ResolvedWithoutLoss() Scene {
	inc := OneClient().Incident
	inc.Next, inc.Loss.Begins = nil, 0
	inc.Loss.FirstAgain, inc.WellSince = At("2025-11-24 00:25"), At("2025-11-24 00:25")
	inc.State, inc.Resolved, inc.ResolvedBy = watchdog.StateResolved, At("2025-11-24 00:30"), "feedwatch"
	add(inc, "2025-11-24 00:25", watchdog.EventResumed, watchdog.Event{})
	add(inc, "2025-11-24 00:25", watchdog.EventStaleAgain, watchdog.Event{})
	inc.Scope.Silent = 0
	add(inc, "2025-11-24 00:25", watchdog.EventWell, watchdog.Event{})
	add(inc, "2025-11-24 00:30", watchdog.EventResolved, watchdog.Event{})
	return Scene{"resolved-without-loss", At("2025-11-24 00:30"), inc}
}

// Forgotten is a client that has left for good.
func Forgotten() Scene {
	inc := OneClient().Incident
	inc.Next, inc.Loss.Begins, inc.WellSince = nil, 0, At("2025-12-24 00:00")
	inc.State, inc.Resolved, inc.ResolvedBy = watchdog.StateResolved, At("2025-12-24 00:05"), "feedwatch"
	add(inc, "2025-11-30 23:35", watchdog.EventLossBegun, watchdog.Event{})
	add(inc, "2025-12-24 00:00", watchdog.EventForgotten, watchdog.Event{Was: 1})
	inc.Scope.Silent = 0
	add(inc, "2025-12-24 00:00", watchdog.EventWell, watchdog.Event{})
	add(inc, "2025-12-24 00:05", watchdog.EventResolved, watchdog.Event{})
	return Scene{"forgotten", At("2025-12-24 00:05"), inc}
}

// Blind is a source that does not answer.
func Blind() Scene {
	inc := opened()
	inc.Cause, inc.Source, inc.Failure = watchdog.CauseBlind, "prom-eu", "connection refused"
	inc.Opened, inc.Since = At("2025-11-24 02:24"), At("2025-11-24 02:14")
	inc.Loss.Start, inc.Loss.Begins = At("2025-11-24 02:14"), At("2025-12-01 02:14")
	inc.Next.At = At("2025-11-24 02:29")
	inc.Pages[0].At = inc.Opened
	inc.Events, inc.Revision = nil, 0
	add(inc, "2025-11-24 02:24", watchdog.EventOpened, watchdog.Event{})
	add(inc, "2025-11-24 02:24", watchdog.EventPaged, watchdog.Event{Page: 1})
	return Scene{"blind", At("2025-11-24 02:24"), inc}
}

// SeenAgain is Blind's end.
func SeenAgain() Scene {
	inc := Blind().Incident
	inc.Next, inc.Loss.Begins, inc.Failure = nil, 0, ""
	inc.WellSince, inc.Resolved = At("2025-11-24 02:40"), At("2025-11-24 02:45")
	inc.State, inc.ResolvedBy = watchdog.StateResolved, "feedwatch"
	add(inc, "2025-11-24 02:40", watchdog.EventWell, watchdog.Event{})
	add(inc, "2025-11-24 02:45", watchdog.EventResolved, watchdog.Event{})
	return Scene{"seen-again", At("2025-11-24 02:45"), inc}
}

// Frozen is updates that arrive, always the same old ones.
func Frozen() Scene {
	inc := opened()
	inc.Cause, inc.Rule, inc.Allowed = watchdog.CauseFrozen, "everyone-else", time.Hour
	inc.Opened, inc.Since = At("2025-11-24 01:00"), At("2025-11-24 01:00")
	inc.Scope.Oldest = nil
	inc.Pages[0].At, inc.Next.At = inc.Opened, At("2025-11-24 01:05")
	inc.Events, inc.Revision = nil, 0
	add(inc, "2025-11-24 01:00", watchdog.EventOpened, watchdog.Event{})
	add(inc, "2025-11-24 01:00", watchdog.EventPaged, watchdog.Event{Page: 1})
	return Scene{"frozen", At("2025-11-24 01:00"), inc}
}

// Behind is updates that arrive more slowly than they are made.
func Behind() Scene {
	inc := opened()
	inc.Cause, inc.Rule, inc.Allowed = watchdog.CauseBehind, "everyone-else", time.Hour
	inc.Opened, inc.Since = At("2025-11-24 06:00"), At("2025-11-24 06:00")
	inc.Loss.Start, inc.Loss.Begins = At("2025-11-24 02:30"), At("2025-12-14 18:00")
	inc.CatchUp = &watchdog.CatchUp{Event: At("2025-11-24 02:30"), Lag: 3*time.Hour + 30*time.Minute, Speed: 0.66}
	inc.Pages[0].At, inc.Next.At = inc.Opened, At("2025-11-24 06:05")
	inc.Events, inc.Revision = nil, 0
	add(inc, "2025-11-24 06:00", watchdog.EventOpened, watchdog.Event{})
	add(inc, "2025-11-24 06:00", watchdog.EventPaged, watchdog.Event{Page: 1})
	return Scene{"falling-behind", At("2025-11-24 06:00"), inc}
}

// Trickling is updates that arrive, but too few of them.
func Trickling() Scene {
	inc := opened()
	inc.Cause, inc.Rule, inc.Allowed = watchdog.CauseTrickling, "everyone-else", time.Hour
	inc.Opened, inc.Since = At("2025-11-24 06:00"), At("2025-11-24 05:58")
	inc.Trickle = &watchdog.Trickle{Row: "acme", Came: 12, AtLeast: 100, Per: time.Hour, From: At("2025-11-24 05:00")}
	inc.Loss.Start, inc.Loss.Begins = At("2025-11-24 05:58"), 0
	inc.Scope.Silent, inc.Scope.Oldest = 312, nil
	inc.Worst = inc.Scope
	inc.Pages[0].At, inc.Next.At = inc.Opened, At("2025-11-24 06:05")
	inc.Events, inc.Revision = nil, 0
	add(inc, "2025-11-24 06:00", watchdog.EventOpened, watchdog.Event{})
	add(inc, "2025-11-24 06:00", watchdog.EventPaged, watchdog.Event{Page: 1})
	return Scene{"trickling", At("2025-11-24 06:00"), inc}
}

// TrickleOver is a trickle that lasted for longer than the queue keeps an update.
func TrickleOver() Scene {
	s := Trickling()
	inc := s.Incident
	inc.Loss.LostFrom, inc.Loss.LostTo, inc.Loss.AtRisk, inc.Loss.Clients = At("2025-11-24 05:00"), At("2025-11-26 18:00"), true, 312
	inc.Loss.FirstAgain, inc.Calm, inc.WellSince = At("2025-12-03 17:50"), At("2025-12-03 18:00"), At("2025-12-03 18:00")
	inc.Scope.Silent, inc.Next = 0, nil
	inc.State, inc.Resolved, inc.ResolvedBy = watchdog.StateResolved, At("2025-12-03 18:05"), "feedwatch"
	add(inc, "2025-12-03 17:50", watchdog.EventResumed, watchdog.Event{})
	add(inc, "2025-12-03 18:00", watchdog.EventWell, watchdog.Event{})
	add(inc, "2025-12-03 18:05", watchdog.EventResolved, watchdog.Event{From: inc.Loss.LostFrom, Until: inc.Loss.LostTo})
	return Scene{"trickle-over", At("2025-12-03 18:05"), inc}
}

// Demo counts in seconds, has no retention and no runbook.
func Demo() Scene {
	inc := opened()
	inc.Rule, inc.Allowed, inc.Runbook, inc.Owner = "whole-feed", 5*time.Second, "", ""
	inc.Opened, inc.Since = At("2025-11-24 00:00:12"), At("2025-11-24 00:00:07")
	inc.Scope = watchdog.Scope{Silent: 300, Of: 300}
	inc.Worst = inc.Scope
	inc.Loss = watchdog.Loss{}
	inc.Pages[0].At, inc.Next.At = inc.Opened, At("2025-11-24 00:00:22")
	inc.Events, inc.Revision = nil, 0
	add(inc, "2025-11-24 00:00:12", watchdog.EventOpened, watchdog.Event{})
	add(inc, "2025-11-24 00:00:12", watchdog.EventPaged, watchdog.Event{Page: 1})
	return Scene{"demo", At("2025-11-24 00:00:13"), inc}
}

// NeverSeen is a feed that no update has ever come from, and nobody is told.
func NeverSeen() Scene {
	inc := opened()
	inc.Since, inc.Scope, inc.Worst = 0, watchdog.Scope{}, watchdog.Scope{}
	inc.Loss.Start, inc.Loss.Begins = 0, 0
	inc.Pages, inc.Next, inc.Escalation = nil, nil, ""
	inc.Worst, inc.Events, inc.Revision = inc.Scope, nil, 0
	add(inc, "2025-11-24 00:05", watchdog.EventOpened, watchdog.Event{})
	return Scene{"never-seen", At("2025-11-24 00:05"), inc}
}

// Scenes are all of them. Every call makes new ones.
func Scenes() []Scene {
	return []Scene{
		Open(), Acknowledged(), Losing(), CatchingUp(), Holding(), Resolved(), OneCluster(), TwoLabels(), Grown(), RulesEdited(), OneClient(),
		ResolvedWithoutLoss(), Forgotten(), Blind(), SeenAgain(), Unheard(), HeardAgain(), RulesRefused(), RulesTaken(), Frozen(), Behind(), Trickling(), TrickleOver(), Demo(), NeverSeen(),
		Silenced(), InMaintenance(), DependsOn(), Snoozed(), HandedOver(), ResolvedEarly(), NotOver(), LossAccepted(),
		Drill(), DrillAsks(), DrillAnswered(), DrillFailed(), FoundByDrill(),
	}
}

// Op is the op of a kind for the scene: with its newest event, and its newest
// page where there is one.
func (s Scene) Op(kind delivery.OpKind, target rules.Target) delivery.Op {
	inc := s.Incident
	op := delivery.Op{Kind: kind, Name: "root", Target: target, Incident: inc, Now: s.Now}
	last := &inc.Events[len(inc.Events)-1]
	switch kind {
	case delivery.Reply, delivery.Tell:
		op.Event, op.Name = last, "e"+strconv.Itoa(last.N)
		if last.Page > 0 {
			op.Page = &inc.Pages[last.Page-1]
		}
	case delivery.Trigger, delivery.Acknowledge, delivery.Resolve:
		op.Page = &inc.Pages[len(inc.Pages)-1]
		op.Name = "p" + strconv.Itoa(op.Page.N) + map[delivery.OpKind]string{delivery.Acknowledge: "/ack", delivery.Resolve: "/resolve"}[kind]
	}
	return op
}
