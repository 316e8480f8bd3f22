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
	textCharsMax    = 4000 // though Slack documents 40,000, it refuses longer ones
	// blocksCharsMax is for all blocks together. Slack documents no such limit, and
	// refuses messages of 11,000 to 13,000 (slackapi/bolt-js#2509, #2867).
	blocksCharsMax  = 9000
	minimalCharsMax = 500
)

// rootContent is what the incident is now: text for notifications and screen
// readers, and blocks for the rest.
func (n *Notifier) rootContent(op delivery.Op) slackgo.MsgOption {
	if op.Shared && len(op.With) > 0 {
		return n.digestContent(op)
	}
	headline := notifiers.Headline(op.Incident)
	if op.Minimal {
		return compose(op, escape(headline, minimalCharsMax))
	}
	facts := notifiers.Facts(op.Incident, op.Now.Time())
	lines := make([]notifiers.Line, 0, len(facts)+1)
	if l := insteadLine(op); l != nil {
		lines = append(lines, l)
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
	if op.Shared {
		return n.amongContent(op)
	}
	lines := notifiers.EventLines(op.Incident, op.Event)
	if op.Minimal {
		return compose(op, escape(lines[0].String(), minimalCharsMax))
	}
	if l := insteadLine(op); l != nil {
		lines = append(lines, l)
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
// line begins another block. What does not fit a message is left out, and that is said.
func sections(lines []notifiers.Line) []slackgo.Block {
	var p packer
	for _, l := range lines {
		part := mrkdwn(l, sectionCharsMax)
		switch n := utf8.RuneCountInString(part); {
		case n == 0:
			p.flush()
		case p.total+n > blocksCharsMax-len(leftOut), len(p.blocks) >= sectionsMax:
			p.add(leftOut)
			p.flush()
			return p.blocks
		default:
			p.add(part)
		}
	}
	p.flush()
	return p.blocks
}

const (
	leftOut     = "… and more, which does not fit this message."
	sectionsMax = blocksMax - 5 // room for header, buttons, footer and what is under way
)

// packer makes sections of pieces of text.
type packer struct {
	blocks       []slackgo.Block
	text         strings.Builder
	chars, total int
}

func (p *packer) add(part string) {
	n := utf8.RuneCountInString(part) + 1
	if p.chars+n > sectionCharsMax {
		p.flush()
	}
	if p.chars > 0 {
		p.text.WriteByte('\n')
	}
	p.text.WriteString(part)
	p.chars += n
	p.total += n
}

func (p *packer) flush() {
	if p.chars > 0 {
		object := slackgo.NewTextBlockObject(slackgo.MarkdownType, p.text.String(), false, true) // verbatim: nothing becomes a link or a mention
		p.blocks = append(p.blocks, slackgo.NewSectionBlock(object, nil, nil))
	}
	p.text.Reset()
	p.chars = 0
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
