package watchdog

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/bits"

	"github.com/feedwatch/feedwatch/watchdog/feed"
)

// The saved form of a block: Names (clients, labels, sources, whether retired)
// change rarely, Marks (watermarks) with every flush, so they are apart. Both are
// a version byte, the number of rows, then one record for each row.
//
//	Names: client, label pairs, sources' names (strings with a length), retired, since
//	Marks: arrival, event (zigzag varints; arrival negative for "expected since"), rate
const blockFormat = 2

// errBlock is what every refusal of a saved block wraps.
var errBlock = errors.New("saved block is damaged")

func (m *Machine) encodeNames(f *feedState, b *block) []byte {
	out := binary.AppendUvarint([]byte{blockFormat}, uint64(b.len()))
	for i := range b.client {
		out = appendString(out, b.client[i])
		pairs := f.labelsOf(b, i).Map()
		out = binary.AppendUvarint(out, uint64(len(pairs)))
		for name, value := range f.labelsOf(b, i).All() {
			out = appendString(appendString(out, name), value)
		}
		mask := m.sources.sets[b.sources[i]].mask
		out = binary.AppendUvarint(out, uint64(bits.OnesCount64(mask)))
		for ; mask != 0; mask &= mask - 1 {
			out = appendString(out, m.sources.all[bits.TrailingZeros64(mask)].Name)
		}
		retired := byte(0)
		if b.verdict[i] == Retired {
			retired = 1
		}
		out = binary.AppendUvarint(append(out, retired), uint64(b.since[i]))
	}
	return out
}

func encodeMarks(b *block) []byte {
	out := make([]byte, 0, 2+12*b.len())
	out = binary.AppendUvarint(append(out, blockFormat), uint64(b.len()))
	var last int64
	for i := range b.arrival {
		a := int64(b.arrival[i])
		out = binary.AppendVarint(out, a-last)
		last = a
		age := int64(0) // 0: no event time; else 1 + (arrival - event) zigzagged by the varint
		if b.event[i] != 0 {
			age = int64(b.lastSeen(i)-b.event[i])*2 + 1
		}
		out = binary.AppendVarint(out, age)
		out = binary.AppendUvarint(out, uint64(math.Float32bits(b.rate[i])))
	}
	return out
}

func appendString(out []byte, s string) []byte {
	return append(binary.AppendUvarint(out, uint64(len(s))), s...)
}

// savedRow is one row read back.
type savedRow struct {
	client         string
	labels         feed.Labels
	sources        []string
	retired        bool
	since          uint32
	arrival, event feed.Instant
	rate           float32
}

// decodeBlock reads an image back; the error wraps errBlock.
func decodeBlock(image BlockImage) ([]savedRow, error) {
	names, marks := reader{data: image.Names}, reader{data: image.Marks}
	n := names.header()
	if k := marks.header(); names.err == nil && k != n {
		names.err = fmt.Errorf("%d names and %d marks", n, k)
	}
	rows := make([]savedRow, 0, min(n, blockRows))
	var last int64
	for range n {
		if names.err != nil || marks.err != nil {
			break
		}
		row := savedRow{client: names.string()}
		pairs := map[string]string{}
		for range names.count(feed.LabelsMax) {
			name := names.string()
			pairs[name] = names.string()
		}
		labels, err := savedLabels(pairs)
		names.fail(err)
		row.labels = labels
		for range names.count(sourcesMax) {
			row.sources = append(row.sources, names.string())
		}
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
		rows = append(rows, row)
	}
	if err := errors.Join(names.err, marks.err); err != nil {
		return nil, fmt.Errorf("%w: feed %s, block %d: %w", errBlock, image.Feed, image.Index, err)
	}
	return rows, nil
}

// savedLabels leaves out values that an older feedwatch took and this one refuses.
func savedLabels(pairs map[string]string) (feed.Labels, error) {
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

// reader reads the fields of a saved block; the first error sticks.
type reader struct {
	data []byte
	err  error
}

var errShort = errors.New("it ends too soon")

func (r *reader) fail(err error) {
	if r.err == nil {
		r.err = err
	}
}

func (r *reader) header() int {
	if v := r.byte(); r.err == nil && v != blockFormat {
		r.fail(fmt.Errorf("format %d is not known here", v))
	}
	return r.count(blockRows)
}

func (r *reader) byte() byte {
	if len(r.data) == 0 {
		r.fail(errShort)
		return 0
	}
	b := r.data[0]
	r.data = r.data[1:]
	return b
}

func (r *reader) count(limit int) int {
	v, n := binary.Uvarint(r.data)
	if n <= 0 || v > uint64(limit) {
		r.fail(errShort)
		return 0
	}
	r.data = r.data[n:]
	return int(v)
}

func (r *reader) varint() int64 {
	v, n := binary.Varint(r.data)
	if n <= 0 {
		r.fail(errShort)
		return 0
	}
	r.data = r.data[n:]
	return v
}

func (r *reader) string() string {
	n := r.count(1 << 16)
	if n > len(r.data) {
		r.fail(errShort)
		return ""
	}
	s := string(r.data[:n])
	r.data = r.data[n:]
	return s
}
