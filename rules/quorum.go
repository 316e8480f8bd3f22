package rules

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"
)

// Quorum is how many of the clients that a rule governs must be stale before an
// incident opens: a count, or a share. The zero Quorum is none: the first opens it.
type Quorum struct {
	Count   int
	Percent float64
}

// IsZero says that there is none.
func (q Quorum) IsZero() bool { return q == Quorum{} }

// Needs is how many of so many clients it takes: at least one, and all at most. A rule
// that governs fewer than its count is not one that nobody is told of.
func (q Quorum) Needs(of int) int {
	if q.Percent > 0 {
		return max(1, int(math.Ceil(q.Percent*float64(of)/100)))
	}
	return max(1, min(q.Count, of))
}

// String is the quorum as rule files write it.
func (q Quorum) String() string {
	if q.Percent > 0 {
		return Lead{Percent: q.Percent}.String()
	}
	return strconv.Itoa(q.Count)
}

// Quorum is how many series of the rule must be stale before that opens an incident.
func (r *Rule) Quorum() Quorum { return r.quorum }

func (r *reader) readQuorum(d ruleDraft, n *yaml.Node) {
	if n == nil || d.rule.per == "" { // what it is per is not known
		return
	}
	if d.rule.per != PerClient {
		r.fail(n, conflictingKeys, fmt.Sprintf("quorum goes with client rules, and this rule is per: %s", shortened(d.rule.per)), "leave it out")
		return
	}
	text, ok := r.name(n, "quorum")
	if !ok {
		return
	}
	if strings.HasSuffix(text, "%") || strings.HasPrefix(text, "0.") { // of which share says how it is written
		d.rule.quorum.Percent, _ = r.share(n, "quorum")
		return
	}
	count, err := strconv.Atoi(text)
	if err != nil || count < 1 || count > 1_000_000_000 {
		r.fail(n, wrongValue, fmt.Sprintf("quorum is %s, and must be a number of clients or a share of them", quoted(text)), "write for example 3, or 10%")
		return
	}
	d.rule.quorum.Count = count
}

// warnQuorum notes a quorum below which nobody would ever be told: without a
// retention no loss draws near.
func (r *reader) warnQuorum(of *feedDraft, d *ruleDraft) {
	f := of.feed
	if q := d.rule.quorum; f.retention == 0 && !of.retentionUnread && q.Needs(math.MaxInt32) > 1 {
		r.found.add(d.quorum, quorumWithoutRetention,
			fmt.Sprintf("nobody is told of clients that are silent while they are fewer than %s, however long: feed %q does not say when data is lost", q, f.name),
			"write retention: 7d in the feed (how long its queue keeps an update): then it pages before that")
	}
}
