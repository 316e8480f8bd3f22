package feed

import (
	"errors"
	"fmt"
)

// Limits on one request of heartbeats. A request past BatchHeartbeatsMax is
// refused whole; a line past its limit is refused by itself.
const (
	BatchHeartbeatsMax = 100_000
	BatchErrorsMax     = 100     // listed; the rest is counted
	LineBytesMax       = 4 << 10 // a text line
	ItemBytesMax       = 16 << 10
)

// ErrTooManyHeartbeats says that a request has more than BatchHeartbeatsMax.
var ErrTooManyHeartbeats = fmt.Errorf("more than %d heartbeats in one request: send them in several", BatchHeartbeatsMax)

// ErrNotJSON says that a document as a whole is no JSON.
var ErrNotJSON = errors.New("the body is not JSON")

// ItemError says what is wrong with one heartbeat of a request.
type ItemError struct {
	Index int // of the item, from 0
	Line  int // from 1; 0 where the format has no lines
	Err   error
}

// Batch is what a request says: the heartbeats that could be read, in order,
// and what was wrong with the others. It is made to be used again: its slices are
// kept, so a request allocates a copy of its text, and its lines nothing. One
// goroutine at a time.
type Batch struct {
	Heartbeats []Heartbeat
	Errors     []ItemError // the first BatchErrorsMax
	ErrorsAll  int
	Refused    int // items that gave no heartbeat

	received Instant
	places   []place           // beside Heartbeats
	items    int               // read so far, good and bad
	feed     string            // the last name of a feed that was good
	labels   map[string]Labels // by how they were written
}

// place is where a heartbeat stood in its request.
type place struct{ index, line int32 }

// NewBatch is an empty batch.
func NewBatch() *Batch { return &Batch{} }

// Reset empties b for a request that was received at that time: the arrival of
// heartbeats that give none.
func (b *Batch) Reset(received Instant) {
	clear(b.Heartbeats) // let go of names that nobody remembers
	b.Heartbeats, b.places = b.Heartbeats[:0], b.places[:0]
	b.Errors, b.ErrorsAll, b.Refused, b.items = nil, 0, 0, 0
	b.received, b.feed = received, ""
}

// Items is how many were read, the bad ones too.
func (b *Batch) Items() int { return b.items }

// Object notes that heartbeat i, which was read well, was taken in part only.
func (b *Batch) Object(i int, err error) {
	b.note(int(b.places[i].index), int(b.places[i].line), err)
}

// Refuse notes that heartbeat i, which was read well, was not taken.
func (b *Batch) Refuse(i int, err error) {
	b.Refused++
	b.Object(i, err)
}

// Keep drops the heartbeats of feeds for which allowed returns an error.
func (b *Batch) Keep(allowed func(feed string) error) {
	kept := 0
	last, lastErr := "", error(nil) // batches mostly speak of one feed
	for i := range b.Heartbeats {
		if name := b.Heartbeats[i].Key.feed; name != last {
			last, lastErr = name, allowed(name)
		}
		if lastErr != nil {
			b.Refuse(i, lastErr)
			continue
		}
		b.Heartbeats[kept], b.places[kept] = b.Heartbeats[i], b.places[i]
		kept++
	}
	b.Heartbeats, b.places = b.Heartbeats[:kept], b.places[:kept]
}

func (b *Batch) add(h Heartbeat, line int) error {
	if b.items >= BatchHeartbeatsMax {
		return ErrTooManyHeartbeats
	}
	h.Arrival = b.arrival(h.Arrival)
	b.Heartbeats = append(b.Heartbeats, h)
	b.places = append(b.places, place{int32(b.items), int32(line)})
	b.items++
	return nil
}

// refuse notes an item that could not be read.
func (b *Batch) refuse(line int, err error) error {
	if b.items >= BatchHeartbeatsMax {
		return ErrTooManyHeartbeats
	}
	b.note(b.items, line, err)
	b.items++
	b.Refused++
	return nil
}

func (b *Batch) note(index, line int, err error) {
	b.ErrorsAll++
	if len(b.Errors) < BatchErrorsMax {
		b.Errors = append(b.Errors, ItemError{Index: index, Line: line, Err: err})
	}
}

// arrival is the given time, or the time of receipt where none is given. An
// arrival is never in the future: a clock that runs ahead within the allowed
// skew gives the time of receipt. One further ahead is left for the machine to
// refuse.
func (b *Batch) arrival(given Instant) Instant {
	if given.IsZero() || given > b.received && given <= b.received.Add(ClockSkewMax) {
		return b.received
	}
	return given
}

// key is ParseKey, which checks the name of a feed once for a run of heartbeats.
func (b *Batch) key(name, client string) (Key, error) {
	if name != b.feed || name == "" {
		if err := CheckFeedName(name); err != nil {
			return Key{}, err
		}
		b.feed = name
	}
	if err := checkClientName(client); err != nil {
		return Key{}, err
	}
	return Key{feed: b.feed, client: client}, nil
}
