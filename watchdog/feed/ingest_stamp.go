package feed

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// A stamp outside of this is in another unit than milliseconds: seconds of
// today are milliseconds of January 1970, microseconds those of the year 57000.
const (
	stampMillisMin = 100_000_000_000     // 3 March 1973
	stampMillisMax = 100_000_000_000_000 // the year 5138
)

var (
	errStampZero    = errors.New("0 is no time: write - (null in JSON), which is now for an arrival; send nothing for a client that never had an update")
	errStampSeconds = errors.New("this looks like seconds; give unix milliseconds")
	errStampMicros  = errors.New("this looks like micro- or nanoseconds; give unix milliseconds")
	errStampDigits  = errors.New("give unix milliseconds in digits")
)

// parseMillis reads unix milliseconds; "" and "-" are the zero Instant. 0 is not:
// a feeder that exports it for "never" must not look fresh.
func parseMillis[Text string | []byte](word Text) (Instant, error) {
	if len(word) == 0 || len(word) == 1 && word[0] == '-' {
		return 0, nil
	}
	if len(word) > 19 {
		return 0, errStampDigits
	}
	var n uint64 // 19 digits fit
	for i := range len(word) {
		c := word[i]
		if c < '0' || c > '9' {
			return 0, errStampDigits
		}
		n = n*10 + uint64(c-'0')
	}
	return checkMillis(int64(min(n, math.MaxInt64)))
}

func checkMillis(n int64) (Instant, error) {
	switch {
	case n == 0:
		return 0, errStampZero
	case n < stampMillisMin:
		return 0, errStampSeconds
	case n > stampMillisMax:
		return 0, errStampMicros
	default:
		return Instant(n), nil
	}
}

// parseStamp reads a JSON value: null, RFC 3339 in a string, or unix
// milliseconds in a number (a fraction of a millisecond is cut).
func parseStamp(raw []byte) (Instant, error) {
	switch {
	case bytes.Equal(raw, []byte("null")):
		return 0, nil
	case raw[0] == '"':
		return parseStampText(raw)
	case raw[0] != '-' && (raw[0] < '0' || raw[0] > '9'):
		return 0, errors.New("give RFC 3339 in a string or unix milliseconds in a number")
	}
	n, err := strconv.ParseFloat(string(raw), 64)
	if err != nil || n > math.MaxInt64/2 {
		return 0, errStampMicros
	}
	return checkMillis(int64(math.Max(n, -1)))
}

func parseStampText(raw []byte) (Instant, error) {
	text, err := parseText(raw)
	if err != nil {
		return 0, err
	}
	return parseRFC3339(text)
}

// parseCell reads a cell of a table: RFC 3339 or unix milliseconds; empty and "-"
// are the zero Instant.
func parseCell(cell []byte) (Instant, error) {
	for _, c := range cell {
		if (c < '0' || c > '9') && len(cell) > 1 {
			return parseRFC3339(string(cell))
		}
	}
	return parseMillis(cell)
}

func parseRFC3339(text string) (Instant, error) {
	t, err := time.Parse(time.RFC3339Nano, text)
	if err == nil {
		// The years that milliseconds may say, so that both forms mean the same.
		if _, err := checkMillis(t.UnixMilli()); err != nil {
			return 0, fmt.Errorf("the year %d is not one of updates", t.Year())
		}
		return At(t), nil
	}
	if strings.Contains(text, " ") && !strings.Contains(text, "T") {
		return 0, fmt.Errorf("%s is not RFC 3339: write a T between date and time", quoted(text))
	}
	if _, err := time.Parse("2006-01-02T15:04:05", text); err == nil {
		return 0, fmt.Errorf("%s has no time zone: end it with Z or an offset such as +01:00", quoted(text))
	}
	return 0, fmt.Errorf("%s is not RFC 3339, such as 2025-11-24T00:05:00Z", quoted(text))
}

// quoted is text from outside in an error: short and printable.
func quoted(text string) string {
	const bytesMax = 80
	if len(text) > bytesMax {
		text = text[:bytesMax] + "…"
	}
	return strconv.Quote(text)
}
