package engine

import (
	"fmt"
	"testing"

	"github.com/feedwatch/feedwatch/watchdog"
	"github.com/feedwatch/feedwatch/watchdog/feed"
)

func imageOf(n int, names, marks string) watchdog.BlockImage {
	image := watchdog.BlockImage{Feed: "f", Index: n, Marks: []byte(marks)}
	if names != "" {
		image.Names = []byte(names)
	}
	return image
}

func TestMarksKeepTheNewestOfEachBlock(t *testing.T) {
	k := newMarks()
	k.add(watchdog.Flush{Blocks: []watchdog.BlockImage{imageOf(0, "n0", "a"), imageOf(1, "n1", "a")}, Through: 1}, false)
	k.add(watchdog.Flush{Blocks: []watchdog.BlockImage{imageOf(0, "", "b")}, Through: 2}, false)
	flush := k.next()
	if got := fmt.Sprintf("%s %s %s %d", flush.Blocks[0].Marks, flush.Blocks[0].Names, flush.Blocks[1].Marks, flush.Through); got != "b n0 a 2" {
		t.Errorf("to write: %s, want the newer marks with the names of before, through 2", got)
	}
	k.add(watchdog.Flush{Blocks: []watchdog.BlockImage{imageOf(1, "", "c")}, Through: 3}, false) // while it is written
	k.wrote(&flush)
	if !k.waiting() || k.written != 0 {
		t.Fatalf("written through flush %d, but a newer image waits", k.written)
	}
	flush = k.next()
	if len(flush.Blocks) != 1 || string(flush.Blocks[0].Marks) != "c" || flush.Through != 3 {
		t.Fatalf("then %+v, want the image that came meanwhile", flush)
	}
	k.wrote(&flush)
	if k.waiting() || k.written != 3 || len(k.images) != 0 {
		t.Errorf("written %d of %d, %d images left", k.written, k.taken, len(k.images))
	}
}

func TestMarksAreWrittenInParts(t *testing.T) {
	k := newMarks()
	var all watchdog.Flush
	for n := range marksChunk + 1 {
		all.Blocks = append(all.Blocks, imageOf(n, "", "a"))
	}
	all.Through = 7
	k.add(all, false)
	first := k.next()
	k.wrote(&first)
	if len(first.Blocks) != marksChunk || first.Through != 0 || !k.waiting() {
		t.Errorf("the first part has %d blocks through %s", len(first.Blocks), first.Through)
	}
	last := k.next()
	k.wrote(&last)
	if len(last.Blocks) != 1 || last.Through != feed.Instant(7) || k.waiting() {
		t.Errorf("the last part has %d blocks through %s", len(last.Blocks), last.Through)
	}
}

// Blocks that change all the time keep back neither the others nor a recovery.
func TestMarksThatComeAgainQueueBehindTheOthers(t *testing.T) {
	k := newMarks()
	flush := func() (all watchdog.Flush) {
		for n := range marksChunk + 1 {
			all.Blocks = append(all.Blocks, imageOf(n, "", "a"))
		}
		return all
	}
	k.add(flush(), false)
	for turn := range uint64(3) {
		part := k.next()
		k.add(flush(), false) // each is there anew before a part is written
		k.wrote(&part)
		if turn == 0 && k.durable != 0 || turn == 1 && k.durable != 1 || turn == 2 && k.durable < 1 {
			t.Errorf("after part %d all is durable through flush %d", turn+1, k.durable)
		}
	}
	for k.waiting() {
		part := k.next()
		k.wrote(&part)
	}
	if k.durable != k.taken || len(k.needs) != 0 {
		t.Errorf("in the end through flush %d of %d, %d wait", k.durable, k.taken, len(k.needs))
	}
}

// A crash amid a rename finds a feed under both names rather than under none.
func TestWhatIsUnderANewNameIsWrittenBeforeTheOldGoes(t *testing.T) {
	k := newMarks()
	all := watchdog.Flush{Gone: []string{"old"}, Through: 1}
	for n := range marksChunk + 1 {
		all.Blocks = append(all.Blocks, imageOf(n, "n", "a"))
	}
	k.add(all, false)
	first := k.next()
	k.wrote(&first)
	last := k.next()
	if len(first.Gone) != 0 || len(last.Gone) != 1 {
		t.Errorf("gone with the first part %v, with the last %v", first.Gone, last.Gone)
	}
	k.add(watchdog.Flush{Blocks: []watchdog.BlockImage{{Feed: "old", Marks: []byte("b")}}, Through: 2}, false) // its name again
	k.wrote(&last)
	for k.waiting() {
		flush := k.next()
		if len(flush.Gone) != 0 {
			t.Errorf("the feed that has its name again is to go: %v", flush.Gone)
		}
		k.wrote(&flush)
	}
}
