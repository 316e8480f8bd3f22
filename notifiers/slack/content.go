package slack

import (
	"strings"
	"unicode/utf8"

	slackgo "github.com/slack-go/slack"

	"github.com/feedwatch/feedwatch/notifiers"
	"github.com/feedwatch/feedwatch/watchdog/delivery"
)

// Slack's limits, in characters of the escaped text.
const (
	blocksMax       = 50
	headerCharsMax  = 150
	sectionCharsMax = 3000
	textCharsMax    = 4000
	minimalCharsMax = 500
)

// rootContent is what the incident is now: text for notifications and screen
// readers, and blocks for the rest.
func (n *Notifier) rootContent(op delivery.Op) slackgo.MsgOption {
	headline := notifiers.Headline(op.Incident)
	if op.Minimal {
		return compose(op, escape(headline, minimalCharsMax))
	}
	facts := notifiers.Facts(op.Incident, op.Now.Time())
	lines := make([]notifiers.Line, 0, len(facts)+1)
	if t := op.InsteadOf; t.Kind != "" {
		lines = append(lines, notifiers.Line{{Text: "Told here in the place of " + notifiers.TargetName(t.Kind, t.Name) + ", which could not be told."}})
	}
	for _, f := range facts {
		lines = append(lines, f.Line())
	}
	blocks := []slackgo.Block{slackgo.NewHeaderBlock(slackgo.NewTextBlockObject(slackgo.PlainTextType, header(headline), false, false))}
	blocks = append(blocks, sections(lines)...)
	if buttons := n.buttons(op); buttons != nil {
		blocks = append(blocks, buttons)
	}
	blocks = append(blocks, footer(op))
	return compose(op, fallback(headline, lines), blocks...)
}

// replyContent is one event.
func (n *Notifier) replyContent(op delivery.Op) slackgo.MsgOption {
	lines := notifiers.EventLines(op.Incident, op.Event)
	if op.Minimal {
		return compose(op, escape(lines[0].String(), minimalCharsMax))
	}
	if t := op.InsteadOf; t.Kind != "" {
		lines = append(lines, notifiers.Line{{Text: "Told here in the place of " + notifiers.TargetName(t.Kind, t.Name) + ", which could not be told."}})
	}
	if broadcasts(op) { // in the channel it stands without its thread
		lines = append(lines, notifiers.Line{{Text: notifiers.Headline(op.Incident), Style: notifiers.Bold}})
	}
	return compose(op, fallback("", lines), sections(lines)...)
}

func compose(op delivery.Op, text string, blocks ...slackgo.Block) slackgo.MsgOption {
	options := []slackgo.MsgOption{
		slackgo.MsgOptionText(text, false), // escaped here, by span
		slackgo.MsgOptionMetadata(metadata(op)),
		slackgo.MsgOptionDisableLinkUnfurl(),
		slackgo.MsgOptionDisableMediaUnfurl(),
	}
	if len(blocks) > 0 {
		options = append(options, slackgo.MsgOptionBlocks(blocks...))
	}
	return slackgo.MsgOptionCompose(options...)
}

// header is plain text, of which Slack shows entities or not depending on the
// client: so it has none.
func header(s string) string {
	return notifiers.Clean(strings.NewReplacer("<", "‹", ">", "›", "&", "＆").Replace(s), headerCharsMax)
}

// fallback is what a phone's lock screen and a screen reader get.
func fallback(headline string, lines []notifiers.Line) string {
	var parts []string
	if headline != "" {
		parts = append(parts, escape(headline, headerCharsMax*2))
	}
	left := textCharsMax
	for _, l := range lines {
		part := escape(l.String(), sectionCharsMax)
		if left -= utf8.RuneCountInString(part) + 1; left < headerCharsMax*2 {
			break
		}
		parts = append(parts, part)
	}
	return strings.Join(parts, "\n")
}

// sections packs lines into as few section blocks as their limit allows; an empty
// line begins another block.
func sections(lines []notifiers.Line) []slackgo.Block {
	var blocks []slackgo.Block
	var text strings.Builder
	runes := 0
	flush := func() {
		if runes > 0 && len(blocks) < blocksMax-3 { // room for header, buttons and footer
			object := slackgo.NewTextBlockObject(slackgo.MarkdownType, text.String(), false, true) // verbatim: nothing becomes a link or a mention
			blocks = append(blocks, slackgo.NewSectionBlock(object, nil, nil))
		}
		text.Reset()
		runes = 0
	}
	for _, l := range lines {
		part := mrkdwn(l, sectionCharsMax)
		n := utf8.RuneCountInString(part)
		if n == 0 {
			flush()
			continue
		}
		if runes > 0 && runes+n+1 > sectionCharsMax {
			flush()
		}
		if runes > 0 {
			text.WriteByte('\n')
			runes++
		}
		text.WriteString(part)
		runes += n
	}
	flush()
	return blocks
}

func footer(op delivery.Op) slackgo.Block {
	inc := op.Incident
	text := "As of " + op.Now.Time().UTC().Format("2 Jan 15:04") + " UTC · " + inc.Severity.String() + " · incident " + inc.ID
	if inc.Owner != "" {
		text += " · owner " + notifiers.Clean(inc.Owner, 60)
	}
	object := slackgo.NewTextBlockObject(slackgo.MarkdownType, escape(text, sectionCharsMax), false, true)
	return slackgo.NewContextBlock("", object)
}
