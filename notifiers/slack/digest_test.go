package slack_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/prometheus/client_golang/prometheus"
	"pgregory.net/rapid"

	"github.com/feedwatch/feedwatch/notifiers"
	"github.com/feedwatch/feedwatch/notifiers/notifiertest"
	"github.com/feedwatch/feedwatch/notifiers/slack"
	"github.com/feedwatch/feedwatch/rules"
	"github.com/feedwatch/feedwatch/watchdog"
	"github.com/feedwatch/feedwatch/watchdog/delivery"
	"github.com/feedwatch/feedwatch/watchdog/feed"
)

// noThreads is for desks whose messages tell of one incident.
type noThreads struct{}

func (noThreads) Sharing(string) []delivery.Sharer { return nil }

// of is an incident of another feed.
func of(scene notifiertest.Scene, feedName string, change ...func(*watchdog.Incident)) *watchdog.Incident {
	inc := *scene.Incident
	inc.ID, inc.Feed = "1763942700000-"+feedName, feedName
	inc.Key = "fw/prod/" + feedName + "/" + inc.ID
	for _, c := range change {
		c(&inc)
	}
	return &inc
}

// digest is a root that tells of all of them.
func digest(now feed.Instant, kind delivery.OpKind, incidents ...*watchdog.Incident) delivery.Op {
	op := delivery.Op{Kind: kind, Name: "root", Target: target, Incident: incidents[0], Lead: incidents[0], Shared: len(incidents) > 1, Now: now}
	for _, inc := range incidents[1:] {
		op.With = append(op.With, delivery.Op{Kind: kind, Name: "root", Target: target, Incident: inc, Now: now})
	}
	return op
}

func linkAll(incidents []*watchdog.Incident) {
	for _, inc := range incidents {
		inc.Linked = nil
		for _, other := range incidents {
			if other != inc && len(inc.Linked) < watchdog.LinksMax {
				inc.Linked = append(inc.Linked, watchdog.Link{ID: other.ID, Feed: other.Feed, Silent: other.Scope.Silent, Of: other.Scope.Of})
			}
		}
	}
}

// storm is 40 feeds at once: one loses data first, one has an owner, two are over it.
func storm() []*watchdog.Incident {
	mild := func(inc *watchdog.Incident) { inc.Severity, inc.Loss = rules.Error, watchdog.Loss{} }
	all := []*watchdog.Incident{of(notifiertest.OneCluster(), "consent", mild), of(notifiertest.Open(), "external-profiles")}
	for i := range 38 {
		all = append(all, of(notifiertest.Open(), fmt.Sprintf("segments-%02d", i), mild))
	}
	all[5].State = watchdog.StateAcknowledged
	all[5].Ack = &watchdog.Ack{By: "@anna", At: notifiertest.At("2025-11-24 00:05"), Until: notifiertest.At("2025-11-24 04:05")}
	all[6].State, all[6].Resolved = watchdog.StateResolved, notifiertest.At("2025-11-24 00:06")
	all[7].State, all[7].WellSince = watchdog.StateRecovering, notifiertest.At("2025-11-24 00:06")
	return all
}

// cause is three feeds that one cluster took down.
func cause() []*watchdog.Incident {
	scene := notifiertest.OneCluster()
	all := []*watchdog.Incident{of(scene, "consent"), of(scene, "external-profiles"), of(scene, "segments")}
	linkAll(all)
	return all
}

// TestDigestGolden holds what a person reads at 3 am.
func TestDigestGolden(t *testing.T) {
	now := notifiertest.At("2025-11-24 00:06")
	losing := cause()
	for _, inc := range losing {
		inc.Loss.Begins = notifiertest.At("2025-11-24 00:01")
	}
	for name, incidents := range map[string][]*watchdog.Incident{"digest-storm": storm(), "digest-one-cause": cause(), "digest-losing": losing, "digest-over": over()} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t)
			n := newNotifier(t, s.URL())
			root := deliver(t, n, digest(now, delivery.Post, incidents...))
			m := s.Messages(channel)[0]
			text := m.Reading() + "\n\n(on the lock screen)\n" + m.Text + "\n"
			joiner := of(notifiertest.Open(), "late-feed")
			op := reply(notifiertest.Scene{Now: now, Incident: joiner}, root)
			op.Shared, op.Joins, op.Lead = true, true, incidents[0]
			deliver(t, n, op)
			both := reply(notifiertest.Scene{Now: now, Incident: of(notifiertest.Acknowledged(), incidents[0].Feed)}, root)
			both.Shared, both.Lead = true, incidents[0]
			with := reply(notifiertest.Scene{Now: now, Incident: of(notifiertest.Resolved(), incidents[1].Feed)}, root)
			with.Name = "e9"
			both.With = []delivery.Op{with, op}
			deliver(t, n, both)
			for _, m := range s.Thread(channel, timestamp(root)) {
				text += fmt.Sprintf("\n(in the thread, in the channel too: %v)\n%s\n", m.Broadcast, m.Reading())
			}
			golden(t, name+".txt", text)
		})
	}
}

func over() []*watchdog.Incident {
	all := cause()
	for _, inc := range all {
		inc.State, inc.Resolved, inc.WellSince = watchdog.StateResolved, notifiertest.At("2025-11-24 00:06"), notifiertest.At("2025-11-24 00:06")
	}
	return all
}

// TestDigestOfAnything: whatever the names and however many they are, Slack takes the
// message, nobody is rung, it names the most urgent, and says how many more there are.
func TestDigestOfAnything(t *testing.T) {
	s := newServer(t)
	n := newNotifier(t, s.URL())
	rapid.Check(t, func(t *rapid.T) {
		var incidents []*watchdog.Incident
		nasty := rapid.SampledFrom([]string{"", "<!channel>", strings.Repeat("é<&", 3400), strings.Repeat("👩‍👩‍👧‍👦", 500), "שלום\u202e", "\x00\xff\n*_`"})
		for i := range rapid.SampledFrom([]int{2, 3, 15, 16, 40, 1000}).Draw(t, "incidents") {
			if i < 20 {
				scene := notifiertest.NastyScene(t)
				scene.Incident.Feed = nasty.Draw(t, "feed")
				scene.Incident.ID = fmt.Sprint("id-", i)
				scene.Incident.Key = "fw/x/" + scene.Incident.ID
				incidents = append(incidents, scene.Incident)
				continue
			}
			inc := *incidents[i%20]
			inc.ID = fmt.Sprint("id-", i)
			incidents = append(incidents, &inc)
		}
		op := digest(notifiertest.At("2025-11-24 00:06"), delivery.Post, incidents...)
		op.Minimal = rapid.Bool().Draw(t, "minimal")
		root, err := n.Deliver(t.Context(), op)
		if err != nil {
			t.Fatal(err)
		}
		reply := replies(root, incidents[:min(20, len(incidents))])
		reply.Joins = rapid.Bool().Draw(t, "joins")
		if _, err := n.Deliver(t.Context(), reply); err != nil {
			t.Fatal(err)
		}
		messages := s.Drain(channel)
		for _, m := range messages {
			if rings := m.Rings(); len(rings) > 0 {
				t.Fatalf("it rings %v: %s", rings, m.Text)
			}
			if !utf8.ValidString(m.Reading()) || strings.Contains(m.Reading(), "does not fit this message") {
				t.Fatalf("something was cut off:\n%s", m.Reading())
			}
		}
		if text := messages[0].Reading(); !op.Minimal {
			named := strings.Count(text, "\n• ")
			more := len(incidents) - named
			if named == 0 || more > 0 != strings.Contains(text, "\n… and "+notifiers.Count(more)+" more: the page lists them.") {
				t.Fatalf("%d of %d are named:\n%s", named, len(incidents), text)
			}
		}
	})
}

// replies is one reply with the newest event of each.
func replies(root string, incidents []*watchdog.Incident) delivery.Op {
	var all []delivery.Op
	for _, inc := range incidents {
		op := reply(notifiertest.Scene{Now: notifiertest.At("2025-11-24 00:06"), Incident: inc}, root)
		op.Shared, op.Lead = true, incidents[0]
		all = append(all, op)
	}
	all[0].With = all[1:]
	return all[0]
}

// TestAdoptAlong: what a reply told of several is found again by each one's name.
func TestAdoptAlong(t *testing.T) {
	s := newServer(t)
	n := newNotifier(t, s.URL())
	incidents := storm()[:20]
	root := deliver(t, n, digest(s.Now(), delivery.Post, incidents...))
	op := replies(root, incidents)
	for i := range incidents {
		incidents[i].Events = slices.Clone(incidents[i].Events)
		incidents[i].Events[1].At = s.Now()
	}
	want := deliver(t, n, replies(root, incidents))
	for _, one := range op.With {
		one.MaybeSent, one.Ref = true, root
		if got := deliver(t, n, one); got != want {
			t.Errorf("%s was told again as %s", one.ID(), got)
		}
	}
	if thread := s.Thread(channel, timestamp(root)); len(thread) != 1 {
		t.Errorf("%d replies, want the one", len(thread))
	}
}

// many is an engine with several incidents, and the threads that tell of them.
type many struct {
	fakeKeeper
	mu      sync.Mutex
	all     map[string]*watchdog.Incident
	sharing []delivery.Sharer
	broken  string // the incident that cannot be acknowledged
	root    string
}

func (k *many) Incident(_ context.Context, id string) (*watchdog.Incident, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.all[id], nil
}

func (k *many) Acknowledge(_ context.Context, id, by string, _ time.Duration) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if id == k.broken {
		return errors.New("the disk is full")
	}
	after := *k.all[id]
	after.State, after.Ack = watchdog.StateAcknowledged, &watchdog.Ack{By: by, At: notifiertest.At("2025-11-24 00:07")}
	k.all[id] = &after
	return nil
}

func (k *many) Sharing(root string) []delivery.Sharer {
	if root != k.root {
		return nil
	}
	return k.sharing
}

// by is who is on each, in the order of the digest.
func (k *many) by(incidents []*watchdog.Incident) string {
	var all []string
	for _, inc := range incidents {
		who := "-"
		if ack := k.all[inc.ID].Ack; ack != nil {
			who = ack.By
		}
		all = append(all, who)
	}
	return strings.Join(all, " ")
}

// TestAcknowledgeAll: the button acts on what it says it acts on, and on nothing that
// came or was decided since it was drawn.
func TestAcknowledgeAll(t *testing.T) {
	s := newServer(t)
	drawn := notifiertest.At("2025-11-24 00:06")
	incidents := storm()[:8]
	root := deliver(t, newNotifier(t, s.URL()), digest(drawn, delivery.Post, incidents...))
	k := &many{all: map[string]*watchdog.Incident{}, root: root, broken: incidents[2].ID}
	for _, inc := range incidents {
		k.all[inc.ID] = inc
		k.sharing = append(k.sharing, delivery.Sharer{Incident: inc.ID})
	}
	late := of(notifiertest.Open(), "late")
	k.all[late.ID] = late
	k.sharing = append(k.sharing, delivery.Sharer{Incident: late.ID, Joined: drawn.Add(time.Second)})
	k.all[incidents[3].ID] = of(notifiertest.Snoozed(), incidents[3].Feed, func(inc *watchdog.Incident) { inc.ID = incidents[3].ID }) // since

	desk, err := slack.NewDesk(slack.DeskConfig{
		Apps:   []slack.App{{Token: notifiers.NewSecret(token), SigningSecret: notifiers.NewSecret(signingSecret), APIURL: s.URL()}},
		Keeper: k, Watch: k, Threads: k, Log: slog.New(slog.DiscardHandler), Now: time.Now, Registerer: prometheus.NewPedanticRegistry(),
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithTimeout(t.Context(), 20*time.Second)
	defer stop()
	go func() { _ = desk.Run(ctx) }()
	press := func() string {
		t.Helper()
		payload, err := s.Press(channel, timestamp(root), "Acknowledge the 5 that nobody is on", "bo")
		if err != nil {
			t.Fatal(err)
		}
		body := url.Values{"payload": {payload}}.Encode()
		if code := send(desk.Interactions(), body, notifiertest.SignSlack(signingSecret, time.Now(), body)); code != 200 {
			t.Fatalf("status %d", code)
		}
		said, err := s.Said(ctx)
		if err != nil {
			t.Fatal(err)
		}
		return said.Reading()
	}
	golden(t, "acknowledge-all.txt", press()+"\n")
	if got, want := k.by(incidents), "@bo @bo - anna @bo @anna - -"; got != want || late.Ack != nil {
		t.Errorf("on them are %q, want %q", got, want)
	}
}
