package api

import (
	"time"

	"github.com/feedwatch/feedwatch/watchdog"
	"github.com/feedwatch/feedwatch/watchdog/feed"
)

// Fact is one thing to know of an incident: a short name, and the sentence.
type Fact struct{ Name, Text string }

// Words are how an incident is told, so that the page says the same as Slack,
// PagerDuty and the terminal. All of them are needed.
type Words struct {
	Headline   func(inc *watchdog.Incident) string
	Facts      func(inc *watchdog.Incident, now feed.Instant) []Fact
	EventLines func(inc *watchdog.Incident, e *watchdog.Event) []string
	Age        func(d time.Duration) string // "6 d 23 h"
	Count      func(n int) string           // "1,248"
}

func (w Words) whole() bool {
	return w.Headline != nil && w.Facts != nil && w.EventLines != nil && w.Age != nil && w.Count != nil
}

// moment is a time as the page shows it: absolute, with its age beside it.
type moment struct{ ISO, Text, Age string }

// moment of "never" is nil, which a template leaves out with {{with}}.
func (w Words) moment(i, now feed.Instant) *moment {
	if i.IsZero() {
		return nil
	}
	t := i.Time()
	layout := "2 Jan 15:04:05"
	switch {
	case t.Format(time.DateOnly) == now.Time().Format(time.DateOnly):
		layout = "15:04:05"
	case t.Year() != now.Time().Year():
		layout = "2 Jan 2006 15:04"
	}
	m := &moment{ISO: i.String(), Text: t.Format(layout) + " UTC"}
	if age := now.Sub(i); age >= 0 {
		m.Age = w.Age(age) + " ago"
	} else {
		m.Age = "in " + w.Age(-age)
	}
	return m
}
