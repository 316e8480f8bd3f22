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
	flush, more := r.m.Flush(AllBlocks)
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
		rows, err := newDecoder().block(BlockImage{Feed: "f", Names: names, Marks: marks})
		if err != nil {
			if !errors.Is(err, errBlock) || rows != nil {
				t.Fatalf("%d rows with %v", len(rows), err)
			}
			return
		}
		m := New(Config{Install: "test"}, noon, &Saved{Blocks: []BlockImage{{Feed: "f", Names: names, Marks: marks}}})
		m.Step(noon, &UseRules{Set: parse(t, plain)})
		for _, b := range m.feeds["f"].blocks {
			again, err := newDecoder().block(BlockImage{Feed: "f", Names: m.encodeNames(m.feeds["f"], b), Marks: encodeMarks(b)})
			if err != nil || len(again) != b.len() {
				t.Fatalf("%d of %d rows read back: %v", len(again), b.len(), err)
			}
		}
	})
}

func TestABlockReadsBackAsItWas(t *testing.T) {
	image := someImage(t)
	rows, err := newDecoder().block(image)
	if err != nil {
		t.Fatal(err)
	}
	m := New(Config{Install: "test"}, noon, &Saved{Blocks: []BlockImage{image}})
	b := m.feeds["f"].blocks[0]
	again, err := newDecoder().block(BlockImage{Names: m.encodeNames(m.feeds["f"], b), Marks: encodeMarks(b)})
	if err != nil || !reflect.DeepEqual(rows, again) {
		t.Errorf("%+v\n%+v: %v", rows, again, err)
	}
}

// Names that an older feedwatch took and this one refuses still load: a client
// under such a name must not vanish unsaid. Of its labels the refused are left out.
func TestABlockWithNamesThatAreRefusedNow(t *testing.T) {
	names := []byte{blockFormat, 1}
	names = appendString(names, "acme\u202ecorp")
	names = append(names, 2)
	names = appendString(appendString(names, "cluster"), "fsn1")
	names = appendString(appendString(names, "tier"), "gold\u200b")
	names = append(appendString(append(names, 1), "push"), 0, 0)
	rows, err := newDecoder().block(BlockImage{Feed: "f", Names: names, Marks: []byte{blockFormat, 1, 2, 0, 0}})
	if err != nil || len(rows) != 1 {
		t.Fatalf("%d rows: %v", len(rows), err)
	}
	if row := rows[0]; row.client != "acme\u202ecorp" || row.labels.String() != "cluster=fsn1" {
		t.Errorf("%+v", row)
	}
}
