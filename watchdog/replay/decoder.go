package replay

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/feedwatch/feedwatch/watchdog/feed"
)

// decoded is what a block of lines says.
type decoded struct {
	beats []feed.Heartbeat
	wrong int   // lines that say nothing
	why   error // of the first of them
	err   error // the recording cannot be read on
}

// decoder parses the lines of one recording with the parsers of the HTTP API.
type decoder struct {
	lines   *lines
	batch   *feed.Batch
	parse   func(lines []byte) error // nil until the first block shows the form
	out     chan decoded
	free    chan []feed.Heartbeat
	lenient bool // wrong lines are left out
}

func newDecoder(l *lines, lenient bool) *decoder {
	return &decoder{
		lines: l, batch: feed.NewBatch(), lenient: lenient,
		out: make(chan decoded, blocksBetween), free: make(chan []feed.Heartbeat, blocksBetween+2),
	}
}

// run parses until the end, the first mistake, or until ctx is done.
func (d *decoder) run(ctx context.Context) {
	defer close(d.out)
	for t := range d.lines.out {
		some := decoded{err: t.err}
		if t.err == nil {
			some = d.decode(t)
			d.lines.reuse(t.lines)
		}
		select {
		case d.out <- some:
		case <-ctx.Done():
			return
		}
		if some.err != nil {
			return
		}
	}
}

var errNoTime = errors.New("a recorded heartbeat has its time: write unix milliseconds or RFC 3339, not now")

func (d *decoder) decode(t text) decoded {
	lines, first := t.lines, t.first
	d.batch.Reset(0) // there is no now in a recording
	if d.parse == nil {
		skipped, err := d.recognise(lines)
		lines, first = lines[skipped:], first+bytes.Count(lines[:skipped], []byte{'\n'})
		if err != nil {
			return decoded{err: fmt.Errorf("%s:%d: %w", d.lines.of.Name, first, err)}
		}
		if len(lines) == 0 {
			return decoded{}
		}
	}
	if err := d.parse(lines); err != nil {
		return decoded{err: fmt.Errorf("%s:%d: %w", d.lines.of.Name, first, err)}
	}
	for i := range d.batch.Heartbeats {
		if d.batch.Heartbeats[i].Arrival.IsZero() {
			d.batch.Refuse(i, errNoTime)
		}
	}
	out := decoded{beats: d.batch.Heartbeats, wrong: d.batch.Refused}
	select {
	case d.batch.Heartbeats = <-d.free:
	default:
		d.batch.Heartbeats = nil
	}
	if out.wrong > 0 {
		out.why = d.mistakes(first)
		if !d.lenient {
			out.err = out.why
		}
		out.beats = slices.DeleteFunc(out.beats, func(h feed.Heartbeat) bool { return h.Arrival.IsZero() })
	}
	return out
}

// mistakesShown bounds how many lines one error names.
const mistakesShown = 10

func (d *decoder) mistakes(first int) error {
	var all []error
	for _, e := range d.batch.Errors[:min(len(d.batch.Errors), mistakesShown)] {
		all = append(all, fmt.Errorf("%s:%d: %w", d.lines.of.Name, first+e.Line-1, e.Err))
	}
	return errors.Join(all...)
}

// recognise looks at the first line that is neither empty nor a comment, and says
// how many bytes are no heartbeats.
func (d *decoder) recognise(lines []byte) (skipped int, err error) {
	var one []byte
	for skipped < len(lines) {
		one, _, _ = bytes.Cut(lines[skipped:], []byte{'\n'})
		if said := bytes.TrimSpace(one); len(said) > 0 && said[0] != '#' {
			break
		}
		skipped = min(skipped+len(one)+1, len(lines))
	}
	first := bytes.TrimSpace(one)
	switch {
	case skipped == len(lines):
		return skipped, nil // the next block will tell
	case first[0] == '[':
		return skipped, errors.New("a JSON array is not read as a recording: write one heartbeat a line, as `jq -c .[]` does")
	case first[0] == '{':
		d.parse = d.batch.ParseNDJSON
	case feed.IsHeader(first):
		columns, err := feed.ParseColumns(first)
		if err != nil {
			return skipped, err
		}
		d.parse = func(lines []byte) error { return d.batch.ParseCSV(columns, lines) }
		return min(skipped+len(one)+1, len(lines)), nil
	default:
		d.parse = d.batch.ParseLines
	}
	return skipped, nil
}

// reuse takes heartbeats back that nobody reads any more.
func (d *decoder) reuse(beats []feed.Heartbeat) {
	select {
	case d.free <- beats[:0]:
	default:
	}
}
