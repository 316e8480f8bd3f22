package slack_test

import (
	"fmt"
	"net/http"
	"net/url"
	"testing"

	"pgregory.net/rapid"

	"github.com/feedwatch/feedwatch/notifiers/notifiertest"
	"github.com/feedwatch/feedwatch/rules"
	"github.com/feedwatch/feedwatch/watchdog"
)

func (p *people) typed(text string) string {
	p.t.Helper()
	p.nonce++
	body := url.Values{"command": {"/feedwatch"}, "text": {text}, "response_url": {p.server.AnswerURL()}, "trigger_id": {fmt.Sprint(p.nonce)}}.Encode()
	if code := p.post(p.desk.Commands(), body); code != http.StatusOK {
		p.t.Fatalf("%q is answered %d", text, code)
	}
	return p.told()
}

func feedViews() []watchdog.FeedView {
	profiles := watchdog.FeedView{Name: "external-profiles", Watched: true, Clients: 1248, Verdict: watchdog.Stale, Newest: notifiertest.At("2025-11-24 00:00"), Incidents: []string{"1763942700000-5f3a9c"}}
	profiles.ByVerdict[watchdog.Stale] = 1248
	consent := watchdog.FeedView{Name: "consent & co", Watched: true, Clients: 12, Verdict: watchdog.Late, Newest: notifiertest.At("2025-11-23 23:58")}
	consent.ByVerdict[watchdog.Fresh], consent.ByVerdict[watchdog.Late] = 11, 1
	segments := watchdog.FeedView{Name: "segments", Watched: true, Clients: 3, Verdict: watchdog.Fresh, Newest: notifiertest.At("2025-11-24 00:04")}
	segments.ByVerdict[watchdog.Fresh] = 3
	return []watchdog.FeedView{profiles, consent, segments}
}

// TestStatus holds what a person reads who asks how it stands.
func TestStatus(t *testing.T) {
	p := newPeople(t, notifiertest.Open())
	p.keeper.feeds = feedViews()
	cluster := notifiertest.OneCluster().Incident
	cluster.ID, cluster.Feed, cluster.Severity = "another", "segments", rules.Error
	p.keeper.others = []*watchdog.Incident{cluster, notifiertest.Resolved().Incident}
	p.keeper.trouble = []string{"pagerduty/cdp refuses us; its pages go to others: 401"}
	var all string
	for _, text := range []string{"status", "status external-profiles", "status consent &amp; co", "status nonsense <!channel>", "help"} {
		all += "> /feedwatch " + text + "\n" + p.typed(text) + "\n\n"
	}
	p.keeper.others, p.keeper.trouble = nil, nil
	p.keeper.feeds = feedViews()[2:]
	p.keeper.set(notifiertest.Resolved().Incident)
	all += "> /feedwatch\n" + p.typed("") + "\n\n"
	p.keeper.feeds = nil
	all += "> /feedwatch status\n" + p.typed("status") + "\n\n"
	p.keeper.starts = true
	all += "> /feedwatch status\n" + p.typed("status") + "\n"
	golden(t, "status.golden", all)
	if code := p.post(p.desk.Commands(), "ssl_check=1&token=x"); code != http.StatusOK {
		t.Errorf("Slack's check of the address is answered %d", code)
	}
}

// TestNastyStatus: whatever the names are, the answer fits, and rings nobody.
func TestNastyStatus(t *testing.T) {
	p := newPeople(t, notifiertest.Open())
	rapid.Check(t, func(t *rapid.T) {
		p.keeper.mu.Lock()
		p.keeper.inc, p.keeper.others, p.keeper.feeds = notifiertest.NastyScene(t).Incident, nil, nil
		for range rapid.IntRange(0, 20).Draw(t, "incidents") {
			p.keeper.others = append(p.keeper.others, notifiertest.NastyScene(t).Incident)
		}
		for range rapid.IntRange(0, 30).Draw(t, "feeds") {
			p.keeper.feeds = append(p.keeper.feeds, watchdog.FeedView{Name: rapid.String().Draw(t, "feed"), Clients: 100_000})
		}
		for range rapid.IntRange(0, 30).Draw(t, "troubles") {
			p.keeper.trouble = append(p.keeper.trouble, rapid.String().Draw(t, "trouble"))
		}
		p.keeper.mu.Unlock()
		p.typed(rapid.SampledFrom([]string{"", "status", "status external-profiles", "status \xff<!here>", "<!channel>"}).Draw(t, "text"))
	})
}
