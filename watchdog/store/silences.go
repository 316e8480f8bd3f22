package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"github.com/feedwatch/feedwatch/watchdog"
	"github.com/feedwatch/feedwatch/watchdog/feed"
)

// SaveSilence writes one durably, in place of what was saved under its ID.
func (s *SQLite) SaveSilence(ctx context.Context, silence watchdog.Silence) error {
	body, err := json.Marshal(silence)
	if err != nil {
		return fmt.Errorf("store: save silence %s: %w", silence.ID, err)
	}
	return s.write(ctx, "save silence", func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO silences (id, until, body) VALUES (?, ?, ?)
			ON CONFLICT DO UPDATE SET until = excluded.until, body = excluded.body`, silence.ID, int64(silence.Until), string(body))
		return err
	})
}

// silences are those that hold and those to come.
func (l *loader) silences(ctx context.Context, tx *sql.Tx) error {
	return each(ctx, tx, func(rows *sql.Rows) error {
		var id string
		var body []byte
		if err := rows.Scan(&id, &body); err != nil {
			return err
		}
		silence, err := decodeSilence(id, body)
		if err != nil {
			l.bad = append(l.bad, badRow{origin: fromSilences, name: id, reason: err.Error(), body: body})
			return nil
		}
		l.saved.Silences = append(l.saved.Silences, silence)
		return nil
	}, "SELECT id, body FROM silences WHERE until > ? ORDER BY id", int64(feed.At(time.Now())))
}

func decodeSilence(id string, body []byte) (watchdog.Silence, error) {
	var silence watchdog.Silence
	if err := json.Unmarshal(body, &silence); err != nil {
		return silence, err
	}
	if silence.ID != id {
		return silence, fmt.Errorf("the row holds silence %q", silence.ID)
	}
	return silence, nil
}
