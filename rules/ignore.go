package rules

import (
	"time"

	"github.com/feedwatch/feedwatch/watchdog/feed"
)

// Ignore is a person's word that some clients of a feed are not watched, for a time
// and for a reason. Only rule files make one.
type Ignore struct {
	match  []Matcher
	reason string
	until  feed.Instant
	pos    Pos
}

// Match is whom it is for, as Alertmanager writes it.
func (i *Ignore) Match() string { return Selector(i.match).String() }

// Reason is why they are not watched.
func (i *Ignore) Reason() string { return i.reason }

// Until is from when on they are watched again.
func (i *Ignore) Until() feed.Instant { return i.until }

// Pos is where it stands.
func (i *Ignore) Pos() Pos { return i.pos }

func (i *Ignore) matches(client string, labels feed.Labels) bool {
	for n := range i.match {
		if !i.match[n].Matches(client, labels) {
			return false
		}
	}
	return true
}

// Ignores are those of the feed, in order.
func (f *Feed) Ignores() []*Ignore { return f.ignores }

// Ignored is the ignore by which a client is not watched at t, of several the one
// that lasts longest; nil when it is watched.
func (f *Feed) Ignored(client string, labels feed.Labels, t feed.Instant) *Ignore {
	var longest *Ignore
	for _, i := range f.ignores {
		if i.until > t && (longest == nil || i.until > longest.until) && i.matches(client, labels) {
			longest = i
		}
	}
	return longest
}

// IgnoredBefore is when a client that was ignored once came to be watched again, at
// t at the latest; zero for one that was not.
func (f *Feed) IgnoredBefore(client string, labels feed.Labels, t feed.Instant) feed.Instant {
	last := feed.Instant(0)
	for _, i := range f.ignores {
		if i.until <= t && i.until > last && i.matches(client, labels) {
			last = i.until
		}
	}
	return last
}

// ignoreFar is how long an ignore may last before somebody should look at it.
const ignoreFar = 180 * 24 * time.Hour
