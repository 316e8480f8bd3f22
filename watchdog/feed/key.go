package feed

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Limits on names, in bytes. A feed's name is part of incident keys, URLs and
// metric labels and so is an identifier; a client's name is the customer's own.
const (
	FeedNameBytesMax   = 100
	ClientNameBytesMax = 256
)

// ErrName is what every refusal of a name wraps.
var ErrName = errors.New("bad name")

// Key names one series: a (feed, client) pair. Only ParseKey makes one; the
// zero Key is no series.
type Key struct{ feed, client string }

// ParseKey checks both names. feed: 1 to FeedNameBytesMax of [A-Za-z0-9._-],
// starting with a letter or digit. client: 1 to ClientNameBytesMax of valid
// UTF-8 that prints, without white space at its ends.
func ParseKey(feed, client string) (Key, error) {
	if err := CheckFeedName(feed); err != nil {
		return Key{}, err
	}
	if err := checkClientName(client); err != nil {
		return Key{}, err
	}
	return Key{feed: feed, client: client}, nil
}

// Feed is the feed's name.
func (k Key) Feed() string { return k.feed }

// Client is the client's name.
func (k Key) Client() string { return k.client }

// IsZero says that k names nothing.
func (k Key) IsZero() bool { return k.feed == "" }

// String is "feed/client".
func (k Key) String() string { return k.feed + "/" + k.client }

// CheckFeedName says what is wrong with a feed's name, or nil. The error wraps
// ErrName.
func CheckFeedName(name string) error {
	switch {
	case name == "":
		return fmt.Errorf("%w: the feed's name is empty", ErrName)
	case len(name) > FeedNameBytesMax:
		return fmt.Errorf("%w: the feed's name has %d bytes, %d are allowed", ErrName, len(name), FeedNameBytesMax)
	}
	for i := range len(name) {
		if !feedNameByte(name[i], i == 0) {
			return fmt.Errorf("%w: feed %q: letters, digits, '.', '_' and '-' are allowed, and a letter or digit first", ErrName, name)
		}
	}
	return nil
}

func feedNameByte(b byte, first bool) bool {
	switch {
	case 'a' <= b && b <= 'z', 'A' <= b && b <= 'Z', '0' <= b && b <= '9':
		return true
	default:
		return !first && (b == '.' || b == '_' || b == '-')
	}
}

func checkClientName(name string) error {
	switch {
	case name == "":
		return fmt.Errorf("%w: the client's name is empty", ErrName)
	case len(name) > ClientNameBytesMax:
		return fmt.Errorf("%w: the client's name has %d bytes, %d are allowed", ErrName, len(name), ClientNameBytesMax)
	case strings.TrimSpace(name) != name:
		return fmt.Errorf("%w: client %q has white space at an end", ErrName, name)
	}
	return checkPrintable("client", name)
}

// checkPrintable refuses what would break a terminal, a log line or a message:
// invalid UTF-8, control characters, line ends, and what does not show or turns
// the text around it (so the joiner inside some emoji too).
func checkPrintable(what, s string) error {
	if ascii(s) {
		return nil
	}
	if !utf8.ValidString(s) {
		return fmt.Errorf("%w: %s %q is not UTF-8", ErrName, what, s)
	}
	for _, r := range s {
		if unicode.In(r, unicode.C, unicode.Zl, unicode.Zp, unicode.Other_Default_Ignorable_Code_Point) {
			return fmt.Errorf("%w: %s %+q has %U, which does not show or turns the text around it: leave it out", ErrName, what, s, r)
		}
	}
	return nil
}

func ascii(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}
