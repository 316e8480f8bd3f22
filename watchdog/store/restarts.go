package store

import (
	"context"
	"database/sql"

	"github.com/feedwatch/feedwatch/watchdog"
	"github.com/feedwatch/feedwatch/watchdog/feed"
)

// restartsMax bounds the list of restarts.
const restartsMax = 256

// graceSpent, as Restart.Through, is past every deadline: no series gets its
// grace from that restart.
const graceSpent = feed.Instant(253402300799000) // the end of the year 9999

// SaveRestart appends r. When the list is full the oldest is dropped.
//
// A series gets its grace from the first restart after its last arrival, and
// none if that restart's Through has passed its deadline. Dropping the oldest
// alone would hand its series to the next one, whose grace ends later, and a
// crash loop could go on like that for ever. So the one that becomes the oldest
// is marked as giving none: whoever has been silent for that many restarts had
// its grace long ago.
func (s *SQLite) SaveRestart(ctx context.Context, r watchdog.Restart) error {
	return s.write(ctx, "save restart", func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO restarts (at, through, source) VALUES (?, ?, ?)
			ON CONFLICT DO UPDATE SET through = max(through, excluded.through), source = ''`, int64(r.At), int64(r.Through), r.Source)
		if err != nil {
			return err
		}
		dropped, err := tx.ExecContext(ctx, "DELETE FROM restarts WHERE at IN (SELECT at FROM restarts ORDER BY at DESC LIMIT -1 OFFSET ?)", restartsMax)
		if err != nil {
			return err
		}
		if n, err := dropped.RowsAffected(); err != nil || n == 0 {
			return err
		}
		_, err = tx.ExecContext(ctx, "UPDATE restarts SET through = ?, source = '' WHERE at = (SELECT min(at) FROM restarts)", int64(graceSpent))
		return err
	})
}
