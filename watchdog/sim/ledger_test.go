package sim

import (
	"context"
	"slices"
	"time"

	"github.com/feedwatch/feedwatch/watchdog"
	"github.com/feedwatch/feedwatch/watchdog/feed"
)

// gone is an update that the queue deleted unread.
type gone struct {
	made   time.Time
	again  time.Time // when the queue was read again
	unsaid string    // why the ledger cannot hold it; "": it must
}

// ledgerKey is what a row stands for: a newer one takes its place.
type ledgerKey struct {
	incident, feed, client string
	from                   feed.Instant
}

// SaveBlocks also keeps the rows of the ledger once they are durable.
func (c *conn) SaveBlocks(ctx context.Context, flush watchdog.Flush) error {
	return c.call(ctx, "save blocks", func() error {
		err := c.backend.SaveBlocks(ctx, flush)
		if err == nil {
			for _, row := range flush.Ledger {
				c.gate.ledger[ledgerKey{row.Incident, row.Feed, row.Client, row.From}] = row
			}
		}
		return err
	})
}

// expire deletes what the queue of x has kept for longer than the retention.
func (s *sim) expire(x *series, unsaid string) {
	q, keeps := &x.reader, s.retention(x)
	for keeps > 0 && len(q.waiting) > 0 && s.at.Sub(q.waiting[0]) > keeps {
		g := gone{made: q.waiting[0], again: s.at, unsaid: unsaid}
		view := s.watch.shown[x]
		switch {
		case unsaid != "":
		case view == nil || view.Incident == "" || !view.Verdict.Opens() && view.Verdict != watchdog.Blind:
			g.unsaid = "no rule called it silent"
		case s.watch.oracle.joinedAfter(x, g.made):
			g.unsaid = "it was not expected yet"
		case q.stands > 0 && (q.stands != s.stats.starts || s.proc == nil):
			g.unsaid = "that it stood still does not outlive a restart"
		case !x.events && (q.told.After(g.made) || s.affected(x, g.made) == nil): // it waited for others then
			g.unsaid = "without event times a backlog is not seen"
		}
		q.lost = append(q.lost, g)
		q.waiting = q.waiting[1:]
	}
}

// ledgerSlack is by how much the watchdog's times may differ from the true ones.
func (s *sim) ledgerSlack() time.Duration {
	if s.fleet.profile.clock {
		return 15 * time.Minute
	}
	return time.Millisecond
}

// checkLedger holds the rows against what was lost: each such update is in one,
// and where nothing is at risk each update of a row was lost.
func (w *watcher) checkLedger() {
	rows := map[string][]watchdog.LedgerRow{}
	for key, row := range w.ledger {
		rows[key.feed+"/"+key.client] = append(rows[key.feed+"/"+key.client], row)
	}
	for _, x := range w.fleet.series {
		w.covered(x, rows[x.name()])
		for i := range rows[x.name()] {
			w.exact(x, &rows[x.name()][i])
		}
	}
}

func (w *watcher) covered(x *series, rows []watchdog.LedgerRow) {
	slack := w.ledgerSlack()
	// Who was silent for less than its rule allows when its feed fell silent counts
	// from then.
	allowed := slack
	if r := w.oracle.ruleOf(x); r != nil {
		allowed += r.allows() + x.gap()
	}
	for _, g := range x.reader.lost {
		w.stats.gone++
		if g.unsaid != "" {
			w.stats.unsaid++
			continue
		}
		if !slices.ContainsFunc(rows, func(r watchdog.LedgerRow) bool {
			return !g.made.Before(r.From.Time().Add(-allowed)) && !g.made.After(r.To.Time().Add(slack+x.usual()))
		}) {
			w.wrong("%s lost the update of %v (read again %v), and the ledger says %+v", x.name(), g.made, g.again, rows)
			return
		}
	}
}

// exact: where a row is not at risk nothing in it was delivered.
func (w *watcher) exact(x *series, row *watchdog.LedgerRow) {
	w.stats.rows++
	p := w.profile()
	if row.AtRisk || p.crashes || p.blind || p.store || p.clock {
		return
	}
	for _, made := range x.reader.delivered {
		if made.After(row.From.Time().Add(x.gap())) && made.Before(row.To.Time().Add(-x.gap())) {
			w.wrong("%s: the ledger has %+v, and the update of %v arrived", x.name(), *row, made)
			return
		}
	}
}

// usual is what the watchdog takes for a usual gap, where updates come at random.
func (x *series) usual() time.Duration { return x.gap() * 5 / 2 }

// gap is the longest usual time between two updates.
func (x *series) gap() time.Duration {
	if x.cron != nil {
		return 25 * time.Hour
	}
	return max(x.every*11/10, time.Minute)
}
