package slack

import (
	"context"
	"log/slog"
	"slices"

	"github.com/feedwatch/feedwatch/notifiers"
	"github.com/feedwatch/feedwatch/watchdog"
)

// unchanged begins what is said of a press that did nothing.
const unchanged = "Nothing was changed: "

// decide does what a press asks for, if it still makes sense, and says what is true
// afterwards.
func (d *Desk) decide(ctx context.Context, a *app, p press) []notifiers.Line {
	switch p.act {
	case actAcknowledgeAll:
		return d.acknowledgeAll(ctx, p)
	case actResolve:
	default:
		return d.act(ctx, p)
	}
	inc, err := d.config.Watch.Incident(ctx, p.on.incident)
	if err != nil {
		return lost(err)
	}
	if why := pointless(inc, p); why != "" {
		return d.now(inc, unchanged+why)
	}
	if err := a.openForm(ctx, p, inc); err != nil {
		d.config.Log.Warn("the form for a reason could not be opened in Slack", slog.Any("error", err))
		return sentence(unchanged + "the form could not be opened (" + errorText(err) + "). Press again.")
	}
	return nil
}

// act is one decision, looked at and taken before the next is: the second press of a
// double click finds it decided.
func (d *Desk) act(ctx context.Context, p press) []notifiers.Line {
	d.deciding.Lock()
	defer d.deciding.Unlock()
	inc, err := d.config.Watch.Incident(ctx, p.on.incident)
	if err != nil {
		return lost(err)
	}
	if why := pointless(inc, p); why != "" {
		return d.now(inc, unchanged+why)
	}
	err = d.do(ctx, p)
	after, lookErr := d.config.Watch.Incident(ctx, inc.ID)
	if lookErr != nil {
		after = inc
	}
	switch taken := decidedAt(after) != decidedAt(inc) || after.State != inc.State; {
	case err == nil:
		d.config.Log.Info("a person decided in Slack", slog.String("what", p.act), slog.String("incident", inc.ID), slog.String("by", p.who))
		return d.done(after)
	case taken: // and in force, but not durable yet
		return append(d.done(after), sentence("It could not be written down yet: "+errorText(err)+".")...)
	default:
		return d.now(after, unchanged+errorText(err)+".")
	}
}

func lost(err error) []notifiers.Line {
	return sentence(unchanged + "the incident is not to be found (" + errorText(err) + ").")
}

func errorText(err error) string { return notifiers.Clean(err.Error(), errorRunesMax) }

const errorRunesMax = 300

func (d *Desk) do(ctx context.Context, p press) error {
	switch p.act {
	case actSnooze, actSnoozeFor:
		return d.config.Keeper.Snooze(ctx, p.on.incident, p.who, p.on.lasts)
	case formResolve:
		return d.config.Keeper.Resolve(ctx, p.on.incident, p.who, p.reason)
	default:
		return d.config.Keeper.Acknowledge(ctx, p.on.incident, p.who, 0)
	}
}

// pointless says why a press asks for nothing that makes sense now; "" where it does.
func pointless(inc *watchdog.Incident, p press) string {
	switch {
	case inc.State == watchdog.StateResolved:
		return "it is resolved."
	case p.act == formResolve: // written in one's own words: no double click
		if inc.Ack != nil && inc.Ack.Kind == watchdog.AckResolved {
			return "it was resolved by hand before."
		}
	case p.on.decided != decidedAt(inc) && inc.Ack == nil:
		return "what your button showed has ended. Press again if you mean it."
	case p.on.decided != decidedAt(inc):
		return "this was decided before your press arrived. Press again if you still mean it."
	case inc.State == watchdog.StateRecovering && p.act != actResolve:
		return "it is recovering, and nobody is paged meanwhile."
	case p.act == actTakeOver && inc.Ack != nil && inc.Ack.By == p.who:
		return "you are on it already."
	}
	return ""
}

// now is what to say of a press that changed nothing: why, and how it stands.
func (d *Desk) now(inc *watchdog.Incident, why string) []notifiers.Line {
	return append(sentence(why), d.story(inc, "Since", "Recovery", "Loss", "Acknowledged", "Snoozed", "Resolved early", "Held", "Next")...)
}

// done is what to say of a decision: what holds now, and what comes next.
func (d *Desk) done(inc *watchdog.Incident) []notifiers.Line {
	return d.story(inc, "Recovery", "Loss", "Acknowledged", "Snoozed", "Resolved early", "Next")
}

// story is the headline of an incident, and of its facts those with the names.
func (d *Desk) story(inc *watchdog.Incident, names ...string) []notifiers.Line {
	lines := []notifiers.Line{{{Text: notifiers.Headline(inc), Style: notifiers.Bold}}}
	for _, f := range notifiers.Facts(inc, d.config.Now()) {
		if slices.Contains(names, f.Name) {
			lines = append(lines, f.Line())
		}
	}
	return lines
}
