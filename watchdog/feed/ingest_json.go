package feed

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// fields are those of a heartbeat in JSON.
var fields = []string{"feed", "client", "event_time", "time", "count", "labels"}

var (
	errItemLong   = fmt.Errorf("the heartbeat is longer than %d bytes", ItemBytesMax)
	errItemUTF8   = errors.New("the heartbeat is not UTF-8")
	errItemObject = errors.New(`a heartbeat is an object such as {"feed":"external-profiles","client":"acme"}`)
)

// ParseJSON reads a document into b: an array of heartbeats, or one or more
// objects one after the other. A document that is no JSON is refused whole with
// an error that wraps ErrNotJSON; so is one with too many heartbeats.
func (b *Batch) ParseJSON(doc []byte) error {
	doc = bytes.TrimLeft(doc, " \t\r\n")
	if len(doc) == 0 {
		return nil
	}
	dec := json.NewDecoder(bytes.NewReader(doc))
	if doc[0] == '[' {
		return b.parseArray(dec)
	}
	for {
		err := b.parseNext(dec)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return notJSON(err, dec)
		}
	}
}

func (b *Batch) parseArray(dec *json.Decoder) error {
	if _, err := dec.Token(); err != nil { // [
		return notJSON(err, dec)
	}
	for dec.More() {
		if err := b.parseNext(dec); err != nil {
			return notJSON(err, dec)
		}
	}
	if _, err := dec.Token(); err != nil { // ]
		return notJSON(err, dec)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return fmt.Errorf("%w: something follows the array at byte %d", ErrNotJSON, dec.InputOffset())
	}
	return nil
}

func (b *Batch) parseNext(dec *json.Decoder) error {
	var raw json.RawMessage
	if err := dec.Decode(&raw); err != nil {
		return err
	}
	return b.parseItem(string(raw), 0)
}

func notJSON(err error, dec *json.Decoder) error {
	if errors.Is(err, ErrTooManyHeartbeats) {
		return err
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("%w: it ends too early", ErrNotJSON)
	}
	return fmt.Errorf("%w: %w, near byte %d", ErrNotJSON, err, dec.InputOffset())
}

// ParseNDJSON reads one heartbeat a line into b; empty lines are left out. A
// line that is no JSON is refused by itself. Names are parts of one copy of doc, as
// in ParseLines.
func (b *Batch) ParseNDJSON(doc []byte) error {
	text := string(doc)
	for line := 1; len(text) > 0; line++ {
		one, rest, _ := strings.Cut(text, "\n")
		text = rest
		if one = strings.TrimSpace(one); one == "" {
			continue
		}
		if err := b.parseItem(one, line); err != nil {
			return err
		}
	}
	return nil
}

func (b *Batch) parseItem(raw string, line int) error {
	if len(raw) > ItemBytesMax {
		return b.refuse(line, errItemLong)
	}
	// The decoder would put a replacement character for what is no UTF-8, and so
	// make one client of several.
	if !utf8.ValidString(raw) {
		return b.refuse(line, errItemUTF8)
	}
	if h, ok := b.plain(raw); ok {
		return b.add(h, line)
	}
	h, err := parseHeartbeat([]byte(raw))
	if err != nil {
		return b.refuse(line, err)
	}
	return b.add(h, line)
}

// parseHeartbeat reads one object. A field that it does not know is an error:
// a slip in "event_time" would lose the check that updates are current.
func parseHeartbeat(raw []byte) (Heartbeat, error) {
	if raw[0] != '{' {
		return Heartbeat{}, errItemObject
	}
	var object map[string]json.RawMessage
	if err := json.Unmarshal(raw, &object); err != nil {
		return Heartbeat{}, fmt.Errorf("not a JSON object: %w", err)
	}
	h := Heartbeat{Count: 1}
	var name, client string
	var err error
	for _, field := range fields {
		value, ok := object[field]
		if !ok {
			continue
		}
		delete(object, field)
		switch field {
		case "feed":
			name, err = parseText(value)
		case "client":
			client, err = parseText(value)
		case "event_time":
			h.Event, err = parseStamp(value)
		case "time":
			h.Arrival, err = parseStamp(value)
		case "count":
			h.Count, err = parseCount(value)
		case "labels":
			h.Labels, err = parseLabelValues(value)
		}
		if err != nil {
			return Heartbeat{}, fmt.Errorf("%s: %w", field, err)
		}
	}
	if len(object) > 0 {
		return Heartbeat{}, unknownField(object)
	}
	h.Key, err = ParseKey(name, client)
	return h, err
}

func unknownField(object map[string]json.RawMessage) error {
	first := ""
	for name := range object {
		if first == "" || name < first {
			first = name
		}
	}
	// The forms that other systems use, beside slips of a key.
	plain := strings.NewReplacer("_", "", "-", "").Replace(strings.ToLower(first))
	i := slices.IndexFunc(fields, func(f string) bool {
		f = strings.ReplaceAll(f, "_", "")
		return distance(plain, f) <= len(f)/4+1
	})
	if i >= 0 {
		return fmt.Errorf("unknown field %s: did you mean %q?", quoted(first), fields[i])
	}
	return fmt.Errorf("unknown field %s: a heartbeat has %s", quoted(first), strings.Join(fields, ", "))
}

func parseText(raw []byte) (string, error) {
	var text *string
	if err := json.Unmarshal(raw, &text); err != nil || text == nil {
		return "", errors.New("give a string")
	}
	return *text, nil
}

func parseCount(raw []byte) (uint32, error) {
	if bytes.Equal(raw, []byte("null")) {
		return 1, nil
	}
	n, err := strconv.ParseUint(string(raw), 10, 32)
	if err != nil {
		return 0, fmt.Errorf("give a whole number from 0 to %d", uint32(math.MaxUint32))
	}
	return uint32(n), nil
}

func parseLabelValues(raw []byte) (Labels, error) {
	var pairs map[string]string
	if err := json.Unmarshal(raw, &pairs); err != nil {
		return Labels{}, errors.New(`give an object of strings, such as {"cluster":"fsn1"}`)
	}
	return ParseLabels(pairs)
}

// distance is how many bytes must be put in, left out or changed to make a b.
func distance(a, b string) int {
	if len(a) > 64 {
		return len(a)
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost = 1 + min(diagonal, row[j], row[j+1])
			}
			diagonal, row[j+1] = row[j+1], cost
		}
	}
	return row[len(b)]
}
