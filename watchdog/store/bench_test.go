package store

import (
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/feedwatch/feedwatch/watchdog"
	"github.com/feedwatch/feedwatch/watchdog/feed"
)

// BenchmarkSaveIncidents is one durable commit of one incident.
func BenchmarkSaveIncidents(b *testing.B) {
	s := openAt(b, filepath.Join(b.TempDir(), "feedwatch.db"))
	var took []time.Duration
	for n := 0; b.Loop(); n++ {
		begun := time.Now()
		if err := s.SaveIncidents(b.Context(), []*watchdog.Incident{incident(n%100, watchdog.StateOpen, uint64(n))}); err != nil {
			b.Fatal(err)
		}
		took = append(took, time.Since(begun))
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds()), "p50-µs")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "p99-µs")
}

// tenThousandBlocks is a flush of 10,000 blocks with 8 KiB of marks each.
func tenThousandBlocks(names bool) watchdog.Flush {
	random := rand.NewChaCha8([32]byte{1})
	flush := watchdog.Flush{Through: base, Blocks: make([]watchdog.BlockImage, 10_000)}
	for i := range flush.Blocks {
		b := watchdog.BlockImage{Feed: "external-profiles", Index: i, Marks: make([]byte, 8192)}
		_, _ = random.Read(b.Marks) // it never fails
		if names {
			b.Names = make([]byte, 8192)
			_, _ = random.Read(b.Names)
		}
		flush.Blocks[i] = b
	}
	return flush
}

// BenchmarkSaveBlocks is the flush after which every block has changed.
func BenchmarkSaveBlocks(b *testing.B) {
	s := openAt(b, filepath.Join(b.TempDir(), "feedwatch.db"))
	if err := s.SaveBlocks(b.Context(), tenThousandBlocks(true)); err != nil {
		b.Fatal(err)
	}
	flush := tenThousandBlocks(false)
	b.SetBytes(10_000 * 8192)
	for b.Loop() {
		flush.Through += feed.Instant(10_000)
		if err := s.SaveBlocks(b.Context(), flush); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkOpenAndLoad is a start with 10,000 blocks, names and marks.
func BenchmarkOpenAndLoad(b *testing.B) {
	path := filepath.Join(b.TempDir(), "feedwatch.db")
	s := openAt(b, path)
	if err := s.SaveBlocks(b.Context(), tenThousandBlocks(true)); err != nil {
		b.Fatal(err)
	}
	_ = s.Close()
	b.SetBytes(2 * 10_000 * 8192)
	for b.Loop() {
		s := openAt(b, path)
		if saved, err := s.Load(b.Context()); err != nil || len(saved.Blocks) != 10_000 {
			b.Fatal(err)
		}
		_ = s.Close()
	}
}
