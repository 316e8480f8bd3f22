package email

import (
	"context"
	"errors"
	"strings"

	"github.com/feedwatch/feedwatch/notifiers"
	"github.com/feedwatch/feedwatch/watchdog/delivery"
)

// Check leads a conversation as for a message, and breaks it off before the
// message. With post it sends one; unlike others it cannot be taken back.
func (n *Notifier) Check(ctx context.Context, post bool) []notifiers.Finding {
	ctx, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	c, f := n.open(ctx)
	defer c.close()
	var refused map[string]*fault
	if f == nil {
		if n.route.Username == "" {
			c.found("authentication", "none is configured")
		}
		refused, f = c.address(&n.route)
	}
	var all []notifiers.Finding
	for _, said := range c.said {
		what, found, _ := strings.Cut(said, "\x00")
		all = append(all, notifiers.Finding{What: what, Found: n.redact.Text(notifiers.Clean(found, 300))})
	}
	for _, to := range n.route.to {
		if r := refused[to.Address]; r != nil {
			finding := n.wrong(r)
			finding.Found = to.Address + ": " + finding.Found
			finding.Pages = len(refused) < len(n.route.to)
			all = append(all, finding)
		}
	}
	if f != nil {
		return append(all, n.wrong(f))
	}
	if post && len(refused) < len(n.route.to) {
		all = append(all, n.checkPost(ctx))
	}
	return all
}

func (n *Notifier) checkPost(ctx context.Context) notifiers.Finding {
	message, err := n.test()
	if err == nil {
		err = n.send(ctx, message)
	}
	var failed *delivery.Error
	if errors.As(err, &failed) {
		err = failed.Err
	}
	if err != nil {
		return notifiers.Finding{What: "test message", Found: err.Error(), Mend: "see the server's log, and test again"}
	}
	return notifiers.Finding{What: "test message", Found: "sent; see that it came, and not into a folder for spam"}
}

func (n *Notifier) wrong(f *fault) notifiers.Finding {
	return notifiers.Finding{What: stageNames[f.at], Found: n.redact.Text(notifiers.Clean(f.why(), 300)), Mend: f.mend()}
}
