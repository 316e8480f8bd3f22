package engine

import (
	"maps"
	"slices"

	"github.com/feedwatch/feedwatch/watchdog"
	"github.com/feedwatch/feedwatch/watchdog/feed"
)

// marksChunk is how many blocks of watermarks one commit writes: a page that
// comes meanwhile waits for that one only. Twice as many are held at most, which is
// what a flush takes of memory.
const (
	marksChunk  = flushBlocksMaxDefault
	ledgerChunk = 5000 // rows
)

// marks are watermarks that wait to be written: the newest image of each block,
// written in the order in which the blocks came first. A recovery waits for what was
// taken with it, not for what came since.
type marks struct {
	images  map[blockKey]watchdog.BlockImage
	order   []blockKey
	ledger  []watchdog.LedgerRow
	gone    []string            // feeds whose blocks are to go first
	through feed.Instant        // what the table holds once all are written
	taken   uint64              // flushes taken whole so far
	written uint64              // the last of them that is written whole, and all before it
	handed  uint64              // taken, when next was asked for last
	needs   map[blockKey]uint64 // the first flush whose image of a block is not written
	durable uint64              // through which flush all images are written, whatever came since
}

type blockKey struct {
	feed  string
	index int
}

func newMarks() marks {
	return marks{images: map[blockKey]watchdog.BlockImage{}, needs: map[blockKey]uint64{}}
}

// add takes what a flush hands out; more says that it is not all of it.
func (k *marks) add(flush watchdog.Flush, more bool) {
	k.ledger = append(k.ledger, flush.Ledger...)
	for _, name := range flush.Gone {
		k.gone = append(k.gone, name)
		k.order = slices.DeleteFunc(k.order, func(key blockKey) bool { return key.feed == name })
		maps.DeleteFunc(k.images, func(key blockKey, _ watchdog.BlockImage) bool { return key.feed == name })
		maps.DeleteFunc(k.needs, func(key blockKey, _ uint64) bool { return key.feed == name })
	}
	for _, image := range flush.Blocks {
		if len(k.gone) > 0 { // it has its name again
			k.gone = slices.DeleteFunc(k.gone, func(name string) bool { return name == image.Feed })
		}
		key := blockKey{image.Feed, image.Index}
		old, waits := k.images[key]
		if !waits {
			k.order = append(k.order, key)
			k.needs[key] = k.taken + 1
		}
		if image.Names == nil { // they have not changed since
			image.Names = old.Names
		}
		k.images[key] = image
	}
	if !more {
		k.taken++
		k.through = flush.Through
	}
}

// waiting says that something was taken that is not written.
func (k *marks) waiting() bool {
	return k.written < k.taken || len(k.order) > 0 || len(k.ledger) > 0
}

// next is the next to write; Through is zero while others are left. The ledger
// goes before the watermarks: once those say that a series is back, nothing else
// tells what it had lost.
func (k *marks) next() watchdog.Flush {
	k.handed = k.taken
	if n := min(len(k.ledger), ledgerChunk); n > 0 {
		return watchdog.Flush{Ledger: slices.Clone(k.ledger[:n])}
	}
	n := min(len(k.order), marksChunk)
	flush := watchdog.Flush{Blocks: make([]watchdog.BlockImage, 0, n)}
	for _, key := range k.order[:n] {
		flush.Blocks = append(flush.Blocks, k.images[key])
	}
	if n == len(k.order) { // what is under a new name is written before the old one goes
		flush.Through, flush.Gone = k.through, slices.Clone(k.gone)
	}
	return flush
}

// wrote lets go of what has been written, but for images that came meanwhile:
// those queue anew, or blocks that change all the time would keep back the others.
func (k *marks) wrote(flush *watchdog.Flush) {
	k.gone = slices.DeleteFunc(k.gone, func(name string) bool { return slices.Contains(flush.Gone, name) })
	k.ledger = k.ledger[len(flush.Ledger):]
	written := make(map[blockKey]bool, len(flush.Blocks))
	var again []blockKey
	for _, image := range flush.Blocks {
		key := blockKey{image.Feed, image.Index}
		written[key] = true
		now, waits := k.images[key]
		switch {
		case !waits:
		case same(now.Marks, image.Marks) && same(now.Names, image.Names):
			delete(k.images, key)
			delete(k.needs, key)
		default:
			k.needs[key] = k.handed + 1
			again = append(again, key)
		}
	}
	k.order = slices.DeleteFunc(k.order, func(key blockKey) bool { return written[key] })
	k.order = append(k.order, again...)
	k.follow()
	if len(k.order) == 0 && len(k.gone) == 0 && len(k.ledger) == 0 && flush.Through == k.through {
		k.written = k.taken
	}
}

// follow finds through which flush all is durable.
func (k *marks) follow() {
	if len(k.gone) > 0 || len(k.ledger) > 0 {
		return
	}
	first := k.taken + 1
	for _, need := range k.needs {
		first = min(first, need)
	}
	k.durable = max(k.durable, first-1)
}

// same says that two images are one and the same, not that they are equal.
func same(a, b []byte) bool {
	return len(a) == len(b) && (len(a) == 0 || &a[0] == &b[0])
}
