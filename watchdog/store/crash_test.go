package store

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/feedwatch/feedwatch/watchdog"
	"github.com/feedwatch/feedwatch/watchdog/feed"
)

// With crashPath set the test binary is the child of TestKilled: it commits
// until it is killed.
const (
	crashPath = "STORE_CRASH_PATH"
	crashFrom = "STORE_CRASH_FROM"
)

func TestMain(m *testing.M) {
	if path := os.Getenv(crashPath); path != "" {
		fmt.Fprintln(os.Stderr, commitForEver(path, os.Getenv(crashFrom)))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// commitForEver prints n once everything of round n is acknowledged.
func commitForEver(path, from string) error {
	ctx := context.Background()
	s, err := OpenSQLite(ctx, path, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	n, err := strconv.Atoi(from)
	if err != nil {
		return err
	}
	for ; ; n++ {
		if err := round(ctx, s, n); err != nil {
			return err
		}
		fmt.Println(n)
	}
}

// sharedIncident changes in every round.
const sharedIncident = 1_000_000

func round(ctx context.Context, s *SQLite, n int) error {
	own := incident(n, watchdog.StateOpen, 1)
	flush := watchdog.Flush{Through: feed.Instant(n)}
	for i := range 4 {
		b := watchdog.BlockImage{Feed: "a", Index: i, Marks: fmt.Appendf(nil, "%8192d", n)}
		if n == 0 {
			b.Names = []byte("names")
		}
		flush.Blocks = append(flush.Blocks, b)
	}
	return errors.Join(
		s.SaveIncidents(ctx, []*watchdog.Incident{own, incident(sharedIncident, watchdog.StateOpen, uint64(n)+1)}),
		s.SaveReceipt(ctx, receipt(own, "slack", "root")),
		s.SaveBlocks(ctx, flush),
	)
}

// TestKilled kills a process that commits, at random points, and looks whether
// all that it acknowledged is there, and whole.
func TestKilled(t *testing.T) {
	path := filepath.Join(t.TempDir(), "feedwatch.db")
	self, err := os.Executable()
	ok(t, err)
	random := rand.New(rand.NewPCG(24, 11))
	next := 0
	for range 12 {
		acknowledged := runAndKill(t, self, path, next, 1+random.IntN(40))
		s := openAt(t, path)
		saved := load(t, s)
		if s.Notice() != "" {
			t.Fatalf("killed after round %d: %s", acknowledged, s.Notice())
		}
		checkSurvived(t, saved, acknowledged)
		next = int(saved.Through) + 1
		ok(t, s.Close())
	}
}

// runAndKill starts a child at round from, kills it once it has acknowledged
// count rounds, and returns the last round it acknowledged.
func runAndKill(t *testing.T, self, path string, from, count int) (last int) {
	t.Helper()
	child := exec.Command(self)
	child.Env = append(os.Environ(), crashPath+"="+path, crashFrom+"="+strconv.Itoa(from))
	child.Stderr = os.Stderr
	out, err := child.StdoutPipe()
	ok(t, err)
	ok(t, child.Start())
	last = -1
	for lines := bufio.NewScanner(out); lines.Scan(); {
		last, err = strconv.Atoi(lines.Text())
		ok(t, err)
		if count--; count == 0 {
			ok(t, child.Process.Kill()) // SIGKILL; what it still managed to print counts
		}
	}
	_ = child.Wait() // "signal: killed"
	if count > 0 {
		t.Fatalf("the child ended by itself after round %d", last)
	}
	return last
}

func checkSurvived(t *testing.T, saved *watchdog.Saved, acknowledged int) {
	t.Helper()
	incidents, receipts := map[string]*watchdog.Incident{}, map[string]bool{}
	for _, inc := range saved.Incidents {
		incidents[inc.ID] = inc
	}
	for _, r := range saved.Receipts {
		receipts[r.Incident] = true
	}
	for n := range acknowledged + 1 {
		if id := incident(n, watchdog.StateOpen, 1).ID; incidents[id] == nil || !receipts[id] {
			t.Fatalf("round %d of %d was acknowledged; incident there: %v, receipt: %v", n, acknowledged, incidents[id] != nil, receipts[id])
		}
	}
	shared := incidents[incident(sharedIncident, watchdog.StateOpen, 1).ID]
	if shared == nil || shared.Revision < uint64(acknowledged)+1 {
		t.Fatalf("round %d was acknowledged; the shared incident is %+v", acknowledged, shared)
	}
	if saved.Through < feed.Instant(acknowledged) || len(saved.Blocks) != 4 {
		t.Fatalf("round %d was acknowledged; %d blocks go through %d", acknowledged, len(saved.Blocks), saved.Through)
	}
	for _, b := range saved.Blocks {
		if want := fmt.Sprintf("%8192d", saved.Through); string(b.Marks) != want {
			t.Fatalf("block %d is of another flush than Through %d", b.Index, saved.Through)
		}
	}
}
