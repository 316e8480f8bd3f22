package slack_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/feedwatch/feedwatch/notifiers"
	"github.com/feedwatch/feedwatch/notifiers/notifiertest"
	"github.com/feedwatch/feedwatch/rules"
	"github.com/feedwatch/feedwatch/watchdog/delivery"
)

func TestChangeConformance(t *testing.T) {
	notifiertest.Run(t, notifiertest.Harness{
		New: func(t *testing.T, url string) delivery.Notifier {
			return notifiertest.Changer{Teller: newNotifier(t, url+"/api/")}
		},
		Server:  func(t *testing.T) http.Handler { return newServer(t) },
		Op:      func() delivery.Op { return notifiertest.Open().Op(delivery.Post, target) },
		Secrets: []string{token},
	})
}

// TestChange: one message outside every thread, of a length that Slack takes, in
// which no name is a mention.
func TestChange(t *testing.T) {
	s := newServer(t)
	n := newNotifier(t, s.URL())
	nasty, many := notifiertest.RuleChange(), notifiertest.RuleChange()
	nasty.Changes[0].What = "feed <!channel> *bold* `code`, owner"
	for range 200 {
		many.Changes = append(many.Changes, rules.Change{What: strings.Repeat("<long>\n", 500), Was: "1", Now: "2"})
	}
	many.More, many.PageURL = 7, ""
	for _, c := range []*notifiers.RuleChange{notifiertest.RuleChange(), nasty, many} {
		if err := n.TellChange(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
	got := s.Roots(channel)
	if len(got) != 3 {
		t.Fatalf("%d messages, want 3", len(got))
	}
	const want = "# feedwatch rules changed\n" +
		"• `feed profiles, rule everyone, stale_after: 45m, was 30m`\n" +
		"Installation example: the set `bbbbbbbbbbbb` is in force since 24 Nov 09:12 UTC, in place of `aaaaaaaaaaaa`.\n" +
		"[Open page](https://feedwatch.example.com)"
	if read := got[0].Reading(); strings.TrimSpace(read) != want {
		t.Errorf("read\n%s\nwant\n%s", read, want)
	}
	if read := got[1].Reading(); !strings.Contains(read, "<!channel>") {
		t.Errorf("read\n%s", read)
	}
	for _, m := range got {
		raw := strings.NewReplacer(`\u003c`, "<", `\u003e`, ">").Replace(m.Text + string(m.Blocks))
		if strings.Contains(raw, "<!") {
			t.Errorf("a mention: %s", raw)
		}
	}
	if read := got[2].Reading(); !strings.Contains(read, "feedwatch rules changed: 208 changes") || !strings.Contains(read, "and 198 more.") {
		t.Errorf("read\n%s", read)
	}
}
