package sim

import (
	"slices"
	"time"

	"github.com/feedwatch/feedwatch/watchdog"
)

// toldInTime: what is to be told is told soon, once nothing of ours is wrong.
func (w *watcher) toldInTime() {
	for kind := range w.sim.trouble {
		if kind != "deaf" && kind != "pull fails" {
			return
		}
	}
	within := 30 * time.Second
	if p := w.profile(); p.notifiers || p.store || p.crashes {
		within = 11 * time.Minute
	}
	for _, l := range w.lives {
		if l.last.State == watchdog.StateResolved {
			continue
		}
		for i, seen := range l.told {
			key := l.last.PageKey(i + 1)
			if w.world.pages[key] == nil && !w.world.swallowed[key] && w.clock.truth().Sub(later(seen, w.calm)) > within {
				w.wrong("%s (%s) was to be told at %v and reached nobody", key, l.last.Pages[i].Reason, seen)
			}
		}
	}
}

// restarted takes what the process finds.
func (w *watcher) restarted(saved *watchdog.Saved) {
	w.started = w.clock.now()
	w.must = nil
	clear(w.overdue)
	clear(w.silent)
	durable := map[string]*watchdog.Incident{}
	for _, inc := range saved.Incidents {
		durable[inc.ID] = inc
		if inc.State != watchdog.StateResolved {
			w.must = append(w.must, inc.ID)
		}
	}
	w.forget(durable)
	for id, l := range w.lives {
		if durable[id] == nil && (l.last.State != watchdog.StateResolved || w.profile().store) {
			delete(w.lives, id) // it was never durable
			continue
		}
		if inc := durable[id]; inc != nil {
			l.last = inc
			if w.profile().store && !saved.Through.Time().After(w.started) { // that the clock was set back may not have been durable
				moved := *l.first
				moved.Opened = inc.Opened
				l.first = &moved
			}
			l.told = l.told[:min(len(l.told), len(inc.Pages))]
			if l.events > len(inc.Events) { // what was said was not durable: it is said anew
				l.events, l.again = len(inc.Events), time.Time{}
			}
			if l.ack.After(w.started) && inc.Ack == nil && inc.State != watchdog.StateResolved && len(inc.Pages) <= l.ackPages {
				w.wrong("%s: the acknowledgement until %v was answered and is not durable", id, l.ack)
			}
		}
	}
}

// forget: pages that were sent although no commit succeeded, and that a crash then
// made us forget, may be told again. Without a store that fails there are none.
func (w *watcher) forget(durable map[string]*watchdog.Incident) {
	for key, t := range w.world.pages {
		inc := durable[t.incident]
		if inc == nil && w.lives[t.incident] != nil && w.lives[t.incident].last.State == watchdog.StateResolved {
			continue // long over
		}
		if inc != nil && slices.ContainsFunc(inc.Pages, func(p watchdog.Page) bool { return inc.PageKey(p.N) == key }) {
			continue
		}
		if !w.profile().store {
			w.wrong("%s was told and is not durable", key)
		}
		w.note("%s was told and is forgotten", key)
		delete(w.world.pages, key)
		w.world.forgotten[t.incident] = true
		w.stats.forgotten++
	}
	if !w.profile().store {
		return
	}
	for _, c := range w.world.channels { // the same of events that are no pages
		for id, r := range c.roots {
			if inc := durable[id]; inc == nil || r.newest > len(inc.Events) {
				w.world.forgotten[id] = true
			}
		}
	}
}

// end: all is well again, and everybody knows.
func (w *watcher) end() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, inc := range w.incidents() {
		if inc.State != watchdog.StateResolved {
			w.wrong("in the end %s of %s is %s", inc.ID, inc.Feed, inc.State)
		}
	}
	w.checkLedger()
	for _, d := range w.proc.delivery.Status() {
		if d.Pending > 0 {
			w.wrong("in the end: %+v", d)
		}
	}
	for name, p := range w.world.pagers {
		for key, all := range p.alerts {
			if n := len(all); n > 0 && !all[n-1].resolved && !w.world.forgotten[all[0].incident] {
				w.wrong("in the end the alert %s is open at %s", key, name)
			}
		}
	}
	for name, c := range w.world.channels {
		for id, r := range c.roots {
			if r.message != nil && r.message.live && r.state != watchdog.StateResolved && !w.world.forgotten[id] {
				w.wrong("in the end %s shows %s as %s", name, id, r.state)
			}
		}
	}
}
