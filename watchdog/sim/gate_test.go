package sim

import (
	"context"
	"errors"
	"sync"
	"time"
)

// errKilled is what a call gets of a process that is no more. Nobody hears it.
var errKilled = errors.New("the process was killed")

// gate is the wall between one process and what outlives it. Once the process is
// killed nothing passes any more.
type gate struct {
	*sim
	dead chan struct{}
	once sync.Once
}

func (g *gate) kill() { g.once.Do(func() { close(g.dead) }) }

func (g *gate) killed() bool {
	select {
	case <-g.dead:
		return true
	default:
		return false
	}
}

// pass lets one call through: it takes its time, and the process may be killed
// before or after what the call does.
func (g *gate) pass(ctx context.Context, name string, takes time.Duration, do func() error) error {
	if g.killed() {
		return errKilled
	}
	g.mu.Lock()
	luck := 1.0
	if chance := g.trouble["crashes at any point"]; chance > 0 {
		luck = g.roll("crash", name).Float64() / chance
	}
	g.mu.Unlock()
	if luck < 0.5 {
		g.fall("before " + name)
		return errKilled
	}
	if err := g.wait(ctx, takes/2); err != nil {
		return err
	}
	err := do()
	if luck < 1 {
		g.fall("after " + name)
		return errKilled
	}
	if late := g.wait(ctx, takes-takes/2); late != nil {
		return late
	}
	return err
}

func (g *gate) fall(where string) {
	g.mu.Lock()
	g.note("killed %s", where)
	g.down = time.Duration(g.roll("down").ExpFloat64() * float64(3*time.Second))
	g.mu.Unlock()
	g.kill()
}

func (g *gate) wait(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-g.dead:
		return errKilled
	}
}
