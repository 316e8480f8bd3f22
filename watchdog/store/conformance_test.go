package store

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/feedwatch/feedwatch/watchdog"
	"github.com/feedwatch/feedwatch/watchdog/feed"
)

// contract is what every store does; testStore holds it to that.
type contract interface {
	Ledger(ctx context.Context, incident, after string, limit int) ([]watchdog.LedgerRow, error)
	LedgerTotals(ctx context.Context, feed, after string, limit int) ([]watchdog.LedgerTotal, error)
	Load(ctx context.Context) (*watchdog.Saved, error)
	SaveIncidents(ctx context.Context, incidents []*watchdog.Incident) error
	SaveBlocks(ctx context.Context, flush watchdog.Flush) error
	SaveRestart(ctx context.Context, r watchdog.Restart) error
	SaveReceipt(ctx context.Context, r watchdog.Receipt) error
	SaveSilence(ctx context.Context, s watchdog.Silence) error
	SaveRules(ctx context.Context, r watchdog.SavedRules) error
	Incident(ctx context.Context, id string) (*watchdog.Incident, error)
	Drills(ctx context.Context, limit int) ([]*watchdog.Incident, error)
	Prune(ctx context.Context, keep int, then feed.Instant) error
	Close() error
}

// place is where one store keeps its things: every call opens the same again.
// What a test leaves open the place closes at its end.
type place func() contract

// testStore runs the conformance suite; newPlace makes an empty place.
func testStore(t *testing.T, newPlace func(t *testing.T) place) {
	for _, c := range []struct {
		name string
		run  func(t *testing.T, open place)
	}{
		{"empty", testEmpty},
		{"everything comes back", testRoundTrip},
		{"a lower revision overwrites nothing", testRevisions},
		{"newest resolved", testNewestResolved},
		{"unwritable incident", testUnwritable},
		{"nil names keep what is saved", testNilNames},
		{"blocks that are gone", testGone},
		{"ledger", testLedger},
		{"receipts", testReceipts},
		{"drills", testDrills},
		{"silences", testSilences},
		{"prune", testPrune},
		{"restarts", testRestartsBounded},
		{"a grace never gets later", testGrace},
		{"callers take turns", testConcurrent},
		{"a cancelled call leaves the store usable", testCancelled},
		{"a call cut short is done whole or not at all", testCutShort},
	} {
		t.Run(c.name, func(t *testing.T) { c.run(t, newPlace(t)) })
	}
}

const day = feed.Instant(24 * time.Hour / time.Millisecond)

var base = feed.At(time.Date(2025, 11, 24, 0, 5, 0, 0, time.UTC))

func incident(n int, state watchdog.State, revision uint64) *watchdog.Incident {
	inc := &watchdog.Incident{
		ID:       fmt.Sprintf("%d-%04x", int64(base)+int64(n), n),
		Feed:     "external-profiles",
		Cause:    watchdog.CauseSilent,
		Opened:   base + feed.Instant(n),
		Seen:     base + feed.Instant(n) + 20,
		Anchor:   "external-profiles/acme",
		Revision: revision,
		State:    state,
		Scope:    watchdog.Scope{Silent: 1248, Of: 1248, Oldest: []watchdog.Example{{Client: "åcme <!channel>", Last: base - 300_000}}},
		Loss:     watchdog.Loss{Retention: 7 * 24 * time.Hour, Start: base - 300_000, Begins: base + 7*day},
		CatchUp:  &watchdog.CatchUp{Event: base, Speed: 8.25},
		Ack:      &watchdog.Ack{By: "on-call", At: base, Until: base + day, Silent: 1248},
		Events:   []watchdog.Event{{N: 1, At: base, Kind: watchdog.EventOpened, Note: "line\nbreak"}},
	}
	inc.Key = "fw/test/external-profiles/" + inc.ID
	if state == watchdog.StateResolved {
		inc.Resolved = base + day + feed.Instant(n)
	}
	return inc
}

func receipt(inc *watchdog.Incident, kind, op string) watchdog.Receipt {
	r := watchdog.Receipt{Incident: inc.ID, Op: op, Ref: "C1/1699.42", Revision: inc.Revision, At: base + 1}
	r.Target.Kind, r.Target.Name = kind, "cdp"
	return r
}

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func load(t *testing.T, s contract) *watchdog.Saved {
	t.Helper()
	saved, err := s.Load(t.Context())
	ok(t, err)
	return saved
}

func same(t *testing.T, what string, got, want any) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s:\n got %+v\nwant %+v", what, got, want)
	}
}

func testEmpty(t *testing.T, open place) {
	s := open()
	same(t, "empty", load(t, s), new(watchdog.Saved))
	_, err := s.Incident(t.Context(), "1-0")
	if !errors.Is(err, ErrNotFound) {
		t.Errorf("got %v, want ErrNotFound", err)
	}
	ok(t, s.SaveIncidents(t.Context(), nil))
	ok(t, s.Prune(t.Context(), 0, base))
	ok(t, s.Close())
}

func testRoundTrip(t *testing.T, open place) {
	ctx := t.Context()
	s := open()
	unresolved := incident(1, watchdog.StateAcknowledged, 7)
	resolved := incident(2, watchdog.StateResolved, math.MaxUint32)
	want := &watchdog.Saved{
		Blocks: []watchdog.BlockImage{
			{Feed: "a", Index: 0, Names: []byte("n0"), Marks: []byte("m0")},
			{Feed: "a", Index: 1, Names: []byte{0, 255}, Marks: []byte{1, 0, 2}},
			{Feed: "external-profiles", Index: 0, Names: []byte("n"), Marks: []byte("m")},
		},
		Through:   base,
		Restarts:  []watchdog.Restart{{At: base - 5, Through: 0}, {At: base, Through: base - 1}},
		Incidents: []*watchdog.Incident{unresolved, resolved},
		Receipts:  []watchdog.Receipt{receipt(unresolved, "pagerduty", "p1"), receipt(unresolved, "slack", "root"), receipt(resolved, "slack", "root")},
		Rules:     &watchdog.SavedRules{Version: "7f3a9c", At: base},
	}
	ok(t, s.SaveIncidents(ctx, []*watchdog.Incident{resolved, unresolved}))
	ok(t, s.SaveBlocks(ctx, watchdog.Flush{Blocks: want.Blocks, Through: base}))
	for _, r := range want.Receipts {
		ok(t, s.SaveReceipt(ctx, r))
	}
	ok(t, s.SaveRestart(ctx, want.Restarts[1]))
	ok(t, s.SaveRestart(ctx, want.Restarts[0]))
	ok(t, s.SaveRules(ctx, watchdog.SavedRules{Version: "old"}))
	ok(t, s.SaveRules(ctx, *want.Rules))
	same(t, "before closing", load(t, s), want)
	ok(t, s.Close())

	s = open()
	same(t, "after closing", load(t, s), want)
	one, err := s.Incident(ctx, resolved.ID)
	ok(t, err)
	same(t, "one incident", one, resolved)
}

func testRevisions(t *testing.T, open place) {
	ctx := t.Context()
	s := open()
	newer, older := incident(1, watchdog.StateResolved, 9), incident(1, watchdog.StateOpen, 8)
	again := incident(1, watchdog.StateResolved, 9)
	again.ResolvedBy = "said again"
	ok(t, s.SaveIncidents(ctx, []*watchdog.Incident{newer, older}))
	ok(t, s.SaveIncidents(ctx, []*watchdog.Incident{older}))
	got, err := s.Incident(ctx, newer.ID)
	ok(t, err)
	same(t, "newer", got, newer)
	ok(t, s.SaveIncidents(ctx, []*watchdog.Incident{again}))
	same(t, "the same revision again", load(t, s).Incidents, []*watchdog.Incident{again})
}

func testNewestResolved(t *testing.T, open place) {
	ctx := t.Context()
	s := open()
	var all []*watchdog.Incident
	for n := range 2*loadedResolvedMax + 1 {
		all = append(all, incident(n, watchdog.StateResolved, 1))
	}
	oldestOpen := incident(-5, watchdog.StateRecovering, 1)
	ok(t, s.SaveIncidents(ctx, append(all, oldestOpen)))
	ok(t, s.SaveReceipt(ctx, receipt(all[0], "slack", "root")))
	saved := load(t, s)
	if len(saved.Incidents) != 1+loadedResolvedMax {
		t.Fatalf("%d incidents come back, want %d", len(saved.Incidents), 1+loadedResolvedMax)
	}
	same(t, "open first", saved.Incidents[0], oldestOpen)
	same(t, "then the newest", saved.Incidents[1], all[len(all)-1])
	if len(saved.Receipts) != 0 {
		t.Errorf("the receipt of an incident that did not come back did: %v", saved.Receipts)
	}
}

func testUnwritable(t *testing.T, open place) {
	ctx := t.Context()
	s := open()
	good, bad := incident(1, watchdog.StateOpen, 1), incident(2, watchdog.StateOpen, 1)
	bad.CatchUp.Speed = math.NaN() // JSON has none
	err := s.SaveIncidents(ctx, []*watchdog.Incident{bad, good})
	if err == nil {
		t.Error("no error for an incident that cannot be written")
	}
	same(t, "the other one", load(t, s).Incidents, []*watchdog.Incident{good})
}

func testNilNames(t *testing.T, open place) {
	ctx := t.Context()
	s := open()
	ok(t, s.SaveBlocks(ctx, watchdog.Flush{Blocks: []watchdog.BlockImage{{Feed: "a", Index: 3, Names: []byte("names"), Marks: []byte("1")}}, Through: base}))
	ok(t, s.SaveBlocks(ctx, watchdog.Flush{Blocks: []watchdog.BlockImage{{Feed: "a", Index: 3, Marks: []byte("2")}}, Through: base + 1}))
	saved := load(t, s)
	same(t, "blocks", saved.Blocks, []watchdog.BlockImage{{Feed: "a", Index: 3, Names: []byte("names"), Marks: []byte("2")}})
	same(t, "through", saved.Through, base+1)
	ok(t, s.SaveBlocks(ctx, watchdog.Flush{Through: base + 2}))
	ok(t, s.SaveBlocks(ctx, watchdog.Flush{Blocks: []watchdog.BlockImage{{Feed: "a", Index: 3, Names: []byte{}, Marks: []byte{}}}, Through: base + 2}))
	saved = load(t, s)
	if len(saved.Blocks) != 1 || len(saved.Blocks[0].Names)+len(saved.Blocks[0].Marks) != 0 {
		t.Errorf("an empty block came back as %+v", saved.Blocks)
	}
	same(t, "through without blocks", saved.Through, base+2)
}

func testGone(t *testing.T, open place) {
	ctx := t.Context()
	s := open()
	block := func(feed string) watchdog.BlockImage {
		return watchdog.BlockImage{Feed: feed, Names: []byte("names of " + feed), Marks: []byte("1")}
	}
	ok(t, s.SaveBlocks(ctx, watchdog.Flush{Blocks: []watchdog.BlockImage{block("a"), block("b"), block("c")}, Through: base}))
	ok(t, s.SaveBlocks(ctx, watchdog.Flush{Gone: []string{"a", "b"}, Blocks: []watchdog.BlockImage{block("d")}})) // a part of a flush
	saved := load(t, s)
	same(t, "blocks", saved.Blocks, []watchdog.BlockImage{block("c"), block("d")})
	same(t, "through", saved.Through, base)
}

func testLedger(t *testing.T, open place) {
	ctx := t.Context()
	s := open()
	row := func(incident, client string, hours int) watchdog.LedgerRow {
		return watchdog.LedgerRow{
			Incident: incident, Feed: "f", Client: client, From: base, To: base.Add(time.Duration(hours) * time.Hour),
			AtRisk: hours > 2, Updates: float64(hours),
		}
	}
	unknown := row("i2", "b", 2)
	unknown.Updates, unknown.ByArrival = -1, true
	ok(t, s.SaveBlocks(ctx, watchdog.Flush{Ledger: []watchdog.LedgerRow{row("i1", "a", 9), row("i1", "b", 1), row("i1", "c", 1), unknown}}))
	ok(t, s.SaveBlocks(ctx, watchdog.Flush{Ledger: []watchdog.LedgerRow{row("i1", "a", 3)}}))
	rows, err := s.Ledger(ctx, "i1", "", 2)
	ok(t, err)
	same(t, "the first two", rows, []watchdog.LedgerRow{row("i1", "a", 3), row("i1", "b", 1)})
	rows, err = s.Ledger(ctx, "i1", "b", 2)
	ok(t, err)
	same(t, "the rest", rows, []watchdog.LedgerRow{row("i1", "c", 1)})
	totals, err := s.LedgerTotals(ctx, "f", "a", 10)
	ok(t, err)
	same(t, "totals", totals, []watchdog.LedgerTotal{
		{Client: "b", Incidents: 2, Lost: 3 * time.Hour, Updates: 1, Unknown: 1}, {Client: "c", Incidents: 1, Lost: time.Hour, Updates: 1},
	})
	again := row("i1", "b", 2) // it came back for an hour, and was silent again
	again.From, again.Updates = base.Add(time.Hour), -1
	later := row("i1", "c", 9)
	later.From = base.Add(8 * time.Hour)
	ok(t, s.SaveBlocks(ctx, watchdog.Flush{Ledger: []watchdog.LedgerRow{again, later}}))
	rows, err = s.Ledger(ctx, "i1", "a", 10)
	ok(t, err)
	b, c := row("i1", "b", 2), row("i1", "c", 9)
	b.Updates, c.Updates = 1, 10
	same(t, "lost in parts", rows, []watchdog.LedgerRow{b, c})
	totals, err = s.LedgerTotals(ctx, "f", "b", 10)
	ok(t, err)
	same(t, "totals of parts", totals, []watchdog.LedgerTotal{{Client: "c", Incidents: 1, Lost: 2 * time.Hour, Updates: 10, AtRisk: true}})
}

func testReceipts(t *testing.T, open place) {
	ctx := t.Context()
	s := open()
	inc := incident(1, watchdog.StateOpen, 1)
	ok(t, s.SaveIncidents(ctx, []*watchdog.Incident{inc}))
	first, second := receipt(inc, "slack", "root"), receipt(inc, "slack", "root")
	second.Revision, second.Ref, second.Dead, second.At = 12, "C2/1", "channel_not_found", base+9
	ok(t, s.SaveReceipt(ctx, first))
	ok(t, s.SaveReceipt(ctx, second))
	same(t, "receipts", load(t, s).Receipts, []watchdog.Receipt{second})
}

// silence is one that ends so long from now.
func silence(id string, ends time.Duration) watchdog.Silence {
	now := feed.At(time.Now())
	return watchdog.Silence{ID: id, Match: `cluster="fsn1"`, By: "anna", Comment: "moving\nracks", From: now - day, Until: now.Add(ends)}
}

func testSilences(t *testing.T, open place) {
	ctx := t.Context()
	s := open()
	holds, over, ended := silence("s-1", time.Hour), silence("s-2", -time.Second), silence("s-3", time.Hour)
	toCome := silence("s-4", 30*24*time.Hour)
	toCome.From = toCome.Until - day
	for _, one := range []watchdog.Silence{toCome, ended, over, holds} {
		ok(t, s.SaveSilence(ctx, one))
	}
	ended.Until, ended.EndedBy = feed.At(time.Now()), "bo"
	ok(t, s.SaveSilence(ctx, ended))
	ok(t, s.Close())
	s = open()
	same(t, "those that hold and those to come", load(t, s).Silences, []watchdog.Silence{holds, toCome})
	ok(t, s.Prune(ctx, 0, holds.Until+1))
	same(t, "after a prune", load(t, s).Silences, []watchdog.Silence{toCome})
}

func testPrune(t *testing.T, open place) {
	ctx := t.Context()
	s := open()
	for n := range 6 {
		state := watchdog.StateResolved
		if n == 0 {
			state = watchdog.StateOpen // the oldest, and still open
		}
		inc := incident(n, state, 1)
		ok(t, s.SaveIncidents(ctx, []*watchdog.Incident{inc}))
		ok(t, s.SaveReceipt(ctx, receipt(inc, "slack", "root")))
	}
	ok(t, s.Prune(ctx, 2, base))
	saved := load(t, s)
	var ids, receipts []string
	for _, inc := range saved.Incidents {
		ids = append(ids, inc.ID)
	}
	for _, r := range saved.Receipts {
		receipts = append(receipts, r.Incident)
	}
	id := func(n int) string { return incident(n, watchdog.StateOpen, 1).ID }
	same(t, "incidents", ids, []string{id(0), id(5), id(4)})
	same(t, "receipts", receipts, []string{id(0), id(4), id(5)})
	if _, err := s.Incident(ctx, id(3)); !errors.Is(err, ErrNotFound) {
		t.Errorf("pruned incident: got %v, want ErrNotFound", err)
	}
}

func testRestartsBounded(t *testing.T, open place) {
	ctx := t.Context()
	s := open()
	for n := range restartsMax + 10 {
		r := watchdog.Restart{At: base + feed.Instant(n)*1000, Through: base + feed.Instant(n)*1000 - 500}
		ok(t, s.SaveRestart(ctx, r))
	}
	all := load(t, s).Restarts
	if len(all) != restartsMax {
		t.Fatalf("%d restarts are kept, want %d", len(all), restartsMax)
	}
	if all[0].At != base+10_000 || all[0].Through != graceSpent {
		t.Errorf("the oldest is %+v: it should stand for those before it and give no grace", all[0])
	}
	last := base + feed.Instant(restartsMax+9)*1000
	same(t, "newest", all[len(all)-1], watchdog.Restart{At: last, Through: last - 500})
}

// graceEnd is the machine's rule: the first restart at or after the last arrival
// gives the grace, unless its Through has passed the deadline.
func graceEnd(restarts []watchdog.Restart, arrival, deadline feed.Instant) feed.Instant {
	for _, r := range restarts {
		if r.At < arrival {
			continue
		}
		if deadline <= r.Through {
			return 0
		}
		return r.At.Add(5 * time.Minute)
	}
	return 0
}

func testGrace(t *testing.T, open place) {
	s := open()
	random := rand.New(rand.NewPCG(2025, 11))
	var all []watchdog.Restart
	at := base
	for len(all) < restartsMax+20 {
		at += 1 + feed.Instant(random.IntN(400_000))
		r := watchdog.Restart{At: at, Through: at - feed.Instant(random.IntN(600_000))}
		all = append(all, r)
		ok(t, s.SaveRestart(t.Context(), r))
		if len(all) < restartsMax {
			continue
		}
		kept := load(t, s).Restarts
		for range 200 {
			arrival := base + feed.Instant(random.IntN(int(at-base+2_000_000))-1_000_000)
			if random.IntN(2) == 0 { // around the oldest, where dropping matters
				arrival = kept[0].At + feed.Instant(random.IntN(1_000_000)-500_000)
			}
			deadline := arrival + 1 + feed.Instant(random.IntN(3_600_000))
			if got, want := graceEnd(kept, arrival, deadline), graceEnd(all, arrival, deadline); got > want {
				t.Fatalf("arrival %v, deadline %v: grace ends %v, without dropping %v", arrival, deadline, got, want)
			}
		}
	}
}

func testConcurrent(t *testing.T, open place) {
	ctx := t.Context()
	s := open()
	inc := incident(1, watchdog.StateOpen, 1)
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			for n := range 10 {
				mine := incident(100*g+n, watchdog.StateOpen, 1)
				err := errors.Join(
					s.SaveIncidents(ctx, []*watchdog.Incident{mine}),
					s.SaveReceipt(ctx, receipt(inc, "slack", mine.ID)),
					s.SaveBlocks(ctx, watchdog.Flush{Blocks: []watchdog.BlockImage{{Feed: "a", Index: g, Names: []byte("n"), Marks: []byte("m")}}}),
				)
				if _, readErr := s.Incident(ctx, mine.ID); err != nil || readErr != nil {
					t.Error(err, readErr)
				}
			}
		})
	}
	wg.Wait()
	if saved := load(t, s); len(saved.Incidents) != 40 || len(saved.Blocks) != 4 {
		t.Errorf("%d incidents and %d blocks come back, want 40 and 4", len(saved.Incidents), len(saved.Blocks))
	}
}

func testCancelled(t *testing.T, open place) {
	s := open()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.SaveIncidents(ctx, []*watchdog.Incident{incident(1, watchdog.StateOpen, 1)}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
	ok(t, s.SaveIncidents(t.Context(), []*watchdog.Incident{incident(2, watchdog.StateOpen, 1)}))
	same(t, "incidents", load(t, s).Incidents, []*watchdog.Incident{incident(2, watchdog.StateOpen, 1)})
}

func testCutShort(t *testing.T, open place) {
	s := open()
	flush := func(n feed.Instant) watchdog.Flush {
		f := watchdog.Flush{Through: n}
		for i := range 200 {
			f.Blocks = append(f.Blocks, watchdog.BlockImage{Feed: "a", Index: i, Names: []byte("names"), Marks: fmt.Appendf(nil, "%d", n)})
		}
		return f
	}
	ok(t, s.SaveBlocks(t.Context(), flush(1)))
	acknowledged := feed.Instant(1)
	for n := feed.Instant(2); n < 30; n++ {
		ctx, cancel := context.WithTimeout(t.Context(), time.Duration(n)*200*time.Microsecond)
		err := s.SaveBlocks(ctx, flush(n))
		cancel()
		saved := load(t, s)
		if err == nil {
			acknowledged = n
		}
		if saved.Through < acknowledged || len(saved.Blocks) != 200 {
			t.Fatalf("flush %d is acknowledged; %d blocks go through %d", acknowledged, len(saved.Blocks), saved.Through)
		}
		for _, b := range saved.Blocks {
			same(t, "block", string(b.Marks), fmt.Sprint(int64(saved.Through)))
		}
	}
}
