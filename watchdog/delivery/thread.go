package delivery

import (
	"cmp"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/feedwatch/feedwatch/rules"
	"github.com/feedwatch/feedwatch/watchdog"
	"github.com/feedwatch/feedwatch/watchdog/feed"
)

// thread is a root message at one destination with the incidents that it tells of:
// one, or several, which makes it a digest. Who shares a thread has a root receipt
// with the same ref; nothing else says so once it is posted.
type thread struct {
	lead   *pair            // under whose name the root is posted
	ref    string           // of the root; "" until it is known to be there
	pairs  map[string]*pair // by incident
	severe rules.Severity   // of the worst, while it is to be posted
	flying bool             // a post or an update of the root is under way
	// updated is when the last update of the root began, came when the last incident
	// came to it.
	updated, came time.Time
}

func newThread(lead *pair, now time.Time) *thread {
	t := &thread{lead: lead, pairs: map[string]*pair{}}
	t.add(lead, now)
	return t
}

// add takes p into the thread, out of the one that it led alone.
func (t *thread) add(p *pair, now time.Time) {
	if p.thread != nil && p.thread != t {
		delete(p.thread.pairs, p.incident.ID)
		p.listed = false
	}
	p.thread, t.pairs[p.incident.ID] = t, p
	t.severe, t.came = max(t.severe, p.incident.Severity), now
}

// awaits says that another incident's op posts the root that tells of this one.
func (p *pair) awaits() bool { return p.thread != nil && p.thread.ref == "" && p.thread.lead != p }

// severity is that by which its first op is ordered.
func (p *pair) severity() rules.Severity {
	if p.thread != nil && p.thread.ref == "" {
		return p.thread.severe
	}
	return p.incident.Severity
}

// fresh says that the root of p was certainly never sent, nor decided with others.
func (p *pair) fresh() bool {
	if len(p.ops) == 0 || p.ops[0].Kind != Post || p.ops[0].MaybeSent || p.held.maybe[rootName] || p.flying {
		return false
	}
	return p.thread == nil || p.thread.ref == "" && len(p.thread.pairs) == 1
}

// others are who shares the thread with p: the severe before the mild, the old before
// the new.
func (t *thread) others(p *pair) []*pair {
	all := make([]*pair, 0, len(t.pairs))
	for _, q := range t.pairs {
		if q != p {
			all = append(all, q)
		}
	}
	slices.SortFunc(all, func(a, b *pair) int {
		return cmp.Or(cmp.Compare(b.incident.Severity, a.incident.Severity), byAge(a, b))
	})
	return all
}

// digestName is no op: its receipt, of the incident that leads, names who is told in
// the root besides it. It is journaled before the root is sent, so that a restart
// does not tell them once more.
const digestName = "digest"

// joinedName is no op: its receipt says that the incident came to a thread that was
// there, so the page that engages the destination is a reply in it. It is journaled
// before that is sent.
const joinedName = "joined"

// list writes down who is told in a root that is about to be sent, and says whether
// all of them were written down before.
func (d *Delivery) list(dest *destination, t *thread) bool {
	listed := true
	for _, q := range t.pairs {
		listed = listed && q.listed
		q.listed = true
	}
	if listed || len(t.pairs) == 1 {
		return true
	}
	ids := slices.Sorted(maps.Keys(t.pairs))
	d.log.Info("several incidents are told in one message",
		slog.String("notifier", dest.Target.String()), slog.String("incident", t.lead.incident.ID), slog.Int("incidents", len(ids)))
	d.ahead(dest, t.lead, digestName, strings.Join(ids, " "))
	return false
}

// join makes p told in a thread that is there, or about to be.
func (d *Delivery) join(dest *destination, t *thread, p *pair, now time.Time) {
	t.add(p, now)
	if t.ref != "" {
		d.come(dest, p)
		return
	}
	if t.lead.attempts > 0 {
		t.lead.notUntil = time.Time{} // a new page is worth a try at once
	}
	dest.signal()
}

// come tells of p below the root that is there.
func (d *Delivery) come(dest *destination, p *pair) {
	d.ahead(dest, p, joinedName, p.thread.ref)
	dest.plan(p, p.incident)
}

// ahead journals what is decided, before anything is sent for p.
func (d *Delivery) ahead(dest *destination, p *pair, name, ref string) {
	r := watchdog.Receipt{Target: dest.Target, Incident: p.incident.ID, Op: name, Ref: ref, Revision: p.incident.Revision, At: feed.At(d.wall())}
	p.held.receipts[name] = r
	p.unsaved++
	d.journal.save(r, func() {
		d.mu.Lock()
		p.unsaved--
		d.mu.Unlock()
		dest.signal()
	})
}

// posted is after the root of a thread was sent: who was listed is told, who came
// meanwhile is told below it.
func (d *Delivery) posted(dest *destination, t *thread, op *Op, ref string) {
	t.ref = ref
	dest.threads[ref] = t
	for i := range op.With {
		if q := t.pairs[op.With[i].Incident.ID]; q != nil {
			d.receipt(q, op.With[i], ref, "")
		}
	}
	for _, q := range t.pairs {
		if q != t.lead && !q.held.settled(rootName) {
			d.come(dest, q)
		}
	}
}

// lose is after the root of a thread was found to be gone: all of them are to be
// told anew.
func (d *Delivery) lose(dest *destination, t *thread, now time.Time) {
	lost := 0
	for _, q := range t.pairs {
		lost = max(lost, q.lost)
	}
	dest.close(t)
	all := t.others(nil)
	for _, q := range all {
		if q.held.joined() { // what told of it there is gone as well
			_, e := q.held.engaging(q.incident, dest.Target)
			delete(q.held.receipts, eventName(e))
			delete(q.held.maybe, eventName(e))
		}
		delete(q.held.receipts, rootName)
		delete(q.held.receipts, joinedName)
		delete(q.held.maybe, rootName)
		q.thread, q.listed, q.came = nil, false, false
		q.lost = lost + 1
		if lost > 0 { // the root made anew is gone as well: no loop of making and losing it
			q.attempts = lost - 1
			d.backOff(q, rootName, now)
		}
		dest.plan(q, q.incident)
	}
	for _, q := range all {
		switch {
		case q.held.receipts[digestName].Ref == "":
		case len(q.ops) > 0 && q.ops[0].MaybeSent: // as a process before this one had them told anew, perhaps
			d.restoreDigest(dest, q)
		default:
			d.ahead(dest, q, digestName, "")
		}
	}
}

// close lets go of a thread that tells of nothing any more.
func (dest *destination) close(t *thread) {
	if dest.threads[t.ref] == t {
		delete(dest.threads, t.ref)
	}
	if dest.storm == t {
		dest.storm = nil
	}
}

// leave takes p out of its thread.
func (dest *destination) leave(p *pair) {
	t := p.thread
	if t == nil {
		return
	}
	delete(t.pairs, p.incident.ID)
	switch {
	case len(t.pairs) == 0:
		dest.close(t)
	case t.lead == p && t.ref == "": // somebody else has to post it
		t.lead = t.others(nil)[0]
	}
}
