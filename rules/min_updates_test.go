package rules

import (
	"testing"
	"time"
)

// A rule with runs counts its updates at all times, one by age in its hours.
func TestCountsOfARule(t *testing.T) {
	byAge := activeRule(t, "active: {hours: \"08:00-18:00\", timezone: UTC}\nstale_after: 30m\nmin_updates: {count: 5, per: 1h}")
	if u := byAge.MinUpdates(); u != (MinUpdates{5, time.Hour}) || u.String() != "5 per 1h" || byAge.Counts() != byAge.Active() || byAge.LongestCount() < 14*time.Hour {
		t.Errorf("%s, counted in %v, for %s at most", u, byAge.Counts(), byAge.LongestCount())
	}
	runs := activeRule(t, "active: {hours: \"05:00-18:00\", timezone: UTC}\nexpect: {cron: '0 6 * * *', grace: 45m}\nmin_updates: {count: 5, per: 2d}")
	if runs.Counts() != nil || runs.LongestCount() != 54*time.Hour {
		t.Errorf("counted in %v, for %s at most", runs.Counts(), runs.LongestCount())
	}
}
