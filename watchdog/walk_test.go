package watchdog_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/tools/txtar"

	"github.com/feedwatch/feedwatch/rules"
	"github.com/feedwatch/feedwatch/watchdog"
	"github.com/feedwatch/feedwatch/watchdog/feed"
)

var update = flag.Bool("update", false, "write what the walks print as their golden output")

// walkStart is the instant of "0s" in a script: the incident's own.
var walkStart = feed.At(time.Date(2025, 11, 24, 0, 0, 0, 0, time.UTC))

// TestWalk drives the machine by the scripts of testdata/walk and compares what
// it says with the golden output in the same file. A script line is
// "TIME COMMAND ARGS", TIME since 24 Nov 00:00 UTC or "+DURATION" since the line
// before; the commands are in (*walk).do.
func TestWalk(t *testing.T) {
	files, err := filepath.Glob("testdata/walk/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts in testdata/walk: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) { walkFile(t, file) })
	}
}

func walkFile(t *testing.T, file string) {
	archive, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	parts := map[string]string{}
	for _, f := range archive.Files {
		parts[f.Name] = string(f.Data)
	}
	w := newWalk(t, parts)
	for line := range strings.Lines(parts["script"]) {
		if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
			w.line(line)
		}
	}
	if got := w.out.String(); got != parts["want"] {
		if !*update {
			t.Fatalf("%s differs (go test ./watchdog -run TestWalk -update writes it anew)\n--- want\n%s--- got\n%s", file, parts["want"], got)
		}
		for i := range archive.Files {
			if archive.Files[i].Name == "want" {
				archive.Files[i].Data = []byte(got)
			}
		}
		if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

type walk struct {
	t     *testing.T
	parts map[string]string
	m     *watchdog.Machine
	saved *watchdog.Saved
	now   feed.Instant
	deaf  bool // push's known-through does not move
	told  map[string]int
	open  map[string]*watchdog.Incident
	out   strings.Builder
}

func newWalk(t *testing.T, parts map[string]string) *walk {
	w := &walk{t: t, parts: parts, now: walkStart, told: map[string]int{}, open: map[string]*watchdog.Incident{}}
	w.m = watchdog.New(watchdog.Config{Install: "test"}, w.now, nil)
	w.step(&watchdog.UseRules{Set: w.rules("rules.yaml")})
	return w
}

func (w *walk) rules(name string) *rules.Set {
	w.t.Helper()
	set, err := rules.Parse([]rules.File{{Name: name, Data: []byte(w.parts[name])}})
	if err != nil {
		w.t.Fatal(err)
	}
	return set
}

// tick is the longest time between two steps.
const tick = 20 * time.Second

// step feeds inputs at w.now and prints what came of them.
func (w *walk) step(inputs ...watchdog.Input) {
	if !w.deaf {
		inputs = append(inputs, &watchdog.Heard{Report: feed.Report{Source: feed.Push, KnownThrough: w.now}})
	}
	for more := true; more; {
		out := w.m.Step(w.now, inputs...)
		inputs = nil
		for _, inc := range out.Changes {
			w.print(inc)
		}
		more = out.More
	}
}

// until lets time pass, stopping wherever something is due.
func (w *walk) until(t feed.Instant) {
	for {
		next := w.m.Step(w.now).Next
		if next.IsZero() || next > w.now.Add(tick) {
			next = w.now.Add(tick) // as the engine does, so that push is not blind
		}
		if next > t {
			break
		}
		w.now = max(next, w.now+1)
		w.step()
	}
	w.now = t
	w.step()
}

func (w *walk) print(inc *watchdog.Incident) {
	if w.told[inc.ID] == 0 {
		fmt.Fprintf(&w.out, "%s incident %s %s by %s of %s\n", w.clock(inc.Seen), inc.Key, inc.Cause, inc.Rule, inc.Anchor)
	}
	for _, e := range inc.Events[w.told[inc.ID]:] {
		fmt.Fprintf(&w.out, "%s %-12s %-12s %s", w.clock(e.At), inc.State, e.Kind, e.Scope)
		fmt.Fprintf(&w.out, " %d/%d, elsewhere %d/%d", e.Scope.Silent, e.Scope.Of, e.Scope.ElsewhereSilent, e.Scope.ElsewhereOf)
		w.details(inc, e)
		w.out.WriteString("\n")
	}
	w.told[inc.ID] = len(inc.Events)
	w.open[inc.Feed] = inc
}

func (w *walk) details(inc *watchdog.Incident, e watchdog.Event) {
	switch e.Kind {
	case watchdog.EventPaged:
		p := inc.Pages[e.Page-1]
		fmt.Fprintf(&w.out, " | p%d %s %s -> %v", p.N, inc.Severity, p.Reason, p.Targets)
		if inc.Next != nil {
			fmt.Fprintf(&w.out, ", next %s %s %v", w.clock(inc.Next.At), inc.Next.Why, inc.Next.Targets)
		}
		if !inc.Loss.Begins.IsZero() {
			fmt.Fprintf(&w.out, ", loss %s", w.clock(inc.Loss.Begins))
		}
	case watchdog.EventCatchUp:
		fmt.Fprintf(&w.out, " | v %.1f, lag %s, current between %s and %s", inc.CatchUp.Speed, inc.CatchUp.Lag, w.clock(e.From), w.clock(e.Until))
	case watchdog.EventResolved:
		if !e.From.IsZero() {
			fmt.Fprintf(&w.out, " | lost %s to %s, at risk %v", w.clock(e.From), w.clock(e.Until), inc.Loss.AtRisk)
		}
	case watchdog.EventAcknowledged:
		fmt.Fprintf(&w.out, " | by %s until %s", e.Who, w.clock(e.Until))
	}
}

func (w *walk) clock(t feed.Instant) string { return t.Time().Format("02 15:04:05") }

func (w *walk) line(line string) {
	w.t.Helper()
	words := strings.Fields(line)
	d, err := parseSpan(strings.TrimPrefix(words[0], "+"))
	if err != nil {
		w.t.Fatalf("%q: %v", line, err)
	}
	at := walkStart.Add(d)
	if words[0][0] == '+' {
		at = w.now.Add(d)
	}
	w.until(at)
	w.do(words[1], words[2:], line)
}

// do runs one command:
//
//	beat CLIENTS [LABEL=VALUE] [event=SPAN] [drain=V] [every=SPAN until=SPAN]
//	                      CLIENTS: a,b or c[1-20]; event: age; drain: speed at which a backlog shrinks
//	verdicts FEED         prints the counts
//	clients FEED          prints each client's verdict
//	ack FEED NAME SPAN    acknowledges the feed's newest incident
//	rules NAME            puts another rule set in force
//	deaf | hears          stops or starts push's known-through
//	crash | flush         restarts from what was flushed last
//	down SPAN             the same, but nothing ran until SPAN
//	wait                  nothing
func (w *walk) do(command string, args []string, line string) {
	switch command {
	case "wait":
	case "beat":
		w.beat(args)
	case "verdicts":
		w.verdicts(args[0])
	case "clients":
		page, _ := w.m.Clients(watchdog.ClientQuery{Feed: args[0], Any: true, Limit: 100})
		for _, c := range page.Clients {
			fmt.Fprintf(&w.out, "%s   %s %s by %s\n", w.clock(w.now), c.Client, c.Verdict, c.Rule)
		}
	case "ack":
		d, _ := parseSpan(args[2])
		in := &watchdog.Acknowledge{ID: w.open[args[0]].ID, By: args[1], For: d}
		w.step(in)
		if in.Err != nil {
			fmt.Fprintf(&w.out, "%s ack refused: %v\n", w.clock(w.now), in.Err)
		}
	case "rules":
		w.step(&watchdog.UseRules{Set: w.rules(args[0])})
	case "deaf", "hears":
		w.deaf = command == "deaf"
		w.step()
	case "flush":
		w.flush()
	case "crash":
		w.crash()
	case "down":
		d, _ := parseSpan(args[0])
		w.now = walkStart.Add(d)
		w.crash()
	default:
		w.t.Fatalf("%q: unknown command", line)
	}
}

func (w *walk) flush() {
	if w.saved == nil {
		w.saved = &watchdog.Saved{}
	}
	flush, _ := w.m.Flush(watchdog.AllBlocks)
	for _, image := range flush.Blocks {
		w.saved.Blocks = mergeImage(w.saved.Blocks, image)
	}
	w.saved.Through = flush.Through
}

func mergeImage(all []watchdog.BlockImage, image watchdog.BlockImage) []watchdog.BlockImage {
	for i := range all {
		if all[i].Feed == image.Feed && all[i].Index == image.Index {
			if image.Names == nil {
				image.Names = all[i].Names
			}
			all[i] = image
			return all
		}
	}
	return append(all, image)
}

// crash loses everything but the last flush and the committed incidents.
func (w *walk) crash() {
	saved := *w.saved
	saved.Incidents = w.m.Incidents()
	w.saved.Restarts = append(w.saved.Restarts, watchdog.Restart{At: w.now, Through: saved.Through})
	saved.Restarts = w.saved.Restarts
	w.m = watchdog.New(watchdog.Config{Install: "test"}, w.now, &saved)
	fmt.Fprintf(&w.out, "%s -- restart\n", w.clock(w.now))
	w.step(&watchdog.UseRules{Set: w.rules("rules.yaml")})
}

func (w *walk) verdicts(name string) {
	for _, v := range w.m.Feeds() {
		if v.Name == name {
			text, _ := v.ByVerdict.MarshalJSON()
			fmt.Fprintf(&w.out, "%s   %s: %s %s\n", w.clock(w.now), name, v.Verdict, text)
		}
	}
}

func (w *walk) beat(args []string) {
	var every, until, age time.Duration
	event, drain := false, 0
	labels := map[string]string{}
	for _, arg := range args[1:] {
		name, value, _ := strings.Cut(arg, "=")
		switch name {
		case "every":
			every, _ = parseSpan(value)
		case "until":
			until, _ = parseSpan(value)
		case "drain":
			drain, _ = strconv.Atoi(value)
		case "event":
			age, _ = parseSpan(value)
			event = true
		default:
			labels[name] = value
		}
	}
	parsed, err := feed.ParseLabels(labels)
	if err != nil {
		w.t.Fatal(err)
	}
	for {
		var beats []feed.Heartbeat
		for _, client := range expand(args[0]) {
			key, err := feed.ParseKey("profiles", client)
			if err != nil {
				w.t.Fatal(err)
			}
			hb := feed.Heartbeat{Key: key, Arrival: w.now, Count: 1, Labels: parsed}
			if event {
				hb.Event = w.now.Add(-age)
			}
			beats = append(beats, hb)
		}
		w.step(&watchdog.Heard{Report: feed.Report{Source: feed.Push, Heartbeats: beats}})
		if every == 0 || w.now.Add(every) > walkStart.Add(until) {
			return
		}
		w.until(w.now.Add(every))
		// A backlog that drains at v passes v-1 of age for each of wall time.
		age = max(age-time.Duration(max(drain-1, 0))*every, min(age, 10*time.Second))
	}
}

// expand turns "a,c[1-3]" into a, c1, c2, c3.
func expand(s string) []string {
	var all []string
	for part := range strings.SplitSeq(s, ",") {
		stem, span, ok := strings.Cut(part, "[")
		if !ok {
			all = append(all, part)
			continue
		}
		from, to, _ := strings.Cut(strings.TrimSuffix(span, "]"), "-")
		a, _ := strconv.Atoi(from)
		b, _ := strconv.Atoi(to)
		for i := a; i <= b; i++ {
			all = append(all, stem+strconv.Itoa(i))
		}
	}
	return all
}

// parseSpan is time.ParseDuration with days.
func parseSpan(s string) (time.Duration, error) {
	if days, rest, ok := strings.Cut(s, "d"); ok {
		n, err := strconv.Atoi(days)
		if err != nil {
			return 0, err
		}
		d := time.Duration(0)
		if rest != "" {
			if d, err = time.ParseDuration(rest); err != nil {
				return 0, err
			}
		}
		return time.Duration(n)*24*time.Hour + d, nil
	}
	return time.ParseDuration(s)
}
