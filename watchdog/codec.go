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
//	Marks: arrival, event (zigzag varints; arrival negative for "expected since"), rate;
//	       behind all of them, where any row has some, the counts of each
const blockFormat = 2

// errBlock is what every refusal of a saved block wraps.
var errBlock = errors.New("saved block is damaged")

func (m *Machine) encodeNames(f *feedState, b *block) []byte {
	out := binary.AppendUvarint(append(make([]byte, 0, 32*b.len()), blockFormat), uint64(b.len()))
	labels, sources := map[labelsID][]byte{}, map[uint8][]byte{} // many rows share them
	for i := range b.rows {
		out = appendString(out, b.client(i))
		if labels[b.rows[i].labels] == nil {
			labels[b.rows[i].labels] = encodeLabels(f.labelsOf(b, i))
		}
		out = append(out, labels[b.rows[i].labels]...)
		if sources[b.rows[i].sources] == nil {
			sources[b.rows[i].sources] = m.encodeSources(b.rows[i].sources)
		}
		out = append(out, sources[b.rows[i].sources]...)
		retired := byte(0)
		if b.rows[i].verdict == Retired {
			retired = 1
		}
		out = binary.AppendUvarint(append(out, retired), uint64(b.rows[i].since))
	}
	return out
}

func encodeLabels(labels feed.Labels) []byte {
	pairs, n := []byte(nil), uint64(0)
	for name, value := range labels.All() {
		pairs = appendString(appendString(pairs, name), value)
		n++
	}
	return append(binary.AppendUvarint(nil, n), pairs...)
}

func (m *Machine) encodeSources(set uint8) []byte {
	mask := m.sources.sets[set].mask
	out := binary.AppendUvarint(nil, uint64(bits.OnesCount64(mask)))
	for ; mask != 0; mask &= mask - 1 {
		out = appendString(out, m.sources.all[bits.TrailingZeros64(mask)].Name)
	}
	return out
}

func encodeMarks(b *block) []byte {
	out := make([]byte, 0, 2+12*b.len())
	out = binary.AppendUvarint(append(out, blockFormat), uint64(b.len()))
	var last int64
	for i := range b.rows {
		a := int64(b.rows[i].arrival)
		out = binary.AppendVarint(out, a-last)
		last = a
		age := int64(0) // 0: no event time; else 1 + (arrival - event) zigzagged by the varint
		if b.rows[i].event != 0 {
			age = int64(b.lastSeen(i)-b.rows[i].event)*2 + 1
		}
		out = binary.AppendVarint(out, age)
		out = binary.AppendUvarint(out, uint64(math.Float32bits(b.rows[i].rate)))
	}
	return appendCounts(out, b)
}

func appendString(out []byte, s string) []byte {
	return append(binary.AppendUvarint(out, uint64(len(s))), s...)
}

// reader reads the fields of a saved block; the first error sticks.
type reader struct {
	data string
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
	v, n := uvarint(r.data)
	if n <= 0 || v > uint64(limit) {
		r.fail(errShort)
		return 0
	}
	r.data = r.data[n:]
	return int(v)
}

func (r *reader) varint() int64 {
	u, n := uvarint(r.data)
	if n <= 0 {
		r.fail(errShort)
		return 0
	}
	r.data = r.data[n:]
	v := int64(u >> 1) // zigzag, as binary.AppendVarint writes it
	if u&1 != 0 {
		v = ^v
	}
	return v
}

// uvarint is binary.Uvarint of a string.
func uvarint(s string) (v uint64, n int) {
	for shift := 0; n < len(s) && n < binary.MaxVarintLen64; shift += 7 {
		b := s[n]
		n++
		if b < 0x80 {
			if n == binary.MaxVarintLen64 && b > 1 {
				return 0, -n // it does not fit
			}
			return v | uint64(b)<<shift, n
		}
		v |= uint64(b&0x7f) << shift
	}
	return 0, -n
}

func (r *reader) string() string {
	n := r.count(1 << 16)
	if n > len(r.data) {
		r.fail(errShort)
		return ""
	}
	s := r.data[:n]
	r.data = r.data[n:]
	return s
}
