package watchdog

import (
	"errors"
	"fmt"
	"math"
	"strings"

	"github.com/feedwatch/feedwatch/watchdog/feed"
)

// decoder reads the saved blocks of one feed back, one after another. What many rows share, it reads
// once: their label sets and what they are heard through.
type decoder struct {
	labels  map[string]*savedLabels  // by their bytes
	sources map[string]*savedSources // the same
	rows    []savedRow               // of the block read last
	counts  []counts                 // the same; none: nothing was counted
}

// savedRow is one row read back; its client is a part of the whole block.
type savedRow struct {
	client         string
	labels         *savedLabels
	sources        *savedSources
	retired        bool
	since          uint32
	arrival, event feed.Instant
	rate           float32
	counts         *counts // nil: nothing was counted
}

// savedLabels are a label set, and its number once that is known.
type savedLabels struct {
	feed.Labels
	known bool
	id    labelsID
}

// savedSources are what a row was heard through, and the set's number once that is known.
type savedSources struct {
	names []string
	known bool
	set   uint8
}

func newDecoder() *decoder {
	return &decoder{labels: map[string]*savedLabels{}, sources: map[string]*savedSources{}}
}

// block reads an image back; the error wraps errBlock. The rows hold until the next.
func (d *decoder) block(image BlockImage) ([]savedRow, error) {
	names, marks := reader{data: string(image.Names)}, reader{data: string(image.Marks)}
	n := names.header()
	if k := marks.header(); names.err == nil && k != n {
		names.err = fmt.Errorf("%d names and %d marks", n, k)
	}
	d.rows = d.rows[:0]
	var last int64
	for range n {
		if names.err != nil || marks.err != nil {
			break
		}
		row := savedRow{client: names.string(), labels: d.readLabels(&names), sources: d.readSources(&names)}
		row.retired = names.byte() == 1
		row.since = uint32(names.count(math.MaxUint32))
		last += marks.varint()
		row.arrival = feed.Instant(last)
		if age := marks.varint(); age != 0 {
			row.event = max(row.arrival, 0) - feed.Instant((age-1)/2)
		}
		if rate := math.Float32frombits(uint32(marks.count(math.MaxUint32))); rate > 0 && !math.IsInf(float64(rate), 0) {
			row.rate = rate
		}
		d.rows = append(d.rows, row)
	}
	d.readCounts(&marks)
	if err := errors.Join(names.err, marks.err); err != nil {
		return nil, fmt.Errorf("%w: feed %s, block %d: %w", errBlock, image.Feed, image.Index, err)
	}
	return d.rows, nil
}

func (d *decoder) readLabels(r *reader) *savedLabels {
	whole := r.data
	n := r.count(feed.LabelsMax)
	for range 2 * n {
		r.string()
	}
	if r.err != nil {
		return nil
	}
	whole = whole[:len(whole)-len(r.data)]
	if known := d.labels[whole]; known != nil {
		return known
	}
	again, pairs := reader{data: whole}, map[string]string{}
	for range again.count(feed.LabelsMax) {
		name := again.string()
		pairs[name] = again.string()
	}
	labels, err := readableLabels(pairs)
	if err != nil {
		r.fail(err)
		return nil
	}
	known := &savedLabels{Labels: labels}
	d.labels[strings.Clone(whole)] = known // the rest of the block is let go of
	return known
}

// readableLabels leaves out values that an older feedwatch took and this one refuses.
func readableLabels(pairs map[string]string) (feed.Labels, error) {
	labels, err := feed.ParseLabels(pairs)
	if err == nil {
		return labels, nil
	}
	for name, value := range pairs {
		if _, err := feed.ParseLabels(map[string]string{name: value}); err != nil && feed.CheckLabelName(name) == nil {
			delete(pairs, name)
		}
	}
	return feed.ParseLabels(pairs)
}

func (d *decoder) readSources(r *reader) *savedSources {
	whole := r.data
	n := r.count(sourcesMax)
	names := r.data
	for range n {
		r.string()
	}
	if r.err != nil {
		return nil
	}
	whole = whole[:len(whole)-len(r.data)]
	if known := d.sources[whole]; known != nil {
		return known
	}
	known, again := &savedSources{}, reader{data: names}
	for range n {
		known.names = append(known.names, strings.Clone(again.string()))
	}
	d.sources[strings.Clone(whole)] = known
	return known
}
