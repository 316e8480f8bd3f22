package watchdog

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/feedwatch/feedwatch/watchdog/feed"
)

// Link is an incident of another feed with the same cause.
type Link struct {
	ID     string `json:"id"`
	Feed   string `json:"feed"`
	Silent int    `json:"silent"` // series in trouble within its scope, when it was linked
	Of     int    `json:"of"`
}

const (
	// linkWithin is how far apart two incidents of one cause may open.
	linkWithin = 15 * time.Minute
	// LinksMax bounds the links of one incident; Incident.LinkedMore counts the rest.
	LinksMax = 10
)

// linkKey is what incidents of one cause have in common: that, and the scope or
// the source that does not answer.
type linkKey struct {
	cause Cause
	where string
}

// linkKeys are those of one incident.
func (inc *incident) linkKeys() []linkKey {
	if inc.Cause != CauseBlind {
		s := &inc.Scope
		if s.Whole() && float64(s.Silent) < wholeShare*float64(s.Of) {
			return nil // silence that nothing explains is nobody else's cause
		}
		return []linkKey{{inc.Cause, s.String()}}
	}
	var keys []linkKey
	for _, source := range strings.Split(inc.Source, sourcesSeparator) {
		keys = append(keys, linkKey{inc.Cause, source})
	}
	return keys
}

// refreshLinks finds anew which incidents of several feeds have one cause, after
// one opened, ended, recovered or was found to have another scope.
func (m *Machine) refreshLinks() {
	if !m.linksMoved {
		return
	}
	m.linksMoved = false
	groups := map[linkKey][]*incident{}
	var keys []linkKey // by first mention: maps have no order, links must
	for _, f := range m.order {
		for _, inc := range f.incidents {
			if inc.trouble == 0 || inc.done() || inc.restored {
				continue
			}
			for _, key := range inc.linkKeys() {
				if groups[key] == nil {
					keys = append(keys, key)
				}
				groups[key] = append(groups[key], inc)
			}
		}
	}
	linked := map[*incident]links{}
	for _, key := range keys {
		group := groups[key]
		slices.SortFunc(group, byOpening)
		first := 0
		for i, inc := range group {
			for inc.Opened.Sub(group[first].Opened) > linkWithin {
				first++
			}
			linked[inc] = linked[inc].with(inc, group[first:], i-first)
		}
	}
	for _, f := range m.order {
		for _, inc := range f.incidents {
			inc.link(linked[inc], m.now)
		}
	}
}

func byOpening(a, b *incident) int {
	return cmp.Or(cmp.Compare(a.Opened, b.Opened), cmp.Compare(a.Feed, b.Feed))
}

// links are the first few incidents that one has a cause in common with, and how
// many there are beside them.
type links struct {
	first []*incident
	more  int
}

// with adds the incidents of other feeds in a group that begins with the first one
// close enough; inc is number i of it.
func (l links) with(inc *incident, group []*incident, i int) links {
	for j, o := range group {
		if o.Opened.Sub(inc.Opened) > linkWithin {
			break
		}
		if o.feed == inc.feed || slices.Contains(l.first, o) {
			continue
		}
		if len(l.first) == LinksMax {
			last, _ := slices.BinarySearchFunc(group, inc.Opened.Add(linkWithin)+1, func(o *incident, t feed.Instant) int { return cmp.Compare(o.Opened, t) })
			l.more = max(l.more, last-j)
			if i >= j {
				l.more-- // inc itself
			}
			break
		}
		l.first = append(l.first, o)
	}
	return l
}

// link takes over which incidents have the same cause. The numbers of one stay as
// they were when it was linked: nobody is told here of every client.
func (inc *incident) link(l links, now feed.Instant) {
	slices.SortFunc(l.first, byOpening)
	all := make([]Link, 0, len(l.first))
	for _, o := range l.first {
		link := Link{ID: o.ID, Feed: o.Feed, Silent: o.Scope.Silent, Of: o.Scope.Of}
		if n := slices.IndexFunc(inc.Linked, func(was Link) bool { return was.ID == o.ID }); n >= 0 {
			link = inc.Linked[n]
		}
		all = append(all, link)
	}
	if slices.Equal(all, inc.Linked) && l.more == inc.LinkedMore {
		return
	}
	inc.Linked, inc.LinkedMore = all, l.more
	inc.dirty, inc.due = true, min(inc.due, now)
}
