package slack

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"github.com/feedwatch/feedwatch/notifiers"
	"github.com/feedwatch/feedwatch/watchdog"
	"github.com/feedwatch/feedwatch/watchdog/delivery"
)

// Keeper takes what people decide; it returns once that is durable.
type Keeper interface {
	Acknowledge(ctx context.Context, id, by string, d time.Duration) error
	Snooze(ctx context.Context, id, by string, d time.Duration) error
	Resolve(ctx context.Context, id, by, reason string) error
}

// Watch is what is known.
type Watch interface {
	Incident(ctx context.Context, id string) (*watchdog.Incident, error)
	Picture() Picture
}

// Threads knows of which incidents a message of ours tells.
type Threads interface {
	Sharing(root string) []delivery.Sharer
}

// Picture is what a command is answered from.
type Picture struct {
	Ready     bool // the first complete evaluation is done
	Feeds     []watchdog.FeedView
	Incidents []*watchdog.Incident // resolved ones too
	Trouble   []string             // what is wrong with feedwatch itself
}

// DeskConfig is what a Desk is made of; all of it is needed but PageURL.
type DeskConfig struct {
	Apps    []App
	Keeper  Keeper
	Watch   Watch
	Threads Threads
	PageURL string
	Log     *slog.Logger
	Now     func() time.Time

	Registerer prometheus.Registerer
}

// Desk is where what people press and type in Slack arrives. Slack waits for three
// seconds, so a request is taken at once and worked off by Run; the person is told
// what came of it, alone, where they pressed.
type Desk struct {
	config DeskConfig
	apps   []*app
	seen   *replays
	jobs   chan job
	// answers wait apart: a Slack that hangs must not hold up the next decision.
	answers chan said
	// deciding lets one decision look at the incident and change it before the next
	// looks: the second press of a double click then finds it decided.
	deciding sync.Mutex
	sockets  []*socket
	metrics  *metrics
}

// job is one thing that a person asked for.
type job struct {
	app      *app
	answerTo string
	page     string                                     // that the answer links to; "" for none
	do       func(ctx context.Context) []notifiers.Line // what to say then; nil for nothing
}

// said is what a person is to be told.
type said struct {
	job
	lines []notifiers.Line
}

const (
	jobsMax     = 256 // that wait; people do not press faster than they are worked off
	workers     = 4   // for jobs, and as many for answers
	jobTimeout  = 20 * time.Second
	stopTimeout = 5 * time.Second
)

// NewDesk checks config and makes a Desk; it makes no request.
func NewDesk(config DeskConfig) (*Desk, error) {
	if config.Keeper == nil || config.Watch == nil || config.Threads == nil || config.Log == nil || config.Now == nil || config.Registerer == nil {
		return nil, errors.New("slack: a part of DeskConfig is missing")
	}
	d := &Desk{config: config, seen: newReplays(), jobs: make(chan job, jobsMax), answers: make(chan said, jobsMax)}
	var errs []error
	for _, c := range config.Apps {
		a, err := newApp(c)
		if err != nil {
			errs = append(errs, fmt.Errorf("slack: %w", err))
			continue
		}
		d.apps = append(d.apps, a)
		if !a.config.AppToken.IsZero() {
			d.sockets = append(d.sockets, newSocket(d, a))
		}
	}
	d.metrics = newMetrics(config.Registerer, d.down)
	return d, errors.Join(errs...)
}

// Run works off what people ask for, and keeps Socket Mode's connections, until
// ctx ends. Who waits then is told to ask again.
func (d *Desk) Run(ctx context.Context) error {
	var group errgroup.Group
	for range workers {
		group.Go(func() error { return each(ctx, d.jobs, d.work) })
		group.Go(func() error { return each(ctx, d.answers, d.tell) })
	}
	for _, s := range d.sockets {
		group.Go(func() error { return s.run(ctx) })
	}
	err := group.Wait()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
	defer cancel()
	for {
		select {
		case s := <-d.answers:
			d.tell(ctx, s)
		case j := <-d.jobs:
			d.tell(ctx, said{j, sentence("Nothing was changed: feedwatch is stopping. Try again in a minute.")})
		default:
			return err
		}
	}
}

// each does what comes until ctx ends.
func each[T any](ctx context.Context, from <-chan T, do func(context.Context, T)) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case v := <-from:
			do(ctx, v)
		}
	}
}

// Trouble says what keeps people's presses from arriving, one sentence each.
func (d *Desk) Trouble() []string {
	var all []string
	for _, s := range d.sockets {
		if text := s.trouble(); text != "" {
			all = append(all, text)
		}
	}
	return all
}

// down counts the connections that are down now.
func (d *Desk) down() float64 {
	n := 0
	for _, s := range d.sockets {
		if s.isDown() {
			n++
		}
	}
	return float64(n)
}

// hand puts a job where Run finds it, unless it asks for nothing, and says what
// became of it.
func (d *Desk) hand(j job, asks bool) string {
	if !asks {
		return taken
	}
	select {
	case d.jobs <- j:
		return taken
	default:
		d.config.Log.Error("too many presses in Slack wait to be worked off; one was refused", slog.Int("waiting", jobsMax))
		return full
	}
}

func (d *Desk) work(ctx context.Context, j job) {
	ctx, cancel := context.WithTimeout(ctx, jobTimeout)
	defer cancel()
	lines := j.do(ctx)
	if lines == nil {
		return
	}
	select {
	case d.answers <- said{j, lines}:
	default:
		d.config.Log.Warn("too many answers to people in Slack wait; one was left out", slog.Int("waiting", jobsMax))
	}
}

func (d *Desk) tell(ctx context.Context, s said) {
	// What was begun is worth ending: a person waits for it.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
	defer cancel()
	if err := s.app.respond(ctx, s.answerTo, s.lines, s.page); err != nil {
		d.config.Log.Warn("a person in Slack could not be told what came of what they asked for", slog.Any("error", err))
	}
}

// pressed is the job of a press.
func (d *Desk) pressed(a *app, p press) job {
	return job{a, p.answerTo, "", func(ctx context.Context) []notifiers.Line { return d.decide(ctx, a, p) }}
}

func sentence(text string) []notifiers.Line { return []notifiers.Line{{{Text: text}}} }
