package rules

import (
	"fmt"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

// Change is one thing that is written otherwise in a set than in the one before.
// Was or Now is "" where it is new, or gone.
type Change struct {
	What string `json:"what"` // "feed profiles, rule everyone, stale_after"
	Was  string `json:"was,omitempty"`
	Now  string `json:"now,omitempty"`
}

// whole is what a Change says of a thing that is new or gone as a whole.
const whole = "all of it"

// Removed is the change of a thing that is gone.
func Removed(what string) Change { return Change{What: what, Was: whole} }

// String is one line: "feed profiles, rule everyone, stale_after: 45m, was 30m".
func (c Change) String() string {
	switch {
	case c.Was == "" && c.Now == whole:
		return c.What + ": added"
	case c.Now == "" && c.Was == whole:
		return c.What + ": removed"
	case c.Was == "":
		return c.What + ": " + c.Now + ", was not set"
	case c.Now == "":
		return c.What + ": not set, was " + c.Was
	}
	return c.What + ": " + c.Now + ", was " + c.Was
}

// changesMax bounds what is told of one edit, and the leaves that are compared.
const (
	changesMax      = 100
	changeLeavesMax = 200_000
	changeTextMax   = 60
)

// Changes says what two sets of rule files say differently, in the order of
// names, at most a hundred, and how many there are beside them. Comments, order
// and which file something stands in make no change. The files have been parsed
// before: what is no rule file is passed over.
func Changes(before, after []File) (all []Change, more int) {
	was, now := readLeaves(before), readLeaves(after)
	things := map[string]bool{} // that are told as a whole
	for _, what := range slices.Sorted(maps.Keys(union(was.things, now.things))) {
		if was.things[what] != now.things[what] && !under(things, what) {
			things[what] = true
			all = append(all, Change{What: what, Was: sayIf(was.things[what], whole), Now: sayIf(now.things[what], whole)})
		}
	}
	for _, what := range slices.Sorted(maps.Keys(union(was.values, now.values))) {
		a, b := was.values[what], now.values[what]
		if a != b && !under(things, what) {
			all = append(all, Change{what, shorten(a), shorten(b)})
		}
	}
	slices.SortStableFunc(all, func(a, b Change) int { return strings.Compare(a.What, b.What) })
	if len(all) > changesMax {
		return all[:changesMax], len(all) - changesMax
	}
	return all, 0
}

func sayIf(is bool, text string) string {
	if is {
		return text
	}
	return ""
}

func union[V any](a, b map[string]V) map[string]V {
	all := maps.Clone(a)
	maps.Copy(all, b)
	return all
}

// under says that what is part of one of things.
func under(things map[string]bool, what string) bool {
	for at := range what {
		if what[at] == ',' && things[what[:at]] {
			return true
		}
	}
	return things[what]
}

func shorten(text string) string {
	if runes := []rune(text); len(runes) > changeTextMax {
		return string(runes[:changeTextMax]) + "…"
	}
	return text
}

// leaves is a set of files taken apart: what has a name, and every value by
// where it stands.
type leaves struct {
	things map[string]bool
	values map[string]string
}

// singular is what one item of a list with names is called.
var singular = map[string]string{
	"feeds": "feed", "rules": "rule", "escalations": "escalation", "maintenance": "maintenance",
	"retired_feeds": "retired feed", "steps": "step",
}

func readLeaves(files []File) leaves {
	l := leaves{map[string]bool{}, map[string]string{}}
	for _, f := range files {
		switch kind, _ := fileKindOf(f.Name); kind {
		case holdsClients:
			continue
		case holdsDays:
			what := "calendar " + filepath.Base(f.Name)
			l.things[what], l.values[join(what, "contents")] = true, version([]File{f})
			continue
		}
		doc, _, err := loadNodes(strings.TrimPrefix(string(f.Data), "\ufeff"))
		if err == nil && doc != nil && len(doc.Content) > 0 {
			l.read("", "", doc.Content[0])
		}
	}
	named := slices.Collect(maps.Values(l.values))
	for _, f := range files {
		if base := path.Base(filepath.ToSlash(f.Name)); holds(holdsClients, f.Name) && slices.Contains(named, base) {
			l.values["roster "+base] = fmt.Sprintf("%s (%s)", counted(clientsIn(f), "client"), version([]File{f})[:6])
		}
	}
	return l
}

// read takes apart the node that stands under key at path.
func (l *leaves) read(path, key string, n *yaml.Node) {
	for n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	if len(l.values) >= changeLeavesMax {
		return
	}
	switch {
	case n.Kind == yaml.MappingNode:
		if key == "defaults" || key == "min_updates" { // their keys are those of what they stand in
			path = join(path, key)
		}
		for i := 0; i+1 < len(n.Content); i += 2 {
			l.read(path, n.Content[i].Value, n.Content[i+1])
		}
	case n.Kind == yaml.SequenceNode && singular[key] != "":
		for i, item := range n.Content {
			l.readItem(join(path, singular[key]), i, item)
		}
	default:
		if key != "name" {
			l.values[join(path, key)] = oneLine(n)
		}
	}
}

// readItem takes apart an item of a list, which goes by its name, or its number.
func (l *leaves) readItem(path string, i int, item *yaml.Node) {
	for item.Kind == yaml.AliasNode {
		item = item.Alias
	}
	path += " " + nameOf(item, i)
	l.things[path] = true
	l.read(path, "", item)
}

func nameOf(item *yaml.Node, i int) string {
	for k := 0; item.Kind == yaml.MappingNode && k+1 < len(item.Content); k += 2 {
		if item.Content[k].Value == "name" && item.Content[k+1].Kind == yaml.ScalarNode {
			return item.Content[k+1].Value
		}
	}
	return fmt.Sprint(i + 1)
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + ", " + key
}

// oneLine is a value as it would be written on one line.
func oneLine(n *yaml.Node) string {
	for n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	var parts []string
	switch n.Kind {
	case yaml.SequenceNode:
		for _, item := range n.Content {
			parts = append(parts, oneLine(item))
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			parts = append(parts, n.Content[i].Value+": "+oneLine(n.Content[i+1]))
		}
		return "{" + strings.Join(parts, ", ") + "}"
	}
	if n.Value == "" {
		return `""`
	}
	return n.Value
}
