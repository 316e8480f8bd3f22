package alertmanager

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/feedwatch/feedwatch/notifiers"
	"github.com/feedwatch/feedwatch/watchdog/delivery"
)

// testLease is how long the alert of a test stays where its end gets lost. An
// Alertmanager waits for 30 s (group_wait) before it tells anybody.
const testLease = 10 * time.Second

// Check asks every Alertmanager who it is; with post it also sends an alert and
// ends it, before anybody is told of it.
func (n *Notifier) Check(ctx context.Context, post bool) []notifiers.Finding {
	var all []notifiers.Finding
	good := 0
	for i := range n.config.URLs {
		f := n.checkServer(ctx, i)
		if f.OK() {
			good++
		}
		all = append(all, f)
	}
	for i := range all {
		all[i].Pages = good > 0 // one is enough
	}
	if post && good > 0 {
		all = append(all, n.checkPost(ctx))
	}
	return all
}

func (n *Notifier) checkServer(ctx context.Context, server int) notifiers.Finding {
	what := "server " + notifiers.RedactedURL(n.config.URLs[server].Reveal())
	x, failed := n.ask(ctx, server, http.MethodGet, statusPath, nil)
	if failed != nil {
		mend := "see whether this machine reaches it, and try again"
		if failed.Class == delivery.Refused {
			mend = "mend its URL (with --web.route-prefix, if it has one), and the token or password"
		}
		return notifiers.Finding{What: what, Found: failed.Err.Error(), Mend: mend}
	}
	var status struct {
		Version struct {
			Version string `json:"version"`
		} `json:"versionInfo"`
	}
	if json.Unmarshal(x.Body, &status) != nil || status.Version.Version == "" {
		return notifiers.Finding{What: what, Found: "what answers there is no Alertmanager", Mend: "mend its URL"}
	}
	return notifiers.Finding{What: what, Found: "Alertmanager " + notifiers.Clean(status.Version.Version, 30)}
}

func (n *Notifier) checkPost(ctx context.Context) notifiers.Finding {
	now := time.Now()
	a := alert{
		Labels:      map[string]string{"alertname": "FeedwatchTest", "install": n.config.Install, "severity": "info"},
		Annotations: map[string]string{"summary": "A test of feedwatch's way to Alertmanager. Nothing is wrong."},
		StartsAt:    now, EndsAt: now.Add(testLease),
	}
	failed := n.post(ctx, []alert{a})
	if failed == nil {
		a.EndsAt = time.Now()
		failed = n.post(ctx, []alert{a})
	}
	if failed != nil {
		return notifiers.Finding{What: "test alert", Found: failed.Err.Error(), Mend: "see Alertmanager's log, and try again"}
	}
	return notifiers.Finding{What: "test alert", Found: "sent and ended"}
}
