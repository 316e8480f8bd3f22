package watchdog

import (
	"math"

	"github.com/feedwatch/feedwatch/watchdog/feed"
)

// saving is a pass over the blocks that had changed when it began. It hands each out
// once, as it is then, a few at a time, so that the owner pauses shortly.
type saving struct {
	begun   bool
	through feed.Instant // when it began
}

// AllBlocks is a Flush that is a whole pass.
const AllBlocks = math.MaxInt

// Flush hands out at most blocksMax of the blocks that changed since the last pass;
// more says that some of this pass are left. Through and Gone come at its end: what
// was handed out then holds every arrival up to the Step before it began.
func (m *Machine) Flush(blocksMax int) (flush Flush, more bool) {
	if !m.saving.begun {
		m.beginSaving()
	}
	flush.Ledger, m.ledger = m.ledger, nil
	for _, f := range m.order {
		for n, b := range f.blocks {
			if !b.toSave {
				continue
			}
			if len(flush.Blocks) == blocksMax {
				return flush, true
			}
			flush.Blocks = append(flush.Blocks, m.save(f, n, b))
		}
	}
	for _, name := range m.gone {
		if f := m.feeds[name]; f == nil || f.name != name { // else it has its name again
			flush.Gone = append(flush.Gone, name)
		}
	}
	m.gone = nil
	flush.Through = min(m.saving.through, m.now) // the clock may have been set back
	m.saving = saving{}
	return flush, false
}

// Saving says that a pass has begun and is not at its end.
func (m *Machine) Saving() bool { return m.saving.begun }

func (m *Machine) beginSaving() {
	m.saving = saving{begun: true, through: m.seenThrough()}
	for _, f := range m.order {
		for _, b := range f.blocks {
			b.toSave = b.marksChanged || b.namesChanged
		}
	}
}

// save is the image of a block, which has not changed from then on.
func (m *Machine) save(f *feedState, n int, b *block) BlockImage {
	image := BlockImage{Feed: f.name, Index: n, Marks: encodeMarks(b)}
	if b.namesChanged || b.len() != int(b.savedRows) {
		image.Names = m.encodeNames(f, b)
	}
	b.toSave, b.marksChanged, b.namesChanged, b.savedRows = false, false, false, int32(b.len())
	return image
}

// saveAnew has every block of f written under its present name, by the pass under way
// where there is one: what was written under another name goes at its end.
func (f *feedState) saveAnew() {
	for _, b := range f.blocks {
		b.toSave, b.marksChanged, b.namesChanged, b.savedRows = true, true, true, 0
	}
}

// seenThrough is up to when every source was heard that some client needs. What
// was due later is not known to have been missed.
func (m *Machine) seenThrough() feed.Instant {
	through := m.now
	for _, f := range m.order {
		for n := range f.bySet {
			if m.heardThrough(f, uint8(n)) > 0 {
				through = min(through, m.sources.sets[n].horizon)
			}
		}
	}
	return through
}
