package watchdog

import (
	"slices"
	"strconv"
	"time"

	"github.com/feedwatch/feedwatch/rules"
)

// Edit is what another set of rules changed of what an open incident is judged by.
type Edit struct {
	Set     string         `json:"set"` // the version of it
	Changes []rules.Change `json:"changes"`
	More    int            `json:"more,omitempty"` // how many there are beside them
}

// editChangesMax bounds what is told of one edit.
const editChangesMax = 12

// standing is what an incident is judged by: its rule, its ladder, its retention, and
// the rules of its members with how many each governs.
type standing struct {
	rule      *rules.Rule
	ladder    *rules.Escalation
	retention time.Duration
	members   []governed
}

type governed struct {
	rule *rules.Rule
	rows int
}

// standings are those of the feed's open incidents. One from the store has none before
// the first rules are in force.
func (f *feedState) standings() map[*incident]standing {
	all := map[*incident]standing{}
	for inc, members := range f.governors() {
		if !inc.restored {
			all[inc] = inc.standing(members)
		}
	}
	return all
}

func (inc *incident) standing(members []governed) standing {
	return standing{inc.rule, inc.ladder, inc.Loss.Retention, members}
}

// governors are the rules of the members of each open incident, in the order of the
// files.
func (f *feedState) governors() map[*incident][]governed {
	all := map[*incident][]governed{}
	if len(f.incidents) == 0 {
		return all
	}
	rows := map[incidentSeq][]int{} // by rule
	for _, inc := range f.incidents {
		rows[inc.seq] = make([]int, len(f.rules))
	}
	var counts []int
	last := incidentSeq(0)
	for _, b := range f.blocks {
		for i := range b.rows {
			seq := b.rows[i].in
			if seq == 0 || b.rows[i].rule >= ignoredRule {
				continue
			}
			if seq != last {
				last, counts = seq, rows[seq]
			}
			if int(b.rows[i].rule) < len(counts) {
				counts[b.rows[i].rule]++
			}
		}
	}
	for _, inc := range f.incidents {
		members := []governed{}
		for n, count := range rows[inc.seq] {
			if count > 0 {
				members = append(members, governed{f.rules[n], count})
			}
		}
		all[inc] = members
	}
	return all
}

// editOf is what the rules now in force changed for inc since it stood as before; nil:
// nothing, or it came from the store just now.
func (m *Machine) editOf(inc *incident, before map[*incident]standing, members []governed) *Edit {
	was, known := before[inc]
	if !known || inc.done() {
		return nil
	}
	return inc.edited(was, inc.standing(members), m.set.Version())
}

// edited is what an edit changed between two standings.
func (inc *incident) edited(was, now standing, set string) *Edit {
	var all []rules.Change
	add := func(what string, changes ...rules.Change) {
		for _, c := range changes {
			if what != "" {
				c.What = what + ", " + c.What
			}
			all = append(all, c)
		}
	}
	if inc.formerly != "" {
		add("", rules.Change{What: "name of the feed", Was: inc.formerly, Now: inc.Feed})
	}
	if a, b := nameOf(was.rule), nameOf(now.rule); a != b {
		add("", rules.Change{What: "governed by rule", Was: a, Now: b})
		if was.rule != nil && now.rule != nil {
			add("", now.rule.JudgesOtherwise(was.rule)...)
		}
	}
	add("", now.ladder.Otherwise(was.ladder)...)
	if was.retention != now.retention {
		add("", rules.Change{What: "retention", Was: spanOf(was.retention), Now: spanOf(now.retention)})
	}
	inc.editedRules(was, now, add)
	if len(all) == 0 {
		return nil
	}
	shown := min(len(all), editChangesMax)
	return &Edit{Set: set, Changes: all[:shown:shown], More: len(all) - shown}
}

// editedRules tells what became of the rules that govern it, or a member of it.
func (inc *incident) editedRules(was, now standing, add func(string, ...rules.Change)) {
	before, after := was.ofRules(), now.ofRules()
	for _, g := range before {
		name := "rule " + g.rule.Name()
		kept := inc.feed.ruleNamed(g.rule.Name())
		if kept == nil {
			add("", rules.Removed(name))
			continue
		}
		add(name, kept.JudgesOtherwise(g.rule)...)
		if rows := rowsOf(after, g.rule.Name()); rows != g.rows && g.rule.Per() == perClient {
			add("", rules.Change{What: "clients of this under " + name, Was: strconv.Itoa(g.rows), Now: strconv.Itoa(rows)})
		}
	}
	for _, g := range after {
		if rowsOf(before, g.rule.Name()) == 0 && g.rows > 0 && g.rule.Per() == perClient {
			add("", rules.Change{What: "clients of this under rule " + g.rule.Name(), Was: "0", Now: strconv.Itoa(g.rows)})
		}
	}
}

// ofRules are the rules of the members, and that of the incident itself.
func (s standing) ofRules() []governed {
	own := func(g governed) bool { return g.rule == s.rule }
	if s.rule == nil || slices.ContainsFunc(s.members, own) {
		return s.members
	}
	return append([]governed{{s.rule, 0}}, s.members...)
}

func rowsOf(all []governed, name string) int {
	for _, g := range all {
		if g.rule.Name() == name {
			return g.rows
		}
	}
	return 0
}

func nameOf(r *rules.Rule) string {
	if r == nil {
		return "none"
	}
	return r.Name()
}

func spanOf(d time.Duration) string {
	if d == 0 {
		return ""
	}
	return rules.FormatDuration(d)
}
