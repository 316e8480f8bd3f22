package email_test

import (
	"strings"
	"testing"

	"github.com/feedwatch/feedwatch/notifiers"
	"github.com/feedwatch/feedwatch/notifiers/email"
	"github.com/feedwatch/feedwatch/notifiers/notifiertest"
	"github.com/feedwatch/feedwatch/watchdog/said"
)

// findings are as `feedwatch notifiers test` prints them.
func findings(t *testing.T, s *notifiertest.SMTPServer, post bool, set func(*email.Config)) (text string, pages bool) {
	t.Helper()
	cfg := config(s)
	set(&cfg)
	pages = true
	for _, f := range newNotifier(t, cfg).Check(t.Context(), post) {
		word := "ok"
		switch {
		case f.OK():
		case f.Pages:
			word = "note"
		default:
			word, pages = "FAIL", false
		}
		text += word + " " + f.What + ": " + f.Found
		if f.Mend != "" {
			text += " -> " + f.Mend
		}
		text += "\n"
	}
	said.That(text)
	return text, pages
}

func TestCheck(t *testing.T) {
	type S = notifiertest.SMTPServer
	type C = email.Config
	keep := func(*C) {}
	cases := []struct {
		name  string
		o     notifiertest.SMTPOptions
		spoil func(*S)
		set   func(*C)
		pages bool
		says  []string
	}{
		{"all well", notifiertest.SMTPOptions{}, func(*S) {}, keep, true, []string{
			"ok TLS: STARTTLS, TLS 1.3", "ok authentication: PLAIN as feedwatch", "ok sender: feedwatch@example.com", "ok recipient: " + bo,
		}},
		{"no STARTTLS", notifiertest.SMTPOptions{Bare: true}, func(*S) {}, keep, false, []string{"FAIL TLS: the server does not offer STARTTLS -> use a port"}},
		{"implicit where it is not", notifiertest.SMTPOptions{}, func(*S) {}, func(c *C) { c.TLS = email.Implicit }, false, []string{"FAIL TLS:", "set tls: starttls"}},
		{"nobody's certificate", notifiertest.SMTPOptions{}, func(*S) {}, func(c *C) { c.RootCAs = nil }, false, []string{"FAIL TLS:", "ca_file"}},
		{"another name", notifiertest.SMTPOptions{}, func(*S) {}, func(c *C) { c.Server = strings.Replace(c.Server, "127.0.0.1", "localhost", 1) }, false, []string{"FAIL TLS:", "as the certificate names it"}},
		{"another password", notifiertest.SMTPOptions{}, func(*S) {}, func(c *C) { c.Password = notifiers.NewSecret("fwsecret-another-password") }, false, []string{"FAIL authentication: the server answers 535", "[secret]", "mend username:"}},
		{"no account", notifiertest.SMTPOptions{}, func(*S) {}, func(c *C) { c.Username, c.Password = "", notifiers.Secret{} }, false, []string{"ok authentication: none is configured", "FAIL sender", "mend username:"}},
		{"a sender of others", notifiertest.SMTPOptions{}, func(s *S) { s.Refuse("from", 553, "not yours") }, keep, false, []string{"FAIL sender: the server answers 553", "set from:"}},
		{"one recipient unknown", notifiertest.SMTPOptions{}, func(s *S) { s.Refuse(bo, 550, "no such user") }, keep, true, []string{"ok recipient: " + anna, "note recipient: " + bo + ": the server answers 550", "take the address out of to:"}},
		{"no recipient known", notifiertest.SMTPOptions{}, func(s *S) { s.Refuse(bo, 550, "no"); s.Refuse(anna, 450, "busy") }, keep, false, []string{"FAIL recipient: " + bo, "FAIL recipient: " + anna, "the server says later"}},
		{"nobody there", notifiertest.SMTPOptions{}, func(s *S) { s.Close() }, keep, false, []string{"FAIL connection: ", "may this machine reach it?"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s := server(t, c.o)
			c.spoil(s)
			text, pages := findings(t, s, false, c.set)
			if pages != c.pages {
				t.Errorf("pages %v, want %v", pages, c.pages)
			}
			for _, want := range c.says {
				if !strings.Contains(text, want) {
					t.Errorf("does not say %q:\n%s", want, text)
				}
			}
			if len(s.Mails()) > 0 || strings.Contains(text, "fwsecret") {
				t.Errorf("a message was sent, or a secret said:\n%s", text)
			}
		})
	}
}

func TestCheckPosts(t *testing.T) {
	s := server(t, notifiertest.SMTPOptions{})
	text, pages := findings(t, s, true, func(*email.Config) {})
	if mails := s.Mails(); !pages || len(mails) != 1 || mails[0].Header().Get("Subject") != "A test of feedwatch" || !strings.Contains(text, "ok test message: sent") {
		t.Errorf("mails %+v\n%s", mails, text)
	}
	s.Refuse("data", 554, "no tests")
	if text, pages = findings(t, s, true, func(*email.Config) {}); pages || !strings.Contains(text, "no tests") {
		t.Errorf("said:\n%s", text)
	}
}
