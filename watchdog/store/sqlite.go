package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/singleflight"
)

// ErrNotFound says that nothing is saved under that name.
var ErrNotFound = errors.New("not found in the store")

// SQLite is the store in one file. Its methods may be called from several
// goroutines; they take turns at the one connection there is.
type SQLite struct {
	path string
	log  *slog.Logger
	db   *sql.DB

	begun bool // the file was new, or empty, when it was opened

	standing    atomic.Pointer[standing] // of the connection
	puttingBack singleflight.Group
	putBackOnce sync.Once

	mu      sync.Mutex
	notices []string
}

// OpenSQLite opens the file at path, or creates it, and takes it for this
// process alone. A damaged file is moved aside as <path>.corrupt-<UTC stamp> and
// an empty one takes its place; Notice says so. It fails where going on would
// harm: another process has the file, a newer feedwatch wrote it, it belongs to
// another program, or it cannot be written.
func OpenSQLite(ctx context.Context, path string, log *slog.Logger) (*SQLite, error) {
	if path == "" {
		return nil, errors.New("store: no path given for the state file")
	}
	s := &SQLite{path: path, log: log}
	ran := exists(s.reservePath())
	err := s.open(ctx)
	switch {
	case isDamage(err):
		err = s.startOver(ctx, err)
	case err == nil && ran && s.begun:
		s.notify(fmt.Sprintf("The state file %s was gone or empty, though feedwatch ran with it before (%s stands beside it): it started with an empty one. "+
			"Open incidents may page again, and what they sent before must be resolved by hand; put the file back if it was moved.", path, s.reservePath()))
	}
	if err != nil {
		return nil, fmt.Errorf("store: open: %w", s.explain(err))
	}
	return s, nil
}

// Notice says what was lost or left out when the file was opened and loaded, a
// sentence a line, for people. It is "" when all is well.
func (s *SQLite) Notice() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.notices, "\n")
}

func (s *SQLite) notify(sentence string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.notices = append(s.notices, sentence)
	s.log.Warn("state is not whole", slog.String("path", s.path), slog.String("notice", sentence))
}

// Close writes back what is in the write-ahead log and gives the file free.
func (s *SQLite) Close() error {
	if err := s.db.Close(); err != nil {
		return fmt.Errorf("store: close: %w", s.explain(err))
	}
	return nil
}

// write runs change in one transaction and commits it durably, where the next
// start finds it. doing names it in errors.
func (s *SQLite) write(ctx context.Context, doing string, change func(*sql.Tx) error) error {
	return s.durably(ctx, doing, s.commitAnyhow, change)
}

func (s *SQLite) durably(ctx context.Context, doing string, commit func(context.Context, func(*sql.Tx) error) error, change func(*sql.Tx) error) error {
	begun := time.Now()
	err := commit(ctx, change)
	if gone := s.putBack(ctx); gone != nil {
		err = gone
	}
	if err != nil {
		return fmt.Errorf("store: %s: %w", doing, s.explain(err))
	}
	if took := time.Since(begun); took > slowCommit {
		s.log.Warn("slow commit", slog.String("doing", doing), slog.Duration("took", took))
	}
	return nil
}

// slowCommit is how long a commit may take before the log says so: the engine
// sends pages undurably after 2 s.
const slowCommit = time.Second

func (s *SQLite) commit(ctx context.Context, change func(*sql.Tx) error) error {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	if err := change(tx); err != nil {
		// SQLite may have rolled back by itself (a full disk); then this fails,
		// and there is nothing left to undo.
		_ = tx.Rollback()
		return err
	}
	return tx.Commit()
}
