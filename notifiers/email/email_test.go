package email_test

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/feedwatch/feedwatch/notifiers"
	"github.com/feedwatch/feedwatch/notifiers/email"
	"github.com/feedwatch/feedwatch/notifiers/notifiertest"
	"github.com/feedwatch/feedwatch/rules"
	"github.com/feedwatch/feedwatch/watchdog/delivery"
	"github.com/feedwatch/feedwatch/watchdog/said"
)

var target = rules.Target{Kind: "email", Name: "cdp-team"}

const (
	anna = "anna@example.com"
	bo   = "bo@example.org"
)

func config(s *notifiertest.SMTPServer) email.Config {
	return email.Config{
		Server: s.Addr(), RootCAs: s.Roots(), Hello: "feedwatch.example.com",
		Username: notifiertest.SMTPUser, Password: notifiers.NewSecret(notifiertest.SMTPPassword),
		From: "feedwatch <feedwatch@example.com>", To: []string{"Anna <" + anna + ">", bo}, PageURL: "https://feedwatch.example.com",
	}
}

func newNotifier(t *testing.T, c email.Config) *email.Notifier {
	t.Helper()
	n, err := email.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func server(t *testing.T, o notifiertest.SMTPOptions) *notifiertest.SMTPServer {
	t.Helper()
	s := notifiertest.NewSMTPServer(o)
	t.Cleanup(s.Close)
	return s
}

func open() delivery.Op { return notifiertest.Open().Op(delivery.Tell, target) }

// failure is the error as delivery takes it; it must be one line without secrets.
func failure(t *testing.T, err error) *delivery.Error {
	t.Helper()
	said.That(err)
	var failed *delivery.Error
	if !errors.As(err, &failed) {
		t.Fatalf("error %v (%T), want a *delivery.Error", err, err)
	}
	if strings.Contains(err.Error(), notifiertest.SMTPPassword) || strings.ContainsAny(err.Error(), "\r\n") {
		t.Errorf("the error holds a secret, or is not one line: %q", err)
	}
	return failed
}

// TestAnswers holds the notifier against whatever a server can say, and not say.
func TestAnswers(t *testing.T) {
	type S = notifiertest.SMTPServer
	cases := []struct {
		name  string
		spoil func(*S)
		class delivery.Class
		says  string
		takes int // how many messages the server has all the same
	}{
		{"421 at the greeting", func(s *S) { s.Refuse("hello", 421, "busy") }, delivery.RateLimited, "busy", 0},
		{"554 at the greeting", func(s *S) { s.Refuse("hello", 554, "no service for you") }, delivery.Refused, "no service", 0},
		{"535", func(s *S) { s.Refuse("auth", 535, "bad credentials") }, delivery.Refused, "username:", 0},
		{"454 at AUTH", func(s *S) { s.Refuse("auth", 454, "try later") }, delivery.NotSent, "try later", 0},
		{"the sender is nobody", func(s *S) { s.Refuse("from", 550, "not you") }, delivery.Refused, "from:", 0},
		{"451 at the sender", func(s *S) { s.Refuse("from", 451, "greylisted") }, delivery.RateLimited, "greylisted", 0},
		{"550 for all", func(s *S) { s.Refuse(anna, 550, "no such user"); s.Refuse(bo, 553, "not allowed") }, delivery.Refused, "no such user", 0},
		{"550 and 450", func(s *S) { s.Refuse(anna, 550, "no such user"); s.Refuse(bo, 450, "busy") }, delivery.RateLimited, "busy", 0},
		{"452 for all", func(s *S) { s.Refuse(anna, 452, "full"); s.Refuse(bo, 452, "full") }, delivery.RateLimited, "full", 0},
		{"550 for one", func(s *S) { s.Refuse(bo, 550, "no such user") }, delivery.Partial, bo + " (the server answers 550", 1},
		{"450 for one", func(s *S) { s.Refuse(anna, 450, "busy") }, delivery.Partial, anna, 1},
		{"554 after the message", func(s *S) { s.Refuse("data", 554, "looks like spam") }, delivery.BadPayload, "spam", 0},
		{"552 after the message", func(s *S) { s.Refuse("data", 552, "too large") }, delivery.BadPayload, "too large", 0},
		{"432 after the message", func(s *S) { s.Refuse("data", 432, "queue is full") }, delivery.NotSent, "queue is full", 0},
		{"cut before the message", func(s *S) { s.Fault(notifiertest.SMTPCutsBefore) }, delivery.NotSent, "sender", 0},
		{"cut after the message", func(s *S) { s.Fault(notifiertest.SMTPCuts) }, delivery.Ambiguous, "message's end", 1},
		{"stopped", func(s *S) { s.Close() }, delivery.NotSent, "connection", 0},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s := server(t, notifiertest.SMTPOptions{})
			c.spoil(s)
			ref, err := newNotifier(t, config(s)).Deliver(t.Context(), open())
			failed := failure(t, err)
			if failed.Class != c.class || !strings.Contains(err.Error(), c.says) || ref != "" {
				t.Errorf("ref %q, error %v, want %s and %q", ref, err, c.class, c.says)
			}
			if got := s.Mails(); len(got) != c.takes {
				t.Errorf("%d messages were taken, want %d", len(got), c.takes)
			}
			if s.Tries() > 1 {
				t.Errorf("%d attempts, want one", s.Tries())
			}
		})
	}
}

// TestOneRecipientOfTwo: who is taken is told, whatever becomes of others.
func TestOneRecipientOfTwo(t *testing.T) {
	s := server(t, notifiertest.SMTPOptions{})
	s.Refuse(anna, 550, "no such user")
	_, err := newNotifier(t, config(s)).Deliver(t.Context(), open())
	if got := s.Mails(); len(got) != 1 || len(got[0].To) != 1 || got[0].To[0] != bo {
		t.Fatalf("mails %+v, error %v", got, err)
	}
}

// TestHangsAfterTheMessage: whoever is interrupted then cannot know.
func TestHangsAfterTheMessage(t *testing.T) {
	s := server(t, notifiertest.SMTPOptions{})
	s.Fault(notifiertest.SMTPHangs)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() {
		<-s.Waiting()
		cancel()
	}()
	_, err := newNotifier(t, config(s)).Deliver(ctx, open())
	if failed := failure(t, err); failed.Class != delivery.Ambiguous || !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want an ambiguous one that was interrupted", err)
	}
}

// TestNoMailServer: other programs answer there, and the wrong kinds of TLS.
func TestNoMailServer(t *testing.T) {
	cases := []struct {
		name   string
		answer string
		class  delivery.Class
		says   string
	}{
		{"a web server", "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<html>", delivery.Refused, "no mail server"},
		{"nothing", "", delivery.NotSent, "greeting"},
		{"endless", "endless", delivery.NotSent, "longer than"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			go func() {
				conn, err := l.Accept()
				if err != nil {
					return
				}
				defer conn.Close()
				for c.answer == "endless" {
					if _, err := io.WriteString(conn, strings.Repeat("220-x\r\n", 10_000)); err != nil {
						return
					}
				}
				_, _ = io.WriteString(conn, c.answer)
			}()
			s := server(t, notifiertest.SMTPOptions{})
			cfg := config(s)
			cfg.Server = l.Addr().String()
			_, err = newNotifier(t, cfg).Deliver(t.Context(), open())
			if failed := failure(t, err); failed.Class != c.class || !strings.Contains(err.Error(), c.says) {
				t.Errorf("error %v, want %s and %q", err, c.class, c.says)
			}
		})
	}
}

func TestTLS(t *testing.T) {
	cases := []struct {
		name  string
		o     notifiertest.SMTPOptions
		set   func(*email.Config)
		class delivery.Class
		says  string // "" where it arrives
	}{
		{"STARTTLS", notifiertest.SMTPOptions{}, func(*email.Config) {}, 0, ""},
		{"implicit", notifiertest.SMTPOptions{Implicit: true}, func(c *email.Config) { c.TLS = email.Implicit }, 0, ""},
		{"none, as configured", notifiertest.SMTPOptions{Bare: true}, func(c *email.Config) {
			c.TLS, c.Username, c.Password = email.NoTLS, "", notifiers.Secret{}
		}, 0, ""},
		{"not offered", notifiertest.SMTPOptions{Bare: true}, func(*email.Config) {}, delivery.Refused, "does not offer STARTTLS"},
		{"implicit where it is not", notifiertest.SMTPOptions{}, func(c *email.Config) { c.TLS = email.Implicit }, delivery.NotSent, "TLS"},
		{"nobody's certificate", notifiertest.SMTPOptions{}, func(c *email.Config) { c.RootCAs = nil }, delivery.NotSent, "certificate"},
		{"another password", notifiertest.SMTPOptions{}, func(c *email.Config) {
			c.Password = notifiers.NewSecret("fwsecret-another-password")
		}, delivery.Refused, "535"},
		{"no password", notifiertest.SMTPOptions{}, func(c *email.Config) {
			c.Username, c.Password = "", notifiers.Secret{}
		}, delivery.Refused, "username:"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s := server(t, c.o)
			cfg := config(s)
			c.set(&cfg)
			ref, err := newNotifier(t, cfg).Deliver(t.Context(), open())
			if c.says == "" {
				if err != nil || ref == "" || len(s.Mails()) != 1 || s.Mails()[0].Private == c.o.Bare {
					t.Fatalf("ref %q, error %v, mails %+v", ref, err, s.Mails())
				}
				return
			}
			if failed := failure(t, err); failed.Class != c.class || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "another-password") {
				t.Errorf("error %v, want %s and %q", err, c.class, c.says)
			}
			if len(s.Mails()) > 0 {
				t.Error("it was sent all the same")
			}
		})
	}
}

func TestNew(t *testing.T) {
	good := email.Config{Server: "smtp.example.com:587", From: "fw@example.com", To: []string{anna}}
	cases := []struct {
		name string
		set  func(*email.Config)
		want string
	}{
		{"good", func(*email.Config) {}, ""},
		{"no port", func(c *email.Config) { c.Server = "smtp.example.com" }, "host:port"},
		{"no recipients", func(c *email.Config) { c.To = nil }, "0 recipients"},
		{"the same twice", func(c *email.Config) { c.To = []string{anna, "Anna <Anna@Example.com>"} }, "twice"},
		{"a header in an address", func(c *email.Config) { c.To = []string{"anna@example.com\r\nBcc: x@evil.example"} }, "no e-mail address"},
		{"a command in an address", func(c *email.Config) { c.From = "\"a> RCPT TO:<x\"@example.com" }, "not every mail server"},
		{"no sender", func(c *email.Config) { c.From = "" }, "from:"},
		{"half an account", func(c *email.Config) { c.Username = "fw" }, "belong together"},
		{"a password in the open", func(c *email.Config) {
			c.TLS, c.Username, c.Password = email.NoTLS, "fw", notifiers.NewSecret(notifiertest.SMTPPassword)
		}, "without TLS"},
		{"another's name", func(c *email.Config) { c.Hello = "x\r\ny" }, "hello"},
		{"bad page", func(c *email.Config) { c.PageURL = "x" }, "page's URL"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			cfg := good
			c.set(&cfg)
			if _, err := email.New(cfg); (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %q", err, c.want)
			}
		})
	}
}

func TestOnlyEvents(t *testing.T) {
	s := server(t, notifiertest.SMTPOptions{})
	_, err := newNotifier(t, config(s)).Deliver(t.Context(), notifiertest.Open().Op(delivery.Trigger, target))
	if failed := failure(t, err); failed.Class != delivery.BadPayload || s.Tries() > 0 {
		t.Errorf("error %v", err)
	}
}
