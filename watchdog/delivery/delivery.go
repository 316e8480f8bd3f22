package delivery

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/feedwatch/feedwatch/rules"
	"github.com/feedwatch/feedwatch/watchdog"
	"github.com/feedwatch/feedwatch/watchdog/feed"
)

// Journal keeps receipts; SaveReceipt is durable when it returns.
type Journal interface {
	SaveReceipt(ctx context.Context, r watchdog.Receipt) error
}

// knownMax is how many incidents are held while some destination still has to be
// told of them; past it the oldest resolved one is given up.
const knownMax = 5_000

// Config wires a Delivery.
type Config struct {
	Destinations []Destination
	Journal      Journal
	Log          *slog.Logger
	Registerer   prometheus.Registerer
	Rand         *rand.Rand // jitter of back-offs
	Now          func() time.Time
}

// Delivery brings every destination to what the newest incidents say. Apply,
// Restore and Status may be called from any goroutine.
type Delivery struct {
	log     *slog.Logger
	metrics *metrics
	journal *journal
	wall    func() time.Time // for stamps that outlive us; waits go by the time package
	started feed.Instant

	mu    sync.Mutex
	rand  *rand.Rand
	dests []*destination // in the order of the configuration
	byKey map[rules.Target]*destination
	known map[string]*watchdog.Incident // newest picture of each that is not finished
	ended finished
}

// New makes a Delivery; Run starts it.
func New(cfg Config) *Delivery {
	saves := newJournal(cfg.Journal, cfg.Log)
	d := &Delivery{
		log:     cfg.Log,
		metrics: newMetrics(cfg.Registerer, saves),
		journal: saves,
		wall:    cfg.Now,
		started: feed.At(cfg.Now()),
		rand:    cfg.Rand,
		byKey:   map[rules.Target]*destination{},
		known:   map[string]*watchdog.Incident{},
	}
	for _, c := range cfg.Destinations {
		dest := newDestination(c)
		d.dests = append(d.dests, dest)
		d.byKey[c.Target] = dest
		d.metrics.announce(c.Target.String())
	}
	return d
}

// Restore takes back what was known of incidents before this process. What has
// no receipt may have been sent all the same.
func (d *Delivery) Restore(incidents []*watchdog.Incident, receipts []watchdog.Receipt) {
	d.mu.Lock()
	defer d.mu.Unlock()
	pictures := map[string]*watchdog.Incident{}
	for _, inc := range incidents {
		pictures[inc.ID] = inc
	}
	for _, r := range receipts {
		if dest, inc := d.byKey[r.Target], pictures[r.Incident]; dest != nil && inc != nil {
			dest.pair(inc, d.started).held.receipts[r.Op] = r
		}
	}
	for _, inc := range incidents {
		for _, dest := range d.dests {
			p := dest.pair(inc, d.started)
			p.held.earlier.pages, p.held.earlier.events = len(inc.Pages), len(inc.Events)
		}
	}
	for _, dest := range d.dests {
		if dest.Notifier.Shape() == Thread {
			d.restoreThreads(dest, incidents)
		}
	}
	for _, inc := range incidents { // all, before one that is over is let go with whoever shares its thread
		for _, dest := range d.dests {
			dest.plan(dest.pairs[inc.ID], inc)
		}
	}
	for _, inc := range incidents {
		d.take(inc)
	}
}

// Apply takes the newest picture of each incident. durable says that it is
// committed; what is not is sent all the same, for the caller decided so.
func (d *Delivery) Apply(incidents []*watchdog.Incident, durable bool) {
	if !durable {
		d.log.Error("sending what is not durable: after a crash it may be sent again", slog.Int("incidents", len(incidents)))
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, inc := range incidents {
		d.take(inc)
	}
}

// take plans anew for one incident. The caller holds d.mu.
func (d *Delivery) take(inc *watchdog.Incident) {
	if old := d.known[inc.ID]; old != nil && old.Revision > inc.Revision || d.ended.has(inc.ID) {
		return
	}
	if d.known[inc.ID] == nil && len(d.known) >= knownMax {
		d.makeRoom()
	}
	d.known[inc.ID] = inc
	now := time.Now()
	for _, dest := range d.dests {
		p := dest.pair(inc, d.started)
		dest.plan(p, inc)
		if t := dest.threadFor(p, now); t != nil && p.thread == nil {
			d.join(dest, t, p, now) // at once: by its turn, the storm may be over
		}
	}
	d.failoverAll(inc)
	d.forget(inc)
}

// makeRoom gives up the oldest resolved incident: only a destination that takes
// nothing for very long lets so many wait.
func (d *Delivery) makeRoom() {
	var oldest *watchdog.Incident
	for _, inc := range d.known {
		if inc.State == watchdog.StateResolved && !d.flies(inc) && (oldest == nil || inc.Opened < oldest.Opened) {
			oldest = inc
		}
	}
	if oldest == nil {
		return
	}
	if !d.over(oldest) { // else it only waits for others of its thread
		d.log.Error("too many incidents wait for a destination: the oldest resolved one is given up", slog.String("incident", oldest.ID))
	}
	for _, dest := range d.dests {
		if p := dest.pairs[oldest.ID]; p != nil && len(p.ops) > 0 {
			dest.dead += len(p.ops)
			dest.deadReason = "too many incidents waited"
			d.metrics.dead.WithLabelValues(dest.Target.String()).Add(float64(len(p.ops)))
		}
	}
	d.drop(oldest)
}

func (d *Delivery) flies(inc *watchdog.Incident) bool {
	return slices.ContainsFunc(d.dests, func(dest *destination) bool {
		p := dest.pairs[inc.ID]
		return p != nil && p.flying
	})
}

// failoverAll hands the pages of inc that a destination cannot tell to others.
func (d *Delivery) failoverAll(inc *watchdog.Incident) {
	if inc.State == watchdog.StateResolved || inc.Cause == watchdog.CauseDrill { // a drill is about this destination alone
		return
	}
	for i := range inc.Pages {
		page := &inc.Pages[i]
		for _, target := range page.Targets {
			if d.cannotTell(inc, page, target) {
				d.failover(inc, page, target)
			}
		}
	}
}

// cannotTell says that target has not told page and for now cannot: it is parked,
// it refused the page itself, or no such destination is configured.
func (d *Delivery) cannotTell(inc *watchdog.Incident, page *watchdog.Page, target rules.Target) bool {
	dest := d.byKey[target]
	if dest == nil {
		return true
	}
	p, shape := dest.pairs[inc.ID], dest.Notifier.Shape()
	if p == nil || tellsPage(inc, page, target, shape, &p.held) {
		return false
	}
	return dest.parked != "" || losesPage(inc, page, shape, &p.held)
}

// reach orders destinations by how surely they wake someone: an alert before a
// message in a channel before a line in a stream. What is not configured counts
// as the surest.
func (d *Delivery) reach(target rules.Target) int {
	if dest := d.byKey[target]; dest != nil {
		switch dest.Notifier.Shape() {
		case Thread:
			return 2
		case Stream:
			return 1
		}
	}
	return 3
}

// failover makes others tell a page in the place of target: whoever else is on
// the incident's ladder, or else every other destination that works.
func (d *Delivery) failover(inc *watchdog.Incident, page *watchdog.Page, target rules.Target) {
	onLadder := slices.Clone(inc.Ladder.Engaged)
	if inc.Next != nil {
		onLadder = append(onLadder, inc.Next.Targets...)
	}
	var others []*destination
	for _, other := range d.dests {
		if other.Target == target {
			continue
		}
		p := other.pair(inc, d.started)
		if p.held.engages(page, other.Target) {
			instead := p.held.receipts[failoverName(page.N)].Ref == target.String()
			if d.cannotTell(inc, page, other.Target) || !instead && d.reach(other.Target) < d.reach(target) {
				continue
			}
			return // somebody else tells it already, to people who hear it as well
		}
		if other.parked != "" {
			continue
		}
		others = append(others, other)
	}
	ladder := slices.DeleteFunc(slices.Clone(others), func(o *destination) bool { return !slices.Contains(onLadder, o.Target) })
	if len(ladder) > 0 {
		others = ladder
	}
	for _, other := range others {
		p := other.pair(inc, d.started)
		r := watchdog.Receipt{
			Target: other.Target, Incident: inc.ID, Op: failoverName(page.N), Ref: target.String(),
			Revision: inc.Revision, At: feed.At(d.wall()),
		}
		p.held.receipts[r.Op] = r
		p.unsaved++
		d.log.Error("a page goes to another destination: the first cannot tell it",
			slog.String("incident", inc.ID), slog.Int("page", page.N),
			slog.String("instead_of", target.String()), slog.String("goes_to", other.Target.String()))
		d.journal.save(r, func() {
			d.mu.Lock()
			p.unsaved--
			d.mu.Unlock()
			other.signal()
		})
		other.plan(p, inc)
	}
}

// Run works until ctx ends, then lets attempts under way end and saves what is
// known of them.
func (d *Delivery) Run(ctx context.Context) error {
	journalCtx, stopJournal := context.WithCancel(context.WithoutCancel(ctx))
	var saving, sending sync.WaitGroup
	saving.Go(func() { d.journal.run(journalCtx) })
	for _, dest := range d.dests {
		sending.Go(func() { d.serve(ctx, dest) })
	}
	sending.Wait()
	stopJournal()
	saving.Wait()
	return nil
}

// TargetStatus is one destination as readers see it.
type TargetStatus struct {
	Target      rules.Target `json:"target"`
	Alerts      bool         `json:"alerts"`  // it wakes people: an alert for each page
	Pending     int          `json:"pending"` // ops still to be brought about
	Parked      string       `json:"parked,omitempty"`
	Dead        int          `json:"dead"` // ops given up since the start
	DeadReason  string       `json:"dead_reason,omitempty"`
	LastSuccess feed.Instant `json:"last_success,omitzero"`
	LastError   string       `json:"last_error,omitempty"`
	// FailingSince is the first failure after the last success.
	FailingSince feed.Instant `json:"failing_since,omitzero"`
}

// Status says how each destination is doing.
func (d *Delivery) Status() []TargetStatus {
	d.mu.Lock()
	defer d.mu.Unlock()
	all := make([]TargetStatus, 0, len(d.dests))
	for _, dest := range d.dests {
		all = append(all, TargetStatus{
			Target: dest.Target, Pending: dest.waiting, Parked: dest.parked, Dead: dest.dead, DeadReason: dest.deadReason,
			LastSuccess: dest.lastSuccess, LastError: dest.lastError, FailingSince: dest.failingSince,
			Alerts: dest.Notifier.Shape() == Alerts,
		})
	}
	return all
}

// Settled says that nothing that can be sent is pending: what waits for a parked
// or failing destination does not count once it has been tried.
func (d *Delivery) Settled() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, dest := range d.dests {
		if dest.inFlight > 0 {
			return false
		}
		for _, p := range dest.busy {
			if p.attempts == 0 && dest.parked == "" && !p.awaits() {
				return false
			}
		}
	}
	return true
}
