package notifiers

import (
	"context"
	"io"
	"strings"
	"sync"

	"github.com/feedwatch/feedwatch/watchdog/delivery"
)

// Terminal is a stream that several consoles print to, a whole message at a
// time. Colour is for a real terminal only, and never the only sign.
type Terminal struct {
	mu     sync.Mutex
	out    io.Writer
	colour bool
}

// NewTerminal prints to out.
func NewTerminal(out io.Writer, colour bool) *Terminal { return &Terminal{out: out, colour: colour} }

// Console prints what an on-call engineer would read. It is a notifier of its
// own, and stands in for Slack and PagerDuty where there is no account.
type Console struct {
	terminal *Terminal
	name     string
	page     string
}

// NewConsole prints to terminal under a name such as "slack/cdp-alerts (printed
// here)"; page is the URL of feedwatch's page, or "".
func NewConsole(terminal *Terminal, name, page string) *Console {
	return &Console{terminal: terminal, name: Clean(name, nameRunesMax), page: page}
}

// Shape is Stream.
func (c *Console) Shape() delivery.Shape { return delivery.Stream }

// Deliver prints a page as a block, with all that is known, and anything else
// as a line.
func (c *Console) Deliver(_ context.Context, op delivery.Op) (string, error) {
	if op.Kind != delivery.Tell || op.Event == nil {
		return "", &delivery.Error{Class: delivery.BadPayload, Err: NewFailure(Redactor{}, "console: it tells events and nothing else", nil)}
	}
	var text string
	if p := op.Page; p != nil && (PageReaches(p, op.Target.Kind, op.Target.Name) || op.InsteadOf.Kind != "") {
		text = c.block(op)
	} else {
		text = c.lines(op)
	}
	c.terminal.mu.Lock()
	defer c.terminal.mu.Unlock()
	if _, err := io.WriteString(c.terminal.out, text); err != nil {
		return "", &delivery.Error{Class: delivery.Ambiguous, Err: NewFailure(Redactor{}, "console: "+err.Error(), nil)}
	}
	return "printed", nil
}

const ruleWidth = 76

func (c *Console) block(op delivery.Op) string {
	inc, rule := op.Incident, strings.Repeat("=", ruleWidth)
	var b strings.Builder
	b.WriteString("\n" + rule + "\n")
	word := " PAGE "
	if isDrill(inc) {
		word = " " + drillWord + " "
	}
	b.WriteString(c.paint(word, inverse) + " " + c.paint(c.name, strong) + "  " + inc.Severity.String() + "\n")
	at := clock{ref: inc.Opened.Time(), seconds: countsSeconds(inc)}
	b.WriteString("  " + at.time(op.Page.At.Time()) + " UTC, because " + Why(inc, op.Page) + "\n")
	if op.InsteadOf.Kind != "" {
		b.WriteString("  In the place of " + TargetName(op.InsteadOf.Kind, op.InsteadOf.Name) + ", which could not be told.\n")
	}
	b.WriteString("\n  " + c.paint(Headline(inc), strong) + "\n")
	for _, f := range Facts(inc, op.Now.Time()) {
		b.WriteString("  " + c.line(f.Line()) + "\n")
	}
	if link := SafeLink(inc.Runbook); link != "" {
		b.WriteString("  Runbook: " + link + "\n")
	}
	if link := IncidentURL(c.page, inc); link != "" {
		b.WriteString("  Open: " + link + "\n")
	}
	b.WriteString(rule + "\n")
	return b.String()
}

func (c *Console) lines(op delivery.Op) string {
	var b strings.Builder
	for i, l := range EventLines(op.Incident, op.Event) {
		head := c.name + "  " + Clean(op.Incident.Feed, feedRunesMax) + ": "
		if i > 0 {
			head = strings.Repeat(" ", len(c.name)) + "  "
		}
		b.WriteString(c.paint(head, faint) + c.line(l))
		b.WriteString("\n")
	}
	return b.String()
}

func (c *Console) line(l Line) string {
	var b strings.Builder
	for _, s := range l {
		switch s.Style {
		case Bold:
			b.WriteString(c.paint(s.Text, strong))
		default:
			b.WriteString(s.Text)
		}
	}
	return b.String()
}

// The terminal's ways to stand out.
const (
	strong  = "1"
	faint   = "2"
	inverse = "1;41;97"
)

func (c *Console) paint(text, how string) string {
	if !c.terminal.colour {
		return text
	}
	return "\x1b[" + how + "m" + text + "\x1b[0m"
}
