package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/feedwatch/feedwatch/watchdog"
	"github.com/feedwatch/feedwatch/watchdog/feed"
)

// A row that is newer than what comes stays: an older snapshot is never news.
const upsertIncident = `
	INSERT INTO incidents (id, feed, state, opened, resolved, revision, body) VALUES (?, ?, ?, ?, ?, ?, ?)
	ON CONFLICT (id) DO UPDATE SET
		feed = excluded.feed, state = excluded.state, opened = excluded.opened,
		resolved = excluded.resolved, revision = excluded.revision, body = excluded.body
	WHERE excluded.revision >= revision`

// SaveIncidents writes them in one durable transaction, by ID. A lower Revision
// never overwrites a higher one. An incident that cannot be written as JSON is
// named in the error and keeps back none of the others.
func (s *SQLite) SaveIncidents(ctx context.Context, incidents []*watchdog.Incident) error {
	if len(incidents) == 0 {
		return nil
	}
	bodies := make([][]byte, len(incidents))
	var broken error
	for i, inc := range incidents {
		body, err := json.Marshal(inc)
		if err != nil {
			broken = errors.Join(broken, fmt.Errorf("store: incident %s: %w", inc.ID, err))
			continue
		}
		bodies[i] = body
	}
	err := s.write(ctx, "save incidents", func(tx *sql.Tx) error {
		stmt, err := tx.PrepareContext(ctx, upsertIncident)
		if err != nil {
			return err
		}
		for i, inc := range incidents {
			if bodies[i] == nil {
				continue
			}
			// SQLite's integers are signed; a revision counts changes and stays far below.
			_, err := stmt.ExecContext(ctx, inc.ID, inc.Feed, string(inc.State), int64(inc.Opened), int64(inc.Resolved), int64(inc.Revision), string(bodies[i]))
			if err != nil {
				return err
			}
		}
		return nil
	})
	return errors.Join(err, broken)
}

// Incident is the incident with that ID, or an error that is ErrNotFound.
func (s *SQLite) Incident(ctx context.Context, id string) (*watchdog.Incident, error) {
	var body []byte
	err := s.db.QueryRowContext(ctx, "SELECT body FROM incidents WHERE id = ?", id).Scan(&body)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, fmt.Errorf("incident %q: %w", id, ErrNotFound)
	}
	if err != nil {
		return nil, fmt.Errorf("store: read incident %q: %w", id, s.explain(err))
	}
	inc, err := decodeIncident(id, body)
	if err != nil {
		return nil, fmt.Errorf("store: read incident %q: %w", id, err)
	}
	return inc, nil
}

func decodeIncident(id string, body []byte) (*watchdog.Incident, error) {
	inc := new(watchdog.Incident)
	if err := json.Unmarshal(body, inc); err != nil {
		return nil, err
	}
	if inc.ID != id {
		return nil, fmt.Errorf("the row holds incident %q", inc.ID)
	}
	return inc, nil
}

// Prune forgets the resolved incidents beyond the newest keep, with their receipts
// and ledgers, and the silences that ended before then.
func (s *SQLite) Prune(ctx context.Context, keep int, then feed.Instant) error {
	keep = max(keep, 0)
	return s.write(ctx, "prune", func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, "DELETE FROM silences WHERE until < ?", int64(then)); err != nil {
			return err
		}
		const old = "SELECT id FROM incidents WHERE state = 'resolved' ORDER BY resolved DESC, id DESC LIMIT -1 OFFSET ?"
		for _, also := range [...]string{"DELETE FROM receipts WHERE incident IN (" + old + ")", "DELETE FROM ledger WHERE incident IN (" + old + ")"} {
			if _, err := tx.ExecContext(ctx, also, keep); err != nil {
				return err
			}
		}
		_, err := tx.ExecContext(ctx, "DELETE FROM incidents WHERE id IN ("+old+")", keep)
		return err
	})
}
