package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/feedwatch/feedwatch/notifiers/notifiertest"
	"github.com/feedwatch/feedwatch/watchdog/said"
)

// TestNotifiersTestEmail holds what a person reads who sets e-mail up.
func TestNotifiersTestEmail(t *testing.T) {
	s := notifiertest.NewSMTPServer(notifiertest.SMTPOptions{})
	t.Cleanup(s.Close)
	dir := t.TempDir()
	ca, path := filepath.Join(dir, "ca.pem"), filepath.Join(dir, "feedwatch.yaml")
	config := `install: test
notifiers:
  email:
    - name: cdp-team
      server: ` + s.Addr() + `
      ca_file: ` + ca + `
      hello: feedwatch.example.com
      username: feedwatch
      password_env: FW_SMTP
      from: feedwatch@example.com
      to: [anna@example.com, bo@example.com]
`
	for file, text := range map[string][]byte{ca: s.CA(), path: []byte(config)} {
		if err := os.WriteFile(file, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var all bytes.Buffer
	for _, c := range []struct {
		name, password, args string
		spoil                func()
		fails                bool
	}{
		{"all well, and sent", notifiertest.SMTPPassword, "--post", func() {}, false},
		{"bo has left", notifiertest.SMTPPassword, "", func() { s.Refuse("bo@example.com", 550, "No such user here") }, false},
		{"another password", "fwsecret-of-last-year", "", func() {}, true},
	} {
		c.spoil()
		t.Setenv("FW_SMTP", c.password)
		cmd := newNotifiersCommand()
		cmd.SilenceUsage, cmd.SilenceErrors = true, true
		cmd.SetArgs(append([]string{"test", "email/cdp-team", "--config", path}, strings.Fields(c.args)...))
		cmd.SetOut(said.Also(&all))
		all.WriteString("# " + c.name + "\n$ feedwatch notifiers test email/cdp-team " + c.args + "\n")
		err := cmd.Execute()
		if (err != nil) != c.fails {
			t.Errorf("%s: ended with %v", c.name, err)
		}
		all.WriteString("\n")
	}
	if len(s.Mails()) != 1 {
		t.Errorf("%d messages were sent, want the test's", len(s.Mails()))
	}
	got := strings.ReplaceAll(all.String(), s.Addr(), "smtp.example.com:587")
	golden := filepath.Join("testdata", "notifiers-test-email.txt")
	if *updateReplay {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs (-update-replay writes it anew)\n--- got\n%s", golden, got)
	}
}
