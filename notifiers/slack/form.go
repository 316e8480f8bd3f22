package slack

import (
	"context"
	"encoding/json"
	"time"

	slackgo "github.com/slack-go/slack"

	"github.com/feedwatch/feedwatch/notifiers"
	"github.com/feedwatch/feedwatch/watchdog"
)

// The form that asks why an incident is over.
const (
	formResolve = "resolve_form"
	formBlock   = "reason"
	formInput   = "text"
	// formCharsMax is less than an incident keeps, whatever the characters are.
	formCharsMax = watchdog.ReasonBytesMax / 4
)

// formTimeout is for how long Slack takes a form for a press.
const formTimeout = 3 * time.Second

// formMetadata is what the form brings back besides the reason.
type formMetadata struct {
	Subject  string `json:"subject"`
	AnswerTo string `json:"answer_to"`
}

// openForm asks for the reason.
func (a *app) openForm(ctx context.Context, p press, inc *watchdog.Incident) error {
	kept, err := json.Marshal(formMetadata{Subject: p.on.String(), AnswerTo: p.answerTo})
	if err != nil {
		return err
	}
	input := slackgo.NewPlainTextInputBlockElement(plainText("What was done, or why it is no trouble"), formInput).WithMultiline(true).WithMaxLength(formCharsMax)
	view := slackgo.ModalViewRequest{
		Type: slackgo.VTModal, CallbackID: formResolve, PrivateMetadata: string(kept),
		Title: plainText("Resolve the incident"), Submit: plainText("Resolve"), Close: plainText("Cancel"),
		Blocks: slackgo.Blocks{BlockSet: append(
			sections([]notifiers.Line{
				{{Text: notifiers.Headline(inc), Style: notifiers.Bold}},
				{{Text: notifiers.ResolveMeans(inc)}},
			}),
			slackgo.NewInputBlock(formBlock, plainText("Reason"), nil, input),
		)},
	}
	ctx, cancel := context.WithTimeout(ctx, formTimeout)
	defer cancel()
	x := a.sender.Exchange()
	_, err = a.client(x).OpenViewContext(ctx, p.trigger, view)
	if failed := a.failure(x, "form", err); failed != nil {
		return failed
	}
	return nil
}
