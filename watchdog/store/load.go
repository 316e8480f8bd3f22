package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/feedwatch/feedwatch/watchdog"
)

// loadedResolvedMax is how many resolved incidents come back: the newest, for people.
const loadedResolvedMax = 200

// Incidents that come back: what is open, then the newest resolved.
const loadedIncidents = `
	SELECT id, body FROM incidents WHERE state <> 'resolved'
	UNION ALL
	SELECT id, body FROM (SELECT id, body FROM incidents WHERE state = 'resolved' ORDER BY resolved DESC, id DESC LIMIT ?)`

// Load is everything that was saved: all incidents that are not resolved and the
// newest resolved ones with their receipts, the silences that are not over, all
// blocks, restarts and rules. What
// cannot be read is set aside, counted and said in Notice. If the file as a
// whole turns out to be damaged it is moved aside as OpenSQLite does, and what
// comes back is empty.
func (s *SQLite) Load(ctx context.Context) (*watchdog.Saved, error) {
	l := &loader{saved: new(watchdog.Saved)}
	err := l.read(ctx, s.db)
	if isDamage(err) {
		_ = s.db.Close()
		l = &loader{saved: new(watchdog.Saved)}
		err = s.startOver(ctx, err)
	}
	if err != nil {
		return nil, fmt.Errorf("store: load: %w", s.explain(err))
	}
	s.setAside(ctx, l)
	return l.saved, nil
}

// loader reads one Saved and remembers what it could not.
type loader struct {
	saved *watchdog.Saved
	bad   []badRow
}

func (l *loader) read(ctx context.Context, db *sql.DB) error {
	tx, err := db.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // it only read
	for _, part := range []func(context.Context, *sql.Tx) error{l.incidents, l.receipts, l.silences, l.blocks, l.restarts, l.rules} {
		if err := part(ctx, tx); err != nil {
			return err
		}
	}
	return nil
}

func (l *loader) incidents(ctx context.Context, tx *sql.Tx) error {
	return each(ctx, tx, func(rows *sql.Rows) error {
		var id string
		var body []byte
		if err := rows.Scan(&id, &body); err != nil {
			return err
		}
		inc, err := decodeIncident(id, body)
		if err != nil {
			l.bad = append(l.bad, badRow{origin: fromIncidents, name: id, reason: err.Error(), body: body})
			return nil
		}
		l.saved.Incidents = append(l.saved.Incidents, inc)
		return nil
	}, loadedIncidents, loadedResolvedMax)
}

func (l *loader) receipts(ctx context.Context, tx *sql.Tx) error {
	loaded := make(map[string]bool, len(l.saved.Incidents))
	for _, inc := range l.saved.Incidents {
		loaded[inc.ID] = true
	}
	return each(ctx, tx, func(rows *sql.Rows) error {
		var r watchdog.Receipt
		if err := rows.Scan(&r.Incident, &r.Target.Kind, &r.Target.Name, &r.Op, &r.Ref, &r.Revision, &r.At, &r.Dead); err != nil {
			return err
		}
		if loaded[r.Incident] {
			l.saved.Receipts = append(l.saved.Receipts, r)
		}
		return nil
	}, `SELECT incident, target_kind, target_name, op, ref, revision, at, dead FROM receipts
		WHERE incident IN (SELECT id FROM (`+loadedIncidents+`)) ORDER BY incident, target_kind, target_name, op`, loadedResolvedMax)
}

func (l *loader) blocks(ctx context.Context, tx *sql.Tx) error {
	err := tx.QueryRowContext(ctx, "SELECT through FROM blocks_through").Scan(&l.saved.Through)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	return each(ctx, tx, func(rows *sql.Rows) error {
		var b watchdog.BlockImage
		var marksCRC int64
		var namesCRC sql.NullInt64
		if err := rows.Scan(&b.Feed, &b.Index, &marksCRC, &b.Marks, &namesCRC, &b.Names); err != nil {
			return err
		}
		reason := ""
		switch {
		case !namesCRC.Valid:
			reason = "its names were never saved"
		case checksum(b.Names) != namesCRC.Int64:
			reason = "the checksum of its names does not fit"
		case checksum(b.Marks) != marksCRC:
			reason = "the checksum of its marks does not fit"
		}
		if reason != "" {
			l.bad = append(l.bad, badRow{origin: fromBlocks, name: b.Feed, index: b.Index, reason: reason, body: b.Marks})
			return nil
		}
		l.saved.Blocks = append(l.saved.Blocks, b)
		return nil
	}, `SELECT m.feed, m.idx, m.crc, m.body, n.crc, n.body
		FROM block_marks AS m LEFT JOIN block_names AS n ON n.feed = m.feed AND n.idx = m.idx ORDER BY m.feed, m.idx`)
}

func (l *loader) restarts(ctx context.Context, tx *sql.Tx) error {
	return each(ctx, tx, func(rows *sql.Rows) error {
		var r watchdog.Restart
		if err := rows.Scan(&r.At, &r.Through, &r.Source); err != nil {
			return err
		}
		l.saved.Restarts = append(l.saved.Restarts, r)
		return nil
	}, "SELECT at, through, source FROM restarts ORDER BY at")
}

func (l *loader) rules(ctx context.Context, tx *sql.Tx) error {
	return each(ctx, tx, func(rows *sql.Rows) error {
		var body []byte
		if err := rows.Scan(&body); err != nil {
			return err
		}
		r := new(watchdog.SavedRules)
		if err := json.Unmarshal(body, r); err != nil {
			l.bad = append(l.bad, badRow{origin: fromRules, name: "last good", reason: err.Error(), body: body})
			return nil
		}
		l.saved.Rules = r
		return nil
	}, "SELECT body FROM rules")
}

// each runs a query and hands every row to one.
func each(ctx context.Context, tx *sql.Tx, one func(*sql.Rows) error, query string, args ...any) error {
	rows, err := tx.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }() // what went wrong is in Err
	for rows.Next() {
		if err := one(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}
