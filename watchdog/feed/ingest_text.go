package feed

import (
	"errors"
	"fmt"
	"strings"
)

// What is wrong with a text line. Fixed errors: a batch of a hundred thousand
// wrong lines must not cost more than a good one.
var (
	errLineLong = fmt.Errorf("the line is longer than %d bytes", LineBytesMax)
	errLineFew  = errors.New("a line is `feed client unix_ms [event_unix_ms]`; write - as unix_ms for now")
	errLineMany = errors.New("more than four words: a line is `feed client unix_ms [event_unix_ms]`; " +
		"send clients with spaces as JSON, and with curl use --data-binary, which keeps line ends")
)

// ParseLines reads lines `feed client unix_ms [event_unix_ms]` into b. Words are
// set apart by spaces or tabs; unix_ms may be - for now, event_unix_ms for none;
// lines that are empty or begin with # are left out. Only
// ErrTooManyHeartbeats refuses the whole. The names in b are parts of one copy of
// text, which lives for as long as any of them is held.
func (b *Batch) ParseLines(text []byte) error {
	rest := string(text)
	for line := 1; len(rest) > 0; line++ {
		one := rest
		if end := strings.IndexByte(rest, '\n'); end >= 0 {
			one, rest = rest[:end], rest[end+1:]
		} else {
			rest = ""
		}
		if err := b.parseLine(one, line); err != nil {
			return err
		}
	}
	return nil
}

func (b *Batch) parseLine(line string, number int) error {
	if len(line) > LineBytesMax {
		return b.refuse(number, errLineLong)
	}
	start := skipSpace(line, 0)
	if start == len(line) || line[start] == '#' {
		return nil
	}
	feedEnd := skipWord(line, start)
	clientStart := skipSpace(line, feedEnd)
	clientEnd := skipWord(line, clientStart)
	timeStart := skipSpace(line, clientEnd)
	timeEnd := skipWord(line, timeStart)
	if timeStart == timeEnd {
		return b.refuse(number, errLineFew)
	}
	eventStart := skipSpace(line, timeEnd)
	eventEnd := skipWord(line, eventStart)
	if skipSpace(line, eventEnd) != len(line) {
		return b.refuse(number, errLineMany)
	}
	key, err := b.key(line[start:feedEnd], line[clientStart:clientEnd])
	if err != nil {
		return b.refuse(number, err)
	}
	arrival, err := parseMillis(line[timeStart:timeEnd])
	if err != nil {
		return b.refuse(number, fmt.Errorf("unix_ms: %w", err))
	}
	event, err := parseMillis(line[eventStart:eventEnd])
	if err != nil {
		return b.refuse(number, fmt.Errorf("event_unix_ms: %w", err))
	}
	return b.add(Heartbeat{Key: key, Arrival: arrival, Event: event, Count: 1}, number)
}

func skipSpace(line string, i int) int {
	for i < len(line) && space(line[i]) {
		i++
	}
	return i
}

func skipWord(line string, i int) int {
	for i < len(line) && !space(line[i]) {
		i++
	}
	return i
}

func space(c byte) bool { return c == ' ' || c == '\t' || c == '\r' }
