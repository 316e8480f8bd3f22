package watchdog

import (
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/feedwatch/feedwatch/watchdog/feed"
)

// savedBlocks are the blocks on a disk, as the store keeps them.
type savedBlocks map[string]BlockImage // by feed: a test's feeds have one block

func (s savedBlocks) write(flush Flush) {
	for _, name := range flush.Gone {
		delete(s, name)
	}
	for _, image := range flush.Blocks {
		if image.Names == nil {
			image.Names = s[image.Feed].Names
		}
		s[image.Feed] = image
	}
}

// Whatever is heard between the parts of a flush, at its end the disk holds what the
// table held when it began, under the names that feeds have now.
func TestAFlushInPartsHoldsWhatTheTableHeldAtItsBegin(t *testing.T) {
	feeds := []string{"f", "g", "h"}
	rapid.Check(t, func(rt *rapid.T) {
		r := newRig(rt2tb{t, rt}, plain)
		disk := savedBlocks{}
		var begun map[string]feed.Instant // by client: when it was heard last
		heard := map[string]feed.Instant{}
		for range rapid.IntRange(1, 40).Draw(rt, "acts") {
			r.now = r.now.Add(time.Second)
			switch rapid.IntRange(0, 9).Draw(rt, "act") {
			case 0:
				r.step(&UseRules{Set: parse(rt2tb{t, rt}, rapid.SampledFrom([]string{plain, renamedRules}).Draw(rt, "rules"))})
			case 1, 2, 3, 4:
				client := rapid.SampledFrom([]string{"a", "b", "c"}).Draw(rt, "client")
				name := rapid.SampledFrom(feeds).Draw(rt, "feed")
				r.hear(feed.Push, underName(name, beatOf(name+client, r.now)))
				heard[name+client] = r.now
			default:
				if begun == nil {
					begun = map[string]feed.Instant{}
					for client, at := range heard {
						begun[client] = at
					}
				}
				flush, more := r.m.Flush(1)
				disk.write(flush)
				if more {
					continue
				}
				checkSaved(rt, r, disk, begun, flush.Through)
				begun = nil
			}
		}
	})
}

func checkSaved(rt *rapid.T, r *rig, disk savedBlocks, begun map[string]feed.Instant, through feed.Instant) {
	saved := &Saved{Through: through}
	for _, image := range disk {
		saved.Blocks = append(saved.Blocks, image)
	}
	m := New(Config{Install: "test"}, r.now, saved)
	for client, at := range begun {
		found := false
		for _, f := range m.order {
			if id, ok := f.row(client); ok && f.blocks[id.block()].rows[id.place()].arrival >= at {
				found = true
			}
		}
		if !found {
			rt.Fatalf("%s was heard at %s, before the flush began, and is not saved", client, at)
		}
	}
	for _, f := range m.order {
		if !slices.ContainsFunc(r.m.order, func(now *feedState) bool { return now.name == f.name }) {
			rt.Fatalf("%s is saved, and no feed any more", f.name)
		}
	}
}

// A start writes nothing that it has just read.
func TestWhatWasReadIsNotWrittenAgain(t *testing.T) {
	r := newRig(t, plain)
	r.beat("a", 3, "cluster", "x")
	saved := r.saved()
	m := New(Config{Install: "test"}, r.now, saved)
	m.Step(r.now, &UseRules{Set: parse(t, plain)})
	if flush, _ := m.Flush(AllBlocks); len(flush.Blocks) != 0 {
		t.Errorf("%d blocks are written again", len(flush.Blocks))
	}
	m.Step(r.now+1, &Heard{Report: feed.Report{Source: feed.Push, KnownThrough: r.now + 1, Heartbeats: []feed.Heartbeat{beatOf("a2", r.now+1)}}})
	if flush, _ := m.Flush(AllBlocks); len(flush.Blocks) != 1 || flush.Blocks[0].Names != nil {
		t.Errorf("flushed %+v, want the marks of the one block", flush.Blocks)
	}
	early := New(Config{Install: "test"}, r.now.Add(-24*time.Hour), saved)
	if flush, _ := early.Flush(AllBlocks); len(flush.Blocks) != 1 {
		t.Error("stamps of the future are left on the disk")
	}
	torn := slices.Clone(saved.Blocks)
	torn[0].Names = []byte(strings.Replace(string(torn[0].Names), "a1", "a3", 1)) // twice the same name
	double := New(Config{Install: "test"}, r.now, &Saved{Blocks: torn})
	if flush, _ := double.Flush(AllBlocks); len(flush.Blocks) != 1 || flush.Blocks[0].Names == nil {
		t.Errorf("flushed %+v, want the block anew", flush.Blocks)
	}
}
