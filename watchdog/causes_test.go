package watchdog

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/feedwatch/feedwatch/rules"
	"github.com/feedwatch/feedwatch/watchdog/feed"
)

// A thousand causes at one instant take several outputs: those of the severe come
// first, and every one is seen at its deadline.
func TestOfAThousandCausesTheSevereComeFirst(t *testing.T) {
	const feeds = 1_000
	severities := []string{"info", "critical", "warning", "error"}
	var text strings.Builder
	text.WriteString("feeds:\n")
	for i := range feeds {
		fmt.Fprintf(&text, "  - {name: f%d, retention: 7d, escalation: on-call, rules: [{name: whole, per: feed, stale_after: 6d}, {name: all, stale_after: 10m, severity: %s}]}\n", i, severities[i%len(severities)])
	}
	r := newRig(t, text.String()+onCall)
	for i := range feeds {
		r.hear(feed.Push, underName(fmt.Sprintf("f%d", i), beatOf("a", noon)), underName(fmt.Sprintf("f%d", i), beatOf("b", noon)))
	}
	r.jump(10*time.Minute - 1)
	var all []*Incident
	for r.now < noon.Add(10*time.Minute+gatherFor) {
		r.now = r.now.Add(gatherFor)
		all = append(all, r.step()...)
	}
	before, opened := rules.Critical, map[string]bool{}
	for _, inc := range all {
		opened[inc.Feed] = true
		if inc.Severity > before {
			t.Fatalf("%s, which is %s, comes after one that is %s", inc.Feed, inc.Severity, before)
		}
		before = inc.Severity
		if want := noon.Add(10 * time.Minute); inc.Opened != want {
			t.Errorf("%s opened at %s, want %s", inc.Feed, inc.Opened, want)
		}
	}
	if len(opened) != feeds {
		t.Errorf("%d feeds have an incident, want %d", len(opened), feeds)
	}
}
