package watchdog

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/feedwatch/feedwatch/rules"
	"github.com/feedwatch/feedwatch/watchdog/feed"
)

// Silence is a person's decision not to be paged for some series, for a time. It
// hides no resolve and holds no page about data loss.
type Silence struct {
	ID      string       `json:"id"`
	Match   string       `json:"match"` // matchers over feed, client and labels, as rules.ParseSelector reads them
	By      string       `json:"by"`
	Comment string       `json:"comment"`
	From    feed.Instant `json:"from"`
	Until   feed.Instant `json:"until"`
	EndedBy string       `json:"ended_by,omitempty"` // who ended it before its time, at Until
}

// Bounds of silences.
const (
	SilenceMax  = 31 * 24 * time.Hour // a forgotten one must not end a watch
	SilencesMax = 1000
)

// ErrNoSilence says that no silence that holds or is to come has that id.
var ErrNoSilence = errors.New("no such silence")

// Active says that it holds at t.
func (s *Silence) Active(t feed.Instant) bool { return s.From <= t && t < s.Until }

// Check says what is wrong with a silence that somebody asks for at now.
func (s *Silence) Check(now feed.Instant) error {
	switch _, err := rules.ParseSelector(s.Match); {
	case err != nil:
		return fmt.Errorf("whom it silences: %w", err)
	case CheckPerson(s.By) != nil:
		return fmt.Errorf("a silence needs an author: %w", CheckPerson(s.By))
	case strings.TrimSpace(s.Comment) == "":
		return errors.New("a silence needs a comment: say why nobody is to be paged")
	case checkReason(s.Comment) != nil:
		return fmt.Errorf("the comment must be text of at most %d bytes", ReasonBytesMax)
	case s.Until.IsZero():
		return errors.New("a silence needs an end")
	case s.Until <= max(now, s.From):
		return errors.New("a silence must end after it begins, and later than now")
	case s.Until.Sub(max(now, s.From)) > SilenceMax:
		return errors.New("a silence lasts at most 31 days")
	}
	return nil
}

// AddSilence puts a silence in force.
type AddSilence struct {
	Silence Silence // From: zero for now
	Err     error
}

func (in *AddSilence) apply(m *Machine) {
	s := &in.Silence
	s.From = max(s.From, m.now)
	in.Err = s.Check(m.now)
	switch {
	case in.Err != nil:
	case len(m.silences) >= SilencesMax:
		in.Err = fmt.Errorf("there are %d silences already: end some first", SilencesMax)
	default:
		m.silence(*s)
	}
}

// EndSilence ends a silence before its time.
type EndSilence struct {
	ID, By string
	Ended  Silence // as it is now
	Err    error
}

func (in *EndSilence) apply(m *Machine) {
	n := slices.IndexFunc(m.silences, func(s silence) bool { return s.ID == in.ID })
	switch {
	case n < 0:
		in.Err = fmt.Errorf("%w: %q", ErrNoSilence, in.ID)
	case CheckPerson(in.By) != nil:
		in.Err = fmt.Errorf("this needs a name, of who ends it: %w", CheckPerson(in.By))
	default:
		s := &m.silences[n]
		s.Until, s.EndedBy = m.now, in.By
		in.Ended = s.Silence
		m.lookAtHolds()
	}
}

// silence is one that holds or is to come, with its matchers read.
type silence struct {
	Silence
	selector rules.Selector
}

// silence takes one in force, new or from the store.
func (m *Machine) silence(s Silence) {
	selector, err := rules.ParseSelector(s.Match)
	if err != nil {
		m.trouble["silence "+s.ID] = fmt.Sprintf("silence %s is not in force: %v", s.ID, err)
		return
	}
	m.silences = slices.DeleteFunc(m.silences, func(old silence) bool { return old.ID == s.ID })
	m.silences = append(m.silences, silence{s, selector})
	m.lookAtHolds()
}

// Silences are those that hold and those to come.
func (m *Machine) Silences() []Silence {
	all := make([]Silence, 0, len(m.silences))
	for i := range m.silences {
		all = append(all, m.silences[i].Silence)
	}
	return all
}
