package slack

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"

	slackgo "github.com/slack-go/slack"

	"github.com/feedwatch/feedwatch/notifiers"
	"github.com/feedwatch/feedwatch/watchdog/delivery"
)

// What the bot must be allowed to do, and why. deploy/slack/manifest.yaml asks for
// all of them.
const (
	scopeWrite          = "chat:write"       // post, update
	scopeCommands       = "commands"         // /feedwatch
	scopeHistory        = "channels:history" // find what was posted without an answer
	scopeHistoryPrivate = "groups:history"
	scopeRead           = "channels:read" // look at the channel, for Check
	scopeReadPrivate    = "groups:read"
)

// BotScopes are all that the bot may be asked for.
func BotScopes() []string {
	return []string{scopeWrite, scopeCommands, scopeHistory, scopeHistoryPrivate, scopeRead, scopeReadPrivate}
}

// Check looks at the token, its scopes, the channel, and the way back; with post it
// also posts a message and deletes it.
func (n *Notifier) Check(ctx context.Context, post bool) []notifiers.Finding {
	x := n.sender.Exchange()
	who, err := n.client(x).AuthTestContext(ctx)
	if failed := n.failure(x, "token", err); failed != nil {
		return []notifiers.Finding{wrong("token", failed)} // nothing else can be looked at
	}
	all := []notifiers.Finding{{What: "token", Found: "valid, of @" + notifiers.Clean(who.User, 60) + " in " + notifiers.Clean(who.Team, 60)}}
	granted := scopesOf(x.Header)
	v, channel := n.checkChannel(ctx)
	all = append(all, n.checkScopes(granted, v), channel, n.checkWayBack(ctx))
	if post && channel.OK() {
		all = append(all, n.checkPost(ctx))
	}
	return all
}

func scopesOf(header http.Header) []string {
	var all []string
	for scope := range strings.SplitSeq(header.Get("X-OAuth-Scopes"), ",") {
		if scope = strings.TrimSpace(scope); scope != "" {
			all = append(all, scope)
		}
	}
	return all
}

// visibility is whether a channel is private, as far as we may know.
type visibility uint8

const (
	unknown visibility = iota
	public
	private
)

// checkScopes says which scopes are missing, and what does not work without them.
func (n *Notifier) checkScopes(granted []string, v visibility) notifiers.Finding {
	history, read := scopeHistory, scopeRead
	if v == private {
		history, read = scopeHistoryPrivate, scopeReadPrivate
	}
	var missing []string
	lacks := func(scope, without string) {
		if !slices.Contains(granted, scope) {
			missing = append(missing, scope+" is missing, so "+without)
		}
	}
	lacks(scopeWrite, "nothing can be posted")
	lacks(history, "a message whose answer was lost is posted twice")
	lacks(read, "the channel cannot be looked at from here")
	if n.pressable {
		lacks(scopeCommands, "/feedwatch does nothing")
	}
	switch {
	case len(granted) == 0:
		return notifiers.Finding{What: "scopes", Found: "Slack does not say which the token has"}
	case len(missing) == 0:
		return notifiers.Finding{What: "scopes", Found: strings.Join(granted, ", ")}
	}
	return notifiers.Finding{
		What: "scopes", Found: strings.Join(missing, "; "), Pages: slices.Contains(granted, scopeWrite),
		Mend: "add what is missing in the app's settings under OAuth & Permissions, or paste deploy/slack/manifest.yaml anew; then reinstall the app",
	}
}

// checkChannel looks at the channel itself or, where the bot may not, at what it
// says when its history is asked for.
func (n *Notifier) checkChannel(ctx context.Context) (visibility, notifiers.Finding) {
	x := n.sender.Exchange()
	c, err := n.client(x).GetConversationInfoContext(ctx, &slackgo.GetConversationInfoInput{ChannelID: n.channel})
	failed := n.failure(x, "channel "+n.channel, err)
	switch {
	case failed != nil && strings.Contains(failed.Error(), "missing_scope"):
		return unknown, n.checkHistory(ctx)
	case failed != nil:
		return unknown, wrong("channel", failed)
	}
	v := public
	if c.IsPrivate {
		v = private
	}
	name := "#" + notifiers.Clean(c.Name, 80) + " (" + n.channel + ")"
	switch {
	case c.IsArchived:
		return v, notifiers.Finding{What: "channel", Found: name + " is archived", Mend: "unarchive it, or configure another"}
	case !c.IsMember:
		return v, notifiers.Finding{What: "channel", Found: "the bot is not in " + name, Mend: "type /invite @feedwatch there"}
	}
	return v, notifiers.Finding{What: "channel", Found: name + ", and the bot is in it"}
}

func (n *Notifier) checkHistory(ctx context.Context) notifiers.Finding {
	x := n.sender.Exchange()
	_, err := n.client(x).GetConversationHistoryContext(ctx, &slackgo.GetConversationHistoryParameters{ChannelID: n.channel, Limit: 1})
	failed := n.failure(x, "channel "+n.channel, err)
	switch {
	case failed != nil && strings.Contains(failed.Error(), "missing_scope"):
		return notifiers.Finding{What: "channel", Found: n.channel + " cannot be looked at without the scope " + scopeRead, Mend: "add that scope, and test again", Pages: true}
	case failed != nil:
		return wrong("channel", failed)
	}
	return notifiers.Finding{What: "channel", Found: n.channel + " can be read; whether it is archived cannot be seen"}
}

// checkWayBack looks at how presses come back.
func (n *Notifier) checkWayBack(ctx context.Context) notifiers.Finding {
	const what = "buttons"
	switch {
	case !n.config.AppToken.IsZero():
		x := n.sender.Exchange()
		api := newClient(n.config.Token, n.config.APIURL, x, slackgo.OptionAppLevelToken(n.config.AppToken.Reveal()))
		_, _, err := api.StartSocketModeContext(ctx)
		if failed := n.failure(x, "Socket Mode", err); failed != nil {
			return notifiers.Finding{
				What: what, Found: failed.Err.Error(), Pages: true,
				Mend: "make an app-level token with the scope connections:write in the app's settings under Basic Information, and turn Socket Mode on",
			}
		}
		return notifiers.Finding{What: what, Found: "over Socket Mode"}
	case !n.config.SigningSecret.IsZero():
		return notifiers.Finding{What: what, Found: "Slack must reach " + strings.TrimRight(n.pageURL, "/") + InteractionsPath + "; whether it does, only a press shows"}
	case n.pressable:
		return notifiers.Finding{What: what, Found: "as for another channel of this app"}
	default:
		return notifiers.Finding{
			What: what, Found: "none: messages have links only", Pages: true,
			Mend: "for buttons and /feedwatch, give app_token_env (Socket Mode) or signing_secret_env",
		}
	}
}

// checkPost posts and deletes.
func (n *Notifier) checkPost(ctx context.Context) notifiers.Finding {
	posted, err := n.send(ctx, "test message", n.channel, "", slackgo.MsgOptionPost(),
		slackgo.MsgOptionText("A test of feedwatch's way to this channel. Nothing is wrong; this message goes away by itself.", false))
	if err != nil {
		return wrong("test message", err)
	}
	at, err := parseRef(posted)
	if err != nil {
		return wrong("test message", err)
	}
	x := n.sender.Exchange()
	_, _, err = n.client(x).DeleteMessageContext(ctx, at.channel, at.ts)
	if failed := n.failure(x, "deleting the test message", err); failed != nil {
		return notifiers.Finding{What: "test message", Found: "posted, but not deleted: " + failed.Err.Error(), Mend: "delete it by hand", Pages: true}
	}
	return notifiers.Finding{What: "test message", Found: "posted and deleted"}
}

// wrong is a finding from a failed call. Where Slack refused it, the text ends in
// what to do.
func wrong(what string, err error) notifiers.Finding {
	found := notifiers.Finding{What: what, Found: err.Error(), Mend: "see whether this machine reaches Slack, and try again"}
	var failed *delivery.Error
	if !errors.As(err, &failed) {
		return found
	}
	found.Found = failed.Err.Error()
	if i := strings.LastIndex(found.Found, ": "); failed.Class == delivery.Refused && i > 0 {
		found.Found, found.Mend = found.Found[:i], found.Found[i+2:]
	}
	return found
}
