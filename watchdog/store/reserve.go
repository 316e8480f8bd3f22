package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"syscall"

	sqlite3 "modernc.org/sqlite/lib"
)

// reserveBytes is set aside for when the disk is full: incidents, receipts and
// acknowledgements are small, and a crash then must not page anew for what was
// sent. Watermarks are not, and wait until there is room.
const reserveBytes = 1 << 20

func (s *SQLite) reservePath() string { return s.path + "-reserve" }

// keepReserve sets the reserve aside if it is not there. It says so while there
// is no room for it; anything else that is wrong with it holds nothing up.
func (s *SQLite) keepReserve() error {
	if info, err := os.Stat(s.reservePath()); err == nil && info.Size() == reserveBytes {
		return nil
	}
	body := make([]byte, reserveBytes)
	_, _ = rand.Read(body) // of zeros a disk that packs would keep nothing; never fails
	err := writeWhole(s.reservePath(), body)
	if err == nil {
		return nil
	}
	_ = os.Remove(s.reservePath()) // half of it is none
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return fmt.Errorf("the reserve for incidents comes first: %w", err)
	}
	return nil
}

func writeWhole(path string, body []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(body)
	return errors.Join(err, f.Sync(), f.Close())
}

// commitAnyhow commits, on a full disk at the cost of the reserve.
func (s *SQLite) commitAnyhow(ctx context.Context, change func(*sql.Tx) error) error {
	err := s.commit(ctx, change)
	if primaryCode(err) != sqlite3.SQLITE_FULL || os.Remove(s.reservePath()) != nil {
		return err
	}
	s.log.Error("the disk is full: what was set aside for incidents is used now", slog.String("path", s.path))
	return s.commit(ctx, change)
}
