package replay

import (
	"cmp"
	"slices"
	"strings"

	"github.com/feedwatch/feedwatch/watchdog"
	"github.com/feedwatch/feedwatch/watchdog/feed"
)

// Paged is a page with the incident that it is of.
type Paged struct {
	Incident *watchdog.Incident
	Page     *watchdog.Page
}

// Change is what became of one page when the rules changed: Before is nil where it
// appears, After where it vanishes; with both it moves to another time, or to
// other people.
type Change struct{ Before, After *Paged }

// At is when the page is first of the two.
func (c *Change) At() feed.Instant {
	switch {
	case c.Before == nil:
		return c.After.Page.At
	case c.After == nil:
		return c.Before.Page.At
	default:
		return min(c.Before.Page.At, c.After.Page.At)
	}
}

// Comparison is what two backtests of one history differ in.
type Comparison struct {
	Same    int      // pages at the same time to the same people
	Changes []Change // in order of time
}

// Compare holds the pages of two backtests against each other. A page is the same
// as one of the same feed and reason at the same time to the same people. Of the
// others, two for the same reason whose incidents overlap are one that moved.
func Compare(before, after *Backtest) Comparison {
	olds, news := before.paged(), after.paged()
	var c Comparison
	at := map[string][]int{}
	for i := range news {
		at[news[i].name()] = append(at[news[i].name()], i)
	}
	taken := make([]bool, len(news))
	var left []*Paged
	for i := range olds {
		if same := at[olds[i].name()]; len(same) > 0 {
			at[olds[i].name()], taken[same[0]] = same[1:], true
			c.Same++
			continue
		}
		left = append(left, &olds[i])
	}
	// What is left of the new ones, by feed and reason, in order of time.
	rest := map[string][]*Paged{}
	for i := range news {
		if !taken[i] {
			kind := news[i].kind()
			rest[kind] = append(rest[kind], &news[i])
		}
	}
	for _, old := range left {
		change := Change{Before: old}
		for i, p := range rest[old.kind()] {
			if before.overlap(old.Incident, p.Incident) {
				change.After = p
				rest[old.kind()] = slices.Delete(rest[old.kind()], i, i+1)
				break
			}
		}
		c.Changes = append(c.Changes, change)
	}
	for _, some := range rest {
		for _, p := range some {
			c.Changes = append(c.Changes, Change{After: p})
		}
	}
	slices.SortFunc(c.Changes, func(a, b Change) int {
		return cmp.Or(cmp.Compare(a.At(), b.At()), strings.Compare(a.name(), b.name()))
	})
	return c
}

// Counts are how many pages appear, vanish and move.
func (c *Comparison) Counts() (appear, vanish, move int) {
	for _, ch := range c.Changes {
		switch {
		case ch.Before == nil:
			appear++
		case ch.After == nil:
			vanish++
		default:
			move++
		}
	}
	return appear, vanish, move
}

func (b *Backtest) paged() []Paged {
	var all []Paged
	for _, o := range b.Incidents {
		for i := range o.Incident.Pages {
			all = append(all, Paged{o.Incident, &o.Incident.Pages[i]})
		}
	}
	slices.SortStableFunc(all, func(a, b Paged) int { return cmp.Compare(a.Page.At, b.Page.At) })
	return all
}

// overlap says that two incidents were open at one time.
func (b *Backtest) overlap(one, other *watchdog.Incident) bool {
	end := func(inc *watchdog.Incident) feed.Instant {
		if inc.Resolved.IsZero() {
			return b.Until
		}
		return inc.Resolved
	}
	return one.Opened <= end(other) && other.Opened <= end(one)
}

// kind is what a page is about, whatever the time.
func (p *Paged) kind() string { return p.Incident.Feed + " " + string(p.Page.Reason) }

func (p *Paged) name() string {
	var b strings.Builder
	b.WriteString(p.kind() + " " + p.Page.At.String() + " " + p.Page.Scope)
	for _, t := range p.Page.Targets {
		b.WriteString(" " + t.String())
	}
	return b.String()
}

func (c *Change) name() string {
	if c.Before != nil {
		return c.Before.name()
	}
	return c.After.name()
}
