package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"

	"github.com/feedwatch/feedwatch/watchdog"
)

// SaveRules writes the rule files last accepted, in place of those before.
func (s *SQLite) SaveRules(ctx context.Context, r watchdog.SavedRules) error {
	body, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("store: save rules: %w", err)
	}
	return s.write(ctx, "save rules", func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO rules (one, body) VALUES (1, ?)
			ON CONFLICT DO UPDATE SET body = excluded.body`, string(body))
		return err
	})
}
