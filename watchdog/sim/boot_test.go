package sim

import (
	"context"
	"math/rand/v2"
	"os"
	"path/filepath"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/feedwatch/feedwatch/rules"
	"github.com/feedwatch/feedwatch/watchdog/delivery"
	"github.com/feedwatch/feedwatch/watchdog/engine"
	"github.com/feedwatch/feedwatch/watchdog/feed"
	"github.com/feedwatch/feedwatch/watchdog/store"
)

// boot starts the watchdog as cmd/feedwatch does.
func (s *sim) boot() {
	t := s.t
	p := &process{gate: &gate{sim: s, dead: make(chan struct{})}, ended: make(chan struct{})}
	p.ctx, p.stop = context.WithCancel(context.Background())
	s.mu.Lock()
	s.note("start")
	s.stats.starts++
	s.mu.Unlock()
	var back backend = s.disk
	if s.fleet.profile.sqlite {
		db, err := store.OpenSQLite(p.ctx, filepath.Join(s.dir, "state.db"), s.log)
		if err != nil {
			t.Fatal(err)
		}
		p.db, back = db, db
	}
	saved, err := back.Load(p.ctx)
	if err != nil {
		t.Fatal(err)
	}
	s.mu.Lock()
	s.oracle.restart(s.clock.now().Truncate(time.Millisecond), saved)
	s.mu.Unlock()
	keep := &conn{gate: p.gate, backend: back}
	destinations := s.world.destinations(p.gate)
	registry := prometheus.NewRegistry()
	p.delivery = delivery.New(delivery.Config{
		Destinations: destinations, Journal: keep, Log: s.log, Registerer: registry,
		Rand: rand.New(rand.NewPCG(s.seed, uint64(s.stats.starts))), Now: s.clock.now,
	})
	p.delivery.Restore(saved.Incidents, saved.Receipts)
	push := feed.Source{Name: feed.Push.Name, LagMax: s.pushLag()}
	pull := feed.Source{Name: pullName, LagMax: pullLag, Feed: s.fleet.pull}
	sources := []feed.Source{push}
	if s.fleet.pull != "" {
		sources = append(sources, pull)
	}
	p.engine, err = engine.New(p.ctx, engine.Config{
		Install: "sim", Sources: sources, Store: keep, Archive: keep, Delivery: p.delivery, Log: s.log, Registerer: registry,
		Now: s.clock.now, HeardThrough: s.heardThrough, TurnEvery: s.pushLag() * 9 / 10, FlushBlocksMax: 1,
	}, saved)
	if err != nil {
		t.Fatal(err)
	}
	all := make([]rules.Target, len(destinations))
	for i, d := range destinations {
		all[i] = d.Target
	}
	s.watch.restarted(saved)
	p.reloader = &engine.Reloader{Dir: s.dir, Files: os.DirFS(s.dir), Engine: p.engine, Targets: all, Log: s.log}
	if saved.Rules == nil && s.oracle.set == nil {
		s.write(s.set)
	}
	if err := p.reloader.Begin(p.ctx, saved.Rules); err != nil {
		t.Fatal(err)
	}
	s.mu.Lock()
	if s.oracle.set != nil { // who left a roster while we were down is seen to
		s.oracle.use(s.oracle.set)
	}
	s.oracle.use(s.set)
	s.mu.Unlock()
	go func() {
		_ = p.delivery.Run(p.ctx)
		close(p.ended)
	}()
	p.committed = p.engine.Commit(p.ctx)
	s.proc, s.starting = p, false
	p.asked = s.clock.now()
}
