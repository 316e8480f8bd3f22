package store

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/feedwatch/feedwatch/watchdog"
)

// smallDisk is a disk that can be full: a file of the store on it, and how to
// fill it and to make room.
type smallDisk struct {
	store      *SQLite
	fill, room func()
}

// pageLimit stands for a disk: SQLite reports its limit on pages with the same
// code as a full disk, and it works without privileges.
func pageLimit(t *testing.T) smallDisk {
	s := openAt(t, filepath.Join(t.TempDir(), "feedwatch.db"))
	limit := func(pages int) {
		_, err := s.db.Exec(fmt.Sprintf("PRAGMA max_page_count = %d", pages))
		ok(t, err)
	}
	return smallDisk{store: s, fill: func() { limit(1) }, room: func() { limit(1 << 30) }}
}

// mounted is a real file system of 4 MB in dir.
func mounted(t *testing.T, dir string) smallDisk {
	s := openAt(t, filepath.Join(dir, "feedwatch.db"))
	ballast := filepath.Join(dir, "ballast")
	return smallDisk{
		store: s,
		fill: func() {
			// It ends with "no space left on device", as it should.
			if err := os.WriteFile(ballast, make([]byte, 8<<20), 0o600); err == nil {
				t.Fatal("the small disk took 8 MB")
			}
		},
		room: func() { ok(t, os.Remove(ballast)) },
	}
}

func TestFullDisk(t *testing.T) {
	t.Run("page limit", func(t *testing.T) { testFullDisk(t, pageLimit(t)) })
	dir := t.TempDir()
	if err := mountSmall(t, dir); err != nil {
		t.Logf("not run on a real small disk, which takes privileges: %v", err)
		return
	}
	t.Run("tmpfs", func(t *testing.T) { testFullDisk(t, mounted(t, dir)) })
	dir = t.TempDir()
	ok(t, mountSmall(t, dir))
	t.Run("reserve", func(t *testing.T) { testReserve(t, mounted(t, dir)) })
}

// On a full disk incidents and receipts are durable all the same for long enough;
// watermarks leave them the room.
func testReserve(t *testing.T, disk smallDisk) {
	ctx, s := t.Context(), disk.store
	ok(t, s.SaveIncidents(ctx, []*watchdog.Incident{incident(0, watchdog.StateOpen, 1)}))
	disk.fill()
	for n := range 40 {
		inc := incident(n, watchdog.StateOpen, uint64(n+2))
		if err := s.SaveIncidents(ctx, []*watchdog.Incident{inc}); err != nil {
			t.Fatalf("incident %d: %v", n, err)
		}
		ok(t, s.SaveReceipt(ctx, watchdog.Receipt{Incident: inc.ID, Op: "p1"}))
		if n > 0 {
			wantError(t, s.SaveBlocks(ctx, watchdog.Flush{Through: base}), "no space left for "+s.path, "free some in")
		}
	}
	if got := load(t, crashed(t, s.path)); len(got.Incidents) != 40 || len(got.Receipts) != 40 {
		t.Errorf("after a kill on the full disk there are %d incidents and %d receipts", len(got.Incidents), len(got.Receipts))
	}
	disk.room()
	ok(t, s.SaveBlocks(ctx, watchdog.Flush{Through: base}))
	info, err := os.Stat(s.reservePath())
	ok(t, err)
	if info.Size() != reserveBytes || info.Mode().Perm() != 0o600 {
		t.Errorf("the reserve has %d bytes, mode %v", info.Size(), info.Mode())
	}
}

func testFullDisk(t *testing.T, disk smallDisk) {
	ctx, s := t.Context(), disk.store
	big := func(n int) watchdog.Flush {
		return watchdog.Flush{Through: base, Blocks: []watchdog.BlockImage{{Feed: "a", Index: n, Names: make([]byte, 60_000), Marks: make([]byte, 60_000)}}}
	}
	ok(t, s.SaveIncidents(ctx, []*watchdog.Incident{incident(0, watchdog.StateOpen, 1)}))
	ok(t, s.SaveBlocks(ctx, big(0)))
	disk.fill()
	var saved int
	var err error
	for saved = 1; saved < 100 && err == nil; saved++ {
		err = s.SaveBlocks(ctx, big(saved))
	}
	wantError(t, err, "save blocks", "no space left for "+s.path, "free some in "+filepath.Dir(s.path))
	wantError(t, s.SaveBlocks(ctx, big(200)), "no space left")
	if got := load(t, s); len(got.Incidents) != 1 || got.Blocks[0].Index != 0 {
		t.Errorf("on a full disk %d incidents and %d blocks can be read", len(got.Incidents), len(got.Blocks))
	}

	disk.room()
	ok(t, s.SaveBlocks(ctx, big(200)))
	ok(t, s.SaveIncidents(ctx, []*watchdog.Incident{incident(1, watchdog.StateOpen, 1)}))
	ok(t, s.Close())
	s = openAt(t, s.path)
	got := load(t, s)
	if len(got.Incidents) != 2 || got.Blocks[len(got.Blocks)-1].Index != 200 || s.Notice() != "" {
		t.Errorf("after a full disk %d incidents and %d blocks come back; notice %q", len(got.Incidents), len(got.Blocks), s.Notice())
	}
}
