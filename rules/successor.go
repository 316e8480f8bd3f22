package rules

import (
	"fmt"
	"maps"
	"slices"
)

// LostFeeds is the error of a successor that no longer has feeds that a set
// had, and does not say that this is meant.
type LostFeeds struct{ Names []string }

// Error says which, and what to write if it is meant.
func (e *LostFeeds) Error() string {
	quoted := make([]string, len(e.Names))
	for i, n := range e.Names {
		quoted[i] = fmt.Sprintf("%q", n)
	}
	noun := "feed"
	if len(e.Names) > 1 {
		noun = "feeds"
	}
	return fmt.Sprintf(`the rule files no longer have the %s %s, and do not say that this is meant: a file that is missing must not stop the watch
if a feed is no longer to be watched, write:

retired_feeds:
  - name: %s
    reason: why it is no longer watched

if it goes on under another name, write in that feed:

    renamed_from: %s`, noun, listed(quoted, 10), e.Names[0], e.Names[0])
}

// CheckSuccessor refuses a next set that no longer has a feed of s, unless next
// retires it or renames it. The error is a *LostFeeds.
func (s *Set) CheckSuccessor(next *Set) error {
	var lost []string
	for _, f := range s.feeds {
		_, kept := next.byName[f.name]
		_, retired := next.retired[f.name]
		_, renamed := next.renamed[f.name]
		if !kept && !retired && !renamed {
			lost = append(lost, f.name)
		}
	}
	if len(lost) == 0 {
		return nil
	}
	return &LostFeeds{Names: lost}
}

// Retired is why the feed called name is no longer watched, if the files say so.
func (s *Set) Retired(name string) (reason string, ok bool) {
	reason, ok = s.retired[name]
	return reason, ok
}

// Renamed yields each former name of a feed with its present one, in order.
func (s *Set) Renamed(yield func(old, name string) bool) {
	for _, old := range slices.Sorted(maps.Keys(s.renamed)) {
		if !yield(old, s.renamed[old]) {
			return
		}
	}
}
