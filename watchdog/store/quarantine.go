package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"strings"
	"time"

	sqlite3 "modernc.org/sqlite/lib"
)

// damage says that the file is not what was written.
type damage struct{ found string }

func (d *damage) Error() string {
	return "the file is damaged: " + strings.Join(strings.Fields(d.found), " ")
}

func isDamage(err error) bool {
	var found *damage
	if errors.As(err, &found) {
		return true
	}
	code := primaryCode(err)
	return code == sqlite3.SQLITE_CORRUPT || code == sqlite3.SQLITE_NOTADB
}

// startOver moves the damaged file aside and opens an empty one.
func (s *SQLite) startOver(ctx context.Context, why error) error {
	aside, err := moveAside(s.path, time.Now())
	if err != nil {
		return fmt.Errorf("%s is damaged (%w) and cannot be moved aside: %w; move it yourself, and start again", s.path, why, err)
	}
	s.log.Error("damaged state file moved aside", slog.String("path", s.path), slog.String("aside", aside), slog.Any("error", why))
	if err := s.open(ctx); err != nil {
		return err
	}
	s.notify(fmt.Sprintf("The state file %s was damaged (%v). It is now %s, and feedwatch started with an empty one: "+
		"open incidents may page again, acknowledgements, silences and the pages sent so far are forgotten, and last updates are known again once they arrive.", s.path, why, aside))
	return nil
}

// sideFiles stand beside the file and belong to it.
var sideFiles = [...]string{"-wal", "-shm", "-journal"}

// moveAside renames the file and those beside it. It overwrites nothing.
func moveAside(path string, now time.Time) (aside string, err error) {
	aside = path + ".corrupt-" + now.UTC().Format("20060102T150405Z")
	for n := 2; exists(aside); n++ {
		aside = fmt.Sprintf("%s.corrupt-%s-%d", path, now.UTC().Format("20060102T150405Z"), n)
	}
	// The log goes first: left alone beside a new file it could be taken for its.
	for _, suffix := range sideFiles {
		err := os.Rename(path+suffix, aside+suffix)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return "", err
		}
	}
	return aside, os.Rename(path, aside)
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}
