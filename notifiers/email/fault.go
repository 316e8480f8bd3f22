package email

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/textproto"

	"github.com/feedwatch/feedwatch/notifiers"
	"github.com/feedwatch/feedwatch/watchdog/delivery"
)

// stage is how far a conversation with a server came.
type stage uint8

const (
	atConnection stage = iota
	atGreeting
	atTLS
	atAuthentication
	atSender
	atRecipient
	atMessage // until its end is sent
	atEnd     // sent: whether it was taken, only an answer says
)

var stageNames = [...]string{"connection", "greeting", "TLS", "authentication", "sender", "recipient", "message", "message's end"}

// What is missing on the other side, or answers in its place.
var (
	errNoStartTLS = errors.New("the server does not offer STARTTLS")
	errNoAuth     = errors.New("the server offers no way to authenticate that feedwatch knows")
	errTooMuch    = fmt.Errorf("the server's answers are longer than %d bytes", answersBytesMax)
)

// fault is what ended a conversation, or what a recipient was refused with.
type fault struct {
	at  stage
	err error
}

// code is what the server answered; 0: nothing that can be read.
func (f *fault) code() int {
	var answered *textproto.Error
	if errors.As(f.err, &answered) {
		return answered.Code
	}
	return 0
}

// class is what the fault means for the next attempt. Before the end of the
// message was sent, nobody got it.
func (f *fault) class() delivery.Class {
	code := f.code()
	switch {
	case code == 421 || code >= 450 && code <= 452:
		return delivery.RateLimited
	case code >= 400 && code < 500:
		return delivery.NotSent
	case code == 530 || code == 534 || code == 535 || code == 538:
		return delivery.Refused
	case code >= 500 && (f.at == atMessage || f.at == atEnd):
		return delivery.BadPayload
	case code >= 500:
		return delivery.Refused
	case f.at == atEnd:
		return delivery.Ambiguous
	case code > 0, f.notSMTP(), errors.Is(f.err, errNoStartTLS), errors.Is(f.err, errNoAuth):
		return delivery.Refused
	default:
		return delivery.NotSent
	}
}

// notSMTP says that something else answers there.
func (f *fault) notSMTP() bool {
	var protocol textproto.ProtocolError
	return errors.As(f.err, &protocol)
}

// why is the fault in words.
func (f *fault) why() string {
	var answered *textproto.Error
	var timeout net.Error
	switch {
	case errors.As(f.err, &answered):
		return fmt.Sprintf("the server answers %d %s", answered.Code, answered.Msg)
	case errors.Is(f.err, context.Canceled):
		return "interrupted"
	case f.notSMTP():
		return "what answers there is no mail server"
	case errors.As(f.err, &timeout) && timeout.Timeout(), errors.Is(f.err, context.DeadlineExceeded):
		return "no answer in time"
	default:
		return f.err.Error()
	}
}

// mend is what a person must do.
func (f *fault) mend() string {
	var unknown x509.UnknownAuthorityError
	var name x509.HostnameError
	var record tls.RecordHeaderError
	switch code := f.code(); {
	case errors.Is(f.err, errNoStartTLS):
		return "use a port where it does (587), or tls: implicit on port 465; tls: none sends pages in the open"
	case errors.Is(f.err, errNoAuth):
		return "a server may offer it only over TLS, or on another port (587 for 25)"
	case errors.As(f.err, &unknown):
		return "name the authority that signed its certificate with ca_file"
	case errors.As(f.err, &name):
		return "write server: as the certificate names it"
	case errors.As(f.err, &record):
		return "the port speaks without TLS at first: set tls: starttls, or use port 465"
	case f.notSMTP(), f.at == atConnection:
		return "is server: right, and may this machine reach it?"
	case f.at == atGreeting && code == 0:
		return "is it a port for TLS from the start (465)? Then set tls: implicit"
	case code >= 400 && code < 500:
		return "the server says later; test again in some minutes"
	case f.at == atAuthentication, code == 530:
		return "mend username: and the password; some providers want a password made for programs"
	case f.at == atSender:
		return "set from: to an address that this account may send as"
	case f.at == atRecipient:
		return "take the address out of to:, or have it made; a relay may take outside addresses only after authentication"
	default:
		return "see the server's log, and test again"
	}
}

// failure is the fault as delivery takes it.
func (n *Notifier) failure(f *fault) *delivery.Error {
	text := "email: " + stageNames[f.at] + ": " + f.why()
	if f.class() == delivery.Refused {
		text += "; " + f.mend()
	}
	return &delivery.Error{Class: f.class(), Err: notifiers.NewFailure(n.redact, text, f.err)}
}
