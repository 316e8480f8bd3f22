package api

import (
	"errors"
	"net"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/feedwatch/feedwatch/watchdog/bubble"
)

// A connection keeps the deadlines that are only noted, as it would those that it was
// told of: a read or a write under way ends, later ones fail, and a new deadline lets
// them go on.
func TestDeadlinesAreKept(t *testing.T) {
	for name, way := range map[string]struct {
		set func(p *placed, t time.Time) error
		do  func(c net.Conn) error
	}{
		"read":  {(*placed).SetReadDeadline, func(c net.Conn) error { _, err := c.Read(make([]byte, 1)); return err }},
		"write": {(*placed).SetWriteDeadline, func(c net.Conn) error { _, err := c.Write([]byte("x")); return err }},
		"both":  {(*placed).SetDeadline, func(c net.Conn) error { _, err := c.Read(make([]byte, 1)); return err }},
	} {
		t.Run(name, func(t *testing.T) {
			bubble.Test(t, func(t *testing.T) {
				ours, theirs := net.Pipe() // nobody reads or writes at the other end
				defer ours.Close()
				defer theirs.Close()
				begun := time.Now()
				p := &placed{Conn: ours, epoch: begun}
				var done chan error
				begin := func() {
					done = make(chan error, 1)
					go func() { done <- way.do(p) }()
				}
				after := func(step string, ends bool) {
					t.Helper()
					synctest.Wait()
					select {
					case err := <-done:
						if !ends || !errors.Is(err, os.ErrDeadlineExceeded) {
							t.Fatalf("%s it ended with %v", step, err)
						}
					default:
						if ends {
							t.Fatalf("%s it has not ended", step)
						}
					}
				}
				set := func(at time.Time) {
					t.Helper()
					if err := way.set(p, at); err != nil {
						t.Fatal(err)
					}
				}
				set(begun.Add(time.Minute))
				begin()
				p.sweep(begun.Add(time.Minute - 1))
				after("before the deadline", false)
				p.sweep(begun.Add(time.Minute))
				after("at the deadline", true)
				begin()
				after("when that has passed", true)
				set(begun.Add(time.Hour))
				begin()
				p.sweep(begun.Add(2 * time.Minute))
				after("with a new deadline", false)
				set(time.Unix(1, 0)) // as the server does to end a read of its own
				after("with one of long ago", true)
				set(time.Time{})
				begin()
				p.sweep(begun.Add(24 * time.Hour))
				after("with none", false)
			})
		})
	}
}

// The sweep reaches every connection that is open, and none that has left.
func TestSweepReachesAllConnections(t *testing.T) {
	b := &bounded{open: map[*placed]struct{}{}, epoch: time.Now()}
	var all [3]*placed
	for i := range all {
		ours, theirs := net.Pipe()
		defer theirs.Close()
		all[i] = &placed{Conn: ours, epoch: b.epoch}
		b.open[all[i]] = struct{}{}
		if err := all[i].SetReadDeadline(b.epoch.Add(time.Second)); err != nil {
			t.Fatal(err)
		}
	}
	_ = all[2].Conn.Close() // the sweep that meets it goes on
	b.sweep(b.epoch.Add(2 * time.Second))
	for i, p := range all {
		if _, err := p.Read(make([]byte, 1)); err == nil || i < 2 && !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("connection %d: %v", i, err)
		}
		_ = p.Conn.Close()
	}
}
