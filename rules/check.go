package rules

import (
	"fmt"
	"slices"
)

// Check names a kind of finding. Names are kept: they stand in rule files, behind
// "# feedwatch: allow", and each has a page docs/rules/NAME.md.
type Check string

// Errors: the set is refused.
const (
	beforeLossBeyondRetention  Check = "before-loss-beyond-retention"
	beforeLossWithoutRetention Check = "before-loss-without-retention"
	conflictingKeys            Check = "conflicting-keys"
	dependencyCircle           Check = "dependency-circle"
	duplicateKey               Check = "duplicate-key"
	duplicateName              Check = "duplicate-name"
	earlyBeyondInterval        Check = "early-beyond-interval"
	emptyValue                 Check = "empty-value"
	forgetBeforeStale          Check = "forget-before-stale"
	ignoresEverybody           Check = "ignores-everybody"
	impossibleDate             Check = "impossible-date"
	minUpdatesTooShort         Check = "min-updates-too-short"
	missingKey                 Check = "missing-key"
	neverActive                Check = "never-active"
	noCatchAll                 Check = "no-catch-all"
	noEscalation               Check = "no-escalation"
	noFeeds                    Check = "no-feeds"
	noRules                    Check = "no-rules"
	noSuchEscalation           Check = "no-such-escalation"
	noSuchFeed                 Check = "no-such-feed"
	noSuchNotifier             Check = "no-such-notifier"
	noSuchRoster               Check = "no-such-roster"
	noWholeFeedRule            Check = "no-whole-feed-rule"
	notYAML                    Check = "not-yaml"
	stillWatched               Check = "still-watched"
	tellsNobody                Check = "tells-nobody"
	tooMuch                    Check = "too-much"
	unknownKey                 Check = "unknown-key"
	unreachableRule            Check = "unreachable-rule"
	warnAfterStaleAfter        Check = "warn-after-stale-after"
	wrongActive                Check = "wrong-active"
	wrongCron                  Check = "wrong-cron"
	wrongDuration              Check = "wrong-duration"
	wrongHolidays              Check = "wrong-holidays"
	wrongMatcher               Check = "wrong-matcher"
	wrongName                  Check = "wrong-name"
	wrongRoster                Check = "wrong-roster"
	wrongTime                  Check = "wrong-time"
	wrongTimezone              Check = "wrong-timezone"
	wrongType                  Check = "wrong-type"
	wrongValue                 Check = "wrong-value"
	wrongWindow                Check = "wrong-window"
)

// Warnings: the set is taken, and somebody should look.
const (
	allowOfNothing         Check = "allow-of-nothing"
	allowWithoutReason     Check = "allow-without-reason"
	gapBeyondRetention     Check = "gap-beyond-retention"
	ignoreOver             Check = "ignore-over"
	ignoreFarAway          Check = "ignore-far-away"
	matchesNothing         Check = "matches-nothing"
	noPagingNotifier       Check = "no-paging-notifier"
	overlap                Check = "overlap"
	quorumWithoutRetention Check = "quorum-without-retention"
	unusedEscalation       Check = "unused-escalation"
)

var errorChecks = [...]Check{
	beforeLossBeyondRetention, beforeLossWithoutRetention, conflictingKeys, dependencyCircle, duplicateKey,
	duplicateName, earlyBeyondInterval, emptyValue, forgetBeforeStale, ignoresEverybody, impossibleDate, minUpdatesTooShort, missingKey,
	neverActive, noCatchAll, noEscalation, noFeeds, noRules, noSuchEscalation, noSuchFeed, noSuchNotifier, noSuchRoster, noWholeFeedRule, notYAML,
	stillWatched, tellsNobody, tooMuch, unknownKey, unreachableRule, warnAfterStaleAfter, wrongActive, wrongCron, wrongDuration,
	wrongHolidays, wrongMatcher, wrongName, wrongRoster, wrongTime, wrongTimezone, wrongType, wrongValue, wrongWindow,
}

var warningChecks = [...]Check{
	allowOfNothing, allowWithoutReason, gapBeyondRetention, ignoreFarAway, ignoreOver, matchesNothing, noPagingNotifier, overlap, quorumWithoutRetention, unusedEscalation,
}

// Checks are all kinds of finding: the errors, then the warnings, each in
// alphabetical order.
func Checks() []Check { return slices.Concat(errorChecks[:], warningChecks[:]) }

// Level says whether findings of that kind refuse a set.
func (c Check) Level() Level {
	if slices.Contains(warningChecks[:], c) {
		return LevelWarning
	}
	return LevelError
}

// allowable says that a file may allow it, with a reason.
func (c Check) allowable() bool {
	return c.Level() == LevelWarning && c != allowOfNothing && c != allowWithoutReason
}

// Level is how much a finding weighs.
type Level uint8

// The levels.
const (
	LevelError   Level = iota // the set is refused
	LevelWarning              // somebody should look; the set is taken
)

// String is error or warning.
func (l Level) String() string {
	if l == LevelWarning {
		return "warning"
	}
	return "error"
}

// MarshalText writes String's form.
func (l Level) MarshalText() ([]byte, error) { return []byte(l.String()), nil }

// UnmarshalText reads String's form.
func (l *Level) UnmarshalText(text []byte) error {
	switch string(text) {
	case "error":
		*l = LevelError
	case "warning":
		*l = LevelWarning
	default:
		return fmt.Errorf("unknown level %q; it is error or warning", text)
	}
	return nil
}
