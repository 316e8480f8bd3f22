package report

import (
	"cmp"
	"slices"

	"github.com/feedwatch/feedwatch/watchdog"
	"github.com/feedwatch/feedwatch/watchdog/feed"
)

// Row says of one client which updates were lost, and which came late.
type Row struct {
	Client    string       `json:"client"`
	From      feed.Instant `json:"from,omitzero"` // lost: those made from here ...
	To        feed.Instant `json:"to,omitzero"`   // ... to here
	ByArrival bool         `json:"by_arrival,omitempty"`
	AtRisk    bool         `json:"at_risk,omitempty"`
	Updates   float64      `json:"updates"` // how many, estimated; below 0: not known
	LateFrom  feed.Instant `json:"late_from,omitzero"`
	LateTo    feed.Instant `json:"late_to,omitzero"`
}

// lost is everything that was lost: the widest interval over the ledger, or the
// incident's own.
func lost(inc *watchdog.Incident, ledger []Row, now feed.Instant) *Updates {
	var u Updates
	for _, row := range ledger {
		if row.To.IsZero() {
			continue
		}
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
func late(inc *watchdog.Incident, ledger []Row, t Times) *Updates {
	var u Updates
	for _, row := range ledger {
		if !row.LateTo.IsZero() {
			u.widen(row.LateFrom, row.LateTo)
		}
	}
	l := &inc.Loss
	if u.To.IsZero() && !l.EventAgain.IsZero() && l.FirstAgain.Sub(l.EventAgain) > inc.Allowed {
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
	Row     // without its client; the updates of all of them
	clients []string
}

// sharesShown is how many different losses a document lists; the JSON has all.
const sharesShown = 30

// shares puts the clients that lost the same together, those that lost the most
// first.
func shares(ledger []Row) []share {
	at := map[Row]int{}
	var all []share
	for _, row := range ledger {
		key := row
		key.Client, key.Updates = "", 0
		i, known := at[key]
		if !known {
			i = len(all)
			at[key] = i
			all = append(all, share{Row: key})
		}
		all[i].clients = append(all[i].clients, row.Client)
		if all[i].Updates >= 0 {
			all[i].Updates += row.Updates
			if row.Updates < 0 {
				all[i].Updates = -1
			}
		}
	}
	slices.SortStableFunc(all, func(a, b share) int {
		return cmp.Or(
			cmp.Compare(b.To.Sub(b.From), a.To.Sub(a.From)),
			cmp.Compare(len(b.clients), len(a.clients)),
			cmp.Compare(a.clients[0], b.clients[0]))
	})
	return all
}
