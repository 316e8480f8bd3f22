package store

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/feedwatch/feedwatch/watchdog"
)

// crashed is what a process finds that starts at path after this one was killed:
// the files as they are, opened elsewhere.
func crashed(t *testing.T, path string) *SQLite {
	t.Helper()
	elsewhere := filepath.Join(t.TempDir(), "feedwatch.db")
	for _, suffix := range []string{"", "-wal"} {
		body, err := os.ReadFile(path + suffix)
		if os.IsNotExist(err) && suffix != "" {
			continue
		}
		ok(t, err)
		ok(t, os.WriteFile(elsewhere+suffix, body, 0o600))
	}
	return openAt(t, elsewhere)
}

// Whatever of the file is taken away while it is open, the next commit puts all
// of it back, and what was committed is there after a kill.
func TestWhatIsRemovedIsWrittenAgain(t *testing.T) {
	remove := func(names ...string) func(t *testing.T, dir string) {
		return func(t *testing.T, dir string) {
			for _, name := range names {
				ok(t, os.Remove(filepath.Join(dir, name)))
			}
		}
	}
	for name, lose := range map[string]func(t *testing.T, dir string){
		"both files": remove("feedwatch.db", "feedwatch.db-wal"),
		"the file":   remove("feedwatch.db"),
		"the log":    remove("feedwatch.db-wal"),
		"the file is moved": func(t *testing.T, dir string) {
			ok(t, os.Rename(filepath.Join(dir, "feedwatch.db"), filepath.Join(dir, "old.db")))
		},
		"the directory": func(t *testing.T, dir string) {
			ok(t, os.RemoveAll(dir))
			ok(t, os.Mkdir(dir, 0o755))
		},
		"the directory is moved": func(t *testing.T, dir string) {
			ok(t, os.Rename(dir, filepath.Join(t.TempDir(), "old")))
			ok(t, os.Mkdir(dir, 0o755))
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "state")
			ok(t, os.Mkdir(dir, 0o755))
			path, ctx := filepath.Join(dir, "feedwatch.db"), t.Context()
			s := openAt(t, path)
			ok(t, s.SaveIncidents(ctx, []*watchdog.Incident{incident(0, watchdog.StateOpen, 1)}))
			ok(t, s.SaveReceipt(ctx, watchdog.Receipt{Incident: incident(0, watchdog.StateOpen, 1).ID, Op: "root", Ref: "C1/2"}))
			ok(t, s.SaveBlocks(ctx, watchdog.Flush{Through: base, Blocks: []watchdog.BlockImage{{Feed: "a", Names: []byte{1}, Marks: []byte{2}}}}))
			for i := range 3 {
				if i < 2 { // also before the log of a new connection was written to
					lose(t, dir)
				}
				ok(t, s.SaveIncidents(ctx, []*watchdog.Incident{incident(1+i, watchdog.StateOpen, 1)}))
				after := crashed(t, path)
				got := load(t, after)
				if len(got.Incidents) != 2+i || len(got.Receipts) != 1 || len(got.Blocks) != 1 || after.Notice() != "" {
					t.Fatalf("after commit %d there are %d incidents, %d receipts, %d blocks; notice %q",
						i, len(got.Incidents), len(got.Receipts), len(got.Blocks), after.Notice())
				}
			}
			if notice := s.Notice(); !strings.Contains(notice, path) || strings.Contains(notice, "\n") {
				t.Errorf("the notice is %q, want one sentence", notice)
			}
			for _, suffix := range []string{"", "-wal"} {
				info, err := os.Stat(path + suffix)
				ok(t, err)
				if info.Mode().Perm() != 0o600 {
					t.Errorf("%s has mode %v, want 0600", info.Name(), info.Mode().Perm())
				}
			}
			ok(t, s.Close())
			if got := load(t, openAt(t, path)); len(got.Incidents) != 4 {
				t.Errorf("%d incidents after a clean stop", len(got.Incidents))
			}
		})
	}
}

// While it cannot be put back, no commit counts; then all of them do.
func TestWhatCannotBePutBackFails(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	ok(t, os.Mkdir(dir, 0o755))
	path, ctx := filepath.Join(dir, "feedwatch.db"), t.Context()
	s := openAt(t, path)
	ok(t, s.SaveIncidents(ctx, []*watchdog.Incident{incident(0, watchdog.StateOpen, 1)}))
	ok(t, os.RemoveAll(dir))
	wantError(t, s.SaveIncidents(ctx, []*watchdog.Incident{incident(1, watchdog.StateOpen, 1)}), dir, "does not exist; create it")

	// Somebody's file is not touched: it may be a backup, or another feedwatch's.
	ok(t, os.Mkdir(dir, 0o755))
	ok(t, os.WriteFile(path, []byte("theirs"), 0o600))
	wantError(t, s.SaveIncidents(ctx, []*watchdog.Incident{incident(1, watchdog.StateOpen, 1)}), path, "another file", "move that file")
	body, err := os.ReadFile(path)
	ok(t, err)
	if string(body) != "theirs" {
		t.Errorf("the other file is now %q", body)
	}

	ok(t, os.Remove(path))
	ok(t, s.SaveIncidents(ctx, []*watchdog.Incident{incident(1, watchdog.StateOpen, 1)}))
	if got := load(t, crashed(t, path)); len(got.Incidents) != 2 {
		t.Errorf("%d incidents after all", len(got.Incidents))
	}
}

// Many commit at once while the file is taken away again and again: what was
// committed last is there.
func TestRemovedUnderManyCommits(t *testing.T) {
	path := filepath.Join(t.TempDir(), "feedwatch.db")
	s := openAt(t, path)
	var writers sync.WaitGroup
	for w := range 4 {
		writers.Go(func() {
			for i := range 25 {
				if err := s.SaveIncidents(context.Background(), []*watchdog.Incident{incident(100*w+i, watchdog.StateOpen, 1)}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for range 20 {
		_ = os.Remove(path)
		_ = os.Remove(path + "-wal")
		if _, err := s.Incident(t.Context(), "none"); err == nil {
			t.Error("there is no such incident")
		}
	}
	writers.Wait()
	ok(t, s.SaveRestart(t.Context(), watchdog.Restart{At: base}))
	if got := load(t, crashed(t, path)); len(got.Incidents) != 100 {
		t.Errorf("%d incidents, want 100", len(got.Incidents))
	}
	if notice := s.Notice(); strings.Contains(notice, "\n") {
		t.Errorf("notices: %s", notice)
	}
}
