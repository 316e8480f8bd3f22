package rules

import (
	"fmt"
	"slices"
)

// warn notes what does not refuse a set, and what somebody should look at.
func (r *reader) warn(set *Set) {
	work := overlapWorkMax
	for _, d := range r.feeds {
		if set.byName[d.feed.name] != d.feed {
			continue // the second of that name
		}
		for i := range d.rules {
			r.warnGap(d.feed, &d.rules[i])
			r.warnPattern(d.rules[i].match, d.rules[i].rule.match)
			r.warnQuorum(d, &d.rules[i])
		}
		r.warnOverlap(d, &work)
	}
	for _, d := range r.maintenances {
		r.warnPattern(d.match, d.maintenance.match)
	}
	r.warnEscalations()
}

// warnGap notes a rule whose deadline comes when the first updates are lost.
func (r *reader) warnGap(f *Feed, d *ruleDraft) {
	gap := d.rule.longest
	if f.retention == 0 || gap < f.retention {
		return
	}
	r.found.add(d.deadline, gapBeyondRetention,
		fmt.Sprintf("rule %q finds its series stale up to %s after their last update, and feed %q keeps updates for %s: nobody is told before some are lost",
			d.rule.name, FormatDuration(gap), f.name, FormatDuration(f.retention)),
		"let updates be expected more often, or keep them for longer; a second rule with per: feed may page sooner")
}

// warnEscalations notes ladders that nobody uses, and those that wake nobody
// though what they are for is an error or worse.
func (r *reader) warnEscalations() {
	used, grave := map[string]bool{}, map[string]string{}
	misspelt := r.unread.uses || slices.ContainsFunc(r.found.All, func(f Finding) bool { return f.Check == noSuchEscalation })
	for _, d := range r.feeds {
		used[d.escalation.name] = true
		if !slices.ContainsFunc(d.rules, func(rule ruleDraft) bool { return rule.rule.per == PerFeed }) {
			grave[d.escalation.name] = d.feed.name // its implied rule is critical
		}
		for _, rule := range d.rules {
			name := rule.escalation.name
			if name == "" {
				name = d.escalation.name
			}
			used[name] = true
			if rule.rule.severity.Worst() >= Error {
				grave[name] = d.feed.name
			}
		}
	}
	for _, d := range r.escalations {
		e := d.escalation
		switch targets := e.Targets(); {
		case e.name == "":
		case !used[e.name] && misspelt:
		case !used[e.name]:
			r.found.add(d.at, unusedEscalation, fmt.Sprintf("no feed and no rule uses the escalation %q", e.name), "name it in a feed, or remove it")
		case grave[e.name] != "" && !d.broken && len(targets) > 0 && !slices.ContainsFunc(targets, Target.wakes):
			r.found.add(d.at, noPagingNotifier,
				fmt.Sprintf("escalation %q never wakes anybody: it tells %s alone, and feed %q has rules of severity error or more", e.name, targetNames(targets), grave[e.name]),
				"add a step such as - {after: 5m, notify: [pagerduty/on-call]}")
		}
	}
}

func targetNames(targets []Target) string {
	names := make([]string, len(targets))
	for i, t := range targets {
		names[i] = t.String()
	}
	return listed(names, 5)
}

// wakes says that a target may reach a person who is asleep: all kinds but those
// that are known only to be read.
func (t Target) wakes() bool {
	return t.Kind != "slack" && t.Kind != "email" && t.Kind != "console"
}

// overlapWorkMax bounds how many times a rule is held against a client of a
// roster to find overlaps; rosters past it are looked at in part.
const overlapWorkMax = 2_000_000

// overlapExamples is how many clients a warning names.
const overlapExamples = 3

// taken is what happens to the clients of a roster that a rule fits.
type taken struct {
	fits    int              // clients of the roster that it fits
	governs int              // of those: no rule above fits
	by      map[int][]string // clients that it fits, by the rule above that governs them
}

// warnOverlap holds the client rules of a feed against its roster: rules that fit
// nobody, and those that lose clients to a rule above that is no part of them.
func (r *reader) warnOverlap(d *feedDraft, work *int) {
	var drafts []*ruleDraft
	for i := range d.rules {
		if d.rules[i].rule.per == PerClient {
			drafts = append(drafts, &d.rules[i])
		}
	}
	roster := d.feed.roster
	looked := min(len(roster), *work/max(len(drafts), 1))
	*work -= looked * len(drafts)
	if looked == 0 || d.rosterUnread || slices.ContainsFunc(drafts, func(d *ruleDraft) bool { return d.rule.broken() }) {
		return
	}
	all := make([]taken, len(drafts))
	for _, expected := range roster[:looked] {
		first := -1
		for n, draft := range drafts {
			switch {
			case !draft.rule.Matches(expected.Key.Client(), expected.Labels):
				continue
			case first < 0:
				first = n
				all[n].governs++
			case draft.rule.Selective():
				if all[n].by == nil {
					all[n].by = map[int][]string{}
				}
				all[n].by[first] = append(all[n].by[first], expected.Key.Client())
			}
			all[n].fits++
		}
	}
	for n, draft := range drafts {
		switch {
		case !draft.rule.Selective() || draft.rule.catchAll():
		case all[n].fits == 0 && looked == len(roster):
			r.found.add(draft.match, matchesNothing,
				fmt.Sprintf("rule %q fits none of the %s in the roster of feed %q", draft.rule.name, counted(len(roster), "client"), d.feed.name),
				"check the names and labels, or complete the roster")
		default:
			r.warnTaken(drafts, all, n)
		}
	}
}

// warnTaken notes the rule above that takes clients which rule n fits, unless that
// is an exception to n: all that it governs would be n's without it.
func (r *reader) warnTaken(drafts []*ruleDraft, all []taken, n int) {
	for above := range n {
		clients := all[n].by[above]
		if len(clients) == 0 || all[n].governs > 0 && len(clients) == all[above].governs {
			continue
		}
		what := fmt.Sprintf("rule %q fits clients that %q above it governs: ", drafts[n].rule.name, drafts[above].rule.name)
		if all[n].governs == 0 {
			what = fmt.Sprintf("rule %q governs no client of the roster, %q above it takes: ", drafts[n].rule.name, drafts[above].rule.name)
		}
		r.found.add(drafts[n].at, overlap, what+listed(clients, overlapExamples), "put the rule first that is meant for them, or make one match exclude the other")
	}
}

// broken says that a matcher of r could not be read.
func (r *Rule) broken() bool {
	return slices.ContainsFunc(r.match, func(m Matcher) bool { return m.test == never })
}
