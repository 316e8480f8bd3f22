package delivery

// finishedMax is how many finished incidents are remembered.
const finishedMax = 10_000

// finished remembers which incidents were resolved and delivered everywhere, so
// that a late picture of one (the store was away, and commits it only now) is not
// told all over again.
type finished struct {
	ids  map[string]bool
	ring []string
	next int
}

func (f *finished) has(id string) bool { return f.ids[id] }

func (f *finished) add(id string) {
	if f.ids == nil {
		f.ids = map[string]bool{}
	}
	f.ids[id] = true
	if len(f.ring) < finishedMax {
		f.ring = append(f.ring, id)
		return
	}
	delete(f.ids, f.ring[f.next])
	f.ring[f.next] = id
	f.next = (f.next + 1) % finishedMax
}
