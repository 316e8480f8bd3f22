package rules

import (
	"errors"

	"github.com/feedwatch/feedwatch/watchdog/feed"
)

// Parse turns all files of a directory into one Set. The error, when there is
// one, is a *Findings: every mistake in every file.
func Parse(files []File) (*Set, error) { return nil, errors.New("being written") }

// Matcher is one matcher in Alertmanager's syntax over a client's name (as
// "client") and its labels.
type Matcher struct{}

// Matches says whether the matcher fits.
func (m *Matcher) Matches(client string, labels feed.Labels) bool { return false }

// Schedule says when runs are expected.
type Schedule struct{}

// Deadline is Next(a + early) + grace; zero if no further run is scheduled.
func (s *Schedule) Deadline(a feed.Instant) feed.Instant { return 0 }

// ParseSeverity reads info, warning, error or critical.
func ParseSeverity(s string) (Severity, error) { return 0, errors.New("being written") }

// ParseTarget reads "kind/name".
func ParseTarget(s string) (Target, error) { return Target{}, errors.New("being written") }
