package rules

import "go.yaml.in/yaml/v4"

// unread says what of the files could not be read. What refers to it may be right:
// a mistake is told once, where it was made.
type unread struct {
	feeds       bool // the name of one, perhaps
	escalations bool // the name of one, perhaps
	uses        bool // who uses an escalation
	defaults    bool // of the set, perhaps
	rules       bool // rules stand beside the feeds of the file that is read
}

// file notes that a file could not be read.
func (u *unread) file(failed bool) {
	if failed {
		u.feeds, u.escalations, u.uses, u.defaults = true, true, true, true
	}
}

// unreadList says that what stands behind key is no list.
func (m mapping) unreadList(key string) bool {
	n := m.get(key)
	return m.has(key) && (n == nil || n.Kind != yaml.SequenceNode)
}

// besideFeeds says that rules stand at the top of a file.
func besideFeeds(m mapping) bool {
	for i := 0; i+1 < len(m.node.Content); i += 2 {
		if m.node.Content[i].Value == "rules" {
			return true
		}
	}
	return false
}
