package engine

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/feedwatch/feedwatch/watchdog"
	"github.com/feedwatch/feedwatch/watchdog/feed"
)

// Store keeps what must outlive the process. SaveIncidents and SaveSilence are
// durable when they return.
type Store interface {
	SaveIncidents(ctx context.Context, incidents []*watchdog.Incident) error
	SaveBlocks(ctx context.Context, flush watchdog.Flush) error
	SaveRestart(ctx context.Context, r watchdog.Restart) error
	SaveSilence(ctx context.Context, s watchdog.Silence) error
}

// Archive finds what the machine has let go of and keeps the last good rules.
type Archive interface {
	Incident(ctx context.Context, id string) (*watchdog.Incident, error)
	SaveRules(ctx context.Context, r watchdog.SavedRules) error
}

// Delivery brings the world to what the newest picture of each incident says. It
// does not block.
type Delivery interface {
	Apply(incidents []*watchdog.Incident, durable bool)
}

// Config wires an Engine.
type Config struct {
	Install    string
	Sources    []feed.Source // beside feed.Push
	SeriesMax  int           // 0: watchdog.SeriesMaxDefault
	Store      Store
	Archive    Archive
	Delivery   Delivery
	Log        *slog.Logger
	Registerer prometheus.Registerer
	Now        func() time.Time
	// HeardThrough is push's known-through: now while the listener's self-probe
	// succeeds, else when it last did.
	HeardThrough func(now time.Time) time.Time
	// TurnEvery is the longest time between two turns; 0: turnEveryDefault.
	TurnEvery time.Duration
	// FlushBlocksMax is how many blocks one turn flushes; 0: flushBlocksMaxDefault.
	FlushBlocksMax int
	// BindRowsMax is how many series one turn binds to new rules; 0: the machine's default.
	BindRowsMax int
}

const (
	turnEveryDefault = time.Second
	// asleepAfter is how much later than it asked for a turn may come before we
	// take it that nothing ran.
	asleepAfter = 30 * time.Second
	// setBackAfter is by how much the clock may go back and the machine wait until
	// it has caught up.
	setBackAfter = 5 * time.Second
	// flushEvery is how much of the watermarks a crash may lose.
	flushEvery = 10 * time.Second
	// flushBlocksMaxDefault blocks are flushed by one turn: a millisecond or two. The
	// next turn comes flushPause later.
	flushBlocksMaxDefault = 128
	flushPause            = 10 * time.Millisecond
	// publishEvery bounds how often the aggregates are read off the table when
	// nothing happened to an incident.
	publishEvery = time.Second
	// requestsMax bounds the queue to the owner; senders wait past it.
	requestsMax = 1024
	// resolvedMax is how many resolved incidents stay in the published picture.
	resolvedMax = 100
)

// Engine owns a machine. Its methods may be called from any goroutine, but Drive
// and Turn, unless Run does, from one only: a simulator's.
type Engine struct {
	cfg      Config
	machine  *watchdog.Machine
	turn     sync.Mutex    // see turns.go
	requests chan request  // of those who found a turn under way
	look     chan struct{} // for Run; see wakeRun
	commit   *committer
	metrics  *metrics
	status   atomic.Pointer[Status]

	// Owned by whoever makes a turn.
	started   feed.Instant
	awaited   time.Time   // when the next turn was asked for; amid one, when that began
	driven    time.Time   // when the last one ended
	timer     *time.Timer // of Run
	armed     time.Time   // when it fires
	batch     []request   // of the turn to come
	inputs    []watchdog.Input
	push      watchdog.Heard
	published time.Time
	flushed   time.Time            // when the last flush began
	binding   []request            // new rules that do not govern every feed yet
	flushNext bool                 // an incident asks for one
	resolved  []*watchdog.Incident // newest first
	rules     RulesStatus
	deaf      bool // our own address did not answer at the last turn
	ready     bool
	trouble   []string
}

// request is work for the owner: an input, or a question to be answered between
// two steps.
type request struct {
	input watchdog.Input
	ask   func(*watchdog.Machine)
	done  chan struct{} // closed once r is served; nil: whoever waits for it makes the turn
}

// isRules says that it takes more turns than one to serve r.
func (r *request) isRules() bool {
	_, is := r.input.(*watchdog.UseRules)
	return is
}

// New makes an engine that holds what was saved, and writes down that it started.
// set is the rule set to begin with, from disk or last known good.
func New(ctx context.Context, cfg Config, saved *watchdog.Saved) (*Engine, error) {
	if cfg.TurnEvery == 0 {
		cfg.TurnEvery = turnEveryDefault
	}
	if cfg.FlushBlocksMax == 0 {
		cfg.FlushBlocksMax = flushBlocksMaxDefault
	}
	now := feed.At(cfg.Now())
	restart := watchdog.Restart{At: now, Through: min(saved.Through, now)} // the clock may have been set back
	if len(saved.Blocks) > 0 {
		saved.Restarts = append(saved.Restarts, restart)
		if err := cfg.Store.SaveRestart(ctx, restart); err != nil {
			// Without it a crash loop may grant a second grace; that is no reason not to watch.
			cfg.Log.Error("the restart could not be written down", slog.Any("error", err))
		}
	}
	e := &Engine{
		cfg:      cfg,
		machine:  watchdog.New(watchdog.Config{Install: cfg.Install, Sources: cfg.Sources, SeriesMax: cfg.SeriesMax, BindRowsMax: cfg.BindRowsMax}, now, saved),
		requests: make(chan request, requestsMax),
		look:     make(chan struct{}, 1),
		metrics:  newMetrics(cfg.Registerer),
		started:  now,
		awaited:  cfg.Now(),
	}
	for _, inc := range saved.Incidents {
		if inc.State == watchdog.StateResolved {
			e.remember(inc)
		}
	}
	e.turn.Lock() // nobody makes turns by the way before Run
	e.commit = newCommitter(cfg.Store, cfg.Delivery, cfg.Log, e.metrics)
	e.commit.restored(saved.Incidents)
	e.publish(cfg.Now())
	return e, nil
}

// Turn is one synchronous turn at now: it serves the requests, steps the machine,
// hands changes, and now and then watermarks, to the committer, publishes. It
// returns when the next is due.
func (e *Engine) Turn(now time.Time, batch ...request) feed.Instant {
	at := feed.At(now)
	// By the wall clock: the monotonic one stands still while a machine is suspended.
	if late := now.Round(0).Sub(e.awaited); late > asleepAfter {
		e.wake(at, late)
	}
	if back := e.machine.Now().Sub(at); back > setBackAfter {
		e.cfg.Log.Warn("the clock was set back: what was stamped before moves with it", slog.Duration("by", back))
		e.machine.Rewind(at)
		e.flushed = time.Time{}
	}
	e.awaited = now
	inputs := e.inputs[:0]
	for _, r := range batch {
		if r.input != nil {
			inputs = append(inputs, r.input)
		}
	}
	push := e.listened(now)
	e.inputs = append(inputs, push)
	next, changed := e.step(at, e.inputs)
	clear(e.inputs)
	if push.Pause != nil {
		e.cfg.Log.Warn("our own address answers again: what was pushed meanwhile may be lost, and gets the grace of a restart")
		e.saveRestart(*push.Pause)
	}
	for _, r := range batch {
		if r.ask != nil {
			r.ask(e.machine)
		}
		if in, ok := r.input.(*watchdog.Heard); ok {
			e.metrics.heard(in)
		}
	}
	ready := e.ready
	e.ready = e.ready || e.machine.Evaluated()
	if changed || ready != e.ready || now.Sub(e.published) >= publishEvery {
		e.publish(now)
	}
	e.answer(batch)
	e.save(now)
	return next
}

// answer ends the wait of those whose requests were served: for new rules, once they
// govern all feeds.
func (e *Engine) answer(batch []request) {
	for _, r := range batch {
		switch {
		case r.isRules():
			e.binding = append(e.binding, r)
		case r.done != nil:
			close(r.done)
		}
	}
	if e.machine.Binding() {
		return
	}
	for _, r := range e.binding {
		close(r.done)
	}
	e.binding = nil
}

// listened is the report of push: known through now while our own address answers.
func (e *Engine) listened(now time.Time) *watchdog.Heard {
	through := e.cfg.HeardThrough(now)
	deaf := through.Before(now)
	report := feed.Report{Source: feed.Push, KnownThrough: feed.At(through), Missed: e.deaf && !deaf}
	e.deaf = deaf
	e.push = watchdog.Heard{Report: report}
	return &e.push
}

// save hands the committer a part of what changed in the table: of the flush under
// way, as fast as that is written, or of the next where that is due.
func (e *Engine) save(now time.Time) {
	switch {
	case e.machine.Saving():
		if e.commit.behind() {
			return
		}
	case e.flushNext || now.Sub(e.flushed) >= flushEvery && !e.commit.flushing():
		e.flushed, e.flushNext = now, false
	default:
		return
	}
	e.commit.addMarks(e.machine.Flush(e.cfg.FlushBlocksMax))
}

// saveAll hands over the rest of the flush under way, and then what changed since.
func (e *Engine) saveAll() {
	for range 2 {
		e.commit.addMarks(e.machine.Flush(watchdog.AllBlocks))
	}
}

func (e *Engine) step(at feed.Instant, inputs []watchdog.Input) (next feed.Instant, changed bool) {
	for more := true; more; inputs = nil {
		out := e.machine.Step(at, inputs...)
		for _, lag := range out.Lags {
			e.metrics.lag.Observe(lag.Seconds())
		}
		if len(out.Changes) > 0 {
			changed = true
			for _, inc := range out.Changes {
				e.logChange(inc)
				if inc.State == watchdog.StateResolved {
					e.remember(inc)
				}
			}
			if e.commit.add(out.Changes, e.machine.Saving()) {
				e.flushNext = true
			}
		}
		next, more = out.Next, out.More && !e.machine.Binding()
	}
	return next, changed
}

func (e *Engine) logChange(inc *watchdog.Incident) {
	last := watchdog.Event{}
	if n := len(inc.Events); n > 0 {
		last = inc.Events[n-1]
	}
	if last.At.Add(time.Second) < e.machine.Now() {
		return // numbers only
	}
	e.cfg.Log.Info("incident changed",
		slog.String("incident", inc.ID), slog.String("feed", inc.Feed), slog.String("cause", string(inc.Cause)),
		slog.String("state", string(inc.State)), slog.String("event", string(last.Kind)),
		slog.Int("silent", inc.Scope.Silent), slog.Int("of", inc.Scope.Of))
}

func (e *Engine) wake(at feed.Instant, late time.Duration) {
	e.cfg.Log.Warn("nothing ran for a while: taken as a restart", slog.Duration("late", late))
	e.saveRestart(e.machine.Wake(at))
}

// saveRestart writes a pause down beside the turns, which must not wait for it.
func (e *Engine) saveRestart(r watchdog.Restart) {
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), stopWithin)
		defer cancel()
		if err := e.cfg.Store.SaveRestart(ctx, r); err != nil {
			e.cfg.Log.Error("the pause could not be written down", slog.Any("error", err))
		}
	}()
}

func (e *Engine) remember(inc *watchdog.Incident) {
	e.resolved = append([]*watchdog.Incident{inc}, e.resolved...)
	if len(e.resolved) > resolvedMax {
		e.resolved = e.resolved[:resolvedMax]
	}
}

func (e *Engine) publish(now time.Time) {
	e.published = now
	e.rules.warn(feed.At(now))
	e.status.Store(&Status{
		Now:       feed.At(now),
		Started:   e.started,
		Ready:     e.ready,
		Install:   e.cfg.Install,
		Rules:     e.rules,
		Feeds:     e.machine.Feeds(),
		Incidents: append(e.machine.Incidents(), e.resolved...),
		Sources:   e.machine.Sources(),
		Silences:  e.machine.Silences(), Maintenances: e.machine.Maintenances(),
		Store:   e.commit.status(),
		Trouble: append(e.machine.Trouble(), e.trouble...),
	})
}
