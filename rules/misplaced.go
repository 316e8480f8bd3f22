package rules

import (
	"cmp"
	"fmt"
	"slices"

	"go.yaml.in/yaml/v4"
)

// misplaced looks for keys that slipped out of the object behind a key beside them,
// or into it. Where they belong they are not missing.
type misplaced struct {
	is   *object
	keys []*yaml.Node // of one mapping, key and value in turns
}

// inner is the object that stands behind the key name, nil where none does.
func (is *object) inner(name string) *object {
	for _, k := range is.keys {
		if k.name == name {
			switch k.takes.kind {
			case objectShape, rosterShape, severityShape:
				return k.takes.object
			}
		}
	}
	return nil
}

// slippedFar is how many keys there may be between: no object has as many.
const slippedFar = 50

// above is the key before number n whose object n belongs to: indented as the object
// itself, it stands beside it. Nil for none.
func (p misplaced) above(n int) *yaml.Node {
	for at := n - 2; at >= 0 && n-at <= 2*slippedFar; at -= 2 {
		name := p.keys[at].Value
		inner := p.is.inner(name)
		if !slices.Contains(p.is.names, name) { // it may have slipped itself
			inner = cmp.Or(feedObject.inner(name), ruleObject.inner(name))
		}
		if inner == nil {
			if slices.Contains(p.is.names, name) {
				return nil
			}
			continue
		}
		if value := follow(p.keys[at+1]); slices.Contains(inner.names, p.keys[n].Value) &&
			(isNull(value) || indented(value) && !hasKey(value, p.keys[n].Value)) {
			return p.keys[at]
		}
		return nil
	}
	return nil
}

// emptied says that the object behind key number n stands beside it.
func (p misplaced) emptied(n int) bool {
	return n+2 < len(p.keys) && isNull(follow(p.keys[n+1])) && !slices.Contains(p.is.names, p.keys[n+2].Value) && p.above(n+2) == p.keys[n]
}

// below are the keys that stand within an object beside which they belong.
func (p misplaced) below() (keys []*yaml.Node) {
	for n := 0; n+1 < len(p.keys); n += 2 {
		inner, value := p.is.inner(p.keys[n].Value), follow(p.keys[n+1])
		if inner == nil || !indented(value) {
			continue
		}
		for i := 0; i+1 < len(value.Content); i += 2 {
			key := value.Content[i]
			either := slices.Concat(p.is.oneOf, p.is.apart) // beside the object it would be one too many
			if slices.Contains(p.is.names, key.Value) && !slices.Contains(inner.names, key.Value) && !slices.Contains(either, key.Value) {
				keys = append(keys, key)
			}
		}
	}
	return keys
}

// indented says that n is a mapping without braces.
func indented(n *yaml.Node) bool { return n.Kind == yaml.MappingNode && n.Style&yaml.FlowStyle == 0 }

func hasKey(n *yaml.Node, name string) bool {
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == name {
			return true
		}
	}
	return false
}

// outdented refuses a key that stands beside the object it belongs to, behind the
// key of: the first for each such object, unless that itself is refused.
func (r *reader) outdented(p misplaced, n int, of *yaml.Node) {
	if r.slipped == nil {
		r.slipped = map[*yaml.Node][]*yaml.Node{}
	}
	object := follow(p.keys[slices.Index(p.keys, of)+1])
	if len(r.slipped[object]) == 0 && slices.Contains(p.is.names, of.Value) {
		key := p.keys[n]
		r.fail(key, unknownKey, fmt.Sprintf("unknown key %q", shortened(key.Value)), fmt.Sprintf("it belongs to %s on line %d: indent it under that", of.Value, of.Line))
	}
	r.slipped[object] = append(r.slipped[object], p.keys[n])
}

// mean notes keys that m does not have, and that were meant for it.
func (m *mapping) mean(keys []*yaml.Node) {
	for _, key := range keys {
		if !m.has(key.Value) {
			m.entries = append(m.entries, entry{key: key, meant: true})
		}
	}
}
