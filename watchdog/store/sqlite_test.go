package store

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/feedwatch/feedwatch/watchdog"
)

func openAt(t testing.TB, path string) *SQLite {
	t.Helper()
	s, err := OpenSQLite(context.Background(), path, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() }) // a second Close does nothing
	return s
}

func TestSQLite(t *testing.T) {
	testStore(t, func(t *testing.T) place {
		path := filepath.Join(t.TempDir(), "feed watch#1%?.db")
		return func() contract { return openAt(t, path) }
	})
}

func TestFileIsPrivate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "feedwatch.db")
	openAt(t, path)
	for _, suffix := range []string{"", "-wal"} {
		info, err := os.Stat(path + suffix)
		ok(t, err)
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v, want 0600: it names customers", info.Name(), info.Mode().Perm())
		}
	}
}

func TestCommitsAreSynchronous(t *testing.T) {
	s := openAt(t, filepath.Join(t.TempDir(), "feedwatch.db"))
	for pragma, want := range map[string]string{"synchronous": "2", "journal_mode": "wal", "locking_mode": "exclusive", "busy_timeout": "5000", "page_size": "8192"} {
		var got string
		ok(t, s.db.QueryRow("PRAGMA "+pragma).Scan(&got))
		if got != want {
			t.Errorf("%s is %s, want %s", pragma, got, want)
		}
	}
}

// wantError checks that err says all of the words.
func wantError(t *testing.T, err error, words ...string) {
	t.Helper()
	if err == nil {
		t.Fatal("no error")
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("error %q does not say %q", err, w)
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	dir := t.TempDir()
	discard := slog.New(slog.DiscardHandler)
	plain := func(name, statements string) string {
		path := filepath.Join(dir, name)
		db, err := sql.Open("sqlite", "file:"+path)
		ok(t, err)
		_, err = db.Exec(statements)
		ok(t, err)
		ok(t, db.Close())
		return path
	}
	ours := fmt.Sprintf("PRAGMA application_id = %d;", applicationID)
	for _, c := range []struct {
		name, path string
		words      []string
	}{
		{"no path", "", []string{"no path"}},
		{"a directory", dir, []string{dir, "is a directory"}},
		{"no directory", filepath.Join(dir, "gone", "feedwatch.db"), []string{filepath.Join(dir, "gone"), "does not exist; create it"}},
		{"newer schema", plain("newer.db", ours+"PRAGMA user_version = 99; CREATE TABLE future (x)"), []string{"newer feedwatch (schema 99", "run that version"}},
		{"another program's", plain("other.db", "CREATE TABLE photos (x)"), []string{"another program's", "a path of its own"}},
		{"another program's, with id", plain("other-id.db", "PRAGMA application_id = 7"), []string{"another program's"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			before, _ := os.ReadDir(dir)
			s, err := OpenSQLite(t.Context(), c.path, discard)
			if err == nil {
				_ = s.Close()
			}
			wantError(t, err, c.words...)
			if after, _ := os.ReadDir(dir); len(after) != len(before) {
				t.Errorf("refusing left files behind: %v", after)
			}
		})
	}
}

// A file of an earlier feedwatch is brought up to date, and keeps what it holds.
func TestSchemaOfBefore(t *testing.T) {
	path := filepath.Join(t.TempDir(), "feedwatch.db")
	db, err := sql.Open("sqlite", "file:"+path)
	ok(t, err)
	_, err = db.Exec(schemaSteps[0] + fmt.Sprintf(`PRAGMA application_id = %d; PRAGMA user_version = 1;
		INSERT INTO restarts (at, through) VALUES (2, 1);`, applicationID))
	ok(t, err)
	ok(t, db.Close())
	s := openAt(t, path)
	holds := silence("s-1", time.Hour)
	ok(t, s.SaveSilence(t.Context(), holds))
	saved := load(t, s)
	same(t, "restarts", saved.Restarts, []watchdog.Restart{{At: 2, Through: 1}})
	same(t, "silences", saved.Silences, []watchdog.Silence{holds})
}

func TestOneProcessAtATime(t *testing.T) {
	path := filepath.Join(t.TempDir(), "feedwatch.db")
	first := openAt(t, path)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	_, err := OpenSQLite(ctx, path, slog.New(slog.DiscardHandler))
	wantError(t, err, path, "in use by another process", "stop the other feedwatch")
	ok(t, first.SaveIncidents(t.Context(), []*watchdog.Incident{incident(1, watchdog.StateOpen, 1)}))
	ok(t, first.Close())
	if second := openAt(t, path); len(load(t, second).Incidents) != 1 {
		t.Error("what the first process saved is gone")
	}
}

// filled makes a file with an incident and blocks of size bytes in all, and closes it.
func filled(t testing.TB, size int) string {
	path := filepath.Join(t.TempDir(), "feedwatch.db")
	s := openAt(t, path)
	random := rand.NewChaCha8([32]byte{1})
	var flush watchdog.Flush
	for i := range size / 16384 {
		b := watchdog.BlockImage{Feed: "external-profiles", Index: i, Names: make([]byte, 8192), Marks: make([]byte, 8192)}
		_, _ = random.Read(b.Names) // it never fails
		_, _ = random.Read(b.Marks)
		flush.Blocks = append(flush.Blocks, b)
	}
	flush.Through = base
	err := s.SaveBlocks(context.Background(), flush)
	if err == nil {
		err = s.SaveIncidents(context.Background(), []*watchdog.Incident{incident(1, watchdog.StateOpen, 1)})
	}
	if err == nil {
		err = s.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// overwrite puts garbage into the file at offset.
func overwrite(t *testing.T, path string, offset int64, garbage []byte) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	ok(t, err)
	_, err = f.WriteAt(garbage, offset)
	ok(t, err)
	ok(t, f.Close())
}

func TestDamagedFileIsMovedAside(t *testing.T) {
	garbage := bytes.Repeat([]byte("not a database. "), 4096)
	for _, c := range []struct {
		name   string
		size   int
		damage func(t *testing.T, path string)
	}{
		{"not SQLite at all", 1 << 20, func(t *testing.T, path string) { ok(t, os.WriteFile(path, garbage, 0o600)) }},
		{"header", 1 << 20, func(t *testing.T, path string) { overwrite(t, path, 0, garbage[:100]) }},
		{"zeroed header", 1 << 20, func(t *testing.T, path string) { overwrite(t, path, 0, make([]byte, 8192)) }},
		{"a page", 1 << 20, func(t *testing.T, path string) { overwrite(t, path, 8192, garbage[:8192]) }},
		{"cut off", 1 << 20, func(t *testing.T, path string) { ok(t, os.Truncate(path, 300_000)) }},
		{"many pages of a file too large to check", checkedBytesMax + 10<<20, func(t *testing.T, path string) {
			for i := range int64(1000) {
				overwrite(t, path, 8192*(2+8*i), garbage[:4096])
			}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filled(t, c.size)
			c.damage(t, path)
			ok(t, os.WriteFile(path+"-shm", []byte("left over"), 0o600))
			damaged, err := os.ReadFile(path)
			ok(t, err)

			s := openAt(t, path)
			same(t, "after damage", load(t, s), new(watchdog.Saved))
			for _, word := range []string{path, ".corrupt-", "was damaged", "may page again"} {
				if !strings.Contains(s.Notice(), word) {
					t.Errorf("notice %q does not say %q", s.Notice(), word)
				}
			}
			ok(t, s.SaveIncidents(t.Context(), []*watchdog.Incident{incident(2, watchdog.StateOpen, 1)}))
			same(t, "what was saved since", len(load(t, s).Incidents), 1)

			aside, err := filepath.Glob(path + ".corrupt-*Z")
			ok(t, err)
			if len(aside) != 1 {
				t.Fatalf("moved aside: %v", aside)
			}
			kept, err := os.ReadFile(aside[0])
			ok(t, err)
			if len(kept) != len(damaged) {
				t.Errorf("%d bytes were moved aside, the file had %d", len(kept), len(damaged))
			}
			if _, err := os.Stat(path + "-shm"); err == nil {
				t.Error("a side file of the damaged one stands beside the new one")
			}
		})
	}
}

// A file that is gone or empty, as after a power cut, is no first start.
func TestALostFileIsSaid(t *testing.T) {
	path := filepath.Join(t.TempDir(), "feedwatch.db")
	s := openAt(t, path)
	if s.Notice() != "" {
		t.Errorf("a first start: %q", s.Notice())
	}
	for name, lose := range map[string]func(){
		"gone":  func() { ok(t, os.Remove(path)) },
		"empty": func() { ok(t, os.Truncate(path, 0)) },
	} {
		ok(t, s.SaveIncidents(t.Context(), []*watchdog.Incident{incident(1, watchdog.StateOpen, 1)}))
		ok(t, s.Close())
		lose()
		s = openAt(t, path)
		for _, word := range []string{path, "gone or empty", "may page again", "by hand"} {
			if !strings.Contains(s.Notice(), word) {
				t.Errorf("%s: notice %q does not say %q", name, s.Notice(), word)
			}
		}
	}
	ok(t, s.Close())
	if s = openAt(t, path); s.Notice() != "" {
		t.Errorf("once it is whole again: %q", s.Notice())
	}
}

func TestDamageInDetailIsLeftOut(t *testing.T) {
	ctx := t.Context()
	path := filepath.Join(t.TempDir(), "feedwatch.db")
	s := openAt(t, path)
	var flush watchdog.Flush
	for i := range 5 {
		flush.Blocks = append(flush.Blocks, watchdog.BlockImage{Feed: "a", Index: i, Names: []byte("names"), Marks: []byte("marks")})
	}
	ok(t, s.SaveBlocks(ctx, flush))
	good, bad, other := incident(1, watchdog.StateOpen, 1), incident(2, watchdog.StateOpen, 1), incident(3, watchdog.StateOpen, 1)
	ok(t, s.SaveIncidents(ctx, []*watchdog.Incident{good, bad, other}))
	ok(t, s.SaveReceipt(ctx, receipt(bad, "slack", "root")))
	ok(t, s.SaveRules(ctx, watchdog.SavedRules{Version: "7f3a9c"}))
	holds := silence("s-1", time.Hour)
	ok(t, s.SaveSilence(ctx, holds))
	ok(t, s.SaveSilence(ctx, silence("s-2", time.Hour)))
	ok(t, s.SaveSilence(ctx, silence("s-3", time.Hour)))
	for _, damage := range []string{
		"UPDATE block_marks SET body = 'mbrks' WHERE idx = 0",
		"UPDATE block_names SET body = NULL WHERE idx = 2",
		"DELETE FROM block_names WHERE idx = 3",
		"UPDATE incidents SET body = substr(body, 1, 40) WHERE id = '" + bad.ID + "'",
		"UPDATE incidents SET body = replace(body, id, 'x') WHERE id = '" + other.ID + "'",
		"UPDATE rules SET body = '{'",
		"UPDATE silences SET body = substr(body, 1, 40) WHERE id = 's-2'",
		"UPDATE silences SET body = replace(body, id, 'x') WHERE id = 's-3'",
	} {
		_, err := s.db.Exec(damage)
		ok(t, err)
	}
	saved := load(t, s)
	same(t, "incidents", saved.Incidents, []*watchdog.Incident{good})
	if len(saved.Blocks) != 2 || saved.Blocks[0].Index != 1 || saved.Blocks[1].Index != 4 {
		t.Errorf("blocks %+v come back, want those that are whole: 1 and 4", saved.Blocks)
	}
	same(t, "silences", saved.Silences, []watchdog.Silence{holds})
	if saved.Rules != nil || len(saved.Receipts) != 0 {
		t.Errorf("rules %v and receipts %v come back", saved.Rules, saved.Receipts)
	}
	for _, word := range []string{"3 of 5 blocks", bad.ID, other.ID, "rule files could not be read", "Silence s-2 could not be read", "Silence s-3"} {
		if !strings.Contains(s.Notice(), word) {
			t.Errorf("notice %q does not say %q", s.Notice(), word)
		}
	}
	var aside int
	ok(t, s.db.QueryRow("SELECT count(*) FROM set_aside").Scan(&aside))
	same(t, "rows set aside", aside, 8)
	ok(t, s.Close())

	s = openAt(t, path)
	same(t, "the next start", len(load(t, s).Blocks), 2)
	same(t, "its notice", s.Notice(), "")
}

func TestManyDamagedRowsMakeAShortNotice(t *testing.T) {
	s := openAt(t, filepath.Join(t.TempDir(), "feedwatch.db"))
	var all []*watchdog.Incident
	for n := range 3 * setAsideMax {
		all = append(all, incident(n, watchdog.StateOpen, 1))
	}
	ok(t, s.SaveIncidents(t.Context(), all))
	_, err := s.db.Exec("UPDATE incidents SET body = ''")
	ok(t, err)
	load(t, s)
	if lines := strings.Count(s.Notice(), "\n") + 1; lines != incidentsNamedMax+1 || !strings.Contains(s.Notice(), "290 more incidents") {
		t.Errorf("%d lines: %s", lines, s.Notice())
	}
	var aside, left int
	ok(t, s.db.QueryRow("SELECT (SELECT count(*) FROM set_aside), (SELECT count(*) FROM incidents)").Scan(&aside, &left))
	if aside != setAsideMax || left != 0 {
		t.Errorf("%d rows are set aside and %d left, want %d and 0", aside, left, setAsideMax)
	}
}
