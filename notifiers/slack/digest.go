package slack

import (
	"unicode/utf8"

	slackgo "github.com/slack-go/slack"

	"github.com/feedwatch/feedwatch/notifiers"
	"github.com/feedwatch/feedwatch/watchdog"
	"github.com/feedwatch/feedwatch/watchdog/delivery"
)

// A digest is a root that tells of several incidents.
const (
	// digestShown is how many it names at most: a phone shows no more.
	digestShown = 15
	// digestCharsMax is for the incidents that are named, digestHeadMax for what
	// stands before them: together they stay below blocksCharsMax.
	digestCharsMax = 5500
	digestHeadMax  = 2400
	headLinesMax   = 4
	// eventCharsMax is for each incident in a reply that tells of several.
	eventCharsMax = 400
)

// toldIn are the incidents that a root tells of, the most urgent first.
func toldIn(op delivery.Op) []*watchdog.Incident {
	all := []*watchdog.Incident{op.Incident}
	for i := range op.With {
		all = append(all, op.With[i].Incident)
	}
	return notifiers.Urgent(all)
}

// digestContent is the root of several incidents.
func (n *Notifier) digestContent(op delivery.Op) slackgo.MsgOption {
	incidents := toldIn(op)
	headline := notifiers.DigestHeadline(incidents)
	if op.Minimal {
		return compose(op, escape(headline, minimalCharsMax))
	}
	head := notifiers.DigestHead(incidents, op.Now.Time())
	if l := insteadLine(op); l != nil {
		head = append(head, l)
	}
	var parts []string
	for _, l := range head {
		parts = append(parts, mrkdwn(l, digestHeadMax/headLinesMax))
	}
	list, more := n.list(incidents, op)
	blocks := []slackgo.Block{slackgo.NewHeaderBlock(slackgo.NewTextBlockObject(slackgo.PlainTextType, header(headline), false, false))}
	blocks = append(blocks, packed(parts)...)
	blocks = append(blocks, packed(list)...)
	if buttons := n.digestButtons(op, incidents); buttons != nil {
		blocks = append(blocks, buttons)
	}
	blocks = append(blocks, digestFooter(op, len(incidents)))
	lines := head
	for _, inc := range incidents[:len(incidents)-more] {
		lines = append(lines, notifiers.DigestLine(inc, op.Now.Time()))
	}
	return compose(op, fallback(headline, lines), blocks...)
}

// list names incidents, and says how many more there are.
func (n *Notifier) list(incidents []*watchdog.Incident, op delivery.Op) (parts []string, more int) {
	left := digestCharsMax
	for i, inc := range incidents {
		part := "• " + mrkdwn(notifiers.DigestLine(inc, op.Now.Time()), sectionCharsMax-2)
		if left -= utf8.RuneCountInString(part) + 1; i > 0 && left < 0 || i == digestShown {
			break
		}
		parts = append(parts, part)
	}
	if more = len(incidents) - len(parts); more > 0 {
		where := "feedwatch's page lists them."
		if notifiers.SafeLink(n.pageURL) != "" {
			where = "the page lists them."
		}
		parts = append(parts, "… and "+notifiers.Count(more)+" more: "+where)
	}
	return parts, more
}

// packed makes sections of parts that fit a message together.
func packed(parts []string) []slackgo.Block {
	var p packer
	for _, part := range parts {
		p.add(part)
	}
	p.flush()
	return p.blocks
}

func insteadLine(op delivery.Op) notifiers.Line {
	for _, one := range append([]delivery.Op{op}, op.With...) {
		if t := one.InsteadOf; t.Kind != "" {
			return notifiers.Line{{Text: "Told here in the place of " + notifiers.TargetName(t.Kind, t.Name) + ", which could not be told."}}
		}
	}
	return nil
}

// digestFooter is as short as it can be: what an incident's footer says, its page does.
func digestFooter(op delivery.Op, incidents int) slackgo.Block {
	text := "As of " + op.Now.Time().UTC().Format("2 Jan 15:04") + " UTC · " + notifiers.Count(incidents) + " incidents"
	return slackgo.NewContextBlock("", slackgo.NewTextBlockObject(slackgo.MarkdownType, escape(text, sectionCharsMax), false, true))
}

// amongContent is a reply in a thread of several incidents: each event says whose it
// is, and one that came to the thread with it says what is wrong.
func (n *Notifier) amongContent(op delivery.Op) slackgo.MsgOption {
	if len(op.With) == 0 && op.Joins && !op.Minimal {
		lines := []notifiers.Line{{{Text: notifiers.Headline(op.Incident), Style: notifiers.Bold}}}
		for _, f := range notifiers.Facts(op.Incident, op.Now.Time()) {
			lines = append(lines, f.Line())
		}
		if l := insteadLine(op); l != nil {
			lines = append(lines, l)
		}
		return compose(op, fallback("", lines), sections(lines)...)
	}
	var lines []notifiers.Line
	var parts []string
	for _, one := range append([]delivery.Op{op}, op.With...) {
		said := amongLines(one)
		lines = append(lines, said...)
		left := eventCharsMax
		for i, l := range said {
			if i > 0 && left < eventCharsMax/4 {
				break
			}
			part := mrkdwn(l, left)
			left -= utf8.RuneCountInString(part)
			parts = append(parts, part)
		}
	}
	if op.Minimal {
		return compose(op, escape(lines[0].String(), minimalCharsMax))
	}
	if l := insteadLine(op); l != nil {
		lines, parts = append(lines, l), append(parts, mrkdwn(l, eventCharsMax))
	}
	return compose(op, fallback("", lines), packed(parts)...)
}

// amongLines is what one op of a reply has to say.
func amongLines(op delivery.Op) []notifiers.Line {
	if op.Joins {
		return []notifiers.Line{notifiers.DigestLine(op.Incident, op.Now.Time())}
	}
	lines := notifiers.EventLines(op.Incident, op.Event)
	lines[0] = append(notifiers.Among(op.Incident), lines[0]...)
	return lines
}
