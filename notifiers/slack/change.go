package slack

import (
	"context"
	"time"

	slackgo "github.com/slack-go/slack"

	"github.com/feedwatch/feedwatch/notifiers"
)

// ChangesEvery is how often a channel is told of rule changes at most.
const ChangesEvery = time.Minute

// changeLinesMax is how many changes a message shows; the page has the rules.
const changeLinesMax = 10

// TellChange makes one attempt at posting a note about other rules to the channel,
// outside every thread.
func (n *Notifier) TellChange(ctx context.Context, c *notifiers.RuleChange) error {
	_, err := n.send(ctx, "post", n.channel, "", slackgo.MsgOptionPost(), n.changeContent(c))
	return err
}

func (n *Notifier) changeContent(c *notifiers.RuleChange) slackgo.MsgOption {
	shown, more := c.Lines(changeLinesMax)
	headline := c.Summary()
	if len(shown) == 1 && more == 0 {
		headline = "feedwatch rules changed" // the line below says it
	}
	var lines []notifiers.Line
	for _, one := range shown {
		lines = append(lines, notifiers.Line{{Text: "• "}, {Text: one, Style: notifiers.Code}})
	}
	if more > 0 {
		lines = append(lines, notifiers.Line{{Text: "and " + notifiers.Count(more) + " more."}})
	}
	lines = append(lines, notifiers.Line{
		{Text: "Installation "},
		{Text: c.Install, Style: notifiers.Name},
		{Text: ": the set "},
		{Text: c.To, Style: notifiers.Code},
		{Text: " is in force since " + c.At.UTC().Format("2 Jan 15:04") + " UTC, in place of "},
		{Text: c.From, Style: notifiers.Code},
		{Text: "."},
	})
	blocks := []slackgo.Block{slackgo.NewHeaderBlock(slackgo.NewTextBlockObject(slackgo.PlainTextType, header(headline), false, false))}
	blocks = append(blocks, sections(lines)...)
	if to := notifiers.SafeLink(c.PageURL); to != "" {
		blocks = append(blocks, slackgo.NewActionBlock("", button("Open page", actOpen, "").WithURL(to)))
	}
	return slackgo.MsgOptionCompose(
		slackgo.MsgOptionText(fallback(headline, lines), false), // escaped there
		slackgo.MsgOptionDisableLinkUnfurl(), slackgo.MsgOptionDisableMediaUnfurl(), slackgo.MsgOptionBlocks(blocks...),
	)
}
