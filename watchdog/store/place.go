package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
)

// standing is what stands at the path: the file and its write-ahead log. A file
// that is open can be removed, moved or replaced: SQLite goes on writing to it, and
// after a restart nobody finds what it wrote.
type standing struct{ file, wal os.FileInfo }

func (s *SQLite) look() (now standing, err error) {
	if now.file, err = os.Stat(s.path); err != nil {
		return standing{}, err
	}
	if now.wal, err = os.Stat(s.path + "-wal"); errors.Is(err, fs.ErrNotExist) {
		return now, nil
	}
	return now, err
}

// opened remembers what a new connection opened.
func (s *SQLite) opened() error {
	now, err := s.look()
	if err == nil {
		s.standing.Store(&now)
	}
	return err
}

// inPlace says whether what is open is what stands at the path; an error where it
// is not and must not be put there.
func (s *SQLite) inPlace() (bool, error) {
	now, err := s.look()
	was := s.standing.Load()
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return false, nil
	case err != nil:
		return false, err
	case !os.SameFile(was.file, now.file):
		return false, fmt.Errorf("%s is another file than the one that feedwatch has open: what is saved now is lost at its next start; "+
			"move that file elsewhere, and feedwatch puts its own there again, or restart feedwatch to go on with that one", s.path)
	default:
		return now.wal != nil && os.SameFile(was.wal, now.wal), nil
	}
}

// putBack writes all that is saved to the path again if it is no longer there. It
// goes on when ctx ends, which may be too soon for a large file; who commits
// meanwhile waits for it.
func (s *SQLite) putBack(ctx context.Context) error {
	for { // it may be gone once more
		if ok, err := s.inPlace(); ok || err != nil {
			return err
		}
		done := s.puttingBack.DoChan("", func() (any, error) { return nil, s.writeAgain(context.WithoutCancel(ctx)) })
		select {
		case result := <-done:
			if result.Err != nil {
				return result.Err
			}
		case <-ctx.Done():
			return fmt.Errorf("%s was removed or moved, and is being written again: %w", s.path, ctx.Err())
		}
	}
}

// writeAgain copies what the connection has open, which it still reads wherever
// that is now, to the path.
func (s *SQLite) writeAgain(ctx context.Context) error {
	conn, err := s.db.Conn(ctx) // the only one: everybody else waits
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }() // after Raw it is closed already
	if ok, err := s.inPlace(); ok || err != nil {
		return err
	}
	if err := s.copyTo(ctx, conn, s.path+".new"); err != nil {
		return err
	}
	// A log of what was there before must not be taken for the new file's.
	for _, suffix := range sideFiles {
		if err := os.Remove(s.path + suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	if err := os.Rename(s.path+".new", s.path); err != nil {
		return err
	}
	if err := syncDir(filepath.Dir(s.path)); err != nil {
		return err
	}
	// Closed while somebody else's file stands at its path, a connection touches
	// neither that nor a log beside it. The next one opens what is there now.
	_ = conn.Raw(func(any) error { return driver.ErrBadConn })
	if err := s.db.PingContext(ctx); err != nil {
		return err
	}
	s.putBackOnce.Do(func() {
		s.notify(fmt.Sprintf("The state file %s was removed or moved while feedwatch ran; everything that is known was written there again. "+
			"Find out what removed it: had feedwatch ended before, open incidents would page again.", s.path))
	})
	s.log.Error("the state file was gone; it was written again", slog.String("path", s.path))
	return nil
}

// copyTo writes all that is saved to a new file, durably.
func (s *SQLite) copyTo(ctx context.Context, conn *sql.Conn, path string) (err error) {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := createPrivate(path); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(path)
		}
	}()
	if _, err := conn.ExecContext(ctx, "VACUUM INTO ?", path); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
