package rules

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"

	"github.com/feedwatch/feedwatch/watchdog/feed"
)

// Parse turns all files of a directory into one Set. The error, when there is
// one, is a *Findings: every mistake in every file, and the warnings.
func Parse(files []File) (*Set, error) { return parseWith(files, func(*reader) {}) }

// ParseFor is Parse for a service that has those notifiers: to name another is a
// mistake.
func ParseFor(files []File, notifiers []Target) (*Set, error) {
	return parseWith(files, func(r *reader) { r.checkTargets(notifiers) })
}

func parseWith(files []File, check func(*reader)) (*Set, error) {
	r := &reader{
		found:     &Findings{},
		actives:   map[string]*Active{},
		gaps:      map[activeSpan]time.Duration{},
		calendars: map[string]*calendar{},
		zones:     map[string]zone{},
		matchers:  map[string]parsedMatchers{},
	}
	ruleFiles := r.part(files)
	r.found.Files = len(ruleFiles)
	if r.tooMany(files) {
		return nil, r.found.err()
	}
	r.readFiles(ruleFiles)
	set := r.link()
	set.version, set.files = version(files), len(ruleFiles)
	if len(r.feeds) == 0 && r.found.err() == nil {
		r.noFeeds(ruleFiles)
		r.unread.uses = true // there are none
	}
	check(r)
	r.warn(set)
	r.allow()
	r.found.sort()
	warnings := r.found.All
	r.found.All = always(warnings)
	if err := r.found.err(); err != nil {
		return nil, err
	}
	set.warnings = warnings
	return set, nil
}

// tooMany refuses what is too much to be looked at.
func (r *reader) tooMany(files []File) bool {
	if len(files) > FilesMax {
		r.found.add(spot{}, tooMuch, fmt.Sprintf("%d rule files; at most %d are allowed", len(files), FilesMax),
			"put several feeds into one file")
		return true
	}
	size := 0
	for _, f := range files {
		size += len(f.Data)
	}
	if size > SetBytesMax {
		r.found.add(spot{}, tooMuch, fmt.Sprintf("the rule files have %d bytes together; at most %d are allowed", size, SetBytesMax),
			"remove rosters that a source could supply, or run a second feedwatch")
		return true
	}
	return false
}

func (r *reader) noFeeds(files []File) {
	const hint = "write at least one:\n\nfeeds:\n  - name: my-feed\n    escalation: on-call\n    rules:\n      - {name: everyone, stale_after: 30m}"
	if len(files) == 0 {
		r.found.add(spot{}, noFeeds, "no rule files: nothing would be watched", "put a *.yaml file into the directory of the rules; those in directories below it are not read")
		return
	}
	at := spot{}
	if len(r.sources) == 1 {
		at = spot{src: r.sources[0], pos: Pos{Line: 1, Col: 1}}
	}
	r.found.add(at, noFeeds, "no feeds in the rule files: nothing would be watched", hint)
}

// opened is a rule file whose keys are known, and none of its values is read.
type opened struct {
	src     *source
	top     mapping
	visits  int
	limited bool
}

// readFiles reads all files into drafts: what holds for the whole set first, in
// whichever of them it stands.
func (r *reader) readFiles(files []File) {
	var all []opened
	for _, f := range files {
		if o, ok := r.open(f); ok {
			all = append(all, o)
		}
	}
	each := func(read func(top mapping)) {
		for i := range all {
			o := &all[i]
			r.src, r.visits, r.limited = o.src, o.visits, o.limited
			read(o.top)
			o.visits, o.limited = r.visits, r.limited
		}
	}
	before := len(r.found.All)
	each(r.readSetDefaults)
	if r.unread.defaults && r.defaults == nil {
		r.defaults = &defaults{allUnread: true}
	}
	r.unread.uses = r.unread.uses || len(r.found.All) > before || r.defaults.perhaps("escalation")
	each(r.readTop)
}

func (r *reader) open(f File) (opened, bool) {
	if len(f.Data) > FileBytesMax {
		r.found.add(spot{src: &source{name: f.Name}, pos: Pos{Line: 1, Col: 1}}, tooMuch,
			fmt.Sprintf("the file has more than %d bytes", FileBytesMax), "split it into several")
		return opened{}, false
	}
	text := strings.TrimPrefix(string(f.Data), "\ufeff")
	r.src, r.visits, r.limited = &source{name: f.Name, text: text}, 0, false
	r.sources = append(r.sources, r.src)
	before := len(r.found.All)
	root := document(r.src, r.found)
	if root == nil {
		r.unread.file(len(r.found.All) > before)
		return opened{}, false
	}
	top, ok := r.mapping(root, fileObject)
	r.unread.file(!ok || slices.ContainsFunc(r.found.All[before:], func(f Finding) bool { return f.Check == duplicateKey }))
	if ok {
		r.unread.feeds = r.unread.feeds || top.unreadList("feeds")
		r.unread.escalations = r.unread.escalations || top.unreadList("escalations")
	}
	return opened{r.src, top, r.visits, r.limited}, ok
}

// readTop reads what stands in one file, but for the defaults.
func (r *reader) readTop(top mapping) {
	r.unread.rules = besideFeeds(top)
	before := len(r.found.All)
	for _, n := range r.list(top.get("feeds"), "feeds", "- name: my-feed") {
		r.readFeed(n)
	}
	r.unread.uses = r.unread.uses || r.unread.feeds || len(r.found.All) > before
	for _, n := range r.list(top.get("escalations"), "escalations", "- name: on-call") {
		r.readEscalation(n)
	}
	for _, n := range r.list(top.get("maintenance"), "maintenance", maintenanceExample) {
		r.readMaintenance(n)
	}
	for _, n := range r.list(top.get("retired_feeds"), "retired_feeds", "- {name: old-feed, reason: why}") {
		r.readRetired(n)
	}
}

// retiredDraft is one item of retired_feeds.
type retiredDraft struct {
	name, reason string
	at           spot
}

func (r *reader) readRetired(n *yaml.Node) {
	m, ok := r.mapping(n, retiredObject)
	if !ok {
		return
	}
	name, ok := r.feedName(m, "a retired feed")
	reason, _ := r.text(m.get("reason"), "reason", TextBytesMax)
	if !m.has("reason") {
		r.fail(m.node, missingKey, "a feed is retired without a reason", "write reason: why it is no longer watched")
	}
	if ok {
		r.retired = append(r.retired, retiredDraft{name: name, reason: reason, at: r.at(m.get("name"))})
	}
}

// feedName reads and checks the name of a feed; a wrong one is still what other
// findings call the feed.
func (r *reader) feedName(m mapping, what string) (string, bool) {
	if !m.has("name") {
		r.fail(m.node, missingKey, what+" has no name", "write name: my-feed")
		return "", false
	}
	return r.feedNameAt(m.get("name"), "name")
}

func (r *reader) feedNameAt(n *yaml.Node, key string) (string, bool) {
	name, ok := r.name(n, key)
	if !ok {
		return "", false
	}
	if err := feed.CheckFeedName(name); err != nil {
		r.fail(n, wrongName, plain(err).Error(), likeFeedName(name))
		return name, false
	}
	if name == ReservedFeed {
		r.fail(n, wrongName, "feedwatch speaks of itself under this name", "choose another")
		return name, false
	}
	return name, true
}

// likeFeedName proposes a right name like a wrong one.
func likeFeedName(wrong string) string {
	like := strings.Trim(strings.Map(func(c rune) rune {
		if c < utf8.RuneSelf && feed.CheckFeedName("a"+string(c)) == nil {
			return c
		}
		return '-'
	}, wrong), "-._")
	if feed.CheckFeedName(like) != nil {
		return "choose a shorter one"
	}
	return fmt.Sprintf("write for example %s", like)
}

// plain is an error about a name without the sentinel in front of it.
func plain(err error) error {
	return fmt.Errorf("%s", strings.TrimPrefix(err.Error(), feed.ErrName.Error()+": "))
}
