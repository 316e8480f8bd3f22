package slack_test

import (
	"errors"
	"flag"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/slack-go/slack/slacktest"
	"pgregory.net/rapid"

	"github.com/feedwatch/feedwatch/notifiers"
	"github.com/feedwatch/feedwatch/notifiers/notifiertest"
	"github.com/feedwatch/feedwatch/notifiers/slack"
	"github.com/feedwatch/feedwatch/rules"
	"github.com/feedwatch/feedwatch/watchdog"
	"github.com/feedwatch/feedwatch/watchdog/delivery"
)

const (
	token   = "xoxb-1234-fwsecret-abcdefghij"
	channel = "C0123456789"
)

var (
	update = flag.Bool("update", false, "write the golden files anew")
	target = rules.Target{Kind: "slack", Name: "cdp-alerts"}
)

func newNotifier(t testing.TB, url string) *slack.Notifier {
	n, err := slack.New(slack.Config{
		App:     slack.App{Token: notifiers.NewSecret(token), APIURL: url},
		Channel: channel, PageURL: "https://feedwatch.example.com", Pressable: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func newServer(t testing.TB) *notifiertest.SlackServer {
	s := notifiertest.NewSlackServer(token, channel)
	t.Cleanup(s.Close)
	return s
}

// deliver must succeed, and is the ref.
func deliver(t *testing.T, n *slack.Notifier, op delivery.Op) string {
	t.Helper()
	ref, err := n.Deliver(t.Context(), op)
	if err != nil {
		t.Fatal(err)
	}
	return ref
}

// refuse must fail with the class, saying words.
func refuse(t *testing.T, n *slack.Notifier, op delivery.Op, class delivery.Class, words string) {
	t.Helper()
	ref, err := n.Deliver(t.Context(), op)
	var failed *delivery.Error
	if !errors.As(err, &failed) || failed.Class != class || !strings.Contains(err.Error(), words) || ref != "" {
		t.Errorf("ref %q, error %v, want class %s saying %q", ref, err, class, words)
	}
}

func reply(scene notifiertest.Scene, ref string) delivery.Op {
	op := scene.Op(delivery.Reply, target)
	op.Ref = ref
	return op
}

func timestamp(ref string) string { return strings.TrimPrefix(ref, channel+"/") }

func TestConformance(t *testing.T) {
	for name, kind := range map[string]delivery.OpKind{"post": delivery.Post, "update": delivery.Update, "reply": delivery.Reply} {
		t.Run(name, func(t *testing.T) {
			var root string
			notifiertest.Run(t, notifiertest.Harness{
				New: func(t *testing.T, url string) delivery.Notifier { return newNotifier(t, url+"/api/") },
				Server: func(t *testing.T) http.Handler {
					s := newServer(t)
					root = deliver(t, newNotifier(t, s.URL()), notifiertest.Open().Op(delivery.Post, target))
					return s
				},
				Op: func() delivery.Op {
					op := notifiertest.Open().Op(kind, target)
					if op.Ref = root; root == "" { // where nothing listens there is no root either
						op.Ref = channel + "/1.000001"
					}
					return op
				},
				Secrets:     []string{token},
				Reasons:     `{"ok":false,"error":"invalid_blocks","response_metadata":{"messages":["must be less than 151 characters"]}}`,
				ReasonsWord: "151 characters",
			})
		})
	}
}

// TestErrors: each of Slack's errors, in the class and with the advice it needs.
func TestErrors(t *testing.T) {
	cases := []struct {
		body  string
		class delivery.Class
		says  string
	}{
		{`{"ok":false}`, delivery.Ambiguous, "does not say ok"},
		{`{"ok":false,"channel":"C0123456789","ts":"1.2"}`, delivery.Ambiguous, "does not say ok"},
		{`{"ok":true}`, delivery.Ambiguous, "no channel and ts"},
		{`{"ok":true,"ts":"1.2"}`, delivery.Ambiguous, "no channel and ts"},
		{`{"ok":true,"ts":12}`, delivery.Ambiguous, "cannot read"},
		{`{"ok":false,"error":"ratelimited"}`, delivery.RateLimited, ""},
		{`{"ok":false,"error":"internal_error"}`, delivery.Ambiguous, "Slack itself"},
		{`{"ok":false,"error":"invalid_auth"}`, delivery.Refused, "reinstall the app"},
		{`{"ok":false,"error":"token_revoked"}`, delivery.Refused, "xoxb-"},
		{`{"ok":false,"error":"missing_scope","needed":"chat:write","provided":"users:read"}`, delivery.Refused, "needs chat:write, has users:read"},
		{`{"ok":false,"error":"channel_not_found"}`, delivery.Refused, "invite the bot"},
		{`{"ok":false,"error":"not_in_channel"}`, delivery.Refused, "/invite"},
		{`{"ok":false,"error":"is_archived"}`, delivery.Refused, "unarchive"},
		{`{"ok":false,"error":"restricted_action"}`, delivery.Refused, "posting permissions"},
		{`{"ok":false,"error":"something_new"}`, delivery.Refused, "docs.slack.dev"},
		{`{"ok":false,"error":"msg_too_long"}`, delivery.BadPayload, ""},
		{`{"ok":false,"error":"invalid_blocks","response_metadata":{"messages":["bad block 3"]}}`, delivery.BadPayload, "bad block 3"},
		{`{"ok":false,"error":"message_not_found"}`, delivery.LostTarget, "deleted"},
		{`{"ok":false,"error":"cant_update_message"}`, delivery.LostTarget, ""},
		{`{"ok":false,"error":"thread_not_found"}`, delivery.LostTarget, ""},
	}
	for _, c := range cases {
		t.Run(c.body, func(t *testing.T) {
			s := newServer(t)
			s.Fail(notifiertest.Answer(200, c.body, "Content-Type", "application/json"))
			refuse(t, newNotifier(t, s.URL()), notifiertest.Open().Op(delivery.Post, target), c.class, c.says)
		})
	}
}

func TestThread(t *testing.T) {
	s := newServer(t)
	n := newNotifier(t, s.URL())
	root := deliver(t, n, notifiertest.Open().Op(delivery.Post, target))
	acked := notifiertest.Acknowledged()
	first := deliver(t, n, reply(acked, root))
	op := acked.Op(delivery.Update, target)
	op.Ref = root
	if got := deliver(t, n, op); got != root {
		t.Errorf("the update's ref is %q, want the root's %q", got, root)
	}
	roots, thread := s.Roots(channel), s.Thread(channel, timestamp(root))
	if len(roots) != 1 || roots[0].Edits != 1 || !strings.Contains(roots[0].Reading(), "Acknowledged by @on-call") {
		t.Errorf("roots %+v, want one, updated in place", roots)
	}
	if len(thread) != 1 || thread[0].TS != timestamp(first) || thread[0].Broadcast {
		t.Errorf("thread %+v, want one reply, in the thread only", thread)
	}
}

// TestBroadcast: a page of this channel after its first shows in the channel too.
func TestBroadcast(t *testing.T) {
	s := newServer(t)
	n := newNotifier(t, s.URL())
	root := deliver(t, n, notifiertest.Open().Op(delivery.Post, target))
	losing := notifiertest.Losing() // its newest event pages this channel for the fourth time
	deliver(t, n, reply(losing, root))
	first := notifiertest.Open() // the page that posted the root
	deliver(t, n, reply(first, root))
	elsewhere := notifiertest.Acknowledged() // a page of PagerDuty's
	op := reply(elsewhere, root)
	op.Event, op.Page, op.Name = &elsewhere.Incident.Events[2], &elsewhere.Incident.Pages[1], "e3"
	deliver(t, n, op)
	instead := op
	instead.InsteadOf, instead.Name = rules.Target{Kind: "pagerduty", Name: "cdp"}, "e4"
	deliver(t, n, instead)
	var got []bool
	for _, m := range s.Thread(channel, timestamp(root)) {
		got = append(got, m.Broadcast)
	}
	if want := []bool{true, false, false, true}; len(got) != 4 || got[0] != want[0] || got[1] != want[1] || got[2] != want[2] || got[3] != want[3] {
		t.Errorf("broadcasts %v, want %v", got, want)
	}
	thread := s.Thread(channel, timestamp(root))
	if text := thread[3].Reading(); !strings.Contains(text, "in the place of PagerDuty cdp") || !strings.Contains(text, "external-profiles is silent") {
		t.Errorf("a reply in the place of another does not say so: %s", text)
	}
}

// TestAdoptRoot: a post whose answer was lost is found again, and brought up to
// date, among other messages and over several pages of history.
func TestAdoptRoot(t *testing.T) {
	s := newServer(t)
	n := newNotifier(t, s.URL())
	scene := notifiertest.Open()
	scene.Incident.Opened = s.Now() // history is searched from the opening on
	op := scene.Op(delivery.Post, target)
	s.Fail(notifiertest.AcceptThenCut())
	refuse(t, n, op, delivery.Ambiguous, "")
	other := op
	other.Name = "other"
	for range 230 {
		deliver(t, n, other)
	}
	op.MaybeSent = true
	op.Incident.State = watchdog.StateAcknowledged
	op.Incident.Ack = &watchdog.Ack{By: "anna", At: op.Now, Until: op.Now.Add(4 * 3600 * 1e9)}
	ref := deliver(t, n, op)
	first := s.Roots(channel)[0]
	if ref != channel+"/"+first.TS || len(s.Roots(channel)) != 231 {
		t.Errorf("ref %q, %d messages, want the first, %s, adopted", ref, len(s.Roots(channel)), first.TS)
	}
	if !strings.Contains(first.Reading(), "Acknowledged by anna") {
		t.Errorf("the adopted message was not brought up to date:\n%s", first.Reading())
	}
}

func TestAdoptReply(t *testing.T) {
	s := newServer(t)
	n := newNotifier(t, s.URL())
	root := deliver(t, n, notifiertest.Open().Op(delivery.Post, target))
	op := reply(notifiertest.Acknowledged(), root)
	s.Fail(notifiertest.AcceptThenAnswer(502, "bad gateway"))
	refuse(t, n, op, delivery.Ambiguous, "")
	op.MaybeSent = true
	ref := deliver(t, n, op)
	if thread := s.Thread(channel, timestamp(root)); len(thread) != 1 || ref != channel+"/"+thread[0].TS {
		t.Errorf("ref %q, thread %+v, want the one reply adopted", ref, thread)
	}
	fresh := op
	fresh.Name = "e99" // never sent
	deliver(t, n, fresh)
	if thread := s.Thread(channel, timestamp(root)); len(thread) != 2 {
		t.Errorf("%d replies, want a second for another op", len(thread))
	}
}

// TestSearchFails: what becomes of an op that may have arrived when the history
// cannot be read.
func TestSearchFails(t *testing.T) {
	cases := []struct {
		name   string
		fault  notifiertest.Fault
		posted int // messages afterwards
		class  delivery.Class
	}{
		{"no scope for history: post", notifiertest.Answer(200, `{"ok":false,"error":"missing_scope"}`), 1, 0},
		{"an answer that says nothing: look again", notifiertest.Answer(200, `{}`), 0, delivery.Ambiguous},
		{"no ok: look again", notifiertest.Answer(200, `{"ok":false}`), 0, delivery.Ambiguous},
		{"trouble at Slack: look again", notifiertest.Answer(503, ``), 0, delivery.Ambiguous},
		{"cut: look again", notifiertest.Cut(), 0, delivery.Ambiguous},
		{"rate limited", notifiertest.Answer(429, ``, "Retry-After", "3"), 0, delivery.RateLimited},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s := newServer(t)
			s.Fail(c.fault)
			op := notifiertest.Open().Op(delivery.Post, target)
			op.MaybeSent = true
			if c.posted > 0 {
				deliver(t, newNotifier(t, s.URL()), op)
			} else {
				refuse(t, newNotifier(t, s.URL()), op, c.class, "")
			}
			if got := len(s.Roots(channel)); got != c.posted {
				t.Errorf("%d messages, want %d", got, c.posted)
			}
		})
	}
}

// TestLostTarget: the root was deleted.
func TestLostTarget(t *testing.T) {
	s := newServer(t)
	n := newNotifier(t, s.URL())
	root := deliver(t, n, notifiertest.Open().Op(delivery.Post, target))
	s.Delete(channel, timestamp(root))
	op := notifiertest.Acknowledged().Op(delivery.Update, target)
	op.Ref = root
	refuse(t, n, op, delivery.LostTarget, "deleted")
	refuse(t, n, reply(notifiertest.Acknowledged(), root), delivery.LostTarget, "deleted")
	again := reply(notifiertest.Acknowledged(), root)
	again.MaybeSent = true
	refuse(t, n, again, delivery.LostTarget, "deleted")
	for _, ref := range []string{"", "nonsense", "/", channel + "/"} {
		op.Ref = ref
		refuse(t, n, op, delivery.LostTarget, "channel/ts")
	}
}

func TestChannelGone(t *testing.T) {
	s := newServer(t)
	n := newNotifier(t, s.URL())
	s.Leave(channel)
	refuse(t, n, notifiertest.Open().Op(delivery.Post, target), delivery.Refused, "/invite")
	s.Archive(channel)
	refuse(t, n, notifiertest.Open().Op(delivery.Post, target), delivery.Refused, "unarchive")
}

func TestMinimal(t *testing.T) {
	s := newServer(t)
	op := notifiertest.Open().Op(delivery.Post, target)
	op.Minimal = true
	deliver(t, newNotifier(t, s.URL()), op)
	if m := s.Messages(channel)[0]; len(m.Blocks) > 0 || m.Text != "external-profiles is silent for all 1,248 clients" {
		t.Errorf("minimal message %+v", m)
	}
}

// TestGolden holds what a channel reads, for each scene: the root and the
// newest reply.
func TestGolden(t *testing.T) {
	for _, scene := range notifiertest.Scenes() {
		t.Run(scene.Name, func(t *testing.T) {
			s := newServer(t)
			n := newNotifier(t, s.URL())
			root := deliver(t, n, scene.Op(delivery.Post, target))
			deliver(t, n, reply(scene, root))
			m := s.Messages(channel)
			golden(t, scene.Name+".txt", m[0].Reading()+"\n\n(on the lock screen)\n"+m[0].Text+"\n\n(in the thread)\n"+m[1].Reading()+"\n")
		})
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs (run with -update to accept):\n%s", name, got)
	}
}

// TestNastyNames: whatever the names are, Slack takes the message, its limits
// are kept, and nobody is rung.
func TestNastyNames(t *testing.T) {
	s := newServer(t)
	n := newNotifier(t, s.URL())
	rapid.Check(t, func(t *rapid.T) {
		scene := notifiertest.NastyScene(t)
		root, err := n.Deliver(t.Context(), scene.Op(delivery.Post, target))
		if err != nil {
			t.Fatal(err)
		}
		for i := range scene.Incident.Events {
			op := reply(scene, root)
			op.Event, op.Page = &scene.Incident.Events[i], nil
			if p := op.Event.Page; p > 0 {
				op.Page = &scene.Incident.Pages[p-1]
			}
			if _, err := n.Deliver(t.Context(), op); err != nil {
				t.Fatal(err)
			}
		}
		for _, m := range s.Drain(channel) {
			if rings := m.Rings(); len(rings) > 0 {
				t.Fatalf("it rings %v: %s %s", rings, m.Text, m.Blocks)
			}
		}
	})
}

// TestSlacktest holds us against a Slack that nobody here wrote: slack-go's own,
// which reads the blocks of what it is sent and refuses what it cannot read.
func TestSlacktest(t *testing.T) {
	s := slacktest.NewTestServer()
	s.Start()
	defer s.Stop()
	n := newNotifier(t, s.GetAPIURL())
	for _, scene := range notifiertest.Scenes() {
		root := deliver(t, n, scene.Op(delivery.Post, target))
		if !strings.HasPrefix(root, channel+"/") {
			t.Errorf("ref %q", root)
		}
		deliver(t, n, reply(scene, root))
	}
}

func TestNew(t *testing.T) {
	good := slack.Config{App: slack.App{Token: notifiers.NewSecret(token)}, Channel: channel}
	cases := []struct {
		name   string
		change func(*slack.Config)
		want   string
	}{
		{"good", func(*slack.Config) {}, ""},
		{"a URL without its slash", func(c *slack.Config) { c.App.APIURL = "http://127.0.0.1:1/api" }, ""},
		{"no token", func(c *slack.Config) { c.App.Token = notifiers.Secret{} }, "token is empty"},
		{"a user's token", func(c *slack.Config) { c.App.Token = notifiers.NewSecret("xoxp-1") }, "not a bot token"},
		{"a token with a line end", func(c *slack.Config) { c.App.Token = notifiers.NewSecret(token + "\n") }, "white space"},
		{"a channel's name", func(c *slack.Config) { c.Channel = "#cdp-alerts" }, "channel's ID"},
		{"bad URL", func(c *slack.Config) { c.App.APIURL = "slack.com" }, "https://"},
		{"bad page", func(c *slack.Config) { c.PageURL = "feedwatch" }, "page's URL"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			config := good
			c.change(&config)
			_, err := slack.New(config)
			if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %q", err, c.want)
			}
		})
	}
}
