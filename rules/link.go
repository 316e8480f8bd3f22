package rules

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// link looks up what the drafts refer to and makes the set.
func (r *reader) link() *Set {
	set := &Set{
		byName:  map[string]*Feed{},
		retired: map[string]string{},
		renamed: map[string]string{},
	}
	r.linkFeedNames(set)
	ladders := r.ladders(set)
	if r.defaults != nil && r.defaults.escalation.name != "" {
		ladders.find(r.defaults.escalation)
	}
	for _, d := range r.feeds {
		d.feed.escalation = ladders.of(d.escalation, d)
		for _, rule := range d.rules {
			rule.rule.escalation = d.feed.escalation
			if rule.escalation.name != "" {
				rule.rule.escalation = ladders.of(rule.escalation, d)
			}
		}
		r.linkRules(d)
		set.feeds = append(set.feeds, d.feed)
	}
	r.linkDependencies(set)
	r.linkMaintenances(set)
	return set
}

// linkFeedNames fills byName, retired and renamed.
func (r *reader) linkFeedNames(set *Set) {
	for _, d := range r.feeds {
		if first, twice := set.byName[d.feed.name]; twice && first.name != "" {
			r.found.add(d.at, duplicateName, fmt.Sprintf("feed %q stands in the rule files twice", d.feed.name), "keep one of them, or rename it")
			continue
		}
		set.byName[d.feed.name] = d.feed
	}
	for _, d := range r.retired {
		if _, watched := set.byName[d.name]; watched {
			r.found.add(d.at, stillWatched, fmt.Sprintf("feed %q is retired, and is still under feeds", d.name), "remove it from one of the two")
		}
		if _, twice := set.retired[d.name]; twice {
			r.found.add(d.at, duplicateName, fmt.Sprintf("feed %q is retired twice", d.name), "keep one of them")
		}
		set.retired[d.name] = d.reason
	}
	for _, d := range r.feeds {
		old := d.renamedFrom
		if old.name == "" {
			continue
		}
		if _, watched := set.byName[old.name]; watched {
			r.found.add(old.at, stillWatched, fmt.Sprintf("renamed_from is %q, and that feed is still under feeds", old.name), "remove it from one of the two")
		}
		if _, retired := set.retired[old.name]; retired {
			r.found.add(old.at, stillWatched, fmt.Sprintf("renamed_from is %q, and that feed is retired", old.name), "remove it from one of the two")
		}
		if other, twice := set.renamed[old.name]; twice {
			r.found.add(old.at, duplicateName, fmt.Sprintf("feed %q says already that it was %q", other, old.name), "keep one of them")
		}
		set.renamed[old.name] = d.feed.name
	}
}

// linkRules parts a feed's rules into those for clients and for groups, checks
// their order, and adds the rule for the whole that nobody wrote.
func (r *reader) linkRules(d *feedDraft) {
	f := d.feed
	whole := false
	var catchAll *Rule
	above := newRulesAbove()
	for _, draft := range d.rules {
		rule := draft.rule
		if rule.per != PerClient {
			f.groupRules = append(f.groupRules, rule)
			whole = whole || rule.per == PerFeed && rule.catchAll()
			continue
		}
		if catchAll != nil {
			r.found.add(draft.at, unreachableRule, fmt.Sprintf("rule %q governs no client: %q above it takes them all", rule.name, catchAll.name),
				"move it up, or give the rule above a match")
		} else if rule.catchAll() {
			catchAll = rule
		} else if covering := above.covering(rule); covering != nil {
			r.found.add(draft.at, unreachableRule, fmt.Sprintf("rule %q governs no client: %q above it takes them all", rule.name, covering.name),
				fmt.Sprintf("move it above %q, or remove it", covering.name))
		}
		above.add(rule)
		f.clientRules = append(f.clientRules, rule)
	}
	if catchAll == nil && !f.ignoreUnmatched && len(d.rules) > 0 && !d.rulesUnread {
		last := d.rules[len(d.rules)-1]
		r.found.add(last.at, noCatchAll, fmt.Sprintf("feed %q has no rule for the clients that no match fits: they could go silent unseen", f.name),
			"add a last rule without match, or write unmatched: ignore in the feed")
	}
	switch {
	case whole:
	case len(f.clientRules) > 0:
		f.groupRules = append(f.groupRules, f.impliedRule())
	case len(d.rules) > 0 && f.ignoreUnmatched && !d.rulesUnread:
		r.found.add(d.at, noWholeFeedRule, fmt.Sprintf("feed %q has no rule for the feed as a whole", f.name),
			"write - {name: whole-feed, per: feed, stale_after: 5m, severity: critical}")
	}
}

// catchAll says that r governs whatever reaches it.
func (r *Rule) catchAll() bool {
	for i := range r.match {
		if !r.match[i].fitsAll() {
			return false
		}
	}
	return true
}

// impliedRule is the rule for the feed as a whole that a feed without one gets:
// silence of everybody is critical after the time that its last client rule
// allows a single client.
func (f *Feed) impliedRule() *Rule {
	last := f.clientRules[len(f.clientRules)-1]
	name := "whole-feed"
	for f.hasRule(name) {
		name += "-implied"
	}
	return &Rule{
		name: name, per: PerFeed, implied: true, pos: last.pos,
		staleAfter: last.staleAfter, lagOver: last.lagOver, expect: last.expect, active: last.active, longest: last.longest,
		resolveAfter: last.resolveAfter, idleOK: last.idleOK,
		severity: Severities{Base: Critical}, escalation: f.escalation,
	}
}

func (f *Feed) hasRule(name string) bool {
	is := func(r *Rule) bool { return r.name == name }
	return slices.ContainsFunc(f.clientRules, is) || slices.ContainsFunc(f.groupRules, is)
}

// ladders finds escalations by name and fits them to feeds.
type ladders struct {
	found  *Findings
	byName map[string]*escalationDraft
	names  []string
	fitted map[fit]*Escalation
	told   map[spot]bool // leads that are too long for some feed
	unread bool          // there may be others
}

// fit is a ladder for feeds with one retention.
type fit struct {
	name      string
	retention time.Duration
}

func (r *reader) ladders(set *Set) *ladders {
	l := &ladders{found: r.found, byName: map[string]*escalationDraft{}, fitted: map[fit]*Escalation{}, told: map[spot]bool{}, unread: r.unread.escalations}
	for _, d := range r.escalations {
		e := d.escalation
		if _, twice := l.byName[e.name]; twice && e.name != "" {
			r.found.add(d.at, duplicateName, fmt.Sprintf("escalation %q stands in the rule files twice", e.name), "keep one of them, or rename it")
			continue
		}
		l.byName[e.name] = d
		l.names = append(l.names, e.name)
		e.sort(0)
		set.escalations = append(set.escalations, e)
	}
	return l
}

// of is the ladder that ref names, fitted to the feed that uses it: its before_loss steps are in
// the order that its retention gives them, and there is at least one.
func (l *ladders) of(ref reference, user *feedDraft) *Escalation {
	f := user.feed
	if ref.name == "" {
		return nil
	}
	d := l.find(ref)
	if d == nil {
		return nil
	}
	if f.retention == 0 {
		if len(d.leads) > 0 && !user.retentionUnread {
			l.found.add(ref.at, beforeLossWithoutRetention, fmt.Sprintf("escalation %q has a before_loss step, and feed %q does not say when loss begins", ref.name, f.name),
				"write retention: 7d in the feed (how long its queue keeps an update), or choose an escalation without before_loss")
		}
		return d.escalation
	}
	for _, lead := range d.leads {
		if lead.lead.Of(f.retention) >= f.retention && !l.told[lead.at] {
			l.told[lead.at] = true
			l.found.add(lead.at, beforeLossBeyondRetention, fmt.Sprintf("before_loss is %s, and feed %q keeps its updates for %s only", lead.lead, f.name, FormatDuration(f.retention)),
				"write less than that, or a share such as 50%")
		}
	}
	key := fit{ref.name, f.retention}
	if e, ok := l.fitted[key]; ok {
		return e
	}
	e := d.escalation.fittedTo(f.retention)
	l.fitted[key] = e
	return e
}

// find is the ladder that ref names; nil, which is told, when there is none: not
// where there may be others.
func (l *ladders) find(ref reference) *escalationDraft {
	d, ok := l.byName[ref.name]
	if ok {
		return d
	}
	if l.unread {
		return nil
	}
	otherwise := "write escalations: and under it - {name: " + shortened(ref.name) + ", steps: [{notify: [slack/alerts]}]}"
	if len(l.names) > 0 {
		otherwise = "known: " + listed(l.names, 8)
	}
	l.found.add(ref.at, noSuchEscalation, fmt.Sprintf("no escalation is called %q", ref.name), didYouMean(ref.name, l.names, otherwise))
	return nil
}

// impliedLead is the before_loss step that a feed with a retention gets when
// its ladder has none.
var impliedLead = Lead{Percent: 50}

// fittedTo is e for feeds with that retention.
func (e *Escalation) fittedTo(retention time.Duration) *Escalation {
	own := &Escalation{name: e.name, pos: e.pos, steps: slices.Clone(e.steps)}
	if !slices.ContainsFunc(own.steps, func(s Step) bool { return !s.BeforeLoss.IsZero() }) {
		own.steps = append(own.steps, Step{BeforeLoss: impliedLead, Notify: e.Targets()})
	}
	own.sort(retention)
	return own
}

// sort puts the after steps in rising order, then the before_loss steps, the
// longest lead first. Without a retention, shares come behind durations.
func (e *Escalation) sort(retention time.Duration) {
	slices.SortStableFunc(e.steps, func(a, b Step) int {
		aLoss, bLoss := !a.BeforeLoss.IsZero(), !b.BeforeLoss.IsZero()
		switch {
		case aLoss && bLoss:
			return cmp.Or(
				cmp.Compare(b.BeforeLoss.Of(retention), a.BeforeLoss.Of(retention)),
				cmp.Compare(b.BeforeLoss.Percent, a.BeforeLoss.Percent))
		case aLoss:
			return 1
		case bLoss:
			return -1
		default:
			return cmp.Compare(a.After, b.After)
		}
	})
}
