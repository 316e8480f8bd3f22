package store

import (
	"context"
	"database/sql"
	"fmt"
)

// applicationID marks the file as ours in SQLite's header: "fdwt".
const applicationID = 0x66647774

// schemaSteps lead from an empty file to the present schema; step i makes
// version i+1. A step that was released is never edited: add another.
var schemaSteps = [...]string{
	`
	-- What people are paged for: JSON, and beside it what is asked for by.
	CREATE TABLE incidents (
		id       TEXT PRIMARY KEY,
		feed     TEXT NOT NULL,
		state    TEXT NOT NULL,
		opened   INTEGER NOT NULL, -- unix ms, as all times here
		resolved INTEGER NOT NULL, -- 0: not resolved
		revision INTEGER NOT NULL,
		body     TEXT NOT NULL
	);
	CREATE INDEX incidents_unresolved ON incidents (opened) WHERE state <> 'resolved';
	CREATE INDEX incidents_resolved ON incidents (resolved, id) WHERE state = 'resolved';

	-- What destinations are known to hold of them.
	CREATE TABLE receipts (
		incident    TEXT NOT NULL,
		target_kind TEXT NOT NULL,
		target_name TEXT NOT NULL,
		op          TEXT NOT NULL,
		ref         TEXT NOT NULL,
		revision    INTEGER NOT NULL,
		at          INTEGER NOT NULL,
		dead        TEXT NOT NULL,
		PRIMARY KEY (incident, target_kind, target_name, op)
	) WITHOUT ROWID;

	-- Blocks of series. Names change rarely, so they are not rewritten with the marks.
	CREATE TABLE block_names (
		feed TEXT NOT NULL,
		idx  INTEGER NOT NULL,
		crc  INTEGER NOT NULL,
		body BLOB,
		PRIMARY KEY (feed, idx)
	);
	CREATE TABLE block_marks (
		feed TEXT NOT NULL,
		idx  INTEGER NOT NULL,
		crc  INTEGER NOT NULL,
		body BLOB,
		PRIMARY KEY (feed, idx)
	);
	CREATE TABLE blocks_through (
		one     INTEGER PRIMARY KEY CHECK (one = 1),
		through INTEGER NOT NULL
	);

	CREATE TABLE restarts (
		at      INTEGER PRIMARY KEY,
		through INTEGER NOT NULL
	);

	-- The rule files last accepted.
	CREATE TABLE rules (
		one  INTEGER PRIMARY KEY CHECK (one = 1),
		body TEXT NOT NULL
	);

	-- Rows that could not be read, for whoever looks into it.
	CREATE TABLE set_aside (
		n      INTEGER PRIMARY KEY AUTOINCREMENT,
		at     INTEGER NOT NULL,
		origin TEXT NOT NULL,
		name   TEXT NOT NULL,
		reason TEXT NOT NULL,
		body   BLOB
	);`,
	`
	-- What each client lost in each incident: a row for each time that its updates
	-- came again.
	CREATE TABLE ledger (
		incident   TEXT NOT NULL,
		client     TEXT NOT NULL,
		feed       TEXT NOT NULL,
		lost_from  INTEGER NOT NULL,
		lost_to    INTEGER NOT NULL,
		by_arrival INTEGER NOT NULL,
		at_risk    INTEGER NOT NULL,
		updates    REAL NOT NULL, -- estimated; -1: not known
		PRIMARY KEY (incident, client, lost_from)
	) WITHOUT ROWID;
	CREATE INDEX ledger_clients ON ledger (feed, client);`,
	`
	-- People's decisions not to be paged for some series, for a time: JSON.
	CREATE TABLE silences (
		id    TEXT PRIMARY KEY,
		until INTEGER NOT NULL,
		body  TEXT NOT NULL
	);
	CREATE INDEX silences_until ON silences (until);`,
	`
	-- The source that could not hear; '': the process did not run.
	ALTER TABLE restarts ADD COLUMN source TEXT NOT NULL DEFAULT '';`,
}

// migrate brings the schema up to date, or says why it cannot.
func (s *SQLite) migrate(ctx context.Context) error {
	return s.commit(ctx, func(tx *sql.Tx) error {
		version, err := s.schemaVersion(ctx, tx)
		if err != nil {
			return err
		}
		if version == len(schemaSteps) {
			return nil
		}
		s.begun = version == 0
		for _, step := range schemaSteps[version:] {
			if _, err := tx.ExecContext(ctx, step); err != nil {
				return err
			}
		}
		_, err = tx.ExecContext(ctx, fmt.Sprintf("PRAGMA user_version = %d; PRAGMA application_id = %d", len(schemaSteps), applicationID))
		return err
	})
}

// schemaVersion is the version the file has: 0 for an empty one.
func (s *SQLite) schemaVersion(ctx context.Context, tx *sql.Tx) (int, error) {
	var version, application, tables int
	row := tx.QueryRowContext(ctx, "SELECT user_version, application_id, (SELECT count(*) FROM sqlite_schema) FROM pragma_user_version, pragma_application_id")
	if err := row.Scan(&version, &application, &tables); err != nil {
		return 0, err
	}
	switch {
	case application != applicationID && (application != 0 || tables > 0):
		return 0, fmt.Errorf("%s is another program's SQLite file; give feedwatch a path of its own", s.path)
	case version > len(schemaSteps):
		return 0, fmt.Errorf("%s was written by a newer feedwatch (schema %d, this one knows %d): run that version, or move the file elsewhere to start with an empty one", s.path, version, len(schemaSteps))
	case version < 0 || version > 0 && tables == 0:
		return 0, &damage{found: fmt.Sprintf("schema %d without its tables", version)}
	}
	return version, nil
}
