package watchdog

import "fmt"

// Verdict is what a rule says of a series now. See the table in DESIGN.md.
type Verdict uint8

// The verdicts. Unwatched is a series that no client rule governs: its feed says
// `unmatched: ignore`, or no rule file knows the feed.
const (
	Unwatched Verdict = iota
	Retired
	Blind
	Pending
	Stale
	Frozen
	FallingBehind
	Trickling
	CatchingUp
	Late
	Fresh
	verdicts // how many there are
)

var verdictNames = [verdicts]string{
	"unwatched", "retired", "blind", "pending", "stale", "frozen", "falling_behind", "trickling", "catching_up", "late", "fresh",
}

// String is the word shown everywhere: API, metrics, page.
func (v Verdict) String() string { return verdictNames[min(v, verdicts-1)] }

// MarshalText writes String's form.
func (v Verdict) MarshalText() ([]byte, error) { return []byte(v.String()), nil }

// UnmarshalText reads String's form.
func (v *Verdict) UnmarshalText(text []byte) error {
	parsed, ok := ParseVerdict(string(text))
	if !ok {
		return fmt.Errorf("unknown verdict %q", text)
	}
	*v = parsed
	return nil
}

// ParseVerdict reads String's form.
func ParseVerdict(s string) (Verdict, bool) {
	for v, name := range verdictNames {
		if name == s {
			return Verdict(v), true
		}
	}
	return 0, false
}

// Verdicts are all of them in the order of the table.
func Verdicts() []Verdict {
	all := make([]Verdict, verdicts)
	for i := range all {
		all[i] = Verdict(i)
	}
	return all
}

// Opens says that a series with this verdict belongs in an incident.
func (v Verdict) Opens() bool {
	return v == Stale || v == Frozen || v == FallingBehind || v == Trickling
}

// Well says that a series with this verdict does not keep an incident open.
func (v Verdict) Well() bool { return v == Fresh || v == Late || v == Retired || v == Unwatched }
