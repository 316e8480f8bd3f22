package drill

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/feedwatch/feedwatch/rules"
	"github.com/feedwatch/feedwatch/watchdog"
	"github.com/feedwatch/feedwatch/watchdog/delivery"
	"github.com/feedwatch/feedwatch/watchdog/feed"
	"github.com/feedwatch/feedwatch/watchdog/selfwatch"
)

// Outbox brings notifiers to what an incident is, and says how far it came.
type Outbox interface {
	Apply(incidents []*watchdog.Incident, durable bool)
	Reached(target rules.Target, incident string, page int) delivery.Reached
	Settled() bool
}

// Store keeps incidents; they are durable when it returns.
type Store interface {
	SaveIncidents(ctx context.Context, incidents []*watchdog.Incident) error
}

// Viewer looks for a message where it was sent. An error that is delivery.Refused
// says that we may not look; after any other it is tried again.
type Viewer interface {
	SeenBack(ctx context.Context, ref, op string) (bool, error)
}

// Back is how a notifier's messages are read back.
type Back struct {
	Viewer Viewer // nil: nothing can be read back
	// Hint is what to do where a message is not found or, without a Viewer, to have
	// one; "" where there is nothing.
	Hint string
}

// EscalationSubject is what findings call an escalation.
func EscalationSubject(name string) string { return "escalation/" + name }

// Config is what Drills are made of; all of it is needed but Schedule.
type Config struct {
	Install  string
	Rules    func() *rules.Set // in force
	Outbox   Outbox
	Store    Store
	Back     map[rules.Target]Back
	Found    func(selfwatch.Finding)
	Schedule []Appointment
	Log      *slog.Logger
	Now      func() time.Time

	Registerer prometheus.Registerer
}

// Drills runs them, one at a time. All methods may be called from any goroutine.
type Drills struct {
	cfg     Config
	metrics *metrics
	slot    chan struct{} // holds one while a drill is under way
	begun   chan []string // the incidents of one, for Run

	mu      sync.Mutex
	known   map[string]*state
	trouble map[int]string // by the number of an appointment: why it was not kept
}

// state is a drill of which this process knows.
type state struct {
	incident *watchdog.Incident // the newest picture; replaced, never written to
	answered chan struct{}      // closed once a person acknowledged
}

// New makes Drills. saved are the incidents that were stored: what past drills found
// is said anew, and what a process before this one left open is resolved, before
// the outbox sends anything more of it.
func New(cfg Config, saved []*watchdog.Incident) *Drills {
	d := &Drills{
		cfg: cfg, metrics: newMetrics(cfg.Registerer), slot: make(chan struct{}, 1), begun: make(chan []string, 1),
		known: map[string]*state{}, trouble: map[int]string{},
	}
	saved = slices.DeleteFunc(slices.Clone(saved), func(inc *watchdog.Incident) bool { return !Ours(inc) })
	slices.SortStableFunc(saved, func(a, b *watchdog.Incident) int { return int(a.Opened - b.Opened) })
	on := map[rules.Target]bool{}
	for _, e := range cfg.Rules().Escalations() {
		for _, t := range e.Targets() {
			on[t] = true
		}
	}
	for _, inc := range saved {
		if inc.State != watchdog.StateResolved {
			d.known[inc.ID] = &state{incident: inc, answered: make(chan struct{})}
			d.end(inc.ID, cutByCrash)
			continue
		}
		d.metrics.succeeded(inc, on)
		for _, f := range findings(inc) {
			if f.Why == "" || f.Swallowed { // what was not accepted may have been mended since
				d.cfg.Found(f)
			}
		}
	}
	return d
}

// Ours says that an incident is a drill, and none of the machine's.
func Ours(inc *watchdog.Incident) bool { return inc.Cause == watchdog.CauseDrill && inc.Drill != nil }

// Ask is what somebody wants to have tried.
type Ask struct {
	Escalation string // "" for all
	Human      bool
	Within     time.Duration // for a person to acknowledge; 0: the default
	By         string
}

// Why a drill did not begin.
var (
	ErrUnderWay     = errors.New("a drill is under way")
	ErrNoEscalation = errors.New("no such escalation")
)

const (
	// SeenWithin is how long a message may take to be accepted and read back.
	SeenWithin = 2 * time.Minute
	saveWithin = 2 * time.Second
)

// Start begins a drill, and returns its incidents. Without a person, a notifier
// hears of it once, however many escalations it is on; with one, each escalation
// asks for an acknowledgement of its own.
func (d *Drills) Start(ctx context.Context, ask Ask) ([]*watchdog.Incident, error) {
	wait := time.NewTimer(0)
	if d.underWay() == "" { // the last is just being stored
		wait.Reset(2 * saveWithin)
	}
	defer wait.Stop()
	select {
	case d.slot <- struct{}{}:
		return d.start(ctx, ask)
	default:
	}
	select {
	case d.slot <- struct{}{}:
		return d.start(ctx, ask)
	case <-wait.C:
		return nil, fmt.Errorf("%w: %s; wait until it is over", ErrUnderWay, d.underWay())
	}
}

// start begins one for whoever holds the slot.
func (d *Drills) start(ctx context.Context, ask Ask) (all []*watchdog.Incident, err error) {
	defer func() {
		if err != nil {
			<-d.slot
		}
	}()
	ladders, err := Ladders(d.cfg.Rules(), ask.Escalation)
	if err != nil {
		return nil, err
	}
	now := feed.At(d.cfg.Now())
	if ask.Human {
		for _, l := range ladders {
			all = append(all, opened(d.cfg.Install, now, ask, []*rules.Escalation{l}))
		}
	} else {
		all = append(all, opened(d.cfg.Install, now, ask, ladders))
	}
	// What a crash would leave open for ever is not begun.
	if err := d.save(ctx, all); err != nil {
		return nil, fmt.Errorf("the drill was not begun, for it could not be stored: %w", err)
	}
	ids := make([]string, len(all))
	d.mu.Lock()
	d.forget()
	for i, inc := range all {
		ids[i] = inc.ID
		d.known[inc.ID] = &state{incident: inc, answered: make(chan struct{})}
	}
	d.mu.Unlock()
	d.cfg.Outbox.Apply(all, true)
	d.begun <- ids
	d.cfg.Log.Info("a drill has begun", slog.Any("incidents", ids), slog.String("by", ask.By), slog.Bool("human", ask.Human))
	return all, nil
}

// Ladders are the escalations of a rule set that a drill by that name is of; "" is
// all of them.
func Ladders(set *rules.Set, name string) ([]*rules.Escalation, error) {
	all := set.Escalations()
	names := make([]string, 0, len(all))
	for _, e := range all {
		if e.Name() == name {
			return []*rules.Escalation{e}, nil
		}
		names = append(names, e.Name())
	}
	switch {
	case len(all) == 0:
		return nil, fmt.Errorf("%w: the rules have none", ErrNoEscalation)
	case name != "":
		return nil, fmt.Errorf("%w: %q; the rules have %s", ErrNoEscalation, name, strings.Join(names, ", "))
	}
	return all, nil
}

func (d *Drills) save(ctx context.Context, all []*watchdog.Incident) error {
	ctx, cancel := context.WithTimeout(ctx, saveWithin)
	defer cancel()
	return d.cfg.Store.SaveIncidents(ctx, all)
}

// underWay names what is open.
func (d *Drills) underWay() string {
	var ids []string
	for _, inc := range d.open() {
		ids = append(ids, inc.ID+" of "+inc.Opened.String())
	}
	return strings.Join(ids, ", ")
}

func (d *Drills) open() (all []*watchdog.Incident) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, s := range d.known {
		if s.incident.State != watchdog.StateResolved {
			all = append(all, s.incident)
		}
	}
	slices.SortFunc(all, func(a, b *watchdog.Incident) int { return strings.Compare(a.ID, b.ID) })
	return all
}

// knownMax is how many drills of this process are in memory; the store has all.
const knownMax = 100

// forget makes room for one more. The caller holds d.mu.
func (d *Drills) forget() {
	for id, s := range d.known {
		if len(d.known) >= knownMax && s.incident.State == watchdog.StateResolved {
			delete(d.known, id)
		}
	}
}

// Find is a drill of which this process knows; nil: there is none with that id.
func (d *Drills) Find(id string) *watchdog.Incident {
	d.mu.Lock()
	defer d.mu.Unlock()
	if s := d.known[id]; s != nil {
		return s.incident
	}
	return nil
}
