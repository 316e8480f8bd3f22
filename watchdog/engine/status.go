package engine

import (
	"errors"
	"time"

	"github.com/feedwatch/feedwatch/rules"
	"github.com/feedwatch/feedwatch/watchdog"
	"github.com/feedwatch/feedwatch/watchdog/feed"
)

// ErrNoIncident says that no incident has that id.
var ErrNoIncident = errors.New("no such incident")

// Refusal is why the machine did not take what a person decided.
type Refusal struct{ Err error }

// Error is the reason.
func (r *Refusal) Error() string { return r.Err.Error() }

// Unwrap is the reason.
func (r *Refusal) Unwrap() error { return r.Err }

// ErrNoFeed says that no feed has that name.
var ErrNoFeed = errors.New("no such feed")

// Status is what readers get: an immutable picture of the aggregates after one
// turn, published by the owner.
type Status struct {
	Now       feed.Instant          `json:"now"`
	Started   feed.Instant          `json:"started"`
	Ready     bool                  `json:"ready"` // the first complete evaluation is done
	Install   string                `json:"install"`
	Rules     RulesStatus           `json:"rules"`
	Feeds     []watchdog.FeedView   `json:"feeds"`
	Incidents []*watchdog.Incident  `json:"incidents"` // open ones first, then the newest resolved
	Sources   []watchdog.SourceView `json:"sources"`
	// Those that hold and those to come.
	Silences     []watchdog.Silence         `json:"silences,omitempty"`
	Maintenances []watchdog.MaintenanceView `json:"maintenances,omitempty"`
	Store        StoreStatus                `json:"store"`
	Trouble      []string                   `json:"trouble,omitempty"` // what is wrong with feedwatch itself, one sentence each
}

// RulesStatus says which rule set is in force.
type RulesStatus struct {
	Version  string       `json:"version"`
	LoadedAt feed.Instant `json:"loaded_at"`
	// The last set that was refused, if it came after the one in force.
	RefusedAt feed.Instant `json:"refused_at,omitzero"`
	Refusal   string       `json:"refusal,omitempty"`  // the findings as text
	Brief     string       `json:"-"`                  // the same in one line
	Warnings  string       `json:"warnings,omitempty"` // about the set in force, as text

	set    *rules.Set
	warned feed.Instant // when Warnings was found
}

// inForce is the status of a set from at on.
func inForce(set *rules.Set, at feed.Instant) RulesStatus {
	s := RulesStatus{Version: set.Version(), LoadedAt: at, set: set}
	s.warn(at)
	return s
}

func (s *RulesStatus) refuse(at feed.Instant, why error) {
	s.RefusedAt, s.Refusal, s.Brief = at, why.Error(), rules.Brief(why)
}

// warnEvery is how often it is looked what there is to say of the set in force:
// some of it depends on the time.
const warnEvery = time.Minute

func (s *RulesStatus) warn(now feed.Instant) {
	if s.set == nil || now < s.warned.Add(warnEvery) && s.warned != 0 {
		return
	}
	s.warned, s.Warnings = now, ""
	if found := s.set.WarningsAt(now); len(found.All) > 0 {
		s.Warnings = found.Error()
	}
}

// StoreStatus says whether what people decide is durable.
type StoreStatus struct {
	Failing string       `json:"failing,omitempty"` // why commits fail now
	Since   feed.Instant `json:"since,omitzero"`
}
