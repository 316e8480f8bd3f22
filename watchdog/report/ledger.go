package report

import (
	"cmp"
	"slices"

	"github.com/feedwatch/feedwatch/watchdog"
	"github.com/feedwatch/feedwatch/watchdog/feed"
)

// lost is everything that was lost: the widest interval over the ledger, or the
// incident's own.
func lost(inc *watchdog.Incident, ledger []watchdog.LedgerRow, now feed.Instant) *Updates {
	var u Updates
	for _, row := range ledger {
		u.widen(row.From, row.To)
		u.ByArrival = u.ByArrival || row.ByArrival
		u.AtRisk = u.AtRisk || row.AtRisk
		u.Estimate += max(0, row.Updates)
	}
	if u.To.IsZero() {
		from, to := inc.Loss.LostAt(now)
		if to.IsZero() {
			return nil
		}
		u.widen(from, to)
		u.ByArrival, u.AtRisk = inc.Loss.ByArrival, inc.Loss.AtRisk
	}
	u.Growing = inc.Loss.FirstAgain.IsZero() && inc.State != watchdog.StateResolved
	return &u
}

// late is what came late: updates that waited in the queue until it was drained.
func late(inc *watchdog.Incident, t Times) *Updates {
	var u Updates
	l := &inc.Loss
	if !l.EventAgain.IsZero() && l.FirstAgain.Sub(l.EventAgain) > inc.Allowed {
		from, to := max(l.Start, l.LostTo), t.NormalAgain
		if inc.CatchUp != nil {
			to = inc.CatchUp.Event
		}
		u.widen(from, to)
	}
	if u.Length <= 0 {
		return nil
	}
	u.Growing = t.NormalAgain.IsZero()
	return &u
}

func (u *Updates) widen(from, to feed.Instant) {
	if u.To.IsZero() {
		u.From, u.To = from, to
	}
	u.From, u.To = min(u.From, from), max(u.To, to)
	u.Length = u.To.Sub(u.From)
}

// share is clients that lost the same.
type share struct {
	row     watchdog.LedgerRow // without its client; the updates of all of them
	clients []string
}

// sharesShown is how many different losses a document lists; the JSON has all.
const sharesShown = 30

// shares puts the clients that lost the same together, those that lost the most
// first.
func shares(ledger []watchdog.LedgerRow) []share {
	at := map[watchdog.LedgerRow]int{}
	var all []share
	for _, row := range ledger {
		key := row
		key.Client, key.Updates = "", 0
		i, known := at[key]
		if !known {
			i = len(all)
			at[key] = i
			all = append(all, share{row: key})
		}
		all[i].clients = append(all[i].clients, row.Client)
		if all[i].row.Updates >= 0 {
			all[i].row.Updates += row.Updates
			if row.Updates < 0 {
				all[i].row.Updates = -1
			}
		}
	}
	slices.SortStableFunc(all, func(a, b share) int {
		return cmp.Or(
			cmp.Compare(b.row.To.Sub(b.row.From), a.row.To.Sub(a.row.From)),
			cmp.Compare(len(b.clients), len(a.clients)),
			cmp.Compare(a.clients[0], b.clients[0]))
	})
	return all
}
