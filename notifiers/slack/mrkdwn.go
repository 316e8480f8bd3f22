package slack

import (
	"strings"
	"unicode/utf8"

	"github.com/feedwatch/feedwatch/notifiers"
)

// escape is s as Slack's text: no mention, link or entity survives. At most
// charsMax characters, never cut inside an entity.
func escape(s string, charsMax int) string {
	var b strings.Builder
	left := charsMax - 1 // room for the ellipsis
	for _, r := range s {
		e := entity(r)
		if left -= utf8.RuneCountInString(e); left < 0 {
			b.WriteString("…")
			break
		}
		b.WriteString(e)
	}
	return b.String()
}

func entity(r rune) string {
	switch r {
	case '&':
		return "&amp;"
	case '<':
		return "&lt;"
	case '>':
		return "&gt;"
	default:
		return string(r)
	}
}

// formatting are the characters by which mrkdwn would change the look of a text.
// Slack has no escape for them.
const formatting = "*_~`"

// mrkdwn is a line in Slack's markup, at most charsMax characters long. Where a
// text holds characters that would garble its own style, the style gives way:
// a name with them is shown as code, which formats nothing inside.
func mrkdwn(l notifiers.Line, charsMax int) string {
	var b strings.Builder
	left := charsMax
	for _, s := range l {
		mark := markOf(s)
		text := s.Text
		if mark == "`" {
			text = strings.ReplaceAll(text, "`", "'")
		}
		room := left - 2*len(mark)
		if text == "" || room < 2 {
			continue
		}
		text = mark + escape(text, room) + mark
		left -= utf8.RuneCountInString(text)
		b.WriteString(text)
	}
	return b.String()
}

func markOf(s notifiers.Span) string {
	garbles := strings.ContainsAny(s.Text, formatting)
	switch {
	case s.Style == notifiers.Code, s.Style == notifiers.Name && garbles:
		return "`"
	case s.Style == notifiers.Bold && !garbles && strings.TrimSpace(s.Text) == s.Text:
		return "*"
	default:
		return ""
	}
}
