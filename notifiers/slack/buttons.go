package slack

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	slackgo "github.com/slack-go/slack"

	"github.com/feedwatch/feedwatch/notifiers"
	"github.com/feedwatch/feedwatch/watchdog"
	"github.com/feedwatch/feedwatch/watchdog/delivery"
)

// What a press asks for: Slack's action_id.
const (
	actAcknowledge    = "acknowledge"
	actTakeOver       = "take_over"
	actSnooze         = "snooze"
	actSnoozeFor      = "snooze_for" // the menu
	actResolve        = "resolve"
	actAcknowledgeAll = "acknowledge_all" // of a digest
	actOpen           = "open"
	actRunbook        = "runbook"
)

// snoozes are what the menu offers beside the button's hour.
var snoozes = [...]time.Duration{30 * time.Minute, 4 * time.Hour, 24 * time.Hour}

// subject is what a button carries: which incident, and what was decided about it
// when the button was drawn. A press on a button that shows an older decision than
// the present one changes nothing: it may be the second of a double click, or the
// other person was faster.
type subject struct {
	incident string
	decided  int64         // Incident.Ack.At in unix ms; 0: nothing
	lasts    time.Duration // of a snooze; 0 where it does not say
}

func subjectOf(inc *watchdog.Incident) subject {
	return subject{incident: inc.ID, decided: decidedAt(inc)}
}

func decidedAt(inc *watchdog.Incident) int64 {
	if inc.Ack == nil {
		return 0
	}
	return int64(inc.Ack.At)
}

func (s subject) String() string {
	text := s.incident + " " + strconv.FormatInt(s.decided, 10)
	if s.lasts > 0 {
		text += " " + s.lasts.String()
	}
	return text
}

func parseSubject(text string) (subject, error) {
	parts := strings.Split(text, " ")
	if len(parts) < 2 || len(parts) > 3 || parts[0] == "" {
		return subject{}, fmt.Errorf("the value %.60q is not one of our buttons'", text)
	}
	s := subject{incident: parts[0]}
	var err error
	if s.decided, err = strconv.ParseInt(parts[1], 10, 64); err != nil {
		return subject{}, fmt.Errorf("the value %.60q is not one of our buttons'", text)
	}
	if len(parts) == 3 {
		if s.lasts, err = time.ParseDuration(parts[2]); err != nil || s.lasts <= 0 {
			return subject{}, fmt.Errorf("the value %.60q is not one of our buttons'", text)
		}
	}
	return s, nil
}

// buttons are what a person can do now, then links; nil where there is nothing.
func (n *Notifier) buttons(op delivery.Op) slackgo.Block {
	inc := op.Incident
	var elements []slackgo.BlockElement
	if n.pressable {
		elements = presses(inc)
	}
	link := func(label, id, to string) {
		if to != "" {
			elements = append(elements, button(label, id, "").WithURL(to))
		}
	}
	link("Open page", actOpen, notifiers.SafeLink(notifiers.IncidentURL(n.pageURL, inc)))
	link("Runbook", actRunbook, notifiers.SafeLink(inc.Runbook))
	if len(elements) == 0 {
		return nil
	}
	// A block that changes needs another id, or Slack keeps what was chosen in its menu.
	return slackgo.NewActionBlock(fmt.Sprintf("%s/%d", inc.State, decidedAt(inc)), elements...)
}

// allOfThem stands for an incident's id in what a button of a digest carries; what
// was decided is then when it was drawn.
const allOfThem = "all"

// digestButtons act on all incidents that nobody is on, and say so.
func (n *Notifier) digestButtons(op delivery.Op, incidents []*watchdog.Incident) slackgo.Block {
	var elements []slackgo.BlockElement
	open := 0
	for _, inc := range incidents {
		if untaken(inc) {
			open++
		}
	}
	drawn := subject{incident: allOfThem, decided: int64(op.Now)}
	if n.pressable && open > 0 {
		label := "Acknowledge all " + notifiers.Count(open)
		if open < len(incidents) {
			label = "Acknowledge the " + notifiers.Count(open) + " that nobody is on"
		}
		elements = append(elements, button(label, actAcknowledgeAll, drawn.String()).WithStyle(slackgo.StylePrimary))
	}
	if to := notifiers.SafeLink(n.pageURL); to != "" {
		elements = append(elements, button("Open page", actOpen, "").WithURL(to))
	}
	if len(elements) == 0 {
		return nil
	}
	return slackgo.NewActionBlock("", elements...)
}

// untaken says that a person's acknowledgement would change something.
func untaken(inc *watchdog.Incident) bool {
	inTrouble := inc.State == watchdog.StateOpen || inc.State == watchdog.StateAcknowledged
	return inTrouble && !inc.Cause.OfItself() && (inc.Ack == nil || inc.Ack.Kind != watchdog.AckTaken)
}

// presses are the buttons that make sense for the incident as it is.
func presses(inc *watchdog.Incident) []slackgo.BlockElement {
	value := subjectOf(inc).String()
	acknowledge := button("Acknowledge", actAcknowledge, value).WithStyle(slackgo.StylePrimary)
	snooze := button("Snooze "+notifiers.Duration(watchdog.SnoozeForDefault), actSnooze, value)
	resolve := button("Resolve…", actResolve, value)
	switch {
	case inc.Drill != nil && inc.Drill.Human && inc.State == watchdog.StateOpen:
		return []slackgo.BlockElement{acknowledge}
	case inc.State == watchdog.StateResolved, inc.Drill != nil, inc.Cause.OfItself(): // it ends by itself
		return nil
	case inc.State == watchdog.StateRecovering:
		return []slackgo.BlockElement{resolve}
	case inc.Ack == nil || inc.Ack.Kind == watchdog.AckSnoozed:
		return []slackgo.BlockElement{acknowledge, snooze, snoozeMenu(inc), resolve}
	case inc.Ack.Kind == watchdog.AckResolved:
		return []slackgo.BlockElement{acknowledge, snooze, snoozeMenu(inc)}
	default:
		return []slackgo.BlockElement{button("Take over", actTakeOver, value), snooze, snoozeMenu(inc), resolve}
	}
}

func snoozeMenu(inc *watchdog.Incident) slackgo.BlockElement {
	options := make([]*slackgo.OptionBlockObject, 0, len(snoozes))
	for _, d := range snoozes {
		s := subjectOf(inc)
		s.lasts = d
		options = append(options, slackgo.NewOptionBlockObject(s.String(), plainText(snoozeText(d)), nil))
	}
	return slackgo.NewOptionsSelectBlockElement(slackgo.OptTypeStatic, plainText("Snooze for…"), actSnoozeFor, options...)
}

// snoozeText is "24 h" rather than "1 d": nobody means until tomorrow by it.
func snoozeText(d time.Duration) string {
	if d >= time.Hour {
		return fmt.Sprintf("%d h", d/time.Hour)
	}
	return notifiers.Duration(d)
}

func button(label, id, value string) *slackgo.ButtonBlockElement {
	return slackgo.NewButtonBlockElement(id, value, plainText(label))
}

func plainText(text string) *slackgo.TextBlockObject {
	return slackgo.NewTextBlockObject(slackgo.PlainTextType, text, false, false)
}
