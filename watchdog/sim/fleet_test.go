package sim

import (
	"fmt"
	"math/rand/v2"
	"time"
)

// fleet is what exists and what will happen to it, from a seed.
type fleet struct {
	length  time.Duration
	set     setSpec
	series  []*series
	byFeed  map[string][]*series
	profile profile
	outages []outage
	mishaps []mishap
	pull    string // the feed that is read through the pull source; "": none
	wide    bool   // its feeds have many clients
}

// series is one client of one feed, and how its updates are made.
type series struct {
	feed, client string
	labels       map[string]string
	every        time.Duration // between two updates; 0: by cron
	cron         *cronSpec
	wobble       float64 // share of every by which an update may be off
	events       bool    // says event times
	begins       time.Duration
	reader       reader // the feeder's queue
}

func (s *series) name() string { return s.feed + "/" + s.client }

// profile says what goes wrong besides the feeds.
type profile struct {
	crashes, notifiers, store, clock, blind, edits, people, holds bool
	sqlite                                                        bool
}

func (p profile) String() string {
	out := ""
	for _, part := range []struct {
		name string
		on   bool
	}{{"crashes", p.crashes}, {"notifiers", p.notifiers}, {"store", p.store}, {"clock", p.clock}, {"blind", p.blind}, {"edits", p.edits}, {"people", p.people}, {"holds", p.holds}, {"sqlite", p.sqlite}} {
		if part.on {
			out += " " + part.name
		}
	}
	return out
}

// outage takes some series out for a time.
type outage struct {
	begin, end time.Duration
	feed       string
	label      string // "", or "cluster=a"; with client "" and label "" the whole feed
	client     string
	kind       string  // "silent", "behind", "frozen"
	speed      float64 // how fast a backlog is worked off; 0: in a burst
}

func (o *outage) hits(s *series) bool {
	probe := ruleSpec{match: o.label}
	return o.feed == s.feed && probe.matches(s) && (o.client == "" || o.client == s.client)
}

func (o *outage) String() string {
	whom := "everyone"
	switch {
	case o.client != "":
		whom = o.client
	case o.label != "":
		whom = o.label
	}
	return fmt.Sprintf("outage (%s) of %s in %s for %s, then at speed %.1f", o.kind, whom, o.feed, o.end-o.begin, o.speed)
}

// mishap is a time in which something of ours goes wrong.
type mishap struct {
	begin, end time.Duration
	kind       string
	amount     float64
	of         picks // of a silence
}

// settling is how long the end of a run is calm, so that all that is open can end.
const settling = 40 * time.Hour

func newFleet(seed uint64, longest time.Duration) *fleet {
	dice := rand.New(rand.NewPCG(seed, 0xF1EE7))
	fl := &fleet{byFeed: map[string][]*series{}}
	fl.length = longest/4 + time.Duration(dice.Int64N(int64(longest*3/4)))
	fl.profile = drawProfile(dice, fl.length)
	fl.set.ladders = append(fl.set.ladders, drawLadder(dice, "on-call"))
	more := rand.New(rand.NewPCG(seed, 0x3013))
	fl.wide = more.IntN(10) == 0
	for i := range 1 + dice.IntN(2) {
		fl.addFeed(dice, fmt.Sprintf("feed%d", i))
	}
	if fl.profile.blind && dice.IntN(2) == 0 {
		fl.pull = fl.set.feeds[0].name
	}
	for i := range fl.set.feeds {
		fl.drawOutages(dice, &fl.set.feeds[i])
	}
	fl.drawMishaps(dice)
	fl.drawForgetting(more)
	fl.drawHolds(rand.New(rand.NewPCG(seed, 0x401D)))
	return fl
}

func drawProfile(dice *rand.Rand, length time.Duration) profile {
	p := profile{people: dice.IntN(3) > 0, edits: dice.IntN(3) == 0}
	switch dice.IntN(8) {
	case 0:
	case 1, 2:
		p.crashes = true
	case 3:
		p.notifiers = true
	case 4:
		p.store = true
	case 5:
		p.clock = true
	case 6:
		p.blind = true
	case 7:
		p.crashes, p.notifiers, p.store, p.clock, p.blind = true, true, true, true, true
	}
	p.sqlite = length <= 4*24*time.Hour && dice.IntN(12) == 0
	return p
}

func drawLadder(dice *rand.Rand, name string) ladderSpec {
	l := ladderSpec{name: name, steps: []stepSpec{{notify: []string{"slack/alerts"}}}}
	if dice.IntN(2) == 0 {
		l.steps[0].notify = append(l.steps[0].notify, "pagerduty/cdp")
	}
	if dice.IntN(4) == 0 {
		l.steps[0].after = time.Duration(1+dice.IntN(10)) * time.Minute
	}
	if dice.IntN(4) > 0 {
		l.steps = append(l.steps, stepSpec{after: time.Duration(11+dice.IntN(60)) * time.Minute, notify: []string{"pagerduty/cdp"}})
	}
	if dice.IntN(2) == 0 {
		s := stepSpec{after: time.Duration(80+dice.IntN(200)) * time.Minute, notify: []string{"pagerduty/infrastructure", "slack/incidents"}}
		if dice.IntN(2) == 0 {
			s.repeat = time.Duration(4+dice.IntN(20)) * time.Hour
		}
		l.steps = append(l.steps, s)
	}
	return l
}

// addFeed adds a feed with its clients. Within a tier all update equally often.
func (fl *fleet) addFeed(dice *rand.Rand, name string) {
	f := feedSpec{name: name, escalation: "on-call"}
	if dice.IntN(3) > 0 {
		f.retention = time.Duration(1+dice.IntN(7)) * 24 * time.Hour
	}
	gold, free := fl.drawPeriod(dice), fl.drawPeriod(dice)
	batch := dice.IntN(3) == 0
	events := dice.IntN(2) == 0
	clients := 3 + dice.IntN(13)
	if fl.wide {
		clients += 17 // enough for one of them to be a straggler
	}
	clusters := []string{"a", "b", "c"}[:1+dice.IntN(3)]
	longest := max(gold, free)
	cron := &cronSpec{hour: dice.IntN(24), minute: dice.IntN(60), early: 30 * time.Minute, grace: time.Duration(10+dice.IntN(120)) * time.Minute}
	if dice.IntN(3) == 0 {
		cron.hour, cron.early, cron.grace = -1, 10*time.Minute, time.Duration(5+dice.IntN(20))*time.Minute
	}
	for i := range clients {
		s := &series{
			feed: name, client: fmt.Sprintf("c%02d", i), events: events, wobble: 0.05,
			labels: map[string]string{"cluster": clusters[dice.IntN(len(clusters))], "tier": "gold"},
		}
		s.every = gold
		switch n := dice.IntN(6); {
		case i > 0 && n < 3:
			s.labels["tier"], s.every = "free", free
		case i > 0 && n == 3 && batch:
			s.labels["tier"], s.every, s.cron = "batch", 0, cron
		}
		s.begins = time.Duration(dice.Int64N(int64(max(s.every, time.Minute))))
		if dice.IntN(4) == 0 {
			f.roster = append(f.roster, s)
			if dice.IntN(3) == 0 {
				s.begins += time.Duration(dice.Int64N(int64(3 * longest)))
			}
		}
		s.begins = min(s.begins, fl.length)
		fl.series = append(fl.series, s)
		fl.byFeed[name] = append(fl.byFeed[name], s)
	}
	times := func(every time.Duration) time.Duration {
		return (every*time.Duration(13+dice.IntN(20))/10 + time.Minute).Truncate(time.Second)
	}
	resolve := time.Duration(1+dice.IntN(10)) * time.Minute
	client := func(name, match string, stale time.Duration) ruleSpec {
		r := ruleSpec{name: name, per: "client", match: match, stale: stale, resolve: resolve, severity: []string{"error", "warning", "critical"}[dice.IntN(3)]}
		if dice.IntN(3) == 0 {
			r.warn = stale * 9 / 10
		}
		return r
	}
	f.rules = append(f.rules, ruleSpec{name: "whole", per: "feed", stale: times(gold), resolve: resolve, severity: "critical"})
	if dice.IntN(3) == 0 {
		f.rules = append(f.rules, ruleSpec{name: "cluster", per: "cluster", stale: times(max(longest, 25*time.Hour)), resolve: resolve, severity: "error"})
	}
	if batch {
		f.rules = append(f.rules, ruleSpec{name: "batch", per: "client", match: "tier=batch", cron: cron, resolve: resolve, severity: "error"})
	}
	f.rules = append(f.rules, client("gold", "tier=gold", times(gold)), client("everyone", "", times(free)))
	for i := range f.rules {
		f.rules[i].stem = f.rules[i].name
	}
	fl.set.feeds = append(fl.set.feeds, f)
}

func (fl *fleet) drawPeriod(dice *rand.Rand) time.Duration {
	choices := []time.Duration{2 * time.Hour, 3 * time.Hour, 6 * time.Hour, 6 * time.Hour, 12 * time.Hour, 12 * time.Hour, 24 * time.Hour, 24 * time.Hour}
	if fl.length <= 60*24*time.Hour {
		choices = append(choices, time.Hour)
	}
	if fl.length <= 4*24*time.Hour && !fl.wide {
		choices = append(choices, 10*time.Minute, 20*time.Minute, time.Hour, time.Hour)
	}
	if fl.length <= 2*24*time.Hour && !fl.wide {
		choices = append(choices, time.Minute, 5*time.Minute)
	}
	return choices[dice.IntN(len(choices))]
}

func (fl *fleet) drawOutages(dice *rand.Rand, f *feedSpec) {
	at := time.Duration(0)
	for {
		at += time.Duration(dice.ExpFloat64() * float64(min(fl.length/4, 12*24*time.Hour)))
		if at >= fl.length {
			return
		}
		o := outage{feed: f.name, begin: at, kind: "silent", speed: []float64{0, 1.5, 3, 10}[dice.IntN(4)]}
		longest := f.rules[dice.IntN(len(f.rules))].allows()
		o.end = min(at+time.Duration((0.3+dice.ExpFloat64()*2)*float64(longest)), fl.length)
		if f.retention > 0 && dice.IntN(4) == 0 {
			o.end = min(at+time.Duration(float64(f.retention)*(0.8+dice.Float64())), fl.length)
		}
		victims := fl.of(f.name)
		victim := victims[dice.IntN(len(victims))]
		switch dice.IntN(6) {
		case 0, 1:
		case 2:
			o.label = "cluster=" + victim.labels["cluster"]
		case 3:
			o.label = "tier=" + victim.labels["tier"]
		default:
			o.client = victim.client
		}
		if victim.events && dice.IntN(5) == 0 {
			o.kind = []string{"behind", "frozen"}[dice.IntN(2)]
		}
		fl.outages = append(fl.outages, o)
	}
}

// of are the series of a feed.
func (fl *fleet) of(name string) []*series { return fl.byFeed[name] }

// drawMishaps plans what goes wrong on our side.
func (fl *fleet) drawMishaps(dice *rand.Rand) {
	draw := func(on bool, often time.Duration, longest time.Duration, kind string, amount func() float64) {
		if !on {
			return
		}
		for at := time.Duration(dice.ExpFloat64() * float64(often)); at < fl.length; at += time.Duration(dice.ExpFloat64() * float64(often)) {
			m := mishap{begin: at, kind: kind, amount: amount()}
			m.end = min(at+time.Duration(dice.Float64()*float64(longest)), fl.length)
			fl.mishaps = append(fl.mishaps, m)
			at = m.end
		}
	}
	p := &fl.profile
	often := min(fl.length/6, 5*24*time.Hour)
	draw(p.crashes, often/2, 0, "crash", func() float64 { return []float64{0, 0, 1, 30, 600, 7200}[dice.IntN(6)] })
	draw(p.crashes, often, time.Hour, "crashes at any point", func() float64 { return []float64{0.02, 0.05, 0.15}[dice.IntN(3)] })
	for _, target := range targets {
		draw(p.notifiers, often*2, 6*time.Hour, "trouble "+target, func() float64 { return []float64{0.2, 0.5, 0.9}[dice.IntN(3)] })
		draw(p.notifiers, often*3, 8*time.Hour, "refused "+target, func() float64 { return 1 })
		draw(p.notifiers, often*3, 8*time.Hour, "slow "+target, func() float64 { return float64(1 + dice.IntN(40)) })
	}
	for _, target := range targets[2:] {
		draw(p.notifiers, often*3, 4*time.Hour, "swallows "+target, func() float64 { return 1 })
		draw(p.notifiers, often*3, time.Hour, "drops "+target, func() float64 { return 1 })
	}
	draw(p.store, often, 2*time.Hour, "store fails", func() float64 { return []float64{0.5, 1}[dice.IntN(2)] })
	draw(p.store, often, 4*time.Hour, "store slow", func() float64 { return float64(dice.IntN(4)) })
	draw(p.clock, often, 0, "clock", func() float64 { return dice.NormFloat64() * 60 })
	draw(p.clock, often*2, 0, "asleep", func() float64 { return float64(20 + dice.IntN(3*3600)) })
	draw(p.blind, often, 3*time.Hour, "deaf", func() float64 { return 0 })
	draw(p.blind, often, 6*time.Hour, "pull fails", func() float64 { return 0 })
	draw(p.edits, often, 0, "edit", func() float64 { return 0 })
}

// drawForgetting lets some rules forget who was not seen for long.
func (fl *fleet) drawForgetting(dice *rand.Rand) {
	for i := range fl.set.feeds {
		for j := range fl.set.feeds[i].rules {
			if r := &fl.set.feeds[i].rules[j]; r.per == "client" && r.cron == nil && dice.IntN(6) == 0 {
				r.forget = r.stale * time.Duration(4+dice.IntN(6))
			}
		}
	}
}

// drawHolds draws what keeps pages back.
func (fl *fleet) drawHolds(dice *rand.Rand) {
	if dice.IntN(2) == 0 {
		return
	}
	fl.profile.holds = true
	if len(fl.set.feeds) > 1 && dice.IntN(2) == 0 {
		fl.set.feeds[1].dependsOn = fl.set.feeds[0].name
	}
	for i := range dice.IntN(3) {
		m := maintenanceSpec{name: fmt.Sprintf("window%d", i), of: fl.drawPicks(dice), at: cronSpec{hour: dice.IntN(24), minute: dice.IntN(60)}}
		m.lasts = time.Duration(10+dice.IntN(600)) * time.Minute
		if dice.IntN(4) == 0 {
			m.at.hour, m.lasts = -1, time.Duration(1+dice.IntN(50))*time.Minute
		}
		fl.set.maintenances = append(fl.set.maintenances, m)
	}
	silence := func(at time.Duration, of picks, last float64) {
		m := mishap{begin: at, end: at + min(time.Minute+time.Duration(last), 30*day), kind: "silence", of: of}
		if dice.IntN(4) == 0 {
			m.amount = float64(dice.IntN(7200))
		}
		fl.mishaps = append(fl.mishaps, m)
		if dice.IntN(5) == 0 {
			early := at + time.Duration(dice.Float64()*float64(m.end-at))
			fl.mishaps = append(fl.mishaps, mishap{begin: early, end: early, kind: "end silence"})
		}
	}
	for i := range fl.outages {
		o := &fl.outages[i]
		if dice.IntN(2) == 0 {
			of := picks{o.feed, o.label}
			if o.client != "" {
				of.match = "client=" + o.client
			}
			if dice.IntN(3) == 0 {
				of = fl.drawPicks(dice)
			}
			silence(max(0, o.begin+time.Duration((dice.Float64()*1.6-0.3)*float64(o.end-o.begin))), of, dice.ExpFloat64()*float64(o.end-o.begin))
		}
	}
	often := min(fl.length/4, 10*day)
	for at := time.Duration(0); at < fl.length; at += time.Duration(dice.ExpFloat64() * float64(often)) {
		silence(at, fl.drawPicks(dice), dice.ExpFloat64()*float64(often)/3)
	}
}

func (fl *fleet) drawPicks(dice *rand.Rand) picks {
	s := fl.series[dice.IntN(len(fl.series))]
	switch dice.IntN(6) {
	case 0, 1:
		return picks{s.feed, ""}
	case 2:
		return picks{"", "cluster=" + s.labels["cluster"]}
	case 3:
		return picks{"", "tier=" + s.labels["tier"]}
	case 4:
		return picks{s.feed, "tier=" + s.labels["tier"]}
	default:
		return picks{s.feed, "client=" + s.client}
	}
}

// targets are the destinations that exist.
var targets = []string{"slack/alerts", "slack/incidents", "pagerduty/cdp", "pagerduty/infrastructure"}
