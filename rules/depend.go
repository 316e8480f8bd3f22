package rules

import (
	"fmt"
	"strings"

	"go.yaml.in/yaml/v4"
)

// readDependsOn reads the names of the feeds that this one waits for.
func (r *reader) readDependsOn(d *feedDraft, n *yaml.Node) {
	seen := map[string]bool{}
	for _, item := range r.list(n, "depends_on", "depends_on: [upstream-feed]") {
		name, ok := r.name(item, "a feed of depends_on")
		switch {
		case !ok:
		case seen[name]:
			r.fail(item, duplicateName, fmt.Sprintf("depends_on names %q twice", shortened(name)), "keep one of them")
		case len(d.dependsOn) == DependsOnMax:
			r.fail(n, tooMuch, fmt.Sprintf("depends_on names more than %d feeds", DependsOnMax), "name those that the others depend on")
			d.dependsOn = nil
			return
		default:
			seen[name] = true
			d.dependsOn = append(d.dependsOn, reference{name, r.at(item)})
		}
	}
}

// linkDependencies finds the feeds that depends_on names, and refuses circles:
// in one, each page would wait for another.
func (r *reader) linkDependencies(set *Set) {
	waits := &waiting{found: r.found, of: map[string]*feedDraft{}, state: map[string]walkState{}}
	for _, d := range r.feeds {
		if set.byName[d.feed.name] != d.feed {
			continue // the second of that name
		}
		waits.of[d.feed.name] = d
		for _, on := range d.dependsOn {
			switch _, known := set.byName[on.name]; {
			case on.name == d.feed.name:
				r.found.add(on.at, dependencyCircle, fmt.Sprintf("feed %q depends on itself", on.name), "remove it")
			case !known && r.unread.feeds:
			case !known:
				r.found.add(on.at, noSuchFeed, fmt.Sprintf("no feed is called %q", shortened(on.name)), set.likeFeed(on.name))
			default:
				d.feed.dependsOn = append(d.feed.dependsOn, on.name)
			}
		}
	}
	for _, d := range r.feeds {
		waits.walk(d.feed.name)
	}
}

// waiting looks for circles among feeds that depend on each other.
type waiting struct {
	found *Findings
	of    map[string]*feedDraft
	state map[string]walkState
	path  []string // from where the walk began
}

type walkState uint8

const (
	notWalked walkState = iota
	onPath
	walked
)

func (w *waiting) walk(name string) {
	d := w.of[name]
	if d == nil || w.state[name] != notWalked {
		return
	}
	w.state[name] = onPath
	w.path = append(w.path, name)
	for _, on := range d.dependsOn {
		switch {
		case on.name == name:
		case w.state[on.name] == onPath:
			w.found.add(on.at, dependencyCircle, "feeds depend on each other in a circle: "+circle(w.path, on.name), "remove one of them")
		default:
			w.walk(on.name)
		}
	}
	w.path = w.path[:len(w.path)-1]
	w.state[name] = walked
}

// circle is "a -> b -> a" for a path that leads back to first.
func circle(path []string, first string) string {
	from := len(path) - 1
	for path[from] != first {
		from--
	}
	names := append(append([]string{}, path[from:]...), first)
	const shown = 12
	if len(names) > shown {
		names = append(append(names[:shown-2:shown-2], "..."), first)
	}
	return strings.Join(names, " -> ")
}
