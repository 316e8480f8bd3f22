package report

import "strings"

// lostRow is a row of the ledger as it is shown.
type lostRow struct{ Clients, Lost, Updates, Late, Note string }

// losses are the rows of the ledger; of an incident without one, its own interval.
func (r *Report) losses() (rows []lostRow, more int) {
	_, whom := r.words.Affected(r.inc)
	if len(r.Ledger) == 0 {
		if r.Lost == nil && r.Late == nil {
			return nil, 0
		}
		row := Row{Updates: -1}
		if l := r.Lost; l != nil {
			row.From, row.To, row.ByArrival, row.AtRisk = l.From, l.To, l.ByArrival, l.AtRisk
		}
		if l := r.Late; l != nil {
			row.LateFrom, row.LateTo = l.From, l.To
		}
		return []lostRow{r.lostRow(row, whom)}, 0
	}
	all := shares(r.Ledger)
	for _, s := range all[:min(len(all), sharesShown)] {
		rows = append(rows, r.lostRow(s.Row, r.clientsOf(s, whom)))
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

func (r *Report) lostRow(row Row, clients string) lostRow {
	out := lostRow{Clients: clients, Lost: "nothing", Updates: "not counted", Late: "nothing"}
	if !row.To.IsZero() {
		out.Lost = r.span(row.From, row.To) + " (" + r.words.Age(row.To.Sub(row.From)) + ")"
	} else {
		out.Updates = "none"
	}
	if text, ok := strings.CutPrefix(about(r.words, row.Updates), ", "); ok {
		out.Updates = text
	}
	if !row.LateTo.IsZero() {
		out.Late = r.span(row.LateFrom, row.LateTo) + " (" + r.words.Age(row.LateTo.Sub(row.LateFrom)) + ")"
	}
	var notes []string
	if row.ByArrival {
		notes = append(notes, "known by arrival only")
	}
	if row.AtRisk {
		notes = append(notes, "at risk: the wider of two answers")
	}
	out.Note = strings.Join(notes, "; ")
	return out
}
