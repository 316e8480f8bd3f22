package feed

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// Columns says what the columns of a CSV file hold, as its header names them.
// Like Batch it remembers what repeats. One goroutine at a time.
type Columns struct {
	width                             int
	feed, client, time, event, counts int // places; -1: there is no such column
	labels                            []labelColumn

	cells   [][]byte
	scratch []byte
	names   map[string]Key    // by the cells of feed and client
	known   map[string]Labels // by the cells of the label columns
}

// columnsKnownMax is how many series, and how many sets of labels, are remembered.
const columnsKnownMax = 1 << 17

type labelColumn struct {
	place int
	name  string
}

// columnNames are those that are no labels.
var columnNames = []string{"feed", "client", "time", "event_time", "count"}

var (
	errCells     = errors.New("the line has not as many cells as the header")
	errQuoted    = errors.New("the quotes do not fit CSV: put the cell in quotes, and double those inside it; a cell has no line end")
	errCellCount = errors.New("count: give a whole number from 0 to 4294967295")
)

// ParseColumns reads the header of a CSV file. It has feed, client and time, may
// have event_time and count, and every other column is a label.
func ParseColumns(header []byte) (*Columns, error) {
	c := &Columns{feed: -1, client: -1, time: -1, event: -1, counts: -1, names: map[string]Key{}, known: map[string]Labels{}}
	if err := c.split(bytes.TrimSuffix(header, []byte{'\r'})); err != nil {
		return nil, err
	}
	c.width = len(c.cells)
	seen := map[string]bool{}
	for i, cell := range c.cells {
		name := strings.TrimSpace(string(cell))
		if seen[name] {
			return nil, fmt.Errorf("the header names the column %s twice", quoted(name))
		}
		seen[name] = true
		switch name {
		case "feed":
			c.feed = i
		case "client":
			c.client = i
		case "time":
			c.time = i
		case "event_time":
			c.event = i
		case "count":
			c.counts = i
		default:
			if err := CheckLabelName(name); err != nil {
				return nil, fmt.Errorf("the column %s is taken for a label: %w", quoted(name), err)
			}
			c.labels = append(c.labels, labelColumn{i, name})
		}
	}
	for _, name := range columnNames[:3] {
		if !seen[name] {
			return nil, fmt.Errorf("the header has no column %q: the columns are feed,client,time[,event_time][,count] and labels", name)
		}
	}
	if len(c.labels) > LabelsMax {
		return nil, fmt.Errorf("%d columns are labels, %d are allowed", len(c.labels), LabelsMax)
	}
	return c, nil
}

// IsHeader says that a line is the header of a CSV file with heartbeats.
func IsHeader(line []byte) bool {
	names := strings.Split(strings.TrimSpace(string(line)), ",")
	return len(names) > 1 && slices.ContainsFunc(names, func(n string) bool {
		return slices.Contains(columnNames, strings.Trim(n, `" `))
	})
}

// ParseCSV reads lines below the header into b. Times are RFC 3339 or unix
// milliseconds; an empty event_time is none, an empty count 1. Only
// ErrTooManyHeartbeats refuses the whole.
func (b *Batch) ParseCSV(c *Columns, text []byte) error {
	for line := 1; len(text) > 0; line++ {
		one, rest, _ := bytes.Cut(text, []byte{'\n'})
		text = rest
		if one = bytes.TrimSuffix(one, []byte{'\r'}); len(one) == 0 {
			continue
		}
		h, err := b.row(c, one)
		if err != nil {
			err = b.refuse(line, err)
		} else {
			err = b.add(h, line)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (b *Batch) row(c *Columns, line []byte) (Heartbeat, error) {
	h := Heartbeat{Count: 1}
	if len(line) > ItemBytesMax {
		return h, errItemLong
	}
	err := c.split(line)
	if err != nil {
		return h, err
	}
	if len(c.cells) != c.width {
		return h, errCells
	}
	if h.Key, err = c.key(); err != nil {
		return h, err
	}
	if h.Arrival, err = parseCell(c.cells[c.time]); err != nil {
		return h, fmt.Errorf("time: %w", err)
	}
	if c.event >= 0 {
		if h.Event, err = parseCell(c.cells[c.event]); err != nil {
			return h, fmt.Errorf("event_time: %w", err)
		}
	}
	if c.counts >= 0 && len(c.cells[c.counts]) > 0 {
		if h.Count, err = parseCount(c.cells[c.counts]); err != nil {
			return h, errCellCount
		}
	}
	h.Labels, err = c.labelsOf()
	return h, err
}

// key is ParseKey of the two cells, remembered.
func (c *Columns) key() (Key, error) {
	c.scratch = append(c.scratch[:0], c.cells[c.feed]...)
	c.scratch = append(append(c.scratch, 0), c.cells[c.client]...)
	if k, ok := c.names[string(c.scratch)]; ok {
		return k, nil
	}
	k, err := ParseKey(string(c.cells[c.feed]), string(c.cells[c.client]))
	if err != nil {
		return Key{}, err
	}
	if len(c.names) > columnsKnownMax {
		clear(c.names)
	}
	c.names[string(c.scratch)] = k
	return k, nil
}

// split cuts a line into c.cells.
func (c *Columns) split(line []byte) error {
	c.cells = c.cells[:0]
	if bytes.IndexByte(line, '"') < 0 {
		for more := true; more; {
			var cell []byte
			cell, line, more = bytes.Cut(line, []byte{','})
			c.cells = append(c.cells, cell)
		}
		return nil
	}
	if !utf8.Valid(line) {
		return errItemUTF8
	}
	r := csv.NewReader(bytes.NewReader(line))
	cells, err := r.Read()
	if err != nil {
		return errQuoted
	}
	for _, cell := range cells {
		c.cells = append(c.cells, []byte(cell))
	}
	return nil
}

func (c *Columns) labelsOf() (Labels, error) {
	if len(c.labels) == 0 {
		return Labels{}, nil
	}
	c.scratch = c.scratch[:0]
	for _, l := range c.labels {
		c.scratch = append(append(c.scratch, c.cells[l.place]...), 0)
	}
	if l, ok := c.known[string(c.scratch)]; ok {
		return l, nil
	}
	pairs := make(map[string]string, len(c.labels))
	for _, l := range c.labels {
		pairs[l.name] = string(c.cells[l.place])
	}
	labels, err := ParseLabels(pairs)
	if err != nil {
		return Labels{}, err
	}
	if len(c.known) > columnsKnownMax {
		clear(c.known)
	}
	c.known[string(c.scratch)] = labels
	return labels, nil
}
