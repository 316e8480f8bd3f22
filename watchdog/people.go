package watchdog

import (
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// What people decide about an incident. Each input writes into its Err why it was
// not taken; that wraps ErrNoIncident where no open incident has the id.

// Bounds of what a person says.
const (
	AcknowledgeForDefault = 4 * time.Hour
	AcknowledgeForMax     = 7 * 24 * time.Hour
	SnoozeForDefault      = time.Hour
	// reopenAfter is how long a person's resolve holds while it is still silent.
	reopenAfter = 30 * time.Minute

	PersonBytesMax = 200
	ReasonBytesMax = 2000
)

// ErrNoIncident says that no open incident has that id.
var ErrNoIncident = errors.New("no open incident")

// Acknowledge is a person's word that they are on an incident.
type Acknowledge struct {
	ID  string // Incident.ID
	By  string
	For time.Duration // 0: AcknowledgeForDefault
	Err error
}

func (in *Acknowledge) apply(m *Machine) {
	inc, err := m.asked(in.ID, in.By, "")
	if in.Err = err; err != nil {
		return
	}
	if in.Err = checkFor("an acknowledgement", &in.For, AcknowledgeForDefault); in.Err == nil {
		m.acknowledge(inc, Ack{By: in.By, Until: m.now.Add(in.For)}, Event{Kind: EventAcknowledged})
	}
}

// Snooze is a person's word that an incident can wait, for a time.
type Snooze struct {
	ID  string // Incident.ID
	By  string
	For time.Duration // 0: SnoozeForDefault
	Err error
}

func (in *Snooze) apply(m *Machine) {
	inc, err := m.asked(in.ID, in.By, "")
	if in.Err = err; err != nil {
		return
	}
	if in.Err = checkFor("a snooze", &in.For, SnoozeForDefault); in.Err == nil {
		m.acknowledge(inc, Ack{Kind: AckSnoozed, By: in.By, Until: m.now.Add(in.For)}, Event{Kind: EventSnoozed})
	}
}

// HandOver gives an acknowledged incident to another person, for what is left of
// the acknowledgement.
type HandOver struct {
	ID  string // Incident.ID
	By  string
	To  string
	Err error
}

func (in *HandOver) apply(m *Machine) {
	inc, err := m.asked(in.ID, in.By, "")
	switch {
	case err != nil:
		in.Err = err
	case CheckPerson(in.To) != nil:
		in.Err = fmt.Errorf("whom it is handed to: %w", CheckPerson(in.To))
	case inc.Ack == nil:
		in.Err = errors.New("nobody has acknowledged it, so there is nothing to hand over: acknowledge it in their name instead")
	default:
		m.acknowledge(inc, Ack{By: in.To, Until: inc.Ack.Until}, Event{Kind: EventHandedOver, Who: in.By, Note: in.To})
	}
}

// Resolve is a person's word that an incident is over. While something is still
// in trouble it holds for 30 minutes, then it pages anew; an incident that no rule
// governs any more is closed.
type Resolve struct {
	ID     string // Incident.ID
	By     string
	Reason string
	Err    error
}

func (in *Resolve) apply(m *Machine) {
	inc, err := m.asked(in.ID, in.By, in.Reason)
	switch {
	case err != nil:
		in.Err = err
	case inc.trouble == 0 || inc.ungoverned():
		m.close(inc, in.By, in.Reason)
	default:
		m.acknowledge(inc, Ack{Kind: AckResolved, By: in.By, Until: m.now.Add(reopenAfter)}, Event{Kind: EventResolvedEarly, Note: in.Reason})
	}
}

// AcceptLoss ends the loss clock of an incident: nobody is paged any more because
// data is about to be lost, or is.
type AcceptLoss struct {
	ID     string // Incident.ID
	By     string
	Reason string
	Err    error
}

func (in *AcceptLoss) apply(m *Machine) {
	inc, err := m.asked(in.ID, in.By, in.Reason)
	switch {
	case err != nil:
		in.Err = err
	case strings.TrimSpace(in.Reason) == "":
		in.Err = errors.New("accepting a loss needs a reason: say why the data may be lost")
	case inc.Loss.Begins.IsZero():
		in.Err = errors.New("no loss clock runs for it, so there is nothing to accept")
	default:
		inc.Loss.Accepted = &Accepted{By: in.By, At: m.now, Reason: in.Reason}
		inc.knowsLoss()
		m.record(inc, Event{Kind: EventLossAccepted, Who: in.By, Note: in.Reason})
		inc.touched = true
	}
}

// asked finds the incident that a person speaks of.
func (m *Machine) asked(id, by, reason string) (*incident, error) {
	inc := m.byID[id]
	if inc == nil {
		return nil, fmt.Errorf("%w with id %q", ErrNoIncident, id)
	}
	if err := CheckPerson(by); err != nil {
		return nil, fmt.Errorf("this needs a name, of who decides it: %w", err)
	}
	if err := checkReason(reason); err != nil {
		return nil, err
	}
	return inc, nil
}

// CheckPerson says what is wrong with a person's name.
func CheckPerson(name string) error {
	switch {
	case strings.TrimSpace(name) == "":
		return errors.New("the name is empty")
	case len(name) > PersonBytesMax:
		return fmt.Errorf("the name is longer than %d bytes", PersonBytesMax)
	case !utf8.ValidString(name) || strings.ContainsFunc(name, unicode.IsControl):
		return errors.New("the name holds control characters")
	}
	return nil
}

func checkReason(reason string) error {
	if len(reason) > ReasonBytesMax || !utf8.ValidString(reason) {
		return fmt.Errorf("the reason must be text of at most %d bytes", ReasonBytesMax)
	}
	return nil
}

// checkFor bounds how long a decision lasts; 0 becomes byDefault.
func checkFor(what string, d *time.Duration, byDefault time.Duration) error {
	if *d < 0 || *d > AcknowledgeForMax {
		return fmt.Errorf("%s lasts at most %s, not %s", what, AcknowledgeForMax, *d)
	}
	if *d == 0 {
		*d = byDefault
	}
	return nil
}

// acknowledge stops the ladder for a time and for the scope that is shown now.
func (m *Machine) acknowledge(inc *incident, ack Ack, e Event) {
	ack.At, ack.Silent = m.now, inc.Scope.Silent
	inc.Ack = &ack
	if e.Who == "" {
		e.Who = ack.By
	}
	e.Until = ack.Until
	m.record(inc, e)
	m.refreshState(inc)
	inc.touched = true
}

// ungoverned says that no rule is left for anything that is in trouble: then only
// an update, or a person, can end it.
func (inc *incident) ungoverned() bool {
	if inc.Cause == CauseBlind {
		return inc.feed.spec == nil
	}
	for _, b := range inc.feed.blocks {
		for i := range b.rows {
			seq := b.rows[i].in
			if seq == inc.seq && troubled(b.rows[i].verdict) && inc.feed.ruleOf(b, i) != nil {
				return false
			}
		}
	}
	return true
}

// close ends an incident by a person's word.
func (m *Machine) close(inc *incident, by, reason string) {
	m.finish(inc, by, reason)
	for id, b := range inc.feed.rows {
		if i := id.place(); b.rows[i].in == inc.seq && inc.feed.ruleOf(b, i) == nil {
			b.rows[i].in = 0
			inc.feed.countUnplaced(b, false, b.rows[i].verdict.Opens())
			m.setVerdict(inc.feed, b, i, Unwatched)
		}
	}
	inc.touched = true
}
