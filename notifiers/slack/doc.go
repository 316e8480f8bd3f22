// Package slack tells people through a Slack bot: a thread per incident, whose
// root shows what the incident is now, and a reply for each later event. A root may
// be a digest, of several incidents; delivery decides that, docs/delivery.md says when.
//
// One attempt per call. slack-go is used for what it knows of Slack's API, and
// not believed about outcomes: it reports success for `200 {}` and for
// `{"ok":false}` without an error, returns a 429 as three different types, has
// no timeout of its own and would follow a redirect with the token. So every
// call runs over a notifiers.Exchange, which bounds and records it, and an
// answer counts only if it says ok and names channel and ts.
//
// Every message carries its op's id as message metadata. After an attempt that
// may have arrived, the channel's history (or the thread) is searched for that
// id, and the message found is adopted instead of posted twice.
//
// A Desk is the other way: what people press and type in Slack, over HTTP or
// Socket Mode. It takes a request at once, for Slack waits three seconds, and
// tells the person alone what came of it. A button carries what was decided when
// it was drawn; where that is no longer so, a press changes nothing.
//
// BotScopes are what the bot needs, and why; it must be a member of the channel.
// Check says what is missing.
package slack
