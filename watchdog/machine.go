package watchdog

import (
	"cmp"
	"slices"
	"time"

	"github.com/feedwatch/feedwatch/rules"
	"github.com/feedwatch/feedwatch/watchdog/feed"
)

// Machine decides. It is not safe for concurrent use: one goroutine owns it.
type Machine struct {
	cfg      Config
	now      feed.Instant
	started  feed.Instant
	woken    feed.Instant // the start, or the last Wake: what sources said before is old
	restarts []Restart    // oldest first
	ahead    feed.Instant // how much later than now was saved what is being restored
	unread   []Restart    // when a source that is read did not answer, oldest first
	set      *rules.Set

	feeds     map[string]*feedState
	order     []*feedState // by first mention: maps have no order, incidents must
	attention attention
	series    int

	labelBytes int // of all label sets of all feeds

	labelSets int                        // of all feeds
	groupSets interned[string, groupsID] // packed rowIDs
	groupRows [][]rowID                  // by groupsID
	sources   sources

	incidents  map[incidentSeq]*incident
	byID       map[string]*incident // the same
	bySeq      incidentSeq
	changed    []*incident // handed out by the next Output, in order of change; where they are too many for one, by severity
	lags       []time.Duration
	trouble    map[string]string // what is wrong with what we were told, by subject
	silences   []silence
	holds      uint64       // grows whenever silences or maintenances begin, end or change
	holdsDue   feed.Instant // when they do so next
	linksMoved bool         // which incidents have one cause is to be found anew
	past       past         // resolved incidents
	ledger     []LedgerRow  // for the next Flush
	rewound    feed.Instant // when the clock was set back last; zero: not lately
	gone       []string     // names that no feed has any more, for the next Flush
	saving     saving       // what Flush is at
	waiting    bool         // some row's own sources have not reached its due time
	binding    binding      // what the rules in force have not reached yet
}

// Config is fixed for the life of a Machine.
type Config struct {
	Install   string        // part of every incident's key
	Sources   []feed.Source // feed.Push is added when it is not among them
	SeriesMax int           // 0: SeriesMaxDefault
	FeedsMax  int           // 0: FeedsMaxDefault
	// BindRowsMax is how many rows one Step binds to new rules; 0: bindRowsMaxDefault. A
	// feed is bound whole.
	BindRowsMax int
}

// Limits on what a machine holds.
const (
	SeriesMaxDefault = 20_000_000
	FeedsMaxDefault  = 10_000
)

// changesMax bounds one Output.
const changesMax = 256

// New makes a machine that starts at now and holds what was saved (nil: nothing).
func New(cfg Config, now feed.Instant, saved *Saved) *Machine {
	if cfg.SeriesMax == 0 {
		cfg.SeriesMax = SeriesMaxDefault
	}
	if cfg.BindRowsMax == 0 {
		cfg.BindRowsMax = bindRowsMaxDefault
	}
	if cfg.FeedsMax == 0 {
		cfg.FeedsMax = FeedsMaxDefault
	}
	m := &Machine{
		cfg:       cfg,
		now:       now,
		started:   now,
		woken:     now,
		feeds:     map[string]*feedState{},
		incidents: map[incidentSeq]*incident{},
		byID:      map[string]*incident{},
		trouble:   map[string]string{},
		holdsDue:  never,
	}
	m.groupSets.id("")
	m.groupRows = [][]rowID{nil}
	// Deadlines that passed while we were down are looked at at once: their grace,
	// not a known-through of the past, keeps them from being called silent.
	for _, s := range cfg.Sources {
		m.sources.add(s, now)
	}
	m.sources.add(feed.Push, now)            // unless cfg has it with a bound of its own
	m.sources.set(1<<len(m.sources.all) - 1) // set 0: all of them
	if saved != nil {
		m.restore(saved)
	}
	return m
}

// Output is what one Step changed, for people: never a list of series.
type Output struct {
	Changes []*Incident     // snapshots, at most changesMax; one for each incident that changed
	More    bool            // there are more: Step again at the same now
	Next    feed.Instant    // when something is due without input; zero: nothing
	Lags    []time.Duration // of each incident opened: how late after its deadline it was seen
}

// Step brings the machine to now. What falls due before now happens first and in
// order, then the inputs, then what they made due. A now before the last one
// counts as the last one.
func (m *Machine) Step(now feed.Instant, inputs ...Input) Output {
	now = max(now, m.now)
	m.advance(now)
	m.bindSome()
	for _, in := range inputs {
		if _, ok := in.(*Heard); !ok {
			m.stirAll()
		}
		in.apply(m)
	}
	m.advance(now)
	return m.output()
}

// roundsMax bounds how often something may fall due at one instant: a mistake of
// ours must not stop the watch.
const roundsMax = 1000

// advance makes everything happen that is due until now, in order of time.
func (m *Machine) advance(now feed.Instant) {
	delete(m.trouble, "due")
	if m.rewound != 0 && now >= m.rewound.Add(rewoundFor) {
		m.rewound = 0
		delete(m.trouble, "clock")
	}
	for rounds := 0; ; rounds++ {
		feeds := m.toLookAt(now)
		t := m.nextDue(feeds)
		if t > now {
			break
		}
		if t > m.now {
			m.now, rounds = t, 0
		}
		if rounds == roundsMax {
			m.trouble["due"] = "something is due again and again at one instant: please report this; watching goes on"
			break
		}
		m.fire(feeds)
	}
	feeds := m.toLookAt(now)
	m.now = now
	m.fire(feeds)
}

// nextDue is the earliest instant at which something changes without input, as far
// as feeds say.
func (m *Machine) nextDue(feeds []*feedState) feed.Instant {
	t := m.commonDue()
	for i := range m.sources.sets {
		if set := &m.sources.sets[i]; !set.blind && set.mask != 0 {
			if at := m.sources.blindAt(set); at != never {
				t = min(t, at+1)
			}
		}
	}
	for _, f := range feeds {
		t = min(t, m.feedDue(f))
		for _, inc := range f.incidents {
			t = min(t, inc.due)
		}
	}
	return t
}

// commonDue is when something changes that concerns the incidents of any feed.
func (m *Machine) commonDue() feed.Instant {
	if m.linksMoved {
		return m.now
	}
	return m.holdsDue
}

// nextLook is nextDue, or the next deadline even if known-through has yet to
// reach it: whoever moves known-through should do so then.
func (m *Machine) nextLook() feed.Instant {
	feeds := m.toLookAt(m.now)
	t := m.nextDue(feeds)
	for _, f := range feeds {
		if f.bound > m.now {
			t = min(t, f.bound)
		}
	}
	if m.attention.calm > m.now { // those that were not looked at
		t = min(t, m.attention.calm)
	}
	return t
}

// feedDue is when a block of f is to be visited. A deadline that no source can
// vouch for yet is not due: it waits for known-through, which is an input.
func (m *Machine) feedDue(f *feedState) feed.Instant {
	due := f.blindDue
	if !f.gathered.IsZero() {
		due = min(due, f.gathered)
	}
	if f.bound <= m.horizon(f) {
		due = min(due, f.bound)
	}
	return due
}

// horizon is the latest that is known of any series of f.
func (m *Machine) horizon(f *feedState) feed.Instant {
	var h feed.Instant
	for _, set := range f.sets {
		h = max(h, m.sources.sets[set].horizon)
	}
	return h
}

// fire makes everything happen that is due at m.now in feeds.
func (m *Machine) fire(feeds []*feedState) {
	m.refreshBlindness()
	m.refreshHolds()
	m.refreshLinks()
	for _, f := range feeds {
		h := m.horizon(f)
		for pass := 0; pass < 2 && f.bound <= h; pass++ { // again for those whom a quorum woke: one page for all
			m.visit(f, h)
		}
		m.place(f)
		m.reconsider(f)
		if f.blindDue <= m.now {
			m.refreshBlindIncident(f)
		}
		for _, inc := range f.incidents {
			if inc.due <= m.now || inc.touched {
				m.tend(inc)
			}
		}
		m.dropResolved(f)
	}
	m.calmDown(feeds)
}

// visit judges the rows of f that are due, and no block that has none.
func (m *Machine) visit(f *feedState, horizon feed.Instant) {
	f.bound = never
	for n, b := range f.blocks {
		if b.bound <= horizon {
			m.visitBlock(f, n, b, horizon)
		}
		f.bound = min(f.bound, b.bound)
	}
}

func (m *Machine) visitBlock(f *feedState, n int, b *block, horizon feed.Instant) {
	b.bound = never
	for i := range b.rows {
		due := b.rows[i].due
		if due <= horizon {
			if due > m.sources.sets[b.rows[i].sources].horizon {
				b.waits = min(b.waits, due)
				f.waits = min(f.waits, due)
				m.waiting = true
				continue
			}
			m.rejudge(f, rowOf(n, i))
		}
		b.bound = min(b.bound, b.rows[i].due)
	}
}

// unwait makes the rows that wait for their own sources due again, after some
// source's known-through has moved.
func (m *Machine) unwait() {
	if !m.waiting {
		return
	}
	m.waiting = false
	m.stirAll()
	for _, f := range m.order {
		if f.waits == never {
			continue
		}
		for _, b := range f.blocks {
			b.bound = min(b.bound, b.waits)
			b.waits = never
		}
		f.bound = min(f.bound, f.waits)
		f.waits = never
	}
}

func (m *Machine) output() Output {
	out := Output{Lags: m.lags, Next: m.nextLook()}
	m.lags = nil
	n := min(len(m.changed), changesMax)
	if n < len(m.changed) { // the severe are told of first
		slices.SortStableFunc(m.changed, func(a, b *incident) int { return cmp.Compare(b.Severity, a.Severity) })
	}
	for _, inc := range m.changed[:n] {
		inc.queued = false
		out.Changes = append(out.Changes, inc.snapshot())
	}
	m.changed = m.changed[n:]
	out.More = len(m.changed) > 0 || m.Binding()
	if len(m.changed) == 0 {
		m.changed = nil
	}
	if out.Next == never {
		out.Next = 0
	}
	return out
}

// interned gives each distinct value a small number, in order of first mention.
type interned[T comparable, ID ~uint32] struct {
	ids    map[T]ID
	values []T
}

func (in *interned[T, ID]) id(v T) ID {
	if id, ok := in.ids[v]; ok {
		return id
	}
	if in.ids == nil {
		in.ids = map[T]ID{}
	}
	id := ID(len(in.values))
	in.ids[v] = id
	in.values = append(in.values, v)
	return id
}

func (in *interned[T, ID]) of(id ID) T { return in.values[id] }

// restartsMax bounds what is remembered of restarts, as in the store.
const restartsMax = 256

func (m *Machine) addRestart(r Restart) {
	m.restarts = append(m.restarts, r)
	if len(m.restarts) > restartsMax {
		m.restarts = slices.Delete(m.restarts, 0, 1)
		m.restarts[0].Source, m.restarts[0].Through = "", never // what the dropped one gave grace to gets none, rather than a later one
	}
}

// Wake tells the machine that nobody ran it until now: a suspended machine, a
// debugger, a clock set forward. It is treated as a restart, so that what came
// due meanwhile is looked at now, after the same grace.
func (m *Machine) Wake(now feed.Instant) Restart {
	r := Restart{At: now, Through: m.seenThrough()}
	m.addRestart(r)
	m.stirAll()
	m.now = max(m.now, now)
	m.woken = m.now
	for _, inc := range m.incidents {
		inc.unsure = inc.Cause == CauseBlind && inc.trouble > 0
	}
	for i := range m.sources.all {
		m.sources.all[i].known = max(m.sources.all[i].known, now)
	}
	for i := range m.sources.sets {
		m.sources.refreshSet(&m.sources.sets[i])
	}
	m.unwait()
	return r
}
