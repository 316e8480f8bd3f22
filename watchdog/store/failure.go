package store

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"syscall"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// primaryCode is SQLite's result code without its extension; 0 where err is not SQLite's.
func primaryCode(err error) int {
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return sqlite3.SQLITE_OK
	}
	return e.Code() & 0xff
}

// explain adds to an error which file it is about and what to do.
func (s *SQLite) explain(err error) error {
	dir := filepath.Dir(s.path)
	switch code := primaryCode(err); {
	case code == sqlite3.SQLITE_FULL, errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return fmt.Errorf("no space left for %s: free some in %s; nothing is saved until then, and saving goes on by itself: %w", s.path, dir, err)
	case code == sqlite3.SQLITE_BUSY, code == sqlite3.SQLITE_LOCKED:
		return fmt.Errorf("%s is in use by another process: stop the other feedwatch (or whatever has the file open), or give this one a path of its own: %w", s.path, err)
	case code == sqlite3.SQLITE_READONLY, code == sqlite3.SQLITE_CANTOPEN, code == sqlite3.SQLITE_PERM, errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("cannot write %s: make the file and its directory %s writable for the user who runs feedwatch: %w", s.path, dir, err)
	case code == sqlite3.SQLITE_IOERR:
		return fmt.Errorf("the disk under %s fails: check it, its free space and the kernel's log: %w", s.path, err)
	case isDamage(err):
		return fmt.Errorf("%s is damaged: stop feedwatch, move the file and %s-wal elsewhere, and start it again with an empty one: %w", s.path, s.path, err)
	default:
		return err
	}
}
