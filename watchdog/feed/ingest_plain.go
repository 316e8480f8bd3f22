package feed

import "strings"

// What a Batch remembers of labels as they were written: so many sets, none longer.
const (
	plainLabelsMax      = 1 << 12
	plainLabelsBytesMax = 512
)

// plain reads a heartbeat in JSON as nearly all senders write it: known fields, each
// once, strings without escapes, whole numbers. false says that the text is not like
// that, or that something is wrong with it: parseHeartbeat reads it then, and says
// what. Whatever plain reads, it reads as parseHeartbeat does. text is UTF-8.
func (b *Batch) plain(text string) (Heartbeat, bool) {
	h := Heartbeat{Count: 1}
	s := plainScanner{text: text}
	if !s.take('{') {
		return h, false
	}
	var name, client string
	var seen int // a bit for each of fields
	for {
		field, ok := s.name()
		if !ok || !s.take(':') || seen&field != 0 {
			return h, false
		}
		seen |= field
		switch field {
		case plainFeed:
			name, ok = s.string()
		case plainClient:
			client, ok = s.string()
		case plainEventTime:
			h.Event, ok = s.stamp()
		case plainTime:
			h.Arrival, ok = s.stamp()
		case plainCount:
			h.Count, ok = s.count()
		case plainLabelSet:
			h.Labels, ok = b.plainLabels(&s)
		}
		if !ok {
			return h, false
		}
		if s.take('}') {
			break
		}
		if !s.take(',') {
			return h, false
		}
	}
	if s.skip(); s.at != len(text) {
		return h, false
	}
	var err error
	h.Key, err = b.key(name, client)
	return h, err == nil
}

// plainLabels reads an object of strings. What was read before is known by its text:
// a whole object is never the beginning of another one.
func (b *Batch) plainLabels(s *plainScanner) (Labels, bool) {
	s.skip()
	end := strings.IndexByte(s.text[s.at:], '}') + 1
	if end == 0 || s.text[s.at] != '{' {
		return Labels{}, false
	}
	raw := s.text[s.at : s.at+end]
	s.at += end
	if labels, ok := b.labels[raw]; ok {
		return labels, true
	}
	labels, err := parseLabelValues([]byte(raw))
	if err != nil {
		return Labels{}, false
	}
	if len(raw) > plainLabelsBytesMax {
		return labels, true
	}
	if b.labels == nil || len(b.labels) >= plainLabelsMax {
		b.labels = map[string]Labels{}
	}
	b.labels[strings.Clone(raw)] = labels
	return labels, true
}

// plainScanner reads the pieces of a JSON object; false where one is not plain.
type plainScanner struct {
	text string
	at   int
}

// The fields as bits, in the order of fields.
const (
	plainFeed = 1 << iota
	plainClient
	plainEventTime
	plainTime
	plainCount
	plainLabelSet
)

// name reads the name of a field.
func (s *plainScanner) name() (field int, ok bool) {
	text, ok := s.string()
	if !ok {
		return 0, false
	}
	switch text {
	case "feed":
		return plainFeed, true
	case "client":
		return plainClient, true
	case "event_time":
		return plainEventTime, true
	case "time":
		return plainTime, true
	case "count":
		return plainCount, true
	case "labels":
		return plainLabelSet, true
	default:
		return 0, false
	}
}

// string reads one that has no escape.
func (s *plainScanner) string() (string, bool) {
	if !s.take('"') {
		return "", false
	}
	for i := s.at; i < len(s.text); i++ {
		switch c := s.text[i]; {
		case c == '"':
			text := s.text[s.at:i]
			s.at = i + 1
			return text, true
		case c == '\\', c < ' ':
			return "", false
		}
	}
	return "", false
}

// digits reads a whole number that is not 0.
func (s *plainScanner) digits(most int) (string, bool) {
	s.skip()
	from := s.at
	for s.at < len(s.text) && '0' <= s.text[s.at] && s.text[s.at] <= '9' {
		s.at++
	}
	word := s.text[from:s.at]
	return word, word != "" && word[0] != '0' && len(word) <= most
}

// stamp reads a time as parseStamp does.
func (s *plainScanner) stamp() (Instant, bool) {
	if s.skip(); strings.HasPrefix(s.text[s.at:], "null") {
		s.at += len("null")
		return 0, true
	}
	if s.at < len(s.text) && s.text[s.at] == '"' {
		text, ok := s.string()
		if !ok {
			return 0, false
		}
		t, err := parseRFC3339(text)
		return t, err == nil
	}
	word, ok := s.digits(15) // as many as a float64 holds
	if !ok {
		return 0, false
	}
	t, err := parseMillis(word)
	return t, err == nil
}

// count reads a number of updates.
func (s *plainScanner) count() (uint32, bool) {
	word, ok := s.digits(9)
	n := uint32(0)
	for i := range len(word) {
		n = n*10 + uint32(word[i]-'0')
	}
	return n, ok
}

// take reads one byte, past white space.
func (s *plainScanner) take(c byte) bool {
	s.skip()
	if s.at == len(s.text) || s.text[s.at] != c {
		return false
	}
	s.at++
	return true
}

// skip goes past white space as JSON has it.
func (s *plainScanner) skip() {
	for s.at < len(s.text) {
		switch s.text[s.at] {
		case ' ', '\t', '\r', '\n':
			s.at++
		default:
			return
		}
	}
}
