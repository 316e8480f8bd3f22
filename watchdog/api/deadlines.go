package api

import (
	"context"
	"errors"
	"time"
)

// The server sets eight deadlines for each request and reaches next to none of them:
// to hand each to the runtime, which keeps timers for them, is a twentieth of what a
// heartbeat sent by itself costs. So they are noted, and looked at each deadlineSweep.
// They are tens of seconds; one that passes is kept at most that much later.
const deadlineSweep = time.Second

var longAgo = time.Unix(1, 0)

// deadline is when a read or a write must have ended.
type deadline struct {
	at     time.Time // zero: never
	passed bool      // and the connection knows
}

// set notes t. The connection hears at once of one from before epoch, by which the
// server ends a read of its own, and when one that it knows is taken back; of any other,
// be it over already, by the next sweep.
func (d *deadline) set(t, epoch time.Time, tell func(time.Time) error) error {
	knew := d.passed
	d.at, d.passed = t, !t.IsZero() && t.Before(epoch)
	switch {
	case d.passed:
		return tell(t)
	case knew:
		return tell(time.Time{})
	}
	return nil
}

// sweep tells the connection once the deadline has passed.
func (d *deadline) sweep(now time.Time, tell func(time.Time) error) {
	if d.passed || d.at.IsZero() || now.Before(d.at) {
		return
	}
	d.passed = true
	_ = tell(longAgo) // it fails where the connection is closed, and nobody waits
}

// SetReadDeadline is for the reads to come and the one under way.
func (p *placed) SetReadDeadline(t time.Time) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.read.set(t, p.epoch, p.Conn.SetReadDeadline)
}

// SetWriteDeadline is for the writes to come and the one under way.
func (p *placed) SetWriteDeadline(t time.Time) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.write.set(t, p.epoch, p.Conn.SetWriteDeadline)
}

// SetDeadline is both.
func (p *placed) SetDeadline(t time.Time) error {
	return errors.Join(p.SetReadDeadline(t), p.SetWriteDeadline(t))
}

func (p *placed) sweep(now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.read.sweep(now, p.Conn.SetReadDeadline)
	p.write.sweep(now, p.Conn.SetWriteDeadline)
}

// keepDeadlines holds every connection to its deadlines, until ctx ends.
func (b *bounded) keepDeadlines(ctx context.Context) {
	ticker := time.NewTicker(deadlineSweep)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-ticker.C:
			b.sweep(now)
		}
	}
}

func (b *bounded) sweep(now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for p := range b.open {
		p.sweep(now)
	}
}
