package rules

import (
	"fmt"
	"slices"
	"strings"

	"github.com/feedwatch/feedwatch/watchdog/feed"
)

// Selector picks series of any feed: matchers over the feed's name (as "feed"),
// the client's (as "client") and its labels, all of which must fit. Only
// ParseSelector and rule files make one; the zero Selector picks nothing.
type Selector []Matcher

// ParseSelector reads one or more matchers, `feed="profiles"` or
// `{cluster="fsn1", client!~"batch-.*"}`. What picks everything has to say so:
// feed=~".+".
func ParseSelector(s string) (Selector, error) {
	return parseMatchers(s, `cluster="fsn1", or feed=~".+" for everything`, checkSelectorLabel)
}

// checkSelectorLabel says what a selector's matcher may look at.
func checkSelectorLabel(name string) error {
	if name == FeedLabel || name == ClientLabel {
		return nil
	}
	if err := feed.CheckLabelName(name); err != nil {
		return fmt.Errorf("%w; match feed, client or one of the client's labels", plain(err))
	}
	return nil
}

// Matches says whether a series is picked. A label that is not there matches as
// the empty string, as in Alertmanager.
func (s Selector) Matches(feedName, client string, labels feed.Labels) bool {
	for i := range s {
		m := &s[i]
		if m.label == FeedLabel && !m.fits(feedName) || m.label != FeedLabel && !m.Matches(client, labels) {
			return false
		}
	}
	return len(s) > 0
}

// MatchesFeed says whether series of the feed can be picked.
func (s Selector) MatchesFeed(feedName string) bool {
	for i := range s {
		if s[i].label == FeedLabel && !s[i].fits(feedName) {
			return false
		}
	}
	return len(s) > 0
}

// Mentions says that a matcher looks at that label, or at "client" or "feed".
func (s Selector) Mentions(label string) bool {
	return slices.ContainsFunc(s, func(m Matcher) bool { return m.label == label })
}

// Feeds are the names of the feeds that the selector keeps to; nil where it names
// none, and may pick series of any.
func (s Selector) Feeds() []string {
	for i := range s {
		switch m := &s[i]; {
		case m.label != FeedLabel || m.negate:
		case m.test == equals:
			return []string{m.value}
		case m.test == oneOf:
			return m.values
		}
	}
	return nil
}

// String is the selector as Alertmanager writes it, without braces.
func (s Selector) String() string {
	all := make([]string, len(s))
	for i := range s {
		all[i] = s[i].String()
	}
	return strings.Join(all, ", ")
}
