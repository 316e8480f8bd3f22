package slack_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/feedwatch/feedwatch/notifiers"
	"github.com/feedwatch/feedwatch/notifiers/notifiertest"
	"github.com/feedwatch/feedwatch/notifiers/slack"
)

func socketMode(a *slack.App) {
	a.SigningSecret, a.AppToken = notifiers.Secret{}, notifiers.NewSecret(notifiertest.SlackAppToken)
}

func (p *people) socket() *notifiertest.SlackSocket {
	p.t.Helper()
	s, err := p.server.Socket(p.context())
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(s.Close)
	return s
}

func (p *people) sends(s *notifiertest.SlackSocket, kind, envelope, payload string) {
	p.t.Helper()
	if err := s.Send(kind, envelope, payload); err != nil {
		p.t.Fatal(err)
	}
}

// TestSocketMode: presses and commands come over a connection of ours, also after
// Slack ends it or it breaks; what comes twice is done once.
func TestSocketMode(t *testing.T) {
	p := newPeople(t, notifiertest.Open(), socketMode)
	if p.desk.Listens() {
		t.Error("without a signing secret nothing may be posted to us")
	}
	payload := func(label, user string) string {
		text, err := p.server.Press(channel, p.root, label, user)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	s := p.socket()
	p.sends(s, "interactive", "e1", payload("Acknowledge", "anna"))
	p.told("Acknowledged by @anna")
	p.sends(s, "interactive", "e1", payload("Acknowledge", "anna")) // it missed our word
	if err := s.Refresh(); err != nil {
		t.Fatal(err)
	}
	s = p.socket()
	p.sends(s, "interactive", "e2", payload("Snooze 1 h", "bo"))
	p.told("Nothing was changed: this was decided before your press arrived") // not the answer to e1 again
	s.Close()
	s = p.socket()
	command, _ := json.Marshal(map[string]string{"command": "/feedwatch", "text": "status", "response_url": p.server.AnswerURL()}) // strings
	p.sends(s, "slash_commands", "e3", string(command))
	p.told("external-profiles is silent")
	// slack-go cannot read it as a whole; what we need of it is there.
	p.sends(s, "interactive", "e4", strings.Replace(payload("Snooze 1 h", "bo"), `"message":{`, `"callback_id":7,"message":{`, 1))
	p.told("Nothing was changed")
	p.decided("acknowledged by @anna")
	err := testutil.GatherAndCompare(p.counts, strings.NewReader(`
# HELP feedwatch_slack_sockets_down Connections of Slack's Socket Mode that are down: buttons and commands do nothing meanwhile.
# TYPE feedwatch_slack_sockets_down gauge
feedwatch_slack_sockets_down 0
`), "feedwatch_slack_sockets_down")
	if err != nil {
		t.Error(err)
	}
	if trouble := p.desk.Trouble(); len(trouble) > 0 {
		t.Errorf("trouble %q while connected", trouble)
	}
}
