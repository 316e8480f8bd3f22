package watchdog

import (
	"hash/maphash"
	"strings"

	"github.com/feedwatch/feedwatch/watchdog/feed"
)

// names finds a feed's rows by their names, and keeps those in chunks.
//
// It is an extendible hash table (Fagin et al., 1979): the top bits of a hash
// choose a shard by way of a directory, and a full shard splits in two. So it grows
// a few thousand rows at a time, where a map doubles all of itself at once. A slot
// holds a row's number and a part of its hash; the names are those of the blocks.
// The seed is random, which nothing but the order of slots depends on.
type names struct {
	seed   maphash.Seed
	dir    []*nameShard // 2^depth; several entries are one shard where that is less deep
	depth  int
	chunk  strings.Builder
	blocks *[]*block // whose rows these are
}

// nameShard holds the rows whose hashes begin with the same depth bits.
type nameShard struct {
	slots []nameSlot // a power of two, at most 7/8 full
	used  int
	depth int
}

// nameSlot is empty where row is 0, else it holds row - 1.
type nameSlot struct {
	row  uint32
	hash uint32 // the low half of the hash
}

const (
	shardSlotsMin = 8
	shardSlotsMax = 4096
	nameChunkMin  = 1 << 8
	nameChunkMax  = 1 << 16
	findAhead     = 16 // names that are looked for at once
)

func newNames(blocks *[]*block) names {
	return names{seed: maphash.MakeSeed(), dir: []*nameShard{newShard(shardSlotsMin, 0)}, blocks: blocks}
}

func newShard(slots, depth int) *nameShard {
	return &nameShard{slots: make([]nameSlot, slots), depth: depth}
}

// entry is where the directory has the shard of a hash: its top depth bits.
func (n *names) entry(h uint64) int { return int(h >> 1 >> (63 - n.depth)) }

func (n *names) shard(h uint64) *nameShard { return n.dir[n.entry(h)] }

func (n *names) hash(name string) uint64 { return maphash.String(n.seed, name) }

// find is the row of that name.
func (n *names) find(name string) (rowID, bool) {
	return n.findHashed(name, n.hash(name))
}

func (n *names) findHashed(name string, h uint64) (rowID, bool) {
	s := n.shard(h)
	mask := uint32(len(s.slots) - 1)
	for at := uint32(h) & mask; ; at = (at + 1) & mask {
		slot := s.slots[at]
		if slot.row == 0 {
			return 0, false
		}
		if slot.hash == uint32(h) {
			if id := rowID(slot.row - 1); (*n.blocks)[id.block()].client[id.place()] == name {
				return id, true
			}
		}
	}
}

// findEach writes the row of each heartbeat's client, at most findAhead of them, to
// rows, or noRow. It goes one step for all of them, then the next: a table that no cache
// holds is waited for once a step, not once a name.
func (n *names) findEach(beats []feed.Heartbeat, rows *[findAhead]rowID) {
	var hashes [findAhead]uint64
	var slots [findAhead]nameSlot // the first that a name may be in
	var kept [findAhead]string    // the name of its row
	for i := range beats {
		h := maphash.String(n.seed, beats[i].Key.Client())
		s := n.shard(h)
		hashes[i], slots[i] = h, s.slots[uint32(h)&uint32(len(s.slots)-1)]
	}
	for i := range beats {
		if slots[i].row != 0 && slots[i].hash == uint32(hashes[i]) {
			id := rowID(slots[i].row - 1)
			kept[i] = (*n.blocks)[id.block()].client[id.place()]
		}
	}
	for i := range beats {
		name := beats[i].Key.Client()
		if kept[i] == name && name != "" {
			rows[i] = rowID(slots[i].row - 1)
		} else if id, ok := n.findHashed(name, hashes[i]); ok {
			rows[i] = id
		} else {
			rows[i] = noRow
		}
	}
}

// add takes the row of a name that is not there yet, by the name's hash.
func (n *names) add(h uint64, id rowID) {
	s := n.shard(h)
	for 8*(s.used+1) > 7*len(s.slots) {
		n.grow(s, h)
		s = n.shard(h)
	}
	s.put(nameSlot{uint32(id) + 1, uint32(h)})
}

func (s *nameShard) put(slot nameSlot) {
	mask := uint32(len(s.slots) - 1)
	at := slot.hash & mask
	for s.slots[at].row != 0 {
		at = (at + 1) & mask
	}
	s.slots[at] = slot
	s.used++
}

// reserve makes room for so many names while there are none, so that a start does not
// grow the table a shard at a time.
func (n *names) reserve(rows int) {
	depth, slots := 0, shardSlotsMin
	for rows>>depth > 3*shardSlotsMax/4 {
		depth++
	}
	for slots < shardSlotsMax && 4*(rows>>depth) > 3*slots {
		slots *= 2
	}
	n.depth, n.dir = depth, make([]*nameShard, 1<<depth)
	for i := range n.dir {
		n.dir[i] = newShard(slots, depth)
	}
}

// grow doubles a shard that is full, or splits it where it is large; h is the hash
// of a name that belongs in it.
func (n *names) grow(s *nameShard, h uint64) {
	if len(s.slots) < shardSlotsMax {
		old := s.slots
		s.slots, s.used = make([]nameSlot, 2*len(old)), 0
		for _, slot := range old {
			if slot.row != 0 {
				s.put(slot)
			}
		}
		return
	}
	if s.depth == n.depth {
		dir := make([]*nameShard, 2*len(n.dir))
		for i, shard := range n.dir {
			dir[2*i], dir[2*i+1] = shard, shard
		}
		n.dir, n.depth = dir, n.depth+1
	}
	low, high := newShard(shardSlotsMax, s.depth+1), newShard(shardSlotsMax, s.depth+1)
	for _, slot := range s.slots {
		if slot.row == 0 {
			continue
		}
		id := rowID(slot.row - 1)
		full := maphash.String(n.seed, (*n.blocks)[id.block()].client[id.place()])
		if full<<s.depth>>63 == 0 {
			low.put(slot)
		} else {
			high.put(slot)
		}
	}
	span := 1 << (n.depth - s.depth) // entries of the directory that are s
	first := n.entry(h) &^ (span - 1)
	for i := range span {
		n.dir[first+i] = low
		if i >= span/2 {
			n.dir[first+i] = high
		}
	}
}

// keep copies a name into the chunks, so that it holds on to nothing else.
func (n *names) keep(name string) string {
	if have := n.chunk.Cap(); n.chunk.Len()+len(name) > have {
		n.chunk = strings.Builder{}
		n.chunk.Grow(max(min(2*have, nameChunkMax), nameChunkMin, len(name)))
	}
	from := n.chunk.Len()
	n.chunk.WriteString(name)
	return n.chunk.String()[from:]
}
