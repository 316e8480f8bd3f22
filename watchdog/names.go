package watchdog

import (
	"hash/maphash"

	"github.com/feedwatch/feedwatch/watchdog/feed"
)

// names finds a feed's rows by their names.
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
	blocks *[]*block // whose rows these are
	read   uint32    // no meaning: what is summed up here is not left out as unused
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
	findAhead     = 32 // names that are looked for at once
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
			if id := rowID(slot.row - 1); (*n.blocks)[id.block()].client(id.place()) == name {
				return id, true
			}
		}
	}
}

// findEach writes the row of each heartbeat's client, at most findAhead of them, to
// rows, or noRow. It goes one step for all of them, then the next: where no cache holds
// the table, the processor waits for slots, rows and names three times, not three times
// a heartbeat. Their rows are in its cache then.
func (n *names) findEach(beats []feed.Heartbeat, rows *[findAhead]rowID) {
	var hashes [findAhead]uint64
	for i := range beats {
		hashes[i] = n.hash(beats[i].Key.Client())
	}
	for i := range beats {
		n.touch(hashes[i])
	}
	for i := range beats {
		rows[i] = n.likely(hashes[i])
	}
	var kept [findAhead]string
	for i := range beats {
		if id := rows[i]; id != noRow {
			kept[i] = (*n.blocks)[id.block()].client(id.place())
		}
	}
	for i := range beats {
		if kept[i] != "" {
			n.read += uint32(kept[i][0])
		}
	}
	for i := range beats {
		if name := beats[i].Key.Client(); rows[i] != noRow && kept[i] != name {
			rows[i] = noRow
			if id, ok := n.findHashed(name, hashes[i]); ok {
				rows[i] = id
			}
		}
	}
}

// touch has the processor fetch the slot in which a name with that hash is looked for
// first.
func (n *names) touch(h uint64) {
	s := n.shard(h)
	n.read += s.slots[uint32(h)&uint32(len(s.slots)-1)].row
}

// likely is the first row that a name with that hash may be of, or noRow.
func (n *names) likely(h uint64) rowID {
	s := n.shard(h)
	mask := uint32(len(s.slots) - 1)
	for at := uint32(h) & mask; ; at = (at + 1) & mask {
		switch slot := s.slots[at]; {
		case slot.row == 0:
			return noRow
		case slot.hash == uint32(h):
			return rowID(slot.row - 1)
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
		full := maphash.String(n.seed, (*n.blocks)[id.block()].client(id.place()))
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
