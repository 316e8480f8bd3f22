package store

import (
	"context"
	"database/sql"

	"github.com/feedwatch/feedwatch/watchdog"
)

// SaveReceipt writes r in place of the one for the same target, incident and op.
func (s *SQLite) SaveReceipt(ctx context.Context, r watchdog.Receipt) error {
	return s.write(ctx, "save receipt", func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `
			INSERT INTO receipts (incident, target_kind, target_name, op, ref, revision, at, dead) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
			ON CONFLICT DO UPDATE SET ref = excluded.ref, revision = excluded.revision, at = excluded.at, dead = excluded.dead`,
			r.Incident, r.Target.Kind, r.Target.Name, r.Op, r.Ref, int64(r.Revision), int64(r.At), r.Dead)
		return err
	})
}
