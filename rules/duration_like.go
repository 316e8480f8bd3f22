package rules

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// notDuration says that s is none, and what was probably meant.
func notDuration(s, otherwise string) error {
	if meant, ok := likeDuration(s); ok {
		otherwise = FormatDuration(meant)
	}
	return fmt.Errorf("%q is not a duration; write %s", shortened(s), otherwise)
}

// noUnit says of s, which ends with a number, which units that may have.
func noUnit(s string) error {
	digits := len(s) - len(strings.TrimRight(s, "0123456789"))
	if before := s[:len(s)-digits]; before != "" {
		last := before[len(before)-1:]
		for i, u := range units {
			if u.name == last && i+1 < len(units) {
				return fmt.Errorf("%q has no unit at its end; write %s%s", s, s, units[i+1].name)
			}
		}
		return fmt.Errorf("%q has no unit at its end; write for example 90s, 15m, 6h, 7d or 1h30m", s)
	}
	n := strings.TrimLeft(s[:len(s)-1], "0") + s[len(s)-1:]
	return fmt.Errorf("%q has no unit; write %ss, %sm, %sh or %sd", s, n, n, n, n)
}

// unitWords are units as other tools and people write them.
var unitWords = map[string]time.Duration{
	"ms": time.Millisecond, "millis": time.Millisecond, "msec": time.Millisecond, "milliseconds": time.Millisecond,
	"s": time.Second, "sec": time.Second, "secs": time.Second, "second": time.Second, "seconds": time.Second,
	"m": time.Minute, "min": time.Minute, "mins": time.Minute, "minute": time.Minute, "minutes": time.Minute,
	"h": time.Hour, "hr": time.Hour, "hrs": time.Hour, "hour": time.Hour, "hours": time.Hour,
	"d": day, "day": day, "days": day,
	"w": 7 * day, "wk": 7 * day, "week": 7 * day, "weeks": 7 * day,
}

const day = 24 * time.Hour

var (
	numberAndUnit = regexp.MustCompile(`^([0-9]{1,9}(?:[.,][0-9]{1,6})?)([a-z]+)`)
	clockTime     = regexp.MustCompile(`^([0-9]{1,3}):([0-5][0-9])$`)
)

// likeDuration is the duration that a person probably meant who wrote "5 min",
// "1w", "1.5h", "PT30M", "24:00" or "30m1h".
func likeDuration(s string) (time.Duration, bool) {
	word := strings.ToLower(strings.TrimPrefix(s, "P"))
	if word != s && s[0] == 'P' {
		word = strings.Replace(word, "t", "", 1)
	}
	word = strings.NewReplacer(" ", "", "\n", "", "\t", "", "\u00a0", "", "\u202f", "", "\u2009", "", "\u200b", "", "and", "", "_", "").Replace(word)
	if m := clockTime.FindStringSubmatch(word); m != nil {
		word = m[1] + "h" + m[2] + "m"
	}
	total := time.Duration(0)
	for word != "" {
		m := numberAndUnit.FindStringSubmatch(word)
		if m == nil {
			return 0, false
		}
		unit, known := unitWords[m[2]]
		number, err := strconv.ParseFloat(strings.Replace(m[1], ",", ".", 1), 64)
		if !known || err != nil || number*float64(unit) > float64(DurationMax) {
			return 0, false
		}
		total += time.Duration(number * float64(unit)).Round(time.Millisecond)
		word = word[len(m[0]):]
	}
	return total, 0 < total && total <= DurationMax
}
