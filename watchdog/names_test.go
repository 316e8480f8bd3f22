package watchdog

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/feedwatch/feedwatch/watchdog/feed"
)

// addNamed adds a row to a feed that has nothing but names.
func addNamed(f *feedState, name string) rowID { return f.add(name, noon, 0, 0) }

func TestNamesAreFoundHoweverMany(t *testing.T) {
	f := newFeedState("f")
	const n = 100_000
	for i := range n {
		name := fmt.Sprint("client-", i)
		if _, found := f.row(name); found {
			t.Fatalf("%s is there before it was added", name)
		}
		addNamed(f, name)
	}
	for i := range n {
		if id, found := f.row(fmt.Sprint("client-", i)); !found || id != rowID(i) {
			t.Fatalf("client-%d is row %d, %v", i, id, found)
		}
	}
	slots := 0
	seen := map[*nameShard]bool{}
	for _, s := range f.names.dir {
		if !seen[s] {
			seen[s] = true
			slots += len(s.slots)
			if len(s.slots) > shardSlotsMax {
				t.Errorf("a shard has %d slots", len(s.slots))
			}
		}
	}
	if slots > 3*n {
		t.Errorf("%d slots for %d names", slots, n)
	}
}

func TestNamesAreThoseOfAMap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f, want := newFeedState("f"), map[string]rowID{}
		for _, name := range rapid.SliceOf(rapid.StringN(1, 40, 256)).Draw(t, "names") {
			id, found := f.row(name)
			if known, ok := want[name]; ok != found || ok && known != id {
				t.Fatalf("%q is row %d, %v, want %d, %v", name, id, found, known, ok)
			}
			if !found {
				want[name] = addNamed(f, strings.Clone(name))
			}
		}
		for name, id := range want {
			if got, found := f.row(name); !found || got != id || f.blocks[id.block()].client(id.place()) != name {
				t.Fatalf("%q is row %d, %v, want %d", name, got, found, id)
			}
		}
	})
}

func TestNamesAreFoundTogetherAsOneByOne(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := newFeedState("f")
		names := rapid.SliceOfNDistinct(rapid.StringMatching(`[a-c]{1,4}`), 1, 40, rapid.ID).Draw(t, "names")
		for _, name := range names[:rapid.IntRange(0, len(names)).Draw(t, "known")] {
			addNamed(f, name)
		}
		asked := rapid.SliceOfN(rapid.SampledFrom(names), 1, findAhead).Draw(t, "asked")
		beats := make([]feed.Heartbeat, len(asked))
		for i, name := range asked {
			beats[i] = beatOf(name, noon)
		}
		var rows [findAhead]rowID
		f.names.findEach(beats, &rows)
		for i, name := range asked {
			if id, found := f.row(name); found && id != rows[i] || !found && rows[i] != noRow {
				t.Fatalf("%q is row %d, %v, together %d", name, id, found, rows[i])
			}
		}
	})
}

// What one report says twice of a client and a feed that nobody knew is of one row.
func TestAReportMakesEachClientOnce(t *testing.T) {
	r := newRig(t, plain)
	var beats []feed.Heartbeat
	for i := range 3 * findAhead {
		hb := beatOf(fmt.Sprint("client-", i%5), noon)
		if i%4 == 3 {
			hb.Key = key(t, "unknown", hb.Key.Client())
		}
		beats = append(beats, hb)
	}
	r.hear(feed.Push, beats...)
	if r.m.series != 10 || len(r.m.order) != 2 {
		t.Errorf("%d series of %d feeds, want 10 of 2", r.m.series, len(r.m.order))
	}
}

func key(t *testing.T, name, client string) feed.Key {
	t.Helper()
	k, err := feed.ParseKey(name, client)
	if err != nil {
		t.Fatal(err)
	}
	return k
}
