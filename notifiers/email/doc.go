// Package email tells people by e-mail: one message per event, and all of an
// incident in one thread.
//
// A thread holds together by what does not change: every message of an incident
// refers to one id made from its key (In-Reply-To, References; no message has
// that id itself, so none is special when it is lost), and has the same subject,
// which Gmail and Outlook look at too. What is new is the first line of the body,
// which phones and lists show beside the subject.
//
// A message's own id is made from its op, so a repeat has the same one. What
// became of a message cannot be looked up: where the connection breaks after its
// end was sent, or a process before this one may have sent it, it is sent again,
// and most servers and clients drop or fold the copy.
//
// Whatever is refused before the end of the message was sent nobody got. Where
// some recipients are taken and others refused, those that are taken get it, and
// the rest is said (delivery.Partial).
package email
