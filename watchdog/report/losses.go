package report

import (
	"strings"

	"github.com/feedwatch/feedwatch/watchdog"
)

// lostRow is a row of the ledger as it is shown.
type lostRow struct{ Clients, Lost, Updates, Note string }

// losses are the rows of the ledger; of an incident without one, its own interval.
func (r *Report) losses() (rows []lostRow, more int) {
	_, whom := r.words.Affected(r.inc)
	if len(r.Ledger) == 0 {
		l := r.Lost
		if l == nil {
			return nil, 0
		}
		row := watchdog.LedgerRow{From: l.From, To: l.To, ByArrival: l.ByArrival, AtRisk: l.AtRisk, Updates: -1}
		return []lostRow{r.lostRow(row, whom)}, 0
	}
	all := shares(r.Ledger)
	for _, s := range all[:min(len(all), sharesShown)] {
		rows = append(rows, r.lostRow(s.row, r.clientsOf(s, whom)))
	}
	return rows, len(all) - len(rows)
}

func (r *Report) clientsOf(s share, whom string) string {
	const named = 5
	if len(s.clients) == r.Clients.Affected && whom != "" {
		return whom
	}
	names := make([]string, 0, named)
	for _, c := range s.clients[:min(len(s.clients), named)] {
		names = append(names, r.name(c))
	}
	text := strings.Join(names, ", ")
	if more := len(s.clients) - len(names); more > 0 {
		text += " and " + r.words.Count(more) + " more"
	}
	return text
}

func (r *Report) lostRow(row watchdog.LedgerRow, clients string) lostRow {
	out := lostRow{
		Clients: clients, Updates: "not counted",
		Lost: r.span(row.From, row.To) + " (" + r.words.Age(row.To.Sub(row.From)) + ")",
	}
	if text := r.words.About(row.Updates); text != "" {
		out.Updates = text
	}
	var notes []string
	if row.ByArrival {
		notes = append(notes, "known by arrival only")
	}
	switch {
	case row.AtRisk && r.Cause == watchdog.CauseTrickling:
		notes = append(notes, "at risk: if more were made than arrived")
	case row.AtRisk:
		notes = append(notes, "at risk: the wider of two answers")
	}
	out.Note = strings.Join(notes, "; ")
	return out
}
