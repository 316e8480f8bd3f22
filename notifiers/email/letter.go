package email

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"fmt"
	"html/template"
	"strings"
	"time"

	"github.com/wneessen/go-mail"

	"github.com/feedwatch/feedwatch/notifiers"
	"github.com/feedwatch/feedwatch/rules"
	"github.com/feedwatch/feedwatch/watchdog/delivery"
)

// letter is a message in words, for both of its forms.
type letter struct {
	Head  notifiers.Line // what is new; shown beside the subject
	Lines []notifiers.Line
	Facts []notifiers.Fact
	Links []link
	Foot  string
}

type link struct{ Text, Href string }

// say is what op tells: a page begins with what the incident is now, anything else
// with what happened. The rest is the whole picture: no message is ever updated.
func (n *Notifier) say(op delivery.Op) letter {
	inc := op.Incident
	headline := notifiers.Line{{Text: notifiers.Headline(inc), Style: notifiers.Bold}}
	events := notifiers.EventLines(inc, op.Event)
	l := letter{Lines: events[:1], Head: headline, Foot: "Incident " + notifiers.Clean(inc.Key, 300)}
	if op.Page == nil {
		l.Head, l.Lines = events[0], []notifiers.Line{headline}
	}
	if t := op.InsteadOf; t.Kind != "" {
		l.Lines = append(l.Lines, notifiers.Line{{Text: "Told here in the place of " + notifiers.TargetName(t.Kind, t.Name) + ", which could not be told."}})
	}
	if op.Minimal {
		l.Lines = append(l.Lines, events[1:]...) // a loss, which is among the facts otherwise
		return l
	}
	l.Facts = notifiers.Facts(inc, op.Now.Time())
	if href := notifiers.SafeLink(notifiers.IncidentURL(n.route.PageURL, inc)); href != "" {
		l.Links = append(l.Links, link{"Open in feedwatch", href})
	}
	if href := notifiers.SafeLink(inc.Runbook); href != "" {
		l.Links = append(l.Links, link{"Runbook", href})
	}
	return l
}

// plain is the letter as text.
func (l *letter) plain() string {
	var b strings.Builder
	line := func(s string) { b.WriteString(s + "\n") }
	line(l.Head.String())
	for _, more := range l.Lines {
		line(more.String())
	}
	if len(l.Facts) > 0 {
		line("")
	}
	for _, f := range l.Facts {
		line(f.Line().String())
	}
	if len(l.Links) > 0 {
		line("")
	}
	for _, a := range l.Links {
		line(a.Text + ": " + a.Href)
	}
	line("")
	line(l.Foot)
	return b.String()
}

//go:embed letter.html
var letterHTML string

var htmlTemplate = template.Must(template.New("letter").Funcs(template.FuncMap{
	"bold": func(s notifiers.Span) bool { return s.Style == notifiers.Bold },
	"code": func(s notifiers.Span) bool { return s.Style == notifiers.Code },
}).Parse(letterHTML))

// messageID is the op's: a repeat has the same one.
func (n *Notifier) messageID(op delivery.Op) string {
	return n.id(op.Target.String() + "\x00" + op.ID())
}

// threadID is the incident's.
func (n *Notifier) threadID(op delivery.Op) string {
	return n.id(op.Target.String() + "\x00" + op.Incident.Key)
}

func (n *Notifier) id(of string) string {
	sum := sha256.Sum256([]byte(of))
	return hex.EncodeToString(sum[:16]) + n.route.from.Address[strings.LastIndexByte(n.route.from.Address, '@'):]
}

// compose is op as a message, ready to be handed over.
func (n *Notifier) compose(op delivery.Op) ([]byte, error) {
	l := n.say(op)
	subject := notifiers.Subject(op.Incident)
	if op.Page == nil || notifiers.EarlierPage(op.Incident, op.Page, op.Target.Kind, op.Target.Name) {
		subject = "Re: " + subject
	}
	m := n.envelope(subject, op.Now.Time())
	m.SetMessageIDWithValue(n.messageID(op))
	m.SetGenHeader(mail.HeaderInReplyTo, "<"+n.threadID(op)+">")
	m.SetGenHeader(mail.HeaderReferences, "<"+n.threadID(op)+">")
	if op.Page != nil && op.Incident.Severity >= rules.Error {
		m.SetImportance(mail.ImportanceHigh)
	}
	m.SetBodyString(mail.TypeTextPlain, l.plain())
	if !op.Minimal {
		var b bytes.Buffer
		if err := htmlTemplate.Execute(&b, l); err != nil {
			return nil, fmt.Errorf("write the HTML: %w", err)
		}
		m.AddAlternativeString(mail.TypeTextHTML, b.String())
	}
	return written(m)
}

// test is a message that is no page.
func (n *Notifier) test() ([]byte, error) {
	m := n.envelope("A test of feedwatch", time.Now())
	m.SetMessageID()
	m.SetBodyString(mail.TypeTextPlain, "A test of feedwatch's way to you. Nothing is wrong.\n")
	return written(m)
}

// envelope has what every message has. Nobody answers it: no out-of-office does.
func (n *Notifier) envelope(subject string, at time.Time) *mail.Msg {
	m := mail.NewMsg(mail.WithNoDefaultUserAgent())
	m.FromMailAddress(n.route.from)
	m.ToMailAddress(n.route.to...)
	m.Subject(subject)
	m.SetDateWithValue(at.UTC())
	m.SetGenHeader("Auto-Submitted", "auto-generated")
	m.SetGenHeader("X-Auto-Response-Suppress", "All")
	return m
}

func written(m *mail.Msg) ([]byte, error) {
	var b bytes.Buffer
	if _, err := m.WriteTo(&b); err != nil {
		return nil, fmt.Errorf("write the message: %w", err)
	}
	return b.Bytes(), nil
}
