package slack

import (
	"context"
	"log/slog"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/feedwatch/feedwatch/notifiers"
	"github.com/feedwatch/feedwatch/watchdog"
)

// atOnce is how many decisions of one press are on their way at once: what comes
// together becomes durable together.
const atOnce = 64

// acknowledgeAll takes on every incident that a digest told of when the button was
// drawn, and that nobody has decided about since.
func (d *Desk) acknowledgeAll(ctx context.Context, p press) []notifiers.Line {
	d.deciding.Lock()
	defer d.deciding.Unlock()
	sharing := d.config.Threads.Sharing(p.under)
	if len(sharing) == 0 { // Slack's answer to the message is not here yet, or all of them are over
		return sentence(unchanged + "feedwatch knows of no incident under that message. If it is new, press again in a minute.")
	}
	var later, decided int
	var todo []*watchdog.Incident
	for _, s := range sharing {
		inc, err := d.config.Watch.Incident(ctx, s.Incident)
		switch {
		case err != nil || !untaken(inc) && decidedAt(inc) <= p.on.decided:
		case int64(s.Joined) > p.on.decided:
			later++
		case decidedAt(inc) > p.on.decided:
			decided++
		default:
			todo = append(todo, inc)
		}
	}
	done, failed := d.takeOn(ctx, p, todo)
	var lines []notifiers.Line
	say := func(n int, text string) {
		if n > 0 {
			lines = append(lines, sentence("Not taken: "+notifiers.Count(n)+" "+text)...)
		}
	}
	if len(done) > 0 {
		lines = takenOn(done)
	}
	if len(done)+len(failed) == 0 {
		lines = sentence(unchanged + "your button names no incident that nobody is on.")
	}
	say(later, "told of after your button was drawn. Press again if you mean it too.")
	say(decided, "that somebody decided about meanwhile.")
	if len(failed) > 0 {
		say(len(failed), "for an error: "+errorText(failed[0])+". Press again.")
	}
	return lines
}

// takeOn acknowledges each.
func (d *Desk) takeOn(ctx context.Context, p press, todo []*watchdog.Incident) (done []*watchdog.Incident, failed []error) {
	var mu sync.Mutex
	var group errgroup.Group
	group.SetLimit(atOnce)
	for _, inc := range todo {
		group.Go(func() error {
			err := d.config.Keeper.Acknowledge(ctx, inc.ID, p.who, 0)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				failed = append(failed, err)
			} else {
				done = append(done, inc)
			}
			return nil
		})
	}
	_ = group.Wait() // none of them fails as a whole
	d.config.Log.Info("a person decided in Slack", slog.String("what", p.act), slog.Int("incidents", len(done)), slog.String("by", p.who))
	return notifiers.Urgent(done), failed
}

// takenOn says what somebody is on now, the most urgent first.
func takenOn(done []*watchdog.Incident) []notifiers.Line {
	names := make([]string, 0, len(done))
	for _, inc := range done {
		names = append(names, inc.Feed)
	}
	word := " incidents: "
	if len(done) == 1 {
		word = " incident: "
	}
	return []notifiers.Line{{{Text: "You acknowledged " + notifiers.Count(len(done)) + word}, {Text: list("", names), Style: notifiers.Name}, {Text: "."}}}
}
