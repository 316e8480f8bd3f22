package slack

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strconv"
	"time"

	slackgo "github.com/slack-go/slack"

	"github.com/feedwatch/feedwatch/watchdog/delivery"
)

// The metadata by which a message of ours is known again.
const (
	metadataType = "feedwatch_op"
	metadataID   = "op"
	metadataWith = "with" // short forms of the other ops that a reply is about
)

func metadata(op delivery.Op) slackgo.SlackMetadata {
	payload := map[string]any{metadataID: op.ID()}
	if op.Kind == delivery.Reply && len(op.With) > 0 {
		with := make([]string, 0, len(op.With))
		for i := range op.With {
			with = append(with, shortID(op.With[i]))
		}
		payload[metadataWith] = with
	}
	return slackgo.SlackMetadata{EventType: metadataType, EventPayload: payload}
}

// shortID is a digest of an op's id: metadata has no room for many long ones.
func shortID(op delivery.Op) string {
	sum := sha256.Sum256([]byte(op.ID()))
	return hex.EncodeToString(sum[:8])
}

func carries(m *slackgo.Message, op delivery.Op) bool {
	if m.Metadata.EventType != metadataType {
		return false
	}
	with, _ := m.Metadata.EventPayload[metadataWith].([]any)
	return m.Metadata.EventPayload[metadataID] == op.ID() || slices.Contains(with, any(shortID(op)))
}

const (
	findPagesMax = 10
	findPageSize = 200
	// findSlack is how much earlier than our own clock's idea we begin to look.
	findSlack = 10 * time.Minute
)

// oldest is Slack's form of the time from which to look for a message.
func oldest(t time.Time) string {
	return strconv.FormatInt(t.Add(-findSlack).Unix(), 10) + ".000000"
}

// findRoot looks in the channel's history, newest first, for op's message. The
// zero ref says that it is not there.
func (n *Notifier) findRoot(ctx context.Context, op delivery.Op) (ref, error) {
	from := oldest(op.Incident.Opened.Time())
	return n.find(op, n.channel, func(x *slackgo.Client, cursor string) ([]slackgo.Message, string, error) {
		page, err := x.GetConversationHistoryContext(ctx, &slackgo.GetConversationHistoryParameters{
			ChannelID: n.channel, Oldest: from, Cursor: cursor, Limit: findPageSize, Inclusive: true, IncludeAllMetadata: true,
		})
		if err != nil {
			return nil, "", err
		}
		return page.Messages, page.ResponseMetaData.NextCursor, nil
	})
}

// findReply looks in the thread.
func (n *Notifier) findReply(ctx context.Context, op delivery.Op, root ref) (ref, error) {
	from := oldest(op.Event.At.Time())
	return n.find(op, root.channel, func(x *slackgo.Client, cursor string) ([]slackgo.Message, string, error) {
		messages, _, next, err := x.GetConversationRepliesContext(ctx, &slackgo.GetConversationRepliesParameters{
			ChannelID: root.channel, Timestamp: root.ts, Oldest: from, Cursor: cursor, Limit: findPageSize, Inclusive: true, IncludeAllMetadata: true,
		})
		return messages, next, err
	})
}

type readPage func(client *slackgo.Client, cursor string) (messages []slackgo.Message, next string, err error)

// find reads page after page. Where the bot may not read the history at all,
// or there is too much of it, the message counts as not found: one that is
// posted twice is better than none.
func (n *Notifier) find(op delivery.Op, channel string, read readPage) (ref, error) {
	cursor := ""
	for range findPagesMax {
		x := n.sender.Exchange()
		messages, next, err := read(n.client(x), cursor)
		if failed := n.failure(x, "search for an earlier attempt", err); failed != nil {
			return ref{}, stillAmbiguous(failed)
		}
		for i := range messages {
			if carries(&messages[i], op) {
				return ref{channel, messages[i].Timestamp}, nil
			}
		}
		if next == "" {
			break
		}
		cursor = next
	}
	return ref{}, nil
}

// stillAmbiguous is what a failed search says of the op: nil where posting is
// the better way out; otherwise that it may have arrived is as true as before.
func stillAmbiguous(failed *delivery.Error) error {
	switch failed.Class {
	case delivery.Refused, delivery.BadPayload:
		return nil
	case delivery.LostTarget, delivery.RateLimited:
		return failed
	default:
		failed.Class = delivery.Ambiguous
		return failed
	}
}
