package feed

import (
	"fmt"
	"time"
)

// Instant is a point in time in unix milliseconds, UTC. The zero Instant means
// "never" or "not known". Eight bytes without a pointer: columns of series hold
// millions of them.
type Instant int64

// At is t as an Instant, cut to milliseconds. The zero time is the zero Instant.
func At(t time.Time) Instant {
	if t.IsZero() {
		return 0
	}
	return Instant(t.UnixMilli())
}

// Time is i in UTC; the zero time for the zero Instant.
func (i Instant) Time() time.Time {
	if i == 0 {
		return time.Time{}
	}
	return time.UnixMilli(int64(i)).UTC()
}

// IsZero says that i is "never".
func (i Instant) IsZero() bool { return i == 0 }

// Add is i moved by d, cut to milliseconds.
func (i Instant) Add(d time.Duration) Instant { return i + Instant(d/time.Millisecond) }

// Sub is the time from o to i.
func (i Instant) Sub(o Instant) time.Duration { return time.Duration(i-o) * time.Millisecond }

// String is i as RFC 3339 in UTC, or "never".
func (i Instant) String() string {
	if i == 0 {
		return "never"
	}
	return i.Time().Format("2006-01-02T15:04:05.999Z07:00")
}

// MarshalText writes String's form, and nothing for "never".
func (i Instant) MarshalText() ([]byte, error) {
	if i == 0 {
		return nil, nil
	}
	return []byte(i.String()), nil
}

// UnmarshalText reads what MarshalText wrote.
func (i *Instant) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*i = 0
		return nil
	}
	t, err := time.Parse(time.RFC3339Nano, string(text))
	if err != nil {
		return fmt.Errorf("instant %q is not RFC 3339: %w", text, err)
	}
	*i = At(t)
	return nil
}
