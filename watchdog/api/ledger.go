package api

import (
	"context"
	"encoding/csv"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/feedwatch/feedwatch/watchdog"
	"github.com/feedwatch/feedwatch/watchdog/feed"
)

// Ledger is what is kept of lost updates, by client; after is the client that the
// page before ended with.
type Ledger interface {
	Ledger(ctx context.Context, incident, after string, limit int) ([]watchdog.LedgerRow, error)
	LedgerTotals(ctx context.Context, feed, after string, limit int) ([]watchdog.LedgerTotal, error)
}

const (
	ledgerLimitDefault = 1000
	ledgerLimitMax     = 10_000
)

// ledgerQuery is one page that is asked for, or as CSV all of them.
type ledgerQuery struct {
	after string
	limit int
	csv   bool
}

func parseLedgerQuery(values url.Values) (q ledgerQuery, err error) {
	q = ledgerQuery{after: values.Get("after"), limit: ledgerLimitDefault}
	if word := values.Get("limit"); word != "" {
		n, err := strconv.Atoi(word)
		if err != nil || n < 1 || n > ledgerLimitMax {
			return q, fmt.Errorf("limit is a number from 1 to %d, not %.40q", ledgerLimitMax, word)
		}
		q.limit = n
	}
	switch format := values.Get("format"); format {
	case "", "json":
	case "csv":
		q.csv = true
	default:
		return q, fmt.Errorf("format is json or csv, not %.40q", format)
	}
	return q, nil
}

// ledgerPage is one page of rows or totals.
type ledgerPage[T any] struct {
	Rows []T    `json:"rows"`
	Next string `json:"next_after,omitempty"` // absent on the last page
}

// incidentLedger is GET /api/v1/incidents/{id}/ledger.
func (a *API) incidentLedger(w http.ResponseWriter, r *http.Request, who *Token) {
	inc, err := a.findIncident(r.Context(), r.PathValue("id"), who)
	if err != nil {
		refuseError(w, err)
		return
	}
	serveLedger(w, r, "ledger-"+inc.ID, ledgerOf[watchdog.LedgerRow]{
		head: []string{"feed", "client", "lost_from", "lost_to", "by_arrival", "at_risk", "updates"},
		cells: func(r watchdog.LedgerRow) []string {
			return []string{
				inert(r.Feed), inert(r.Client), stamp(r.From), stamp(r.To), strconv.FormatBool(r.ByArrival),
				strconv.FormatBool(r.AtRisk), estimate(r.Updates),
			}
		},
		name: func(r watchdog.LedgerRow) string { return r.Client },
		page: func(after string, limit int) ([]watchdog.LedgerRow, error) {
			return a.cfg.Ledger.Ledger(r.Context(), inc.ID, after, limit)
		},
	})
}

// feedLedger is GET /api/v1/feeds/{feed}/ledger: totals for each client.
func (a *API) feedLedger(w http.ResponseWriter, r *http.Request, who *Token) {
	name := r.PathValue("feed")
	if _, _, err := a.findFeed(name, who); err != nil {
		refuseError(w, err)
		return
	}
	serveLedger(w, r, "ledger-"+name, ledgerOf[watchdog.LedgerTotal]{
		head: []string{"client", "incidents", "lost_seconds", "updates", "incidents_without_estimate", "at_risk"},
		cells: func(t watchdog.LedgerTotal) []string {
			return []string{
				inert(t.Client), strconv.Itoa(t.Incidents), strconv.FormatInt(int64(t.Lost.Seconds()), 10),
				estimate(t.Updates), strconv.Itoa(t.Unknown), strconv.FormatBool(t.AtRisk),
			}
		},
		name: func(t watchdog.LedgerTotal) string { return t.Client },
		page: func(after string, limit int) ([]watchdog.LedgerTotal, error) {
			return a.cfg.Ledger.LedgerTotals(r.Context(), name, after, limit)
		},
	})
}

// ledgerOf is how rows of one kind are read and written.
type ledgerOf[T any] struct {
	head  []string
	cells func(T) []string
	name  func(T) string
	page  func(after string, limit int) ([]T, error)
}

func serveLedger[T any](w http.ResponseWriter, r *http.Request, file string, of ledgerOf[T]) {
	q, err := parseLedgerQuery(r.URL.Query())
	if err != nil {
		refuse(w, http.StatusBadRequest, err.Error())
		return
	}
	rows, err := of.page(q.after, q.limit+1)
	if err != nil {
		refuseError(w, err)
		return
	}
	if q.csv {
		of.writeCSV(w, file, rows)
		return
	}
	page := ledgerPage[T]{Rows: append([]T{}, rows[:min(len(rows), q.limit)]...)}
	if len(rows) > q.limit {
		page.Next = of.name(page.Rows[q.limit-1])
	}
	answer(w, http.StatusOK, page)
}

// writeCSV writes rows and all after them. An error amid the answer cuts the
// connection, so that half a ledger is not taken for a whole one.
func (of ledgerOf[T]) writeCSV(w http.ResponseWriter, file string, rows []T) {
	h := w.Header()
	h.Set("Content-Type", "text/csv; charset=utf-8")
	h.Set("Content-Disposition", `attachment; filename="`+file+`.csv"`)
	h.Set("Cache-Control", "no-store")
	out := csv.NewWriter(w)
	_ = out.Write(of.head) // Error tells in the end
	for len(rows) > 0 {
		for _, row := range rows {
			_ = out.Write(of.cells(row))
		}
		var err error
		if rows, err = of.page(of.name(rows[len(rows)-1]), ledgerLimitMax); err != nil {
			panic(http.ErrAbortHandler)
		}
	}
	out.Flush()
}

// inert keeps a spreadsheet from taking a name for a formula.
func inert(name string) string {
	if name != "" && strings.ContainsRune("=+-@\t\r", rune(name[0])) {
		return "'" + name
	}
	return name
}

// stamp is RFC 3339 in UTC; "" where there is no time.
func stamp(t feed.Instant) string {
	if t.IsZero() {
		return ""
	}
	return t.String()
}

// estimate is a number of updates; "" where it is not known.
func estimate(updates float64) string {
	if updates < 0 {
		return ""
	}
	return strconv.FormatFloat(updates, 'f', 0, 64)
}
