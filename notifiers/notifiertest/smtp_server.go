package notifiertest

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/mail"
	"sync"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

// SMTPUser and SMTPPassword are the account of an SMTPServer.
const (
	SMTPUser     = "feedwatch"
	SMTPPassword = "fwsecret-smtp-password"
)

// SMTPServer is a mail server on a free port, by a library that is none of ours.
// It takes mail for everybody from whoever authenticates, unless Refuse says
// otherwise.
type SMTPServer struct {
	server   *smtp.Server
	listener net.Listener
	roots    *x509.CertPool
	ca       []byte // the same in PEM

	state   sync.Mutex
	refuse  map[string]error // by what is refused: "hello", "auth", "from", an address, "data"
	fault   SMTPFault
	mails   []SMTPMail
	tries   int
	waiting chan struct{} // closed once a message hangs
}

// SMTPFault is what becomes of a connection after a message.
type SMTPFault uint8

// The faults.
const (
	SMTPAnswers    SMTPFault = iota
	SMTPCuts                 // takes the message, and cuts the connection
	SMTPHangs                // takes the message, and never answers
	SMTPCutsBefore           // cuts the connection at the sender's name
)

// SMTPMail is a message as it was taken.
type SMTPMail struct {
	From    string
	To      []string
	Private bool // it came over TLS
	User    string
	Raw     []byte
}

// Header is the message's.
func (m SMTPMail) Header() mail.Header {
	parsed, err := mail.ReadMessage(bytes.NewReader(m.Raw))
	if err != nil {
		return nil
	}
	return parsed.Header
}

// SMTPOptions make a server another than the usual one with STARTTLS and AUTH.
type SMTPOptions struct {
	Implicit bool // TLS from the first byte
	Bare     bool // neither STARTTLS nor AUTH
}

// NewSMTPServer starts one.
func NewSMTPServer(o SMTPOptions) *SMTPServer {
	s := &SMTPServer{refuse: map[string]error{}, waiting: make(chan struct{}), roots: x509.NewCertPool()}
	certified := httptest.NewTLSServer(http.NotFoundHandler()) // for its certificate
	config := &tls.Config{Certificates: certified.TLS.Certificates}
	s.roots.AddCert(certified.Certificate())
	s.ca = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certified.Certificate().Raw})
	certified.Close()
	s.server = smtp.NewServer(smtp.BackendFunc(s.session))
	s.server.Domain = "mx.example.com"
	s.server.ErrorLog = log.New(io.Discard, "", 0)
	s.server.AllowInsecureAuth = false
	s.server.ReadTimeout = time.Minute
	var err error
	if s.listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		panic(err) // a test helper, as httptest
	}
	var listener net.Listener = counted{s.listener, s}
	switch {
	case o.Implicit:
		listener = tls.NewListener(listener, config)
	case !o.Bare:
		s.server.TLSConfig = config
	}
	go func() { _ = s.server.Serve(listener) }() // ends with Close
	return s
}

// Addr is host:port.
func (s *SMTPServer) Addr() string { return s.listener.Addr().String() }

// Roots are whom to believe about the server.
func (s *SMTPServer) Roots() *x509.CertPool { return s.roots }

// CA is Roots as a file has them.
func (s *SMTPServer) CA() []byte { return s.ca }

// Close stops it.
func (s *SMTPServer) Close() {
	_ = s.listener.Close()
	_ = s.server.Close()
}

// counted counts connections.
type counted struct {
	net.Listener
	server *SMTPServer
}

func (c counted) Accept() (net.Conn, error) {
	conn, err := c.Listener.Accept()
	if err == nil {
		c.server.state.Lock()
		c.server.tries++
		c.server.state.Unlock()
	}
	return conn, err
}

// Refuse answers code and text at "hello", "auth", "from", a recipient's address
// or "data"; code 0 takes it again.
func (s *SMTPServer) Refuse(what string, code int, text string) {
	s.state.Lock()
	defer s.state.Unlock()
	delete(s.refuse, what)
	if code > 0 {
		s.refuse[what] = &smtp.SMTPError{Code: code, EnhancedCode: smtp.EnhancedCode{code / 100, 0, 0}, Message: text}
	}
}

// Fault is what becomes of the connections to come.
func (s *SMTPServer) Fault(f SMTPFault) {
	s.state.Lock()
	defer s.state.Unlock()
	s.fault = f
}

// Waiting is closed once a message hangs.
func (s *SMTPServer) Waiting() <-chan struct{} { return s.waiting }

// Mails are the messages that were taken, in order.
func (s *SMTPServer) Mails() []SMTPMail {
	s.state.Lock()
	defer s.state.Unlock()
	return append([]SMTPMail(nil), s.mails...)
}

// Tries is how many connections came.
func (s *SMTPServer) Tries() int {
	s.state.Lock()
	defer s.state.Unlock()
	return s.tries
}

func (s *SMTPServer) refused(what string) error {
	s.state.Lock()
	defer s.state.Unlock()
	return s.refuse[what]
}

func (s *SMTPServer) session(c *smtp.Conn) (smtp.Session, error) {
	if err := s.refused("hello"); err != nil {
		return nil, err
	}
	return &smtpSession{server: s, conn: c}, nil
}

// smtpSession is one connection's.
type smtpSession struct {
	server *SMTPServer
	conn   *smtp.Conn
	mail   SMTPMail
}

func (x *smtpSession) AuthMechanisms() []string { return []string{sasl.Plain} }

func (x *smtpSession) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		if err := x.server.refused("auth"); err != nil {
			return err
		}
		if user != SMTPUser || password != SMTPPassword {
			// As a server that logs too much would say it.
			return &smtp.SMTPError{Code: 535, EnhancedCode: smtp.EnhancedCode{5, 7, 8}, Message: "Authentication credentials invalid for " + user + ":" + password}
		}
		x.mail.User = user
		return nil
	}), nil
}

func (x *smtpSession) Mail(from string, _ *smtp.MailOptions) error {
	x.server.state.Lock()
	cut := x.server.fault == SMTPCutsBefore
	x.server.state.Unlock()
	if cut {
		_ = x.conn.Conn().Close()
	}
	_, x.mail.Private = x.conn.TLSConnectionState()
	if x.server.server.TLSConfig != nil && x.mail.User == "" {
		return &smtp.SMTPError{Code: 530, EnhancedCode: smtp.EnhancedCode{5, 7, 0}, Message: "Authentication required"}
	}
	x.mail.From = from
	return x.server.refused("from")
}

func (x *smtpSession) Rcpt(to string, _ *smtp.RcptOptions) error {
	if err := x.server.refused(to); err != nil {
		return err
	}
	x.mail.To = append(x.mail.To, to)
	return nil
}

func (x *smtpSession) Data(r io.Reader) error {
	raw, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	if err := x.server.refused("data"); err != nil {
		return err
	}
	x.mail.Raw = raw
	s := x.server
	s.state.Lock()
	s.mails = append(s.mails, x.mail)
	fault := s.fault
	s.state.Unlock()
	switch fault {
	case SMTPCuts:
		_ = x.conn.Conn().Close()
	case SMTPHangs:
		close(s.waiting)
		_, _ = io.Copy(io.Discard, x.conn.Conn()) // until the client goes
		return errors.New("the client is gone")
	}
	return nil
}

func (x *smtpSession) Reset()        { x.mail.To = nil }
func (x *smtpSession) Logout() error { return nil }
