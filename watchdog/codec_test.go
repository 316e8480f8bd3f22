package watchdog

import (
	"errors"
	"reflect"
	"testing"

	"github.com/feedwatch/feedwatch/watchdog/feed"
)

func someImage(t testing.TB) BlockImage {
	r := newRig(t, plain)
	hb := beatOf("acme", r.now, "cluster", "fsn1", "tier", "enterprise")
	hb.Event = r.now.Add(-1)
	r.hear(feed.Push, hb, beatOf("never-behind", r.now-5))
	flush, more := r.m.Flush()
	if more || len(flush.Blocks) != 1 {
		t.Fatalf("%d blocks, more %v", len(flush.Blocks), more)
	}
	return flush.Blocks[0]
}

// FuzzDecodeBlock: no bytes make it panic, and what it takes it writes the same.
func FuzzDecodeBlock(f *testing.F) {
	image := someImage(f)
	f.Add(image.Names, image.Marks)
	f.Add(image.Names[:len(image.Names)/2], image.Marks)
	f.Add([]byte{blockFormat, 1, 0, 0, 0, 0}, []byte{blockFormat, 1, 1, 1})
	f.Add([]byte{2}, []byte{})
	f.Fuzz(func(t *testing.T, names, marks []byte) {
		rows, err := decodeBlock(BlockImage{Feed: "f", Names: names, Marks: marks})
		if err != nil {
			if !errors.Is(err, errBlock) || rows != nil {
				t.Fatalf("%d rows with %v", len(rows), err)
			}
			return
		}
		m := New(Config{Install: "test"}, noon, &Saved{Blocks: []BlockImage{{Feed: "f", Names: names, Marks: marks}}})
		m.Step(noon, &UseRules{Set: parse(t, plain)})
		for _, b := range m.feeds["f"].blocks {
			again, err := decodeBlock(BlockImage{Feed: "f", Names: m.encodeNames(b), Marks: encodeMarks(b)})
			if err != nil || len(again) != b.len() {
				t.Fatalf("%d of %d rows read back: %v", len(again), b.len(), err)
			}
		}
	})
}

func TestABlockReadsBackAsItWas(t *testing.T) {
	image := someImage(t)
	rows, err := decodeBlock(image)
	if err != nil {
		t.Fatal(err)
	}
	m := New(Config{Install: "test"}, noon, &Saved{Blocks: []BlockImage{image}})
	b := m.feeds["f"].blocks[0]
	again, err := decodeBlock(BlockImage{Names: m.encodeNames(b), Marks: encodeMarks(b)})
	if err != nil || !reflect.DeepEqual(rows, again) {
		t.Errorf("%+v\n%+v: %v", rows, again, err)
	}
}
