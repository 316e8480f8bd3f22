package delivery

import (
	"strings"
	"time"

	"github.com/feedwatch/feedwatch/watchdog"
	"github.com/feedwatch/feedwatch/watchdog/feed"
)

// restoreThreads finds who shares a thread, from the receipts.
func (d *Delivery) restoreThreads(dest *destination, incidents []*watchdog.Incident) {
	for _, inc := range incidents {
		dest.supersede(dest.pairs[inc.ID])
	}
	for _, inc := range incidents {
		p := dest.pairs[inc.ID]
		if root, ok := p.held.root(); ok && root.Dead == "" {
			if dest.threads[root.Ref] == nil {
				dest.threads[root.Ref] = newThread(p, time.Time{})
				dest.threads[root.Ref].ref = root.Ref
			}
			dest.threads[root.Ref].add(p, time.Time{})
		}
	}
	for _, inc := range incidents {
		if p := dest.pairs[inc.ID]; p.held.receipts[digestName].Ref != "" {
			d.restoreDigest(dest, p)
		}
	}
}

// supersede lets go of roots that are older than the digest of lead that was to take
// their place, or than the root that did: they were gone.
func (dest *destination) supersede(lead *pair) {
	digest := lead.held.receipts[digestName]
	own, posted := lead.held.root()
	for id := range strings.FieldsSeq(digest.Ref) {
		q := dest.pairs[id]
		if q == nil {
			continue
		}
		root, ok := q.held.root()
		replaced := posted && own.Dead == "" && own.Ref != root.Ref && root.At < own.At
		if ok && root.Dead == "" && (root.At < digest.At || replaced) {
			delete(q.held.receipts, rootName)
			delete(q.held.receipts, joinedName)
		}
	}
}

// restoreDigest: what became of the root of lead became of all who were to be told
// in it, and have no receipt of their own; else they still are to be.
func (d *Delivery) restoreDigest(dest *destination, lead *pair) {
	said := watchdog.Receipt{Target: dest.Target, Op: rootName, At: feed.At(d.wall())}
	said.Dead = lead.held.receipts[rootName].Dead
	if lead.thread == nil && said.Dead == "" {
		lead.listed = true
		newThread(lead, time.Time{})
	}
	t := lead.thread
	if t != nil {
		t.lead, said.Ref = lead, t.ref
	}
	for id := range strings.FieldsSeq(lead.held.receipts[digestName].Ref) {
		q := dest.pairs[id]
		if q == nil || q.thread != nil || q.held.settled(rootName) {
			continue
		}
		if t != nil {
			t.add(q, time.Time{})
			q.listed = true
		}
		if said.Ref != "" || said.Dead != "" {
			said.Incident = id
			q.held.receipts[rootName] = said
			d.journal.save(said, nil)
		}
	}
}
