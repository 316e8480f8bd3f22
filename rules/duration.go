package rules

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// units from the longest: a duration names each at most once, in this order.
var units = [...]struct {
	name string
	size time.Duration
}{
	{"d", 24 * time.Hour},
	{"h", time.Hour},
	{"m", time.Minute},
	{"s", time.Second},
	{"ms", time.Millisecond},
}

// ParseDuration reads 90s, 15m, 6h, 7d and combinations such as 1h30m: at
// least 0, at most DurationMax.
func ParseDuration(s string) (time.Duration, error) {
	if s == "" {
		return 0, errors.New("a duration is empty; write for example 15m")
	}
	var total time.Duration
	rest, from := s, 0
	for rest != "" {
		digits := len(rest) - len(strings.TrimLeft(rest, "0123456789"))
		if digits == 0 {
			return 0, notDuration(s, "for example 90s, 15m, 6h, 7d or 1h30m")
		}
		number, err := strconv.ParseInt(rest[:digits], 10, 64)
		if err != nil {
			return 0, tooLong(s)
		}
		rest = rest[digits:]
		unit := len(rest) - len(strings.TrimLeft(rest, "abcdefghijklmnopqrstuvwxyz"))
		if unit == 0 && rest == "" {
			return 0, noUnit(s)
		}
		i := from
		for i < len(units) && units[i].name != rest[:unit] {
			i++
		}
		if i == len(units) {
			return 0, notDuration(s, "for example 90s, 15m, 6h, 7d or 1h30m, the longest unit first")
		}
		if number > int64(DurationMax/units[i].size) {
			return 0, tooLong(s)
		}
		total += time.Duration(number) * units[i].size
		rest, from = rest[unit:], i+1
	}
	if total > DurationMax {
		return 0, tooLong(s)
	}
	return total, nil
}

func tooLong(s string) error {
	return fmt.Errorf("%q is too long; at most %s is allowed", s, FormatDuration(DurationMax))
}

// FormatDuration writes d as ParseDuration reads it: 90s as 1m30s, 0 as 0s.
func FormatDuration(d time.Duration) string {
	if d < 0 {
		return "-" + FormatDuration(-d)
	}
	var b strings.Builder
	for _, u := range units {
		if n := d / u.size; n > 0 {
			b.WriteString(strconv.FormatInt(int64(n), 10) + u.name)
			d -= n * u.size
		}
	}
	if b.Len() == 0 {
		return "0s"
	}
	return b.String()
}

// parseLead reads what stands behind before_loss: a duration, or a share of
// the retention such as 50%.
func parseLead(s string) (Lead, error) {
	share, isShare := strings.CutSuffix(s, "%")
	if f, err := strconv.ParseFloat(s, 64); err == nil && 0 < f && f < 1 {
		return Lead{}, fmt.Errorf("%q is not a share of the retention; write %s%%", shortened(s), strconv.FormatFloat(f*100, 'g', 3, 64))
	}
	if !isShare {
		d, err := ParseDuration(s)
		if err != nil {
			return Lead{}, fmt.Errorf("%w, or a share of the retention such as 50%%", err)
		}
		if d == 0 {
			return Lead{}, errors.New("before_loss must be longer than 0; write for example 48h or 50%")
		}
		return Lead{Duration: d}, nil
	}
	percent, err := strconv.ParseFloat(strings.TrimSpace(share), 64)
	if err != nil {
		return Lead{}, fmt.Errorf("%q is not a share of the retention; write for example 50%%", s)
	}
	if !(percent > 0 && percent < 100) {
		return Lead{}, fmt.Errorf("before_loss is %s of the retention; write more than 0%% and less than 100%%", s)
	}
	return Lead{Percent: percent}, nil
}

// String is the lead as rule files write it.
func (l Lead) String() string {
	if l.Percent > 0 {
		return strconv.FormatFloat(l.Percent, 'f', -1, 64) + "%"
	}
	return FormatDuration(l.Duration)
}
