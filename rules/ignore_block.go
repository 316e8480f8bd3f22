package rules

import (
	"fmt"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/feedwatch/feedwatch/watchdog/feed"
)

const ignoreExample = `- {match: ['client="acme"'], reason: moves to the new feeder, until: 2026-12-31}`

func (r *reader) readIgnores(f *Feed, n *yaml.Node) {
	items := r.list(n, "ignore", ignoreExample)
	if len(items) > IgnoresMax {
		r.fail(n, tooMuch, fmt.Sprintf("a feed ignores clients in more than %d ways", IgnoresMax), `match several at once: client=~"a|b|c"`)
		return
	}
	for _, item := range items {
		r.readIgnore(f, item)
	}
}

func (r *reader) readIgnore(f *Feed, n *yaml.Node) {
	m, ok := r.mapping(n, ignoreObject)
	if !ok {
		return
	}
	i := &Ignore{pos: r.src.pos(m.node)}
	i.match = r.readMatchers(m, "an ignore", `match: ['client="acme"']`, r.parseMatchers)
	all := true
	for k := range i.match {
		all = all && i.match[k].fitsAll()
	}
	switch {
	case !m.has("match"):
		r.fail(m.node, missingKey, "an ignore does not say whom it is for", `write match: ['client="acme"']`)
	case all:
		r.fail(m.key("match"), ignoresEverybody, "nobody of the feed would be watched", "match fewer clients; to end the watch of a feed write retired_feeds:")
	}
	if !m.has("reason") {
		r.fail(m.node, missingKey, "clients are ignored without a reason", "write reason: why nobody is to be told of them")
	}
	i.reason, _ = r.text(m.get("reason"), "reason", TextBytesMax)
	if !m.has("until") {
		r.fail(m.node, missingKey, "clients are ignored without an end", "write until: 2026-12-31: from that day on they are watched again")
	}
	if until, ok := r.day(m.get("until"), "until"); ok {
		i.until = until
		r.agesOf(m.get("until"), i)
		f.ignores = append(f.ignores, i)
	}
}

// day reads a day, which begins at midnight UTC, or a time with its offset.
func (r *reader) day(n *yaml.Node, key string) (feed.Instant, bool) {
	s, ok := r.name(n, key)
	if !ok {
		return 0, false
	}
	if t, err := time.Parse(time.DateOnly, s); err == nil && t.Year() >= 2000 && t.Year() <= 2999 {
		return feed.At(t), true
	}
	if _, err := time.Parse(time.RFC3339, s); err != nil {
		r.fail(n, wrongTime, fmt.Sprintf("%s is %s, and must be a day", key, quoted(s)), "write for example 2026-12-31")
		return 0, false
	}
	return r.instant(n, key)
}

// agesOf notes when somebody should look at an ignore: while its end is far away, and
// once it is over.
func (r *reader) agesOf(n *yaml.Node, i *Ignore) {
	r.found.addTimed(r.at(n), ignoreFarAway, "clients are ignored for more than "+FormatDuration(ignoreFar)+" to come",
		"write a nearer day, and write a later one then if it has to be", 0, i.until.Add(-ignoreFar))
	r.found.addTimed(r.at(n), ignoreOver, "this is over: they are watched again", "remove it, or write a later day", i.until, feed.Instant(1<<62))
}
