package sources

import (
	"errors"
	"fmt"

	"github.com/feedwatch/feedwatch/watchdog/feed"
)

// ClientLabelDefault is the label that names the client unless told otherwise.
const ClientLabelDefault = "client"

// Mapping says how the labels of a value that was read become a series.
type Mapping struct {
	Feed        string            // the one feed of all values; or
	FeedLabel   string            // the label that names the feed
	ClientLabel string            // the label that names the client; "": ClientLabelDefault
	Labels      map[string]string // the series' labels: its name -> the label it is read from
}

// WithDefaults is m with its defaults, or what is wrong with it.
func (m Mapping) WithDefaults() (Mapping, error) {
	if m.ClientLabel == "" {
		m.ClientLabel = ClientLabelDefault
	}
	switch {
	case m.Feed == "" && m.FeedLabel == "":
		return m, errors.New("say which feed the values are of: set feed, or feed_label to the label that names it")
	case m.Feed != "" && m.FeedLabel != "":
		return m, errors.New("feed and feed_label are both set: keep one")
	case m.Feed != "":
		if err := feed.CheckFeedName(m.Feed); err != nil {
			return m, err
		}
	}
	if len(m.Labels) > feed.LabelsMax {
		return m, fmt.Errorf("%d labels to carry over, %d are allowed", len(m.Labels), feed.LabelsMax)
	}
	for name, from := range m.Labels {
		if err := feed.CheckLabelName(name); err != nil {
			return m, err
		}
		if from == "" {
			return m, fmt.Errorf("label %q is read from nowhere: name the label it comes from", name)
		}
	}
	return m, nil
}

// key is the series of a value. Its error says which name is bad.
func (m *Mapping) key(get func(label string) string) (feed.Key, error) {
	name := m.Feed
	if name == "" {
		name = get(m.FeedLabel)
	}
	return feed.ParseKey(name, get(m.ClientLabel))
}

// labels are those to carry over. Those that a value does not have stay out.
func (m *Mapping) labels(get func(label string) string) (feed.Labels, error) {
	if len(m.Labels) == 0 {
		return feed.Labels{}, nil
	}
	pairs := make(map[string]string, len(m.Labels))
	for name, from := range m.Labels {
		pairs[name] = get(from)
	}
	return feed.ParseLabels(pairs)
}

// Series is the series of a value with its labels. An error of the labels alone
// wraps feed.ErrName, and the key is there all the same.
func (m *Mapping) Series(get func(label string) string) (feed.Key, feed.Labels, error) {
	key, err := m.key(get)
	if err != nil {
		return feed.Key{}, feed.Labels{}, err
	}
	labels, err := m.labels(get)
	return key, labels, err
}
