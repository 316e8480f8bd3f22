package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/feedwatch/feedwatch/watchdog"
)

const upsertLedger = `
	INSERT INTO ledger (incident, client, feed, lost_from, lost_to, by_arrival, at_risk, updates)
	VALUES (?, ?, ?, ?, ?, ?, ?, ?)
	ON CONFLICT DO UPDATE SET feed = excluded.feed, lost_to = excluded.lost_to, by_arrival = excluded.by_arrival,
		at_risk = excluded.at_risk, updates = excluded.updates`

func saveLedger(ctx context.Context, tx *sql.Tx, rows []watchdog.LedgerRow) error {
	if len(rows) == 0 {
		return nil
	}
	stmt, err := tx.PrepareContext(ctx, upsertLedger)
	if err != nil {
		return err
	}
	for _, r := range rows {
		_, err := stmt.ExecContext(ctx, r.Incident, r.Client, r.Feed, int64(r.From), int64(r.To),
			r.ByArrival, r.AtRisk, r.Updates)
		if err != nil {
			return err
		}
	}
	return nil
}

// Ledger is up to limit rows of an incident's ledger, one for each client, after
// the client called after ("" for the first). What a client lost in parts is given
// as the whole, at risk where something was kept between them.
func (s *SQLite) Ledger(ctx context.Context, incident, after string, limit int) ([]watchdog.LedgerRow, error) {
	return s.ledger(ctx, `SELECT incident, client, feed, min(lost_from), max(lost_to), max(by_arrival),
			max(max(at_risk), max(lost_to) - min(lost_from) > sum(lost_to - lost_from)),
			CASE WHEN max(updates) < 0 THEN -1.0 ELSE sum(max(updates, 0)) END
		FROM ledger WHERE incident = ? AND client > ? GROUP BY client ORDER BY client LIMIT ?`, incident, after, limit)
}

func (s *SQLite) ledger(ctx context.Context, query string, args ...any) (all []watchdog.LedgerRow, err error) {
	rows, err := s.db.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("store: read the ledger: %w", s.explain(err))
	}
	defer func() { _ = rows.Close() }() // what went wrong is in Err
	for rows.Next() {
		var r watchdog.LedgerRow
		if err := rows.Scan(&r.Incident, &r.Client, &r.Feed, &r.From, &r.To, &r.ByArrival, &r.AtRisk, &r.Updates); err != nil {
			return nil, fmt.Errorf("store: read the ledger: %w", err)
		}
		all = append(all, r)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("store: read the ledger: %w", s.explain(err))
	}
	return all, nil
}

// LedgerTotals sums up, for each client of a feed, what it lost over all
// incidents that are kept: up to limit clients after the one called after.
func (s *SQLite) LedgerTotals(ctx context.Context, feed, after string, limit int) (all []watchdog.LedgerTotal, err error) {
	rows, err := s.db.QueryContext(ctx, `
		SELECT client, count(DISTINCT incident), sum(lost_to - lost_from), sum(max(updates, 0)),
			count(DISTINCT CASE WHEN updates < 0 THEN incident END), max(at_risk)
		FROM ledger WHERE feed = ? AND client > ? GROUP BY client ORDER BY client LIMIT ?`, feed, after, limit)
	if err != nil {
		return nil, fmt.Errorf("store: sum up the ledger: %w", s.explain(err))
	}
	defer func() { _ = rows.Close() }() // what went wrong is in Err
	for rows.Next() {
		var t watchdog.LedgerTotal
		var ms int64
		if err := rows.Scan(&t.Client, &t.Incidents, &ms, &t.Updates, &t.Unknown, &t.AtRisk); err != nil {
			return nil, fmt.Errorf("store: sum up the ledger: %w", err)
		}
		t.Lost = time.Duration(ms) * time.Millisecond
		all = append(all, t)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("store: sum up the ledger: %w", s.explain(err))
	}
	return all, nil
}
