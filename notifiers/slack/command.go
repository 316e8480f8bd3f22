package slack

import (
	"cmp"
	"context"
	"net/url"
	"slices"
	"strings"

	"github.com/feedwatch/feedwatch/notifiers"
	"github.com/feedwatch/feedwatch/watchdog"
)

// command is what a person typed.
type command struct {
	text     string
	answerTo string
}

// parseCommand reads what Slack sends of it over HTTP.
func parseCommand(form url.Values) command {
	return command{text: unescaped(form.Get("text")), answerTo: form.Get("response_url")}
}

// unescaped is text as it was typed; Slack sends entities in place of three characters.
func unescaped(text string) string {
	return strings.NewReplacer("&lt;", "<", "&gt;", ">", "&amp;", "&").Replace(text)
}

// Bounds on an answer, so that it fits a message.
const (
	incidentsSaid = 8
	namesSaid     = 12
)

// typed is the job of a command.
func (d *Desk) typed(a *app, c command) job {
	return job{a, c.answerTo, notifiers.SafeLink(d.config.PageURL), func(context.Context) []notifiers.Line { return d.obey(c) }}
}

func (d *Desk) obey(c command) []notifiers.Line {
	verb, feed, _ := strings.Cut(strings.TrimSpace(c.text), " ")
	p := d.config.Watch.Picture()
	switch feed = strings.TrimSpace(feed); {
	case verb != "" && verb != "status":
		return []notifiers.Line{
			{{Text: "Type one of these:"}},
			{{Text: "/feedwatch status", Style: notifiers.Code}, {Text: " for all that is wrong now"}},
			{{Text: "/feedwatch status FEED", Style: notifiers.Code}, {Text: " for one feed"}},
		}
	case !p.Ready:
		return d.withTrouble(sentence("feedwatch is starting. Nothing is known yet of feeds that have not been heard from since."), p)
	case feed == "":
		return d.withTrouble(d.overall(p), p)
	default:
		return d.withTrouble(d.ofFeed(p, feed), p)
	}
}

// overall is what is wrong anywhere, or that nothing is.
func (d *Desk) overall(p Picture) []notifiers.Line {
	open := openOf(p.Incidents, "")
	lines := d.incidents(open)
	fresh, others := 0, []string{}
	for i := range p.Feeds {
		switch f := &p.Feeds[i]; {
		case f.Verdict == watchdog.Fresh:
			fresh++
		case len(f.Incidents) == 0:
			others = append(others, f.Name+" is "+verdictText(f.Verdict))
		}
	}
	switch of := len(p.Feeds); {
	case of == 0:
		lines = append(lines, sentence("No feed is watched: no rule file names one, and no heartbeat has come.")...)
	case fresh == of && len(open) == 0:
		lines = append(lines, sentence("Nothing is wrong: "+allFresh(of))...)
	default:
		lines = append(lines, sentence(notifiers.Count(fresh)+" of "+feeds(of)+is(fresh)+" fresh"+list("; ", others)+".")...)
	}
	return lines
}

func is(n int) string {
	if n == 1 {
		return " is"
	}
	return " are"
}

func allFresh(of int) string {
	if of == 1 {
		return "the one feed is fresh."
	}
	return "all " + feeds(of) + " are fresh."
}

// ofFeed is one feed, with its incidents.
func (d *Desk) ofFeed(p Picture, name string) []notifiers.Line {
	i := slices.IndexFunc(p.Feeds, func(f watchdog.FeedView) bool { return f.Name == name })
	if i < 0 {
		var names []string
		for _, f := range p.Feeds {
			names = append(names, f.Name)
		}
		return []notifiers.Line{{{Text: "There is no feed "}, {Text: notifiers.Clean(name, 60), Style: notifiers.Name}, {Text: list(". There are: ", names) + "."}}}
	}
	f := &p.Feeds[i]
	lines := d.incidents(openOf(p.Incidents, name))
	line := notifiers.Line{{Text: notifiers.Clean(f.Name, 60), Style: notifiers.Bold}, {Text: " as a whole is " + verdictText(f.Verdict) +
		". Of its clients " + notifiers.Count(f.ByVerdict[watchdog.Fresh]) + " of " + notifiers.Count(f.Clients) + is(f.ByVerdict[watchdog.Fresh]) + " fresh"}}
	var others []string
	for v := range watchdog.Verdict(len(f.ByVerdict)) {
		if n := f.ByVerdict[v]; n > 0 && v != watchdog.Fresh {
			others = append(others, notifiers.Count(n)+" "+verdictText(v))
		}
	}
	line = append(line, notifiers.Span{Text: list(", ", others) + "."})
	if !f.Newest.IsZero() {
		at := f.Newest.Time().UTC()
		line = append(line, notifiers.Span{Text: " The newest update came " + at.Format("2 Jan 15:04") + " UTC (" + notifiers.Age(d.config.Now().Sub(at)) + " ago)."})
	}
	return append(lines, line)
}

// incidents are the headline and the facts of each, the worst first.
func (d *Desk) incidents(open []*watchdog.Incident) []notifiers.Line {
	var lines []notifiers.Line
	for _, inc := range open[:min(len(open), incidentsSaid)] {
		lines = append(lines, d.story(inc, "Since", "Source", "Recovery", "Loss", "Loss accepted", "Scope", "Acknowledged", "Snoozed", "Resolved early", "Held", "Next")...)
		lines = append(lines, notifiers.Line{})
	}
	if more := len(open) - incidentsSaid; more > 0 {
		lines = append(lines, sentence("And "+notifiers.Count(more)+" more incidents that are open.")...)
	}
	return lines
}

// openOf are the incidents that are not resolved, of one feed or of all: critical
// ones first, those that nobody is on before the others, then the oldest.
func openOf(all []*watchdog.Incident, feed string) []*watchdog.Incident {
	var open []*watchdog.Incident
	for _, inc := range all {
		if inc.State != watchdog.StateResolved && (feed == "" || inc.Feed == feed) {
			open = append(open, inc)
		}
	}
	slices.SortStableFunc(open, func(a, b *watchdog.Incident) int {
		return cmp.Or(cmp.Compare(b.Severity, a.Severity), cmp.Compare(handled(a), handled(b)), cmp.Compare(a.Opened, b.Opened))
	})
	return open
}

func handled(inc *watchdog.Incident) int {
	if inc.State == watchdog.StateOpen && inc.Hold == nil {
		return 0
	}
	return 1
}

func (d *Desk) withTrouble(lines []notifiers.Line, p Picture) []notifiers.Line {
	if len(p.Trouble) == 0 {
		return lines
	}
	return append(lines, notifiers.Line{{Text: "Feedwatch itself has trouble", Style: notifiers.Bold}, {Text: notifiers.Clean(list(": ", p.Trouble)+".", 600), Style: notifiers.Name}})
}

// list is lead and the first of names, or nothing.
func list(lead string, names []string) string {
	if len(names) == 0 {
		return ""
	}
	shown := make([]string, 0, namesSaid)
	for _, n := range names[:min(len(names), namesSaid)] {
		shown = append(shown, notifiers.Clean(n, 100))
	}
	text := lead + strings.Join(shown, ", ")
	if more := len(names) - namesSaid; more > 0 {
		text += " and " + notifiers.Count(more) + " more"
	}
	return text
}

func feeds(n int) string {
	if n == 1 {
		return "1 feed"
	}
	return notifiers.Count(n) + " feeds"
}

func verdictText(v watchdog.Verdict) string { return strings.ReplaceAll(v.String(), "_", " ") }
