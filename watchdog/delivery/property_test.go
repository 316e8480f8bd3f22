package delivery

import (
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"pgregory.net/rapid"

	"github.com/feedwatch/feedwatch/rules"
	"github.com/feedwatch/feedwatch/watchdog"
	"github.com/feedwatch/feedwatch/watchdog/bubble"
)

// step is one thing that happens in a history.
type step struct {
	what     string
	incident int
	targets  []rules.Target
	waits    time.Duration
	lost     int // of a crash: how many of the newest receipts are gone
}

var everyTarget = []rules.Target{pager, slackA, slackB}

func drawSteps(t *rapid.T) []step {
	one := rapid.Custom(func(t *rapid.T) step {
		return step{
			what: rapid.SampledFrom([]string{
				"page", "page", "linked", "storm", "ack", "hold", "release", "grow", "look", "resolve", "crash", "delete", "break", "mend", "calm",
			}).Draw(t, "what"),
			incident: rapid.IntRange(0, 4).Draw(t, "incident"),
			targets:  rapid.SliceOfNDistinct(rapid.SampledFrom(everyTarget), 1, 3, rapid.ID[rules.Target]).Draw(t, "targets"),
			waits:    time.Duration(rapid.SampledFrom([]int{0, 1, 2, 30, 1000}).Draw(t, "waits")) * time.Second,
			lost:     rapid.IntRange(0, 10).Draw(t, "lost"),
		}
	})
	return rapid.SliceOfN(one, 1, 25).Draw(t, "steps")
}

// history runs steps against a world, restarting the delivery at each crash.
type history struct {
	world     *world
	journal   *memory
	seed      uint64
	trouble   float64
	incidents []*life
	*bench
}

func newHistory(seed uint64, trouble float64) *history {
	return &history{
		world: &world{
			seed: seed, tries: map[string]int{}, trouble: trouble, broken: map[string]bool{},
			alerts: map[string]string{}, threads: map[string]*seenThread{}, byRef: map[string]*seenThread{}, roots: map[string]int{}, told: map[string]bool{},
		},
		journal: &memory{}, seed: seed, trouble: trouble, incidents: make([]*life, 14),
	}
}

func (h *history) boot() {
	dests := []Destination{
		{Target: pager, Notifier: &place{world: h.world, target: pager, shape: Alerts}, Limits: Limits{SendsPerMinute: 20}},
		{Target: slackA, Notifier: &place{world: h.world, target: slackA, shape: Thread}, Limits: Limits{SendEvery: time.Second, UpdateEvery: 5 * time.Second, UpdatesPerMinute: 40}},
		{Target: slackB, Notifier: &place{world: h.world, target: slackB, shape: Thread, plain: true}},
	}
	h.bench = &bench{Delivery: New(Config{
		Destinations: dests, Journal: h.journal, Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
		Registerer: prometheus.NewRegistry(), Rand: rand.New(rand.NewPCG(h.seed, 1)), Now: time.Now,
	}), journal: h.journal}
	var pictures []*watchdog.Incident
	for _, l := range h.incidents {
		if l != nil {
			pictures = append(pictures, l.picture())
		}
	}
	h.Restore(pictures, h.journal.saved())
	h.start()
}

// aheadOf says that the receipt is durable before anything is sent for it.
func aheadOf(op string) bool {
	return strings.HasSuffix(op, "/failover") || op == digestName || op == joinedName
}

// crash loses the newest receipts, but no decision.
func (h *history) crash(lost int) {
	h.stop()
	kept := h.journal.saved()
	for lost > 0 && len(kept) > 0 && !aheadOf(kept[len(kept)-1].Op) {
		kept, lost = kept[:len(kept)-1], lost-1
	}
	h.journal.receipts = kept
	h.boot()
}

func (h *history) do(s step) {
	l := h.incidents[s.incident]
	if l != nil && l.now.State == watchdog.StateResolved && s.what != "crash" {
		return
	}
	switch s.what {
	case "crash":
		h.crash(s.lost)
	case "break":
		h.world.set(h.trouble, s.targets...)
	case "mend":
		h.world.set(h.trouble)
	case "calm":
		h.calm()
	case "delete":
		h.world.deleteRoot(fmt.Sprintf("%s %d", slackA, s.incident))
	case "storm":
		h.storm(s.targets)
	case "page", "linked":
		if l == nil {
			l = opened(fmt.Sprint(s.incident), rules.Error, s.targets...)
			if s.what == "linked" {
				for _, other := range h.incidents {
					if other != nil {
						l.now.Linked = append(l.now.Linked, watchdog.Link{ID: other.now.ID})
					}
				}
			}
			h.incidents[s.incident] = l
		} else {
			l.page(s.targets...)
		}
		h.show(l)
	default:
		if l == nil {
			return
		}
		switch s.what {
		case "ack":
			l.ack()
		case "hold":
			l.hold()
		case "release":
			l.release()
		case "grow":
			l.event(watchdog.EventScope, 0)
		case "look":
			l.now.Revision++
		case "resolve":
			l.resolve()
		}
		h.show(l)
	}
	after(s.waits)
}

// storm opens whatever is not open yet, half of it a little later.
func (h *history) storm(targets []rules.Target) {
	for i := range h.incidents {
		if h.incidents[i] == nil {
			h.incidents[i] = opened(fmt.Sprint(i), rules.Error, targets...)
			h.show(h.incidents[i])
		}
		if i == len(h.incidents)/2 {
			after(3 * time.Second)
		}
	}
}

// calm lets nothing fail for long enough that all is tried again; then nobody may
// have missed a page.
func (h *history) calm() {
	h.world.set(0)
	after(3 * time.Hour)
	h.world.mu.Lock()
	defer h.world.mu.Unlock()
	for _, l := range h.incidents {
		if l == nil || l.now.State == watchdog.StateResolved {
			continue
		}
		for _, p := range l.now.Pages {
			if key := l.now.PageKey(p.N); !h.world.told[key] {
				h.world.complain("%s reached nobody", key)
			}
		}
	}
	h.world.trouble = h.trouble
}

// end resolves everything in calm weather and checks what people see then.
func (h *history) end() []string {
	h.calm()
	for _, l := range h.incidents {
		if l != nil && l.now.State != watchdog.StateResolved {
			h.show(l.resolve())
		}
	}
	h.calm()
	h.stop()
	for _, st := range h.Status() {
		if st.Pending != 0 { // it may still be parked: there was nothing to probe it with
			h.world.complain("in the end: %+v", st)
		}
	}
	if len(h.known) != 0 {
		h.world.complain("%d incidents are not let go", len(h.known))
	}
	for key, state := range h.world.alerts {
		if state != "resolved" {
			h.world.complain("%s is still open", key)
		}
	}
	h.shown()
	for name, th := range h.world.threads { // who takes over an earlier page hears more of what was before
		for id, disorder := range th.disorder {
			if strings.HasSuffix(name, " "+id) && !h.tookOver(name) {
				h.world.complain("%s", disorder)
			}
		}
	}
	return h.world.wrong
}

func (h *history) tookOver(name string) bool {
	for _, r := range h.journal.saved() {
		if r.Target.String()+" "+r.Incident == name && strings.HasSuffix(r.Op, "/failover") {
			return true
		}
	}
	return false
}

// shown checks that each thread shows the end, but where it was given up.
func (h *history) shown() {
	for _, l := range h.incidents {
		if l == nil {
			continue
		}
		name := slackB.String() + " " + l.now.ID // where nobody deletes anything and every payload is accepted
		if th := h.world.threads[name]; th != nil && (h.world.roots[name] != 1 || th.showing[l.now.ID] != l.now.Revision) {
			h.world.complain("%s: %d roots, shows revision %d of %d", name, h.world.roots[name], th.showing[l.now.ID], l.now.Revision)
		}
		name = slackA.String() + " " + l.now.ID
		if th := h.world.threads[name]; th != nil && th.live && !th.gaps && th.showing[l.now.ID] != l.now.Revision {
			h.world.complain("%s shows revision %d of %d", name, th.showing[l.now.ID], l.now.Revision)
		}
	}
}

// Whatever fails and wherever the process is killed: in the end every accepted
// trigger is resolved, none comes after its resolve, a thread has one root and
// its replies in order, nobody missed a page, and nothing is pending.
func TestWhateverFailsTheWorldEndsRight(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		steps := drawSteps(rt)
		seed := rapid.Uint64().Draw(rt, "seed")
		trouble := rapid.SampledFrom([]float64{0, 0.2, 0.6}).Draw(rt, "trouble")
		var wrong []string
		bubble.Test(t, func(*testing.T) {
			h := newHistory(seed, trouble)
			h.boot()
			for _, s := range steps {
				h.do(s)
			}
			wrong = h.end()
		})
		if len(wrong) > 0 {
			rt.Fatalf("%s", strings.Join(wrong, "\n"))
		}
	})
}

// Of two that share a thread and were resolved, one is told and the process killed
// before the other was: at the next start the first must not take the second with it.
func TestWhatIsOverLetsNobodyGoWhoIsNot(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		h := newHistory(0, 0)
		h.boot()
		both := []rules.Target{slackB, pager}
		for _, s := range []step{
			{what: "page", incident: 1, targets: both[:1]},
			{what: "linked", incident: 3, targets: both},
			{what: "resolve", incident: 1, waits: 30 * time.Second},
			{what: "break", targets: both}, // nothing arrives before the crash
			{what: "resolve", incident: 3},
			{what: "crash"},
			{what: "mend"},
		} {
			h.do(s)
		}
		for _, wrong := range h.end() {
			t.Error(wrong)
		}
	})
}
