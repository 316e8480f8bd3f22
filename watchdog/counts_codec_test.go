package watchdog

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/feedwatch/feedwatch/watchdog/feed"
)

// What was counted is read back as it was, row by row, and so is a block of a feedwatch
// that counted nothing.
func TestCountsReadBackAsTheyWere(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		r := newRig(t, trickleRules)
		r.beat("a", rapid.IntRange(1, 5).Draw(rt, "clients"))
		f := r.m.feeds["f"]
		b := f.blocks[0]
		for i := range b.rows {
			c := &b.counts[i]
			*c = counts{}
			if rapid.Bool().Draw(rt, "counted") {
				*c = counts{from: noon, since: feed.Instant(rapid.Int64Range(0, int64(noon)).Draw(rt, "since")), newest: rapid.Uint32Range(1, 1<<32-1).Draw(rt, "newest")}
				for n := range c.slots {
					c.slots[n] = rapid.OneOf(rapid.Just(uint32(0)), rapid.Uint32()).Draw(rt, "slot")
				}
			}
		}
		names := r.m.encodeNames(f, b)
		read := func(marks []byte) []savedRow {
			rows, err := newDecoder().block(BlockImage{Feed: "f", Names: names, Marks: marks})
			if err != nil {
				rt.Fatal(err)
			}
			return rows
		}
		marks := encodeMarks(b)
		for i, row := range read(marks) {
			if row.counts == nil {
				row.counts = &counts{}
			}
			if *row.counts != b.counts[i] {
				rt.Fatalf("%+v reads as %+v", b.counts[i], row.counts)
			}
		}
		kept := b.counts
		b.counts = nil
		plain := encodeMarks(b)
		b.counts = kept
		if !slices.Equal(plain, marks[:len(plain)]) {
			rt.Fatal("the watermarks themselves are written otherwise")
		}
		for _, row := range read(plain) {
			if row.counts != nil {
				rt.Fatalf("nothing reads as %+v", row.counts)
			}
		}
	})
}
