package sources

import (
	"fmt"
	"time"
)

// Defaults and limits of a Schedule.
const (
	IntervalDefault = 30 * time.Second
	TimeoutDefault  = 10 * time.Second
	IntervalMin     = time.Second
)

// Schedule says how often a source is read and how long a read may take.
type Schedule struct {
	Interval time.Duration // 0: IntervalDefault
	Timeout  time.Duration // 0: TimeoutDefault, or Interval where that is shorter
}

// WithDefaults is s with its defaults, or what is wrong with it.
func (s Schedule) WithDefaults() (Schedule, error) {
	if s.Interval == 0 {
		s.Interval = IntervalDefault
	}
	if s.Timeout == 0 {
		s.Timeout = min(TimeoutDefault, s.Interval)
	}
	switch {
	case s.Interval < IntervalMin:
		return s, fmt.Errorf("interval %v is too short: %v is the least", s.Interval, IntervalMin)
	case s.Timeout < 0:
		return s, fmt.Errorf("timeout %v is below zero", s.Timeout)
	case s.Timeout > s.Interval:
		return s, fmt.Errorf("timeout %v is longer than the interval, %v: reads would run into each other", s.Timeout, s.Interval)
	}
	return s, nil
}

// LagMax is the default for feed.Source.LagMax: two reads may fail, and the
// third take its time, before the source's series are blind.
func (s Schedule) LagMax() time.Duration { return 3*s.Interval + s.Timeout }
