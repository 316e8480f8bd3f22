package watchdog

import (
	"reflect"
	"testing"
	"time"

	"github.com/feedwatch/feedwatch/rules"
	"github.com/feedwatch/feedwatch/watchdog/feed"
)

// What rules.Rule.Course foretells is what the machine does.
func TestCourseIsWhatHappens(t *testing.T) {
	for name, text := range map[string]string{
		"by age": plain,
		"by schedule": `
feeds:
  - name: f
    retention: 7d
    escalation: on-call
    rules:
      - {name: whole, per: feed, stale_after: 6d}
      - {name: clients, expect: {cron: "0 6 * * *", timezone: Europe/Oslo, grace: 45m}}
` + onCall,
		"loss before it is stale": `
feeds:
  - name: f
    retention: 60h
    escalation: on-call
    rules:
      - {name: whole, per: feed, stale_after: 6d}
      - {name: clients, stale_after: 61h}
` + onCall,
		"no retention": `
feeds:
  - name: f
    escalation: on-call
    rules:
      - {name: whole, per: feed, stale_after: 6d}
      - {name: clients, stale_after: 10m, warn_after: 5m}
` + noLoss,
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, text)
			r.beat("c", 1)
			const span = 6*24*time.Hour - time.Minute
			r.to(span)
			got, want := told{}, told{}
			for _, inc := range r.open() {
				for _, p := range inc.Pages {
					if p.Reason != ReasonRepeat {
						got.at(p.At.Sub(noon).Round(time.Second), p.Targets)
					}
				}
			}
			f, _ := r.m.set.Feed("f")
			labels := feed.Labels{}
			for _, m := range f.Govern("c1", labels).Course(noon, noon, f.Retention()) {
				if m.Notify != nil && m.At <= noon.Add(span) {
					want.at(max(m.At, f.Govern("c1", labels).Deadline(noon)).Sub(noon), m.Notify)
				}
			}
			if !reflect.DeepEqual(got, want) || len(want) == 0 {
				t.Errorf("the machine pages\n%v\nforetold was\n%v", got, want)
			}
		})
	}
}

// told is who is paged when: what falls on one instant is one page.
type told map[time.Duration]map[rules.Target]bool

func (t told) at(when time.Duration, targets []rules.Target) {
	if t[when] == nil {
		t[when] = map[rules.Target]bool{}
	}
	for _, target := range targets {
		t[when][target] = true
	}
}

// One client can be asked for, whatever page it would stand on.
func TestOneClient(t *testing.T) {
	r := newRig(t, plain)
	r.beat("c", 3)
	for name, want := range map[string]int{"c2": 1, "c9": 0, groupName(r.m.feeds["f"].rules[1], ""): 0} {
		page, ok := r.m.Clients(ClientQuery{Feed: "f", Client: name, Any: true, Limit: 1})
		if !ok || len(page.Clients) != want || want == 1 && page.Clients[0].Client != name {
			t.Errorf("client %q: %+v", name, page)
		}
	}
	if page, _ := r.m.Clients(ClientQuery{Feed: "f", Client: "c2", Verdict: Stale}); len(page.Clients) != 0 {
		t.Errorf("a fresh client is stale: %+v", page)
	}
}

func TestCourseWithoutARun(t *testing.T) {
	f, _ := parse(t, `
feeds:
  - name: f
    escalation: on-call
    rules:
      - {name: leap, expect: {cron: "0 6 29 2 *", grace: 1h}}
`+noLoss).Feed("f")
	if course := f.Govern("c", feed.Labels{}).Course(noon, noon, 0); len(course) != 2 || course[0].Kind != rules.TurnsStale {
		t.Errorf("the course is %v", course)
	}
}
