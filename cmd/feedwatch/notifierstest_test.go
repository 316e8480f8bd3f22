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

// TestNotifiersTest holds what a person reads who sets Slack up, wrongly and at last
// rightly.
func TestNotifiersTest(t *testing.T) {
	cases := []struct {
		name  string
		args  string
		spoil func(*notifiertest.SlackServer)
		fails bool
	}{
		{"all well, and posted", "test slack/cdp-alerts --post", func(*notifiertest.SlackServer) {}, false},
		{"all notifiers", "test", func(*notifiertest.SlackServer) {}, false},
		{"not invited", "test slack/cdp-alerts --post", func(s *notifiertest.SlackServer) { s.Leave(e2eChannel) }, true},
		{"archived", "test slack/cdp-alerts", func(s *notifiertest.SlackServer) { s.Archive(e2eChannel) }, true},
		{"hardly any scope", "test slack/cdp-alerts", func(s *notifiertest.SlackServer) { s.Scopes("incoming-webhook") }, true},
		{"no scope to look", "test slack/cdp-alerts", func(s *notifiertest.SlackServer) { s.Scopes("chat:write", "channels:history"); s.Leave(e2eChannel) }, true},
		{"another token", "test slack/cdp-alerts", func(*notifiertest.SlackServer) { t.Setenv("FW_SLACK", "xoxb-fwsecret-revoked") }, true},
		{"another channel", "test slack/other", func(*notifiertest.SlackServer) {}, true},
		{"no such notifier", "test slack/nobody", func(*notifiertest.SlackServer) {}, true},
		{"Slack is down", "test slack/cdp-alerts", func(s *notifiertest.SlackServer) { s.Fail(notifiertest.Answer(503, "")) }, true},
	}
	var all bytes.Buffer
	for _, c := range cases {
		t.Setenv("FW_SLACK", e2eSlackToken)
		t.Setenv("FW_APP", notifiertest.SlackAppToken)
		s := notifiertest.NewSlackServer(e2eSlackToken, e2eChannel)
		t.Cleanup(s.Close)
		path := filepath.Join(t.TempDir(), "feedwatch.yaml")
		config := `install: test
notifiers:
  slack:
    - {name: cdp-alerts, channel: C0123456789, token_env: FW_SLACK, app_token_env: FW_APP, api_url: "` + s.URL() + `"}
    - {name: other, channel: C9876543210, token_env: FW_SLACK, api_url: "` + s.URL() + `"}
  console: [{name: terminal}]
`
		if c.name == "all notifiers" {
			config = strings.Replace(config, "    - {name: other", "    # - {name: other", 1)
		}
		if err := os.WriteFile(path, []byte(config), 0o600); err != nil {
			t.Fatal(err)
		}
		c.spoil(s)
		cmd := newNotifiersCommand()
		cmd.SilenceUsage, cmd.SilenceErrors = true, true
		cmd.SetArgs(append(strings.Fields(c.args), "--config", path))
		all.WriteString("# " + c.name + "\n$ feedwatch notifiers " + c.args + "\n")
		cmd.SetOut(said.Also(&all))
		err := cmd.Execute()
		if (err != nil) != c.fails {
			t.Errorf("%s: ended with %v", c.name, err)
		}
		if err != nil {
			said.That(err)
			all.WriteString("feedwatch: " + err.Error() + "\n")
		}
		all.WriteString("\n")
		if left := s.Messages(e2eChannel); len(left) > 0 {
			t.Errorf("%s: %d messages were left behind", c.name, len(left))
		}
	}
	golden := filepath.Join("testdata", "notifiers-test.txt")
	if *updateReplay {
		if err := os.WriteFile(golden, all.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if all.String() != string(want) {
		t.Errorf("%s differs (-update-replay writes it anew)\n--- got\n%s", golden, &all)
	}
}
