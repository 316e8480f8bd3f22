package store

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"

	"github.com/feedwatch/feedwatch/watchdog"
)

// Drills are the newest drills that are over, at most limit. Such a row cannot be
// told apart by its columns; what only looks like one is left out.
func (s *SQLite) Drills(ctx context.Context, limit int) (all []*watchdog.Incident, err error) {
	tx, err := s.db.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return nil, fmt.Errorf("store: read drills: %w", s.explain(err))
	}
	defer func() { _ = tx.Rollback() }() // it only read
	err = each(ctx, tx, func(rows *sql.Rows) error {
		var id string
		var body []byte
		if err := rows.Scan(&id, &body); err != nil {
			return err
		}
		inc, err := decodeIncident(id, body)
		switch {
		case err != nil:
			s.log.Warn("a drill in the state file cannot be read", slog.String("incident", id), slog.Any("error", err))
		case inc.Drill != nil:
			all = append(all, inc)
		}
		return nil
	}, `SELECT id, body FROM incidents WHERE feed = ? AND state = 'resolved' AND body LIKE '%"drill":{%'
		ORDER BY opened DESC LIMIT ?`, watchdog.SelfFeed, limit)
	if err != nil {
		return nil, fmt.Errorf("store: read drills: %w", s.explain(err))
	}
	return all, nil
}
