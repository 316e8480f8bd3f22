package rules

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"
)

// MinUpdates is how many updates must come within every stretch of so much time: fewer
// are a trickle. The zero MinUpdates asks for none.
type MinUpdates struct {
	Count int
	Per   time.Duration
}

// The limits of MinUpdates.
const (
	MinUpdatesCountMax = 1_000_000_000
	MinUpdatesPerMin   = time.Minute
)

// IsZero says that none are asked for.
func (u MinUpdates) IsZero() bool { return u == MinUpdates{} }

// String is "100 per 1h".
func (u MinUpdates) String() string {
	return fmt.Sprintf("%d per %s", u.Count, FormatDuration(u.Per))
}

// MinUpdates is how many updates must come, to each client of the rule, or to all of
// its group together.
func (r *Rule) MinUpdates() MinUpdates { return r.minUpdates }

// Counts is the time in which MinUpdates counts: that of the active hours, as for
// stale_after. Runs are expected by the calendar, and are counted in all time.
func (r *Rule) Counts() *Active {
	if r.expect != nil {
		return nil
	}
	return r.active
}

// LongestCount is the longest time that a whole window of MinUpdates takes to pass, from
// wherever it is asked for: it may begin an eighth later.
func (r *Rule) LongestCount() time.Duration { return r.longestCount }

var minUpdatesObject = newObject("min_updates",
	key{"count", just(countShape), true, "How many updates must come at least, for example 100."},
	key{"per", duration, true, "In how much time, for example 1h. At least 1m, and as long as the rule lets pass between two updates."},
)

// readMinUpdates reads them once it is known when the rule is stale. A window in which
// nothing need come yet would call each pause a trickle.
func (r *reader) readMinUpdates(d ruleDraft, n *yaml.Node) {
	if n == nil {
		return
	}
	m, ok := r.mapping(n, minUpdatesObject)
	if !ok {
		return
	}
	if !m.has("count") {
		r.fail(m.node, missingKey, "min_updates does not say how many", "write count: 100")
	}
	if !m.has("per") {
		r.fail(m.node, missingKey, "min_updates does not say in how much time", "write per: 1h")
	}
	var want MinUpdates
	counted, timed := r.count(m.get("count")), false
	if n := m.get("per"); n != nil {
		want.Per, timed = r.duration(n, "per")
	}
	if want.Count = counted; counted == 0 || !timed {
		return
	}
	rule := d.rule
	rule.minUpdates, rule.longestCount = want, want.Per+want.Per/8
	if a := rule.Counts(); a != nil {
		rule.longestCount = r.longestAfter(a, rule.longestCount)
	}
	switch allows := rule.allows(); {
	case want.Per < MinUpdatesPerMin:
		r.fail(m.get("per"), wrongDuration, fmt.Sprintf("per is %s, and updates are counted over a minute at least", FormatDuration(want.Per)), "write per: 1m, or more")
	case want.Per < allows:
		r.fail(m.get("per"), minUpdatesTooShort, fmt.Sprintf("updates are counted over %s, and this rule lets %s pass without any", FormatDuration(want.Per), FormatDuration(allows)),
			"write per: "+FormatDuration(allows)+" or more, or a shorter stale_after")
	}
}

// longestAfter is what that of the hours says, once for each question.
func (r *reader) longestAfter(a *Active, d time.Duration) time.Duration {
	span := activeSpan{a, d}
	if _, known := r.gaps[span]; !known {
		r.gaps[span] = a.longestAfter(d)
	}
	return r.gaps[span]
}

// allows is how much of the time that Counts counts may pass without an update.
func (r *Rule) allows() time.Duration {
	if r.expect != nil {
		return r.longest
	}
	return r.staleAfter
}

// count reads a whole number of updates; 0 where it is none.
func (r *reader) count(n *yaml.Node) int {
	text, ok := r.name(n, "count")
	if !ok {
		return 0
	}
	count, err := strconv.Atoi(text)
	if err != nil || count < 1 || count > MinUpdatesCountMax {
		r.fail(n, wrongValue, fmt.Sprintf("count is %s, and must be a whole number of updates", quoted(text)), likeCount(text))
		return 0
	}
	return count
}

// likeMinUpdates says what to write in place of 100, or of 100 per 1h.
func likeMinUpdates(wrong string) string {
	want := MinUpdates{Count: 100, Per: time.Hour}
	fields := strings.FieldsFunc(wrong, func(c rune) bool { return c == ' ' || c == '/' })
	if len(fields) > 0 {
		if count, err := strconv.Atoi(fields[0]); err == nil && 1 <= count && count <= MinUpdatesCountMax {
			want.Count = count
		}
		if per, err := ParseDuration(fields[len(fields)-1]); err == nil && per >= MinUpdatesPerMin {
			want.Per = per
		}
	}
	return fmt.Sprintf("write {count: %d, per: %s}", want.Count, FormatDuration(want.Per))
}

// likeCount says what to write in place of 1_000, 1,000 or 1k.
func likeCount(wrong string) string {
	digits := strings.NewReplacer("_", "", ",", "", "'", "", " ", "").Replace(wrong)
	for suffix, zeros := range map[string]string{"k": "000", "K": "000", "M": "000000"} {
		if rest, ok := strings.CutSuffix(digits, suffix); ok {
			digits = rest + zeros
		}
	}
	if count, err := strconv.Atoi(digits); err == nil && 1 <= count && count <= MinUpdatesCountMax {
		return fmt.Sprintf("write count: %d", count)
	}
	return "write for example count: 100"
}
