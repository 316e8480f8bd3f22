package email

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/wneessen/go-mail/smtp"
)

const (
	// sendTimeout bounds a conversation as a whole; delivery ends it after 30 s.
	sendTimeout = 28 * time.Second
	dialTimeout = 10 * time.Second
	quitTimeout = 2 * time.Second
	// answersBytesMax bounds all that a server says in one conversation.
	answersBytesMax = 1 << 20
)

// conversation is one with a server. go-mail's client has no timeouts, follows no
// context and reads without a bound; the connection below it does all three.
type conversation struct {
	ctx    context.Context //nolint:containedctx // it lives as long as one call
	conn   *connection
	client *smtp.Client
	said   []string // what each step found, for people
}

// connection ends with its context and after too much was read.
type connection struct {
	net.Conn
	left int
}

func (c *connection) Read(p []byte) (int, error) {
	if c.left <= 0 {
		return 0, errTooMuch
	}
	n, err := c.Conn.Read(p[:min(len(p), c.left)])
	c.left -= n
	return n, err
}

// open leads a conversation to where a message may be handed over. close it,
// whatever came of it.
func (n *Notifier) open(ctx context.Context) (*conversation, *fault) {
	c := &conversation{ctx: ctx}
	dialer := &net.Dialer{Timeout: dialTimeout}
	conn, err := dialer.DialContext(ctx, "tcp", n.route.Server)
	if err != nil {
		return c, c.fault(atConnection, err)
	}
	c.conn = &connection{conn, answersBytesMax}
	deadline, ok := ctx.Deadline()
	if !ok {
		deadline = time.Now().Add(sendTimeout)
	}
	if err := conn.SetDeadline(deadline); err != nil {
		return c, c.fault(atConnection, err)
	}
	context.AfterFunc(ctx, func() { _ = conn.Close() })
	c.found("connection", n.route.Server)
	var talk net.Conn = c.conn
	if n.route.TLS == Implicit {
		private := tls.Client(c.conn, n.tlsConfig())
		if err := private.HandshakeContext(ctx); err != nil {
			return c, c.fault(atTLS, err)
		}
		talk = private
		c.found("TLS", "from the start, "+tls.VersionName(private.ConnectionState().Version))
	}
	if c.client, err = smtp.NewClient(talk, n.route.host); err != nil {
		return c, c.fault(atGreeting, err)
	}
	if err := c.client.Hello(n.route.Hello); err != nil {
		return c, c.fault(atGreeting, err)
	}
	c.found("greeting", "taken from "+n.route.Hello)
	if n.route.TLS == StartTLS {
		if f := c.startTLS(n.tlsConfig()); f != nil {
			return c, f
		}
	}
	return c, c.authenticate(&n.route)
}

func (n *Notifier) tlsConfig() *tls.Config {
	return &tls.Config{ServerName: n.route.host, MinVersion: tls.VersionTLS12, RootCAs: n.route.RootCAs}
}

func (c *conversation) startTLS(config *tls.Config) *fault {
	if offered, _ := c.client.Extension("STARTTLS"); !offered {
		return c.fault(atTLS, errNoStartTLS)
	}
	if err := c.client.StartTLS(config); err != nil {
		return c.fault(atTLS, err)
	}
	state, _ := c.client.TLSConnectionState()
	c.found("TLS", "STARTTLS, "+tls.VersionName(state.Version))
	return nil
}

// authenticate takes the best way that the server offers; New made sure that
// there is TLS where there is a password.
func (c *conversation) authenticate(r *route) *fault {
	if r.Username == "" {
		return nil
	}
	_, offer := c.client.Extension("AUTH")
	offered := strings.Fields(strings.ToUpper(offer))
	user, password := r.Username, r.Password.Reveal()
	for _, way := range []struct {
		name string
		auth smtp.Auth
	}{
		{"SCRAM-SHA-256", smtp.ScramSHA256Auth(user, password)},
		{"PLAIN", smtp.PlainAuth("", user, password, r.host, false)},
		{"LOGIN", smtp.LoginAuth(user, password, r.host, false)},
		{"CRAM-MD5", smtp.CRAMMD5Auth(user, password)},
	} {
		if !slices.Contains(offered, way.name) {
			continue
		}
		if err := c.client.Auth(way.auth); err != nil {
			return c.fault(atAuthentication, err)
		}
		c.found("authentication", way.name+" as "+user)
		return nil
	}
	return c.fault(atAuthentication, errNoAuth)
}

// address names the sender and the recipients. refused are those that are not
// taken; a fault is one of the conversation itself.
func (c *conversation) address(r *route) (refused map[string]*fault, f *fault) {
	if err := c.client.Mail("<" + r.from.Address + ">"); err != nil {
		return nil, c.fault(atSender, err)
	}
	c.found("sender", r.from.Address)
	refused = map[string]*fault{}
	for _, to := range r.to {
		err := c.client.Rcpt("<" + to.Address + ">")
		if err == nil {
			c.found("recipient", to.Address)
			continue
		}
		f := c.fault(atRecipient, err)
		if code := f.code(); code == 0 || code == 421 { // it hung up
			return nil, f
		}
		refused[to.Address] = f
	}
	return refused, nil
}

// hand gives the message over.
func (c *conversation) hand(message []byte) *fault {
	w, err := c.client.Data()
	if err != nil {
		return c.fault(atMessage, err)
	}
	if _, err := w.Write(message); err != nil {
		return c.fault(atMessage, err)
	}
	if err := w.Close(); err != nil {
		return c.fault(atEnd, err)
	}
	return nil
}

func (c *conversation) found(what, text string) { c.said = append(c.said, what+"\x00"+text) }

// fault is err at a stage, or what interrupted us.
func (c *conversation) fault(at stage, err error) *fault {
	if cause := c.ctx.Err(); cause != nil {
		err = cause
	}
	return &fault{at, err}
}

// close takes leave, if it can.
func (c *conversation) close() {
	if c.conn == nil {
		return
	}
	if c.client != nil && c.conn.SetDeadline(time.Now().Add(quitTimeout)) == nil {
		_ = c.client.Quit() // what was handed over was answered already
	}
	_ = io.Closer(c.conn).Close()
}
