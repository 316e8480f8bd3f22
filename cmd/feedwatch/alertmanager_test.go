package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/feedwatch/feedwatch/notifiers/notifiertest"
)

// TestAlertmanagerAndEmail: the real binary pages through a real Alertmanager and a
// mail server; a kill ends no alert and mails nobody twice; the end is told by both.
func TestAlertmanagerAndEmail(t *testing.T) {
	am := notifiertest.StartAlertmanager(t, "http://127.0.0.1:1/nobody")
	bare := httptest.NewServer(http.NotFoundHandler())
	bare.Close() // the second of the cluster is away
	mails := notifiertest.NewSMTPServer(notifiertest.SMTPOptions{})
	t.Cleanup(mails.Close)
	w := newWorld(t)
	t.Setenv("FW_SMTP", notifiertest.SMTPPassword)
	ca := filepath.Join(w.dir, "ca.pem")
	if err := os.WriteFile(ca, mails.CA(), 0o600); err != nil {
		t.Fatal(err)
	}
	w.edit("feedwatch.yaml", "notifiers:\n", fmt.Sprintf(`notifiers:
  alertmanager:
    - {name: main, urls: [%q, %q]}
  email:
    - {name: team, server: %q, ca_file: %q, username: %s, password_env: FW_SMTP, from: fw@example.com, to: [anna@example.com]}
`, am.URL, bare.URL, mails.Addr(), ca, notifiertest.SMTPUser))
	w.edit("rules/profiles.yaml", "notify: [slack/cdp-alerts]", "notify: [slack/cdp-alerts, alertmanager/main, email/team]")
	w.start()
	w.push(4, "cluster", "fsn1")
	w.eventually("Alertmanager has the page", 20*time.Second, func() bool { return len(am.Alerts(t)) == 1 })
	before := am.Alerts(t)[0]
	if before.Labels["alertname"] != "FeedSilent" || before.Labels["page"] != "1" || before.Labels["install"] != "e2e" || before.Labels["severity"] != "critical" {
		t.Errorf("labels %v", before.Labels)
	}
	w.eventually("a mail", 10*time.Second, func() bool { return len(mails.Mails()) > 0 })
	w.eventually("PagerDuty's step is mailed too", 10*time.Second, func() bool { return len(w.pagerduty.Alerts()) == 1 && len(mails.Mails()) >= 2 })
	w.eventually("the page says who is away", 10*time.Second, func() bool {
		_, body := w.get("/")
		return strings.Contains(string(body), "1 of 2 Alertmanagers takes no alerts")
	})

	for _, none := range []string{`feedwatch_notifications_pending{notifier="email/team"} 0`, "feedwatch_receipts_unsaved 0"} {
		w.eventually("nothing is on its way, nor what came of it: it may come twice", 10*time.Second, func() bool {
			_, body := w.get("/metrics")
			return strings.Contains(string(body), none+"\n")
		})
	}
	sent := len(mails.Mails())
	w.kill()
	w.start()
	w.eventually("the alert is refreshed at once", 20*time.Second, func() bool {
		all := am.Alerts(t)
		return len(all) == 1 && all[0].EndsAt.After(before.EndsAt.Add(time.Second))
	})
	if n := len(mails.Mails()); n != sent {
		t.Errorf("%d mails after the restart, want the %d of before", n, sent)
	}

	stop := w.keepPushing(4)
	defer stop()
	w.eventually("the alert ends", 25*time.Second, func() bool { return len(am.Alerts(t)) == 0 })
	w.eventually("the end is mailed", 20*time.Second, func() bool {
		all := mails.Mails()
		return strings.Contains(string(all[len(all)-1].Raw), "Resolved: external-profiles was silent")
	})
	threads, ids := map[string]bool{}, map[string]bool{}
	for _, m := range mails.Mails() {
		threads[m.Header().Get("References")+strings.TrimPrefix(m.Header().Get("Subject"), "Re: ")] = true
		ids[m.Header().Get("Message-Id")] = true
	}
	if len(threads) != 1 || len(ids) != len(mails.Mails()) {
		t.Errorf("%d mails with %d ids in %d threads", len(mails.Mails()), len(ids), len(threads))
	}
	w.stop()
}
