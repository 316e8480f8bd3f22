package sim

import (
	"container/heap"
	"context"
	"fmt"
	"hash/fnv"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/feedwatch/feedwatch/watchdog"
	"github.com/feedwatch/feedwatch/watchdog/delivery"
	"github.com/feedwatch/feedwatch/watchdog/engine"
	"github.com/feedwatch/feedwatch/watchdog/feed"
	"github.com/feedwatch/feedwatch/watchdog/store"
)

// sim runs one fleet.
type sim struct {
	seed   uint64
	fleet  *fleet
	dir    string // of the rule files and the state file
	clock  clock
	oracle *oracle
	ledger map[ledgerKey]watchdog.LedgerRow // as it is durable
	world  *world
	disk   *disk
	proc   *process
	start  time.Time

	mu      sync.Mutex // guards what follows, the world and the oracle: notifiers and the store run beside the driver
	events  queue
	tries   map[string]uint64
	trouble map[string]float64 // mishaps under way, by kind
	lines   []string           // the newest of the script
	faults  []string
	stats   stats

	at          time.Time // when what happens now was due; true time
	asleepUntil time.Time
	calm        time.Time     // when the last mishap ended
	down        time.Duration // how long the next start takes
	edited      bool
	broken      bool // what the rule files hold is not to be put in force
	starting    bool
	words       []func(*process) // what people decide, for the next turn
	asks        int              // silences asked for

	t       testing.TB
	set     *setSpec // what the rule files say
	inbox   []beat   // pushed since the last turn
	watch   watcher
	calling sync.WaitGroup
	log     *slog.Logger
}

// stats is what a run did.
type stats struct {
	events, turns, beats, lost, starts, kills, sends, failures, pages, rings, incidents, forgotten, silences, decisions, held, gone, unsaid, rows, swallowed, dropped, forgot, split, refused, digests, joined int

	years float64 // of virtual time; as a Duration they end at 292
}

func (s *stats) add(o stats) {
	s.events, s.turns, s.beats, s.lost = s.events+o.events, s.turns+o.turns, s.beats+o.beats, s.lost+o.lost
	s.starts, s.kills, s.sends, s.failures = s.starts+o.starts, s.kills+o.kills, s.sends+o.sends, s.failures+o.failures
	s.pages, s.rings, s.incidents, s.forgotten, s.years = s.pages+o.pages, s.rings+o.rings, s.incidents+o.incidents, s.forgotten+o.forgotten, s.years+o.years
	s.silences, s.decisions, s.held = s.silences+o.silences, s.decisions+o.decisions, s.held+o.held
	s.gone, s.unsaid, s.rows = s.gone+o.gone, s.unsaid+o.unsaid, s.rows+o.rows
	s.digests, s.joined = s.digests+o.digests, s.joined+o.joined
	s.swallowed, s.dropped, s.forgot, s.split, s.refused = s.swallowed+o.swallowed, s.dropped+o.dropped, s.forgot+o.forgot, s.split+o.split, s.refused+o.refused
}

func (s stats) String() string {
	return fmt.Sprintf("%.1f fleet-years: %d events, %d heartbeats (%d never arrived), %d turns, %d incidents (%d were held), %d silences, %d decisions about incidents, %d pages, %d rings, %d sends, %d of them failed, %d kills, %d starts, %d updates deleted unread (%d that nobody can know of) and %d rows of the ledger, %d triggers swallowed and %d resolves lost by a pager, %d clients forgotten, %d incidents of stragglers, %d edits refused, %d digests and %d incidents told below one, %d pages sent without a commit and forgotten",
		s.years, s.events, s.beats, s.lost, s.turns, s.incidents, s.held, s.silences, s.decisions, s.pages, s.rings, s.sends, s.failures, s.kills, s.starts, s.gone, s.unsaid, s.rows, s.swallowed, s.dropped, s.forgot, s.split, s.refused, s.digests, s.joined, s.forgotten)
}

// clock is the watchdog's: it may be wrong, and the monotonic one stands still
// while the machine sleeps, as the time package's does here. Both are durations,
// and delivery reads them while the script moves them.
type clock struct {
	slept atomic.Int64
	wrong atomic.Int64
}

func (c *clock) truth() time.Time { return time.Now().Add(time.Duration(c.slept.Load())) }

func (c *clock) now() time.Time { return c.truth().Add(time.Duration(c.wrong.Load())) }

// process is one life of the watchdog.
type process struct {
	gate      *gate
	stop      context.CancelFunc
	ctx       context.Context
	engine    *engine.Engine
	delivery  *delivery.Delivery
	reloader  *engine.Reloader
	ended     chan struct{}
	committed func()
	asked     time.Time // by the watchdog's clock
	db        *store.SQLite
}

const pullName = "pull"

const (
	pullEvery = 20 * time.Minute
	pullLag   = 90 * time.Minute
)

// pushLag is how far push may lag; turns come a little more often.
func (s *sim) pushLag() time.Duration {
	if s.fleet.profile.blind {
		return 15 * time.Minute
	}
	return 12 * time.Hour
}

func (s *sim) profile() *profile { return &s.fleet.profile }

func newSim(t testing.TB, seed uint64, fl *fleet, dir string) *sim {
	s := &sim{
		t: t, seed: seed, fleet: fl, dir: dir, disk: newDisk(), tries: map[string]uint64{}, trouble: map[string]float64{}, ledger: map[ledgerKey]watchdog.LedgerRow{},
		log: slog.New(slog.DiscardHandler), start: time.Now(),
	}
	if traced() {
		s.log = slog.New(slog.NewTextHandler(os.Stderr, nil))
	}
	s.oracle = newOracle(s)
	s.world = newWorld(s)
	s.watch = newWatcher(s)
	set := fl.set
	s.set = &set
	return s
}

// roll is the dice for the n-th time that something of that name happens: the
// same whatever happens beside it. The caller holds the lock.
func (s *sim) roll(parts ...string) *rand.Rand {
	name := strings.Join(parts, " ")
	s.tries[name]++
	h := fnv.New64a()
	fmt.Fprint(h, name, s.tries[name])
	return rand.New(rand.NewPCG(s.seed, h.Sum64()))
}

const linesMax = 400

// note writes a line of the script. The caller holds the lock.
func (s *sim) note(format string, args ...any) {
	line := s.clock.truth().UTC().Format("01-02 15:04:05.000 ") + fmt.Sprintf(format, args...)
	if traced() {
		fmt.Fprintln(os.Stderr, line)
	}
	s.lines = append(s.lines, line)
	if len(s.lines) > 2*linesMax {
		s.lines = append(s.lines[:0], s.lines[linesMax:]...)
	}
}

// wrong is an invariant that does not hold. The caller holds the lock.
func (s *sim) wrong(format string, args ...any) {
	if len(s.faults) < 5 {
		fault := fmt.Sprintf(format, args...)
		s.note("WRONG: %s", fault)
		s.faults = append(s.faults, s.clock.truth().UTC().Format("2006-01-02 15:04:05.000 ")+fault)
	}
}

// happening is one event to come, in true time.
type happening struct {
	at   time.Time
	turn int // in order of planning
	do   func()
}

type queue struct {
	all   []happening
	count int
}

func (q *queue) Len() int { return len(q.all) }
func (q *queue) Less(i, j int) bool {
	a, b := &q.all[i], &q.all[j]
	return a.at.Before(b.at) || a.at.Equal(b.at) && a.turn < b.turn
}
func (q *queue) Swap(i, j int) { q.all[i], q.all[j] = q.all[j], q.all[i] }
func (q *queue) Push(x any)    { q.all = append(q.all, x.(happening)) }
func (q *queue) Pop() any {
	last := q.all[len(q.all)-1]
	q.all = q.all[:len(q.all)-1]
	return last
}

// plan makes do happen at a true time. The caller holds the lock.
func (s *sim) plan(at time.Time, do func()) {
	s.events.count++
	heap.Push(&s.events, happening{at, s.events.count, do})
}

// run drives the fleet to its end.
func (s *sim) run() {
	end := s.start.Add(s.fleet.length + settling)
	s.mu.Lock()
	s.planAll()
	s.mu.Unlock()
	s.boot()
	for len(s.faults) == 0 {
		s.mu.Lock()
		next := end
		if s.events.Len() > 0 {
			next = earlier(next, s.events.all[0].at)
		}
		s.mu.Unlock()
		if s.proc != nil {
			next = earlier(next, s.clock.truth().Add(s.proc.asked.Sub(s.clock.now())))
		}
		s.sleep(next)
		s.happen()
		if s.proc != nil && s.proc.gate.killed() {
			s.bury()
		}
		if s.proc == nil && !s.starting {
			continue
		}
		if s.proc == nil {
			s.boot()
		}
		s.turn()
		if !s.clock.truth().Before(end) {
			break
		}
	}
	if s.proc != nil && !s.proc.gate.killed() && len(s.faults) == 0 {
		s.watch.end()
	}
	if s.proc != nil {
		s.bury()
	}
	s.stats.years = s.clock.truth().Sub(s.start).Hours() / 24 / 365
}

// sleep lets time pass until a true time, or until the process is killed.
func (s *sim) sleep(until time.Time) {
	d := until.Sub(s.clock.truth())
	if d <= 0 {
		return
	}
	if s.proc == nil {
		time.Sleep(d)
		synctest.Wait()
		return
	}
	timer := time.NewTimer(d)
	select {
	case <-timer.C:
	case <-s.proc.gate.dead:
		timer.Stop()
	}
	synctest.Wait()
}

// happen does what is due.
func (s *sim) happen() {
	for {
		s.mu.Lock()
		if s.events.Len() == 0 || s.events.all[0].at.After(s.clock.truth()) {
			s.mu.Unlock()
			return
		}
		e := heap.Pop(&s.events).(happening)
		s.stats.events++
		s.at = e.at
		e.do()
		s.mu.Unlock()
	}
}

// heardThrough is push's known-through: while the listener is deaf, since when.
func (s *sim) heardThrough(now time.Time) time.Time {
	if since := s.trouble["deaf"]; since > 0 {
		return time.UnixMilli(int64(since))
	}
	return now
}

// bury ends what is left of a killed process; the next starts after a while.
func (s *sim) bury() {
	p := s.proc
	p.gate.kill()
	p.stop()
	<-p.ended
	p.committed()
	synctest.Wait()
	s.calling.Wait()
	if p.db != nil {
		_ = p.db.Close()
	}
	s.proc = nil
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stats.kills++
	s.calm = s.clock.truth().Add(s.down)
	s.plan(s.calm, func() { s.starting = true })
	s.down = 0
}

// write puts a set into the directory of the rules.
func (s *sim) write(set *setSpec) {
	if err := os.WriteFile(filepath.Join(s.dir, "rules.yaml"), []byte(set.yaml()), 0o600); err != nil {
		panic(err)
	}
}

// call runs what waits for the engine beside the driver, until it waits.
func (s *sim) call(do func(ctx context.Context)) {
	ctx := s.proc.ctx
	s.calling.Go(func() { do(ctx) })
	synctest.Wait()
}

// turn hands over what was pushed, makes one turn, and holds everything that
// can be seen against the oracle.
func (s *sim) turn() {
	p := s.proc
	s.mu.Lock()
	now := s.clock.now()
	wakes := now.Sub(p.asked) > 30*time.Second
	if wakes {
		s.oracle.wake(now.Truncate(time.Millisecond))
		s.watch.started = now
	}
	if back := s.oracle.now.Sub(now.Truncate(time.Millisecond)); back > 5*time.Second {
		s.oracle.rewind(back)
		s.watch.rewind(back)
	}
	s.oracle.now = later(s.oracle.now, now.Truncate(time.Millisecond))
	s.oracle.turns = append(s.oracle.turns[max(0, len(s.oracle.turns)-7):], s.oracle.now)
	beats := s.inbox
	s.inbox = nil
	s.stats.turns++
	s.oracle.listens(now, s.heardThrough(now))
	words, edited, broken := s.words, s.edited, s.broken
	s.watch.before(len(beats) > 0 || edited)
	s.words, s.edited = nil, false
	s.oracle.silencesEnd()
	if edited && !broken {
		s.oracle.use(s.set)
		s.oracle.edited = s.oracle.now
	}
	s.mu.Unlock()
	if edited {
		s.call(func(ctx context.Context) {
			switch err := p.reloader.Reload(ctx); {
			case ctx.Err() != nil:
			case broken && err == nil:
				s.t.Error("what is broken was put in force")
			case !broken && err != nil:
				s.t.Errorf("the edit was refused: %v", err)
			}
		})
	}
	for _, say := range words {
		say(p)
	}
	for i := range beats {
		s.submit(&beats[i])
	}
	views := s.ask()
	p.asked = p.engine.Drive()
	synctest.Wait()
	if p.gate.killed() {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.watch.look(views)
}

// beat is a report on its way to the engine.
type beat struct {
	source  string
	through time.Time // of a pull
	failure string
	of      []update
}

type update struct {
	series         *series
	arrival, event time.Time
}

func (s *sim) submit(b *beat) {
	r := feed.Report{Source: feed.Source{Name: b.source}, Failure: b.failure, KnownThrough: feed.At(b.through)}
	s.mu.Lock()
	for _, u := range b.of {
		key, err := feed.ParseKey(u.series.feed, u.series.client)
		if err != nil {
			panic(err)
		}
		labels, err := feed.ParseLabels(u.series.labels)
		if err != nil {
			panic(err)
		}
		r.Heartbeats = append(r.Heartbeats, feed.Heartbeat{Key: key, Arrival: feed.At(u.arrival), Event: feed.At(u.event), Count: 1, Labels: labels})
		s.oracle.heard(u.series, u.arrival, u.event)
	}
	if !b.through.IsZero() {
		s.oracle.hears(b.source, b.through)
	}
	s.mu.Unlock()
	s.call(func(ctx context.Context) { _, _ = s.proc.engine.Submit(ctx, r) })
}

// incidents are those that the engine shows.
func (s *sim) incidents() []*watchdog.Incident { return s.proc.engine.Status().Incidents }

// ask asks for every client of every feed, as they are after the next turn.
func (s *sim) ask() map[string]*watchdog.ClientPage {
	views := map[string]*watchdog.ClientPage{}
	for i := range s.fleet.set.feeds {
		name, page := s.fleet.set.feeds[i].name, &watchdog.ClientPage{}
		views[name] = page
		s.call(func(ctx context.Context) {
			got, err := s.proc.engine.Clients(ctx, watchdog.ClientQuery{Feed: name, Any: true, Limit: watchdog.ClientPageMax})
			if err == nil {
				*page = got
			}
		})
	}
	return views
}
