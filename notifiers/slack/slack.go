package slack

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	slackgo "github.com/slack-go/slack"

	"github.com/feedwatch/feedwatch/notifiers"
	"github.com/feedwatch/feedwatch/watchdog/delivery"
)

// Notifier posts to one channel. It holds no state that must survive.
type Notifier struct {
	*app
	channel   string
	pageURL   string
	pressable bool
}

// New checks config and makes a Notifier; it makes no request.
func New(config Config) (*Notifier, error) {
	app, err := newApp(config.App)
	if err = errors.Join(err, config.check()); err != nil {
		return nil, fmt.Errorf("slack: %w", err)
	}
	return &Notifier{app: app, channel: config.Channel, pageURL: config.PageURL, pressable: config.Pressable}, nil
}

// Shape is Thread.
func (n *Notifier) Shape() delivery.Shape { return delivery.Thread }

// Deliver makes one attempt at op. The ref is "channel/ts".
func (n *Notifier) Deliver(ctx context.Context, op delivery.Op) (string, error) {
	switch op.Kind {
	case delivery.Post:
		return n.post(ctx, op)
	case delivery.Update:
		ref, err := parseRef(op.Ref)
		if err != nil {
			return "", n.lost("update", err.Error())
		}
		return n.update(ctx, op, ref)
	case delivery.Reply:
		return n.reply(ctx, op)
	default:
		return "", n.bad(fmt.Sprintf("no op of kind %d", op.Kind))
	}
}

func (n *Notifier) post(ctx context.Context, op delivery.Op) (string, error) {
	if op.MaybeSent {
		found, err := n.findRoot(ctx, op)
		if err != nil {
			return "", err
		}
		if found.ts != "" { // bring it up to date: it may show an earlier revision
			return n.adopt(ctx, op, found)
		}
	}
	return n.send(ctx, "post", n.channel, "", slackgo.MsgOptionPost(), n.rootContent(op))
}

// adopt brings a root of ours that was found up to date. If it vanished in
// between, the next attempt finds nothing and posts.
func (n *Notifier) adopt(ctx context.Context, op delivery.Op, found ref) (string, error) {
	got, err := n.update(ctx, op, found)
	if failed, ok := errors.AsType[*delivery.Error](err); ok && failed.Class == delivery.LostTarget {
		failed.Class = delivery.Ambiguous
	}
	return got, err
}

func (n *Notifier) update(ctx context.Context, op delivery.Op, root ref) (string, error) {
	return n.send(ctx, "update", root.channel, "", slackgo.MsgOptionUpdate(root.ts), n.rootContent(op))
}

func (n *Notifier) reply(ctx context.Context, op delivery.Op) (string, error) {
	root, err := parseRef(op.Ref)
	if err != nil {
		return "", n.lost("reply", err.Error())
	}
	if op.Event == nil {
		return "", n.bad("a reply without its event")
	}
	if op.MaybeSent {
		found, err := n.findReply(ctx, op, root)
		if err != nil {
			return "", err
		}
		if found.ts != "" {
			return found.String(), nil
		}
	}
	options := []slackgo.MsgOption{slackgo.MsgOptionPost(), slackgo.MsgOptionTS(root.ts), n.replyContent(op)}
	if broadcasts(op) || slices.ContainsFunc(op.With, broadcasts) {
		options = append(options, slackgo.MsgOptionBroadcast())
	}
	return n.send(ctx, "reply", root.channel, root.ts, options...)
}

// send makes the one call, and believes only an answer that says ok and names
// channel and ts. thread is the root's ts that a reply must come back with:
// Slack posts a reply to a deleted root into the channel.
func (n *Notifier) send(ctx context.Context, what, channel, thread string, options ...slackgo.MsgOption) (string, error) {
	x := n.sender.Exchange()
	gotChannel, ts, message, err := n.client(x).PostMessageWithResponseContext(ctx, channel, options...)
	if failed := n.failure(x, what, err); failed != nil {
		return "", failed
	}
	if ts == "" || gotChannel == "" {
		return "", x.Reject("slack "+what, delivery.Ambiguous, "the answer names no channel and ts", n.redact)
	}
	if thread != "" && message.Timestamp != "" && message.ThreadTimestamp != thread {
		return "", n.lost(what, "the root message was deleted; Slack put the reply into the channel")
	}
	return ref{gotChannel, ts}.String(), nil
}

func (n *Notifier) lost(what, why string) *delivery.Error {
	return &delivery.Error{Class: delivery.LostTarget, Err: notifiers.NewFailure(n.redact, "slack "+what+": "+why, nil)}
}

func (n *Notifier) bad(why string) *delivery.Error {
	return &delivery.Error{Class: delivery.BadPayload, Err: notifiers.NewFailure(n.redact, "slack: "+why, nil)}
}

// broadcasts says that a reply also shows in the channel: it pages this channel
// once more, after the page that posted the root, or for an incident that the root
// did not tell of.
func broadcasts(op delivery.Op) bool {
	p, t := op.Page, op.Target
	if op.Joins {
		return true
	}
	if p == nil {
		return false
	}
	return op.InsteadOf.Kind != "" || notifiers.PageReaches(p, t.Kind, t.Name) && notifiers.EarlierPage(op.Incident, p, t.Kind, t.Name)
}

// ref is a message: the channel's ID and its ts.
type ref struct{ channel, ts string }

func (r ref) String() string { return r.channel + "/" + r.ts }

func parseRef(s string) (ref, error) {
	channel, ts, ok := strings.Cut(s, "/")
	if !ok || channel == "" || ts == "" {
		return ref{}, fmt.Errorf("the reference %q is not channel/ts", s)
	}
	return ref{channel, ts}, nil
}
