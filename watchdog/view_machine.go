package watchdog

import (
	"maps"
	"slices"

	"github.com/feedwatch/feedwatch/watchdog/feed"
)

// Feeds are the aggregates of every feed, in order of first mention. It reads the
// arrivals of the blocks that changed: call it when somebody asks, not on each Step.
func (m *Machine) Feeds() []FeedView {
	views := make([]FeedView, 0, len(m.order))
	for _, f := range m.order {
		views = append(views, m.feedView(f))
	}
	return views
}

func (m *Machine) feedView(f *feedState) FeedView {
	v := FeedView{Name: f.name, Watched: f.spec != nil, ByVerdict: f.clients, BelowQuorum: f.belowQuorum()}
	if f.spec != nil {
		v.Description, v.Owner, v.Runbook = f.spec.Description(), f.spec.Owner(), f.spec.Runbook()
		v.Retention = f.spec.Retention()
	}
	m.overlayBlind(f, &v.ByVerdict)
	for _, n := range f.clients {
		v.Clients += n
	}
	f.newestAndOldest(&v)
	v.Verdict = m.feedVerdict(f, v.ByVerdict)
	for _, inc := range f.incidents {
		v.Incidents = append(v.Incidents, inc.ID)
		if inc.Hold != nil {
			v.Held++
		}
		if b := inc.Loss.Begins; !b.IsZero() && (v.LossBegins.IsZero() || b < v.LossBegins) {
			v.LossBegins = b
		}
	}
	return v
}

// overlayBlind moves the clients of blind sources to `blind`: their stored
// verdicts are of the time when we last could see.
func (m *Machine) overlayBlind(f *feedState, by *ByVerdict) {
	for n := range f.bySet {
		if !m.sources.sets[n].blind {
			continue
		}
		for v, k := range f.bySet[n] {
			if Verdict(v) == Retired || Verdict(v) == Unwatched {
				continue
			}
			by[v] -= k
			by[Blind] += k
		}
	}
}

func (f *feedState) newestAndOldest(v *FeedView) {
	all := ages{oldest: never}
	for _, b := range f.blocks {
		one := b.agesNow()
		all.newest, all.oldest = max(all.newest, one.newest), min(all.oldest, one.oldest)
	}
	if all.newest > 0 {
		v.Newest, v.Oldest = all.newest, all.oldest
	}
}

// feedVerdict is the worst that holds for the feed: of its `per: feed` rows, or of any
// client that is in trouble.
func (m *Machine) feedVerdict(f *feedState, by ByVerdict) Verdict {
	if f.spec == nil {
		return Unwatched
	}
	wholes := f.wholeVerdicts(m)
	for _, v := range [...]Verdict{Stale, Frozen, FallingBehind, Trickling, Blind, CatchingUp, Pending, Late} {
		if by[v] > 0 || wholes[v] {
			return v
		}
	}
	return Fresh
}

// wholeVerdicts are those of the rows that stand for the whole feed.
func (f *feedState) wholeVerdicts(m *Machine) (some [verdicts]bool) {
	for _, id := range f.wholes {
		some[m.shown(f.blocks[id.block()], id.place())] = true
	}
	return some
}

// Incidents are the open ones as they are now, in order of opening within a feed.
func (m *Machine) Incidents() []*Incident {
	var all []*Incident
	for _, f := range m.order {
		for _, inc := range f.incidents {
			all = append(all, inc.snapshot())
		}
	}
	return all
}

// Maintenances are those that hold now or are to come, in the order of the files.
func (m *Machine) Maintenances() []MaintenanceView {
	var all []MaintenanceView
	for _, maintenance := range m.maintenances() {
		w, ok := maintenance.Window(m.now)
		if !ok {
			w, ok = maintenance.Next(m.now)
		}
		if ok {
			all = append(all, MaintenanceView{maintenance.Name(), maintenance.Match().String(), w.From, w.To})
		}
	}
	return all
}

// Sources are all sources as they are now.
func (m *Machine) Sources() []SourceView {
	views := make([]SourceView, 0, len(m.sources.all))
	for _, s := range m.sources.all {
		views = append(views, SourceView{
			Name: s.Name, KnownThrough: s.known, LagMax: s.LagMax,
			Blind: m.now > s.known.Add(s.LagMax), Failure: s.failure,
		})
	}
	return views
}

// Trouble is what is wrong with what the machine was told, one sentence each.
func (m *Machine) Trouble() []string {
	var all []string
	for _, subject := range slices.Sorted(maps.Keys(m.trouble)) {
		all = append(all, m.trouble[subject])
	}
	if why := m.full(); why != "" {
		all = append(all, why)
	}
	return all
}

// clientBlocksMax bounds the work of one page of clients; a page may come back
// short, with Next set.
const clientBlocksMax = 256

// Clients answers one page of a feed's clients; ok is false for an unknown feed.
func (m *Machine) Clients(q ClientQuery) (page ClientPage, ok bool) {
	f := m.feeds[q.Feed]
	if f == nil {
		return ClientPage{}, false
	}
	if q.Client != "" {
		return m.oneClient(f, q), true
	}
	limit := min(max(q.Limit, 1), ClientPageMax)
	first := rowID(max(q.Cursor, 0))
	for n := first.block(); n < len(f.blocks); n++ {
		if n-first.block() == clientBlocksMax {
			page.Next = int(rowOf(n, 0))
			return page, true
		}
		b, start := f.blocks[n], 0
		if n == first.block() {
			start = first.place()
		}
		for i := start; i < b.len(); i++ {
			if b.isGroup(i) {
				continue
			}
			v := m.shown(b, i)
			if !q.Any && v != q.Verdict {
				continue
			}
			if len(page.Clients) == limit {
				page.Next = int(rowOf(n, i))
				return page, true
			}
			page.Clients = append(page.Clients, m.clientView(f, b, i, v))
		}
	}
	return page, true
}

// oneClient is the page of the client that q names, empty where there is none.
func (m *Machine) oneClient(f *feedState, q ClientQuery) (page ClientPage) {
	id, ok := f.row(q.Client)
	if !ok || isGroup(q.Client) {
		return page
	}
	b, i := f.blocks[id.block()], id.place()
	if v := m.shown(b, i); q.Any || v == q.Verdict {
		page.Clients = append(page.Clients, m.clientView(f, b, i, v))
	}
	return page
}

// shown is the verdict of a row with blindness over it.
func (m *Machine) shown(b *block, i int) Verdict {
	v := b.rows[i].verdict
	if v != Retired && v != Unwatched && m.sources.sets[b.rows[i].sources].blind {
		return Blind
	}
	return v
}

func (m *Machine) clientView(f *feedState, b *block, i int, v Verdict) ClientView {
	view := ClientView{
		Client: b.client(i), Labels: f.labelsOf(b, i), Verdict: v,
		Arrival: b.lastSeen(i), Event: b.rows[i].event,
	}
	if r := f.ruleOf(b, i); r != nil {
		view.Rule = r.Name()
		view.Deadline = r.Deadline(b.reference(i))
	}
	view.Quorum = m.quorumView(f, b, i)
	view.Updates = m.updatesView(f, b, i)
	if b.rows[i].rule == ignoredRule {
		if by := f.spec.Ignored(b.client(i), view.Labels, m.now); by != nil {
			view.Ignored = &IgnoredView{by.Until(), by.Reason()}
		}
	}
	if inc := m.incidents[b.rows[i].in]; inc != nil {
		view.Incident = inc.ID
	}
	return view
}

// Now is the instant of the last Step.
func (m *Machine) Now() feed.Instant { return m.now }

// Evaluated says that every source has reported since the start, or is blind: no
// verdict rests on what was saved alone.
func (m *Machine) Evaluated() bool {
	for _, s := range m.sources.all {
		if s.known <= m.started && m.now <= m.started.Add(s.LagMax) {
			return false
		}
	}
	return m.set != nil
}
