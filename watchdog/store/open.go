package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// checkedBytesMax is up to which size the whole file is checked when it is
// opened. Reading a gigabyte would delay the watch; there the checksums of
// blocks and the decoding of rows find what matters.
const checkedBytesMax = 64 << 20

// open opens or creates the file, takes it, checks it and brings its schema up
// to date. After an error nothing is open.
func (s *SQLite) open(ctx context.Context) (err error) {
	if err := createPrivate(s.path); err != nil {
		return err
	}
	c, err := newConnector(s.path, s.opened)
	if err != nil {
		return err
	}
	s.db = sql.OpenDB(c)
	defer func() {
		if err != nil {
			_ = s.db.Close()
		}
	}()
	// One connection: SQLite has one writer anyway, and the lock on the file is
	// the connection's.
	s.db.SetMaxOpenConns(1)
	s.db.SetMaxIdleConns(1)
	s.db.SetConnMaxLifetime(0)
	s.db.SetConnMaxIdleTime(0)
	if err := s.migrate(ctx); err != nil {
		return err
	}
	if err := s.check(ctx); err != nil {
		return err
	}
	_ = s.keepReserve() // on a full disk what is there must do
	return nil
}

// createPrivate makes an empty file that only its owner reads: it names
// customers. It touches no file that is there, because closing a descriptor of
// it would drop this process's locks on it.
func createPrivate(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	switch {
	case err == nil:
		return f.Close()
	case errors.Is(err, fs.ErrExist):
		if info, statErr := os.Stat(path); statErr == nil && info.IsDir() {
			return fmt.Errorf("%s is a directory; give the path of a file in it, such as %s", path, filepath.Join(path, "feedwatch.db"))
		}
		return nil
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("the directory %s does not exist; create it (and mount it, if it is a volume), owned by the user who runs feedwatch", filepath.Dir(path))
	default:
		return err
	}
}

// check reads a small file as a whole.
func (s *SQLite) check(ctx context.Context) error {
	info, err := os.Stat(s.path)
	if err != nil {
		return err
	}
	if info.Size() > checkedBytesMax {
		return nil
	}
	var verdict string
	if err := s.db.QueryRowContext(ctx, "PRAGMA integrity_check(1)").Scan(&verdict); err != nil {
		return err
	}
	if verdict != "ok" {
		return &damage{found: verdict}
	}
	return nil
}
