package sources

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/feedwatch/feedwatch/watchdog/feed"
)

// Reader reads a source once. An error is for people: it says what could not be
// read, why, and what to try.
type Reader interface {
	Read(ctx context.Context) (feed.Report, error)
}

// Sink takes what was read.
type Sink func(ctx context.Context, report feed.Report) error

// Polling says what is read, and when.
type Polling struct {
	Source   feed.Source
	Schedule Schedule
	// Jitter draws from [0, 1) how much sooner than Interval the next read
	// comes, 1 being a tenth of it, so that sources that started together do not
	// read together. Nil: no jitter.
	Jitter  func() float64
	Metrics *Metrics
}

// jitterShare is the part of an interval that jitter may take off.
const jitterShare = 0.1

// Poll reads at once, then every interval until ctx ends, and hands each report
// to sink. A failed read is reported too: with the reason and no known-through.
// It returns nil once ctx has ended.
func Poll(ctx context.Context, cfg Polling, reader Reader, sink Sink, log *slog.Logger) error {
	p := &poller{Polling: cfg, reader: reader, sink: sink, log: log.With(slog.String("source", cfg.Source.Name))}
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-timer.C:
		}
		begun := time.Now()
		p.once(ctx)
		timer.Reset(p.wait(time.Since(begun)))
	}
}

type poller struct {
	Polling
	reader  Reader
	sink    Sink
	log     *slog.Logger
	failing time.Time // since when reads fail; zero: they do not
}

// wait is how long until the next read, the last having taken so long.
func (p *poller) wait(took time.Duration) time.Duration {
	every := p.Schedule.Interval
	if p.Jitter != nil {
		every -= time.Duration(jitterShare * p.Jitter() * float64(every))
	}
	return max(every-took, 0)
}

// once reads and reports.
func (p *poller) once(ctx context.Context) {
	report, took, err := p.read(ctx)
	if ctx.Err() != nil {
		return // we are stopping; that is no failure of the source
	}
	p.Metrics.read(p.Source.Name, err, took)
	p.note(err, took)
	if err != nil {
		report = feed.Report{Source: p.Source, Failure: clean(err.Error())}
	}
	if err := p.sink(ctx, report); err != nil && ctx.Err() == nil {
		p.Metrics.lost(p.Source.Name)
		p.log.Error("what was read could not be handed on", slog.Any("error", err))
	}
}

func (p *poller) read(ctx context.Context) (feed.Report, time.Duration, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, p.Schedule.Timeout, errTimeout)
	defer cancel()
	begun := time.Now()
	report, err := p.reader.Read(ctx)
	return report, time.Since(begun), err
}

// errTimeout is why a read's context ends before the service does.
var errTimeout = errors.New("the read's timeout has passed")

// note logs when reads begin to fail, and when they succeed again.
func (p *poller) note(err error, took time.Duration) {
	switch {
	case err != nil && p.failing.IsZero():
		p.failing = time.Now()
		p.log.Warn("cannot read source", slog.String("error", clean(err.Error())), slog.Duration("took", took))
	case err == nil && !p.failing.IsZero():
		p.log.Info("source is read again", slog.Duration("failed_for", time.Since(p.failing)))
		p.failing = time.Time{}
	}
}
