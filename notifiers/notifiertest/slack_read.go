package notifiertest

import (
	"net/url"
	"slices"
	"strconv"
)

// history is what the channel itself shows, the newest first.
func history(c *slackChannel, form url.Values) answer {
	if c.left {
		return problem("not_in_channel")
	}
	var shown []*SlackMessage
	for _, m := range slices.Backward(c.messages) {
		if m.ThreadTS == "" || m.Broadcast {
			shown = append(shown, m)
		}
	}
	a := page(shown, form)
	if a.problem == "" {
		a.fields["pin_count"], a.fields["channel_actions_ts"], a.fields["channel_actions_count"] = 0, nil, 0
	}
	return a
}

// replies is a thread, its root first, the oldest first.
func replies(c *slackChannel, form url.Values) answer {
	if c.left {
		return problem("not_in_channel")
	}
	root := find(c, form.Get("ts"))
	if root == nil {
		return problem("thread_not_found")
	}
	thread := []*SlackMessage{root}
	for _, m := range c.messages {
		if m.ThreadTS == root.TS {
			thread = append(thread, m)
		}
	}
	return page(thread, form)
}

const slackPageMax = 999

// page cuts by oldest, latest, cursor and limit.
func page(messages []*SlackMessage, form url.Values) answer {
	oldest, latest, inclusive := form.Get("oldest"), form.Get("latest"), form.Get("inclusive") == "1"
	messages = slices.DeleteFunc(messages, func(m *SlackMessage) bool {
		if inclusive && (m.TS == oldest || m.TS == latest) {
			return false
		}
		return oldest != "" && m.TS <= oldest || latest != "" && m.TS >= latest
	})
	limit := 100
	if v := form.Get("limit"); v != "" {
		n, err := strconv.Atoi(v)
		if err != nil || n < 1 || n > slackPageMax {
			return problem("invalid_limit")
		}
		limit = n
	}
	start := 0
	if cursor := form.Get("cursor"); cursor != "" {
		n, err := strconv.Atoi(cursor)
		if err != nil || n < 0 || n > len(messages) {
			return problem("invalid_cursor")
		}
		start = n
	}
	end := min(start+limit, len(messages))
	shown := []any{}
	for _, m := range messages[start:end] {
		shown = append(shown, show(m, form.Get("include_all_metadata") == "1"))
	}
	a := answer{fields: map[string]any{"messages": shown, "has_more": end < len(messages)}}
	if end < len(messages) {
		a.fields["response_metadata"] = map[string]any{"next_cursor": strconv.Itoa(end)}
	}
	return a
}

// show is a message as Slack returns it.
func show(m *SlackMessage, metadata bool) map[string]any {
	shown := map[string]any{"type": "message", "ts": m.TS, "text": m.Text, "bot_id": "B0FEEDWATCH"}
	if m.ThreadTS != "" {
		shown["thread_ts"] = m.ThreadTS
	}
	if m.Broadcast {
		shown["subtype"] = "thread_broadcast"
	}
	if len(m.Blocks) > 0 {
		shown["blocks"] = m.Blocks
	}
	if metadata && len(m.Metadata) > 0 {
		shown["metadata"] = m.Metadata
	}
	return shown
}
