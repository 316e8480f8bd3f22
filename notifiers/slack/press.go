package slack

import (
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/feedwatch/feedwatch/notifiers"
	"github.com/feedwatch/feedwatch/watchdog"
)

// press is what a person asked for with a button, a menu or the form.
type press struct {
	act    string
	on     subject
	who    string
	reason string // of the form
	under  string // the message whose button it was: channel/ts
	// trigger lets us open a form, for three seconds; answerTo is where what we say
	// goes to that person alone, for half an hour.
	trigger, answerTo string
}

// interaction is what Slack sends of it. slack-go's own type is not used: it fails
// as a whole on a message with a block that it does not know.
type interaction struct {
	Type        string `json:"type"`
	TriggerID   string `json:"trigger_id"`
	ResponseURL string `json:"response_url"`
	User        struct {
		ID       string `json:"id"`
		Name     string `json:"name"`
		Username string `json:"username"`
	} `json:"user"`
	Actions []struct {
		ID       string `json:"action_id"`
		Value    string `json:"value"`
		Selected struct {
			Value string `json:"value"`
		} `json:"selected_option"`
	} `json:"actions"`
	Container struct {
		Channel string `json:"channel_id"`
		TS      string `json:"message_ts"`
	} `json:"container"`
	View struct {
		CallbackID string `json:"callback_id"`
		Metadata   string `json:"private_metadata"`
		State      struct {
			Values map[string]map[string]struct {
				Value string `json:"value"`
			} `json:"values"`
		} `json:"state"`
	} `json:"view"`
}

// parsePress reads an interaction; ok is false for one that asks for nothing, such
// as a press on a link.
func parsePress(data []byte) (p press, ok bool, err error) {
	var in interaction
	if err := json.Unmarshal(data, &in); err != nil {
		return press{}, false, fmt.Errorf("read what was pressed: %w", err)
	}
	p = press{who: personName(in.User.Username, in.User.Name, in.User.ID), trigger: in.TriggerID, answerTo: in.ResponseURL}
	switch {
	case in.Type == "view_submission" && in.View.CallbackID == formResolve:
		return parseForm(p, in)
	case in.Type != "block_actions" || len(in.Actions) == 0:
		return press{}, false, nil
	}
	p.act = in.Actions[0].ID
	value := in.Actions[0].Value
	p.under = ref{in.Container.Channel, in.Container.TS}.String()
	switch p.act {
	case actAcknowledge, actTakeOver, actSnooze, actResolve, actAcknowledgeAll:
	case actSnoozeFor:
		value = in.Actions[0].Selected.Value
	default:
		return press{}, false, nil
	}
	p.on, err = parseSubject(value)
	return p, err == nil, err
}

// parseForm reads what the form for a reason was sent with.
func parseForm(p press, in interaction) (press, bool, error) {
	var kept formMetadata
	if err := json.Unmarshal([]byte(in.View.Metadata), &kept); err != nil {
		return press{}, false, fmt.Errorf("read the form: %w", err)
	}
	p.act, p.answerTo = formResolve, kept.AnswerTo
	p.reason = reasonText(in.View.State.Values[formBlock][formInput].Value)
	var err error
	p.on, err = parseSubject(kept.Subject)
	return p, err == nil, err
}

// reasonText is what a person wrote, within what an incident keeps of it.
func reasonText(text string) string {
	text = strings.TrimSpace(strings.ToValidUTF8(text, "\uFFFD"))
	for len(text) > watchdog.ReasonBytesMax {
		_, size := utf8.DecodeLastRuneInString(text[:watchdog.ReasonBytesMax+1])
		text = text[:watchdog.ReasonBytesMax+1-size]
	}
	return text
}

// personRunesMax keeps any name within watchdog.PersonBytesMax.
const personRunesMax = 48

// personName is the first name that there is, as the timeline shows it: @anna.
func personName(names ...string) string {
	for _, name := range names {
		if name = strings.TrimSpace(notifiers.Clean(name, personRunesMax)); name != "" {
			return "@" + name
		}
	}
	return "@somebody"
}
