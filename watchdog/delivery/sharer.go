package delivery

import (
	"slices"
	"strings"

	"github.com/feedwatch/feedwatch/watchdog/feed"
)

// Sharer is an incident that a thread tells of.
type Sharer struct {
	Incident string
	Joined   feed.Instant // when it came to a root that was there; zero: the root told of it from the first
}

// Sharing are the incidents that the thread with that root tells of, by their ids.
func (d *Delivery) Sharing(root string) []Sharer {
	d.mu.Lock()
	defer d.mu.Unlock()
	var all []Sharer
	for _, dest := range d.dests {
		t := dest.threads[root]
		if t == nil {
			continue
		}
		for id, p := range t.pairs {
			s := Sharer{Incident: id}
			if p.held.joined() {
				s.Joined = p.held.receipts[joinedName].At
			}
			all = append(all, s)
		}
	}
	slices.SortFunc(all, func(a, b Sharer) int { return strings.Compare(a.Incident, b.Incident) })
	return all
}
