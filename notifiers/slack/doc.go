// Package slack tells people through a Slack bot: a thread per incident, whose
// root shows what the incident is now, and a reply for each later event.
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
// The bot needs the scopes chat:write and, for that search, channels:history
// (groups:history in a private channel), and must be a member of the channel.
package slack
