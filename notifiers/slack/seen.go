package slack

import (
	"context"
	"fmt"

	slackgo "github.com/slack-go/slack"
)

// SeenBack says that the message that Deliver called by that ref shows in the
// channel, and is the one of the op with that ID.
func (n *Notifier) SeenBack(ctx context.Context, message, op string) (bool, error) {
	at, err := parseRef(message)
	if err != nil {
		return false, fmt.Errorf("slack: %w", err)
	}
	x := n.sender.Exchange()
	page, err := n.client(x).GetConversationHistoryContext(ctx, &slackgo.GetConversationHistoryParameters{
		ChannelID: at.channel, Oldest: at.ts, Latest: at.ts, Inclusive: true, Limit: 1, IncludeAllMetadata: true,
	})
	if failed := n.failure(x, "look for a message", err); failed != nil {
		return false, failed
	}
	for i := range page.Messages {
		if m := &page.Messages[i]; m.Timestamp == at.ts && m.Metadata.EventType == metadataType && m.Metadata.EventPayload[metadataID] == op {
			return true, nil
		}
	}
	return false, nil
}
