package replay

import (
	"github.com/feedwatch/feedwatch/rules"
	"github.com/feedwatch/feedwatch/watchdog"
)

// fired remembers which rules ever had anything in trouble. An incident names one
// of its rules only; so at each change of one the clients in trouble are looked at,
// until each client rule of the feed is known to have had one.
type fired struct {
	lane *lane
	by   map[string]map[string]bool // rules by feed; false: not yet
}

func newFired(l *lane) *fired {
	f := &fired{lane: l, by: map[string]map[string]bool{}}
	for _, feed := range l.set.Feeds() {
		f.by[feed.Name()] = map[string]bool{}
		for _, r := range feed.ClientRules() {
			f.by[feed.Name()][r.Name()] = false
		}
	}
	return f
}

// changed looks at what an incident is now.
func (f *fired) changed(inc *watchdog.Incident) {
	of := f.by[inc.Feed]
	if of == nil {
		return // no rule names the feed
	}
	of[inc.Rule] = true
	for _, v := range []watchdog.Verdict{watchdog.Stale, watchdog.Frozen, watchdog.FallingBehind, watchdog.Trickling} {
		if f.all(of) {
			return
		}
		for c := range f.lane.clients(watchdog.ClientQuery{Feed: inc.Feed, Verdict: v}) {
			of[c.Rule] = true
		}
	}
}

func (f *fired) all(of map[string]bool) bool {
	for _, yes := range of {
		if !yes {
			return false
		}
	}
	return true
}

// Fired says that the rule had a client in trouble, or opened an incident; only
// with Plan.Fired.
func (b *Backtest) Fired(feed string, r *rules.Rule) bool {
	return b.lane.fired != nil && b.lane.fired.by[feed][r.Name()]
}
