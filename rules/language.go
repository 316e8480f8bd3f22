package rules

// The rule language: which keys there are, and what they take. The parser knows no
// others, and the schema for editors is made of the same tables.

// object is a mapping of the language.
type object struct {
	what  string // as findings call it
	keys  []key
	names []string // of keys
	oneOf []string // of these keys exactly one stands there
	apart []string // of these keys at most one stands there
}

// key is one key of an object.
type key struct {
	name  string
	takes shape
	must  bool
	about string // what editors show
}

// shape is what a value looks like.
type shape struct {
	kind   shapeKind
	words  []string // of wordShape
	of     *shape   // of listShape, oneOrMoreShape and rosterShape: the items
	object *object  // of objectShape, clientShape, rosterShape, severityShape and holidayShape
}

type shapeKind uint8

const (
	textShape shapeKind = iota
	wordShape           // one of a few words
	boolShape
	durationShape
	leadShape   // a duration, or a share of the retention
	timeShape   // a time with its offset
	dayShape    // a day, or a time with its offset
	linkShape   // an http or https URL
	targetShape // kind/name of a notifier
	labelsShape // any keys, with text
	listShape
	objectShape
	shareShape     // of the clients of a feed, such as 50%
	quorumShape    // a number of clients, or a share of them
	countShape     // a whole number of updates
	severityShape  // a severity, or an object
	clientShape    // a client's name, or an object
	rosterShape    // a list, or an object
	oneOrMoreShape // an item, or a list of them
	daysShape      // mon, or mon-fri
	hoursShape     // 08:00-18:00
	holidayShape   // a date, or an object
)

func newObject(what string, keys ...key) *object {
	o := &object{what: what, keys: keys, names: make([]string, len(keys))}
	for i, k := range keys {
		o.names[i] = k.name
	}
	return o
}

func (o *object) exactlyOne(names ...string) *object {
	o.oneOf = names
	return o
}

func (o *object) atMostOne(names ...string) *object {
	o.apart = names
	return o
}

func listOf(item shape) shape     { return shape{kind: listShape, of: &item} }
func oneOrMore(item shape) shape  { return shape{kind: oneOrMoreShape, of: &item} }
func objectOf(o *object) shape    { return shape{kind: objectShape, object: o} }
func word(choice ...string) shape { return shape{kind: wordShape, words: choice} }
func just(kind shapeKind) shape   { return shape{kind: kind} }

var (
	text      = just(textShape)
	duration  = just(durationShape)
	matchList = listOf(text)
)

var expectObject = newObject("expect",
	key{"cron", text, true, `When runs come: minute hour day-of-month month day-of-week, for example "0 6 * * 1-5".`},
	key{"timezone", text, false, "The time zone of cron, by its IANA name, for example Europe/Oslo. Default: UTC."},
	key{"early", duration, false, "How long before its time a run may arrive. Default: 1h, or half the time between two runs when that is less."},
	key{"grace", duration, true, "How long after its time a run may arrive."},
)

var severityObject = newObject("severity",
	key{"default", word(severityNames[:]...), false, "While fewer are in trouble. Default: error."},
	key{"critical_from", just(shareShape), true, "Critical once so many of the feed's clients are in trouble, for example 50%."},
)

// severities is one severity, or one that rises.
var severities = shape{kind: severityShape, words: severityNames[:], object: severityObject}

var holidayFileObject = newObject("a calendar of holidays",
	key{"file", text, true, "An iCalendar file (*.ics) beside this file: events that last all day."},
)

var activeObject = newObject("active",
	key{"days", oneOrMore(just(daysShape)), false, "Days of the week, for example mon-fri. Default: all."},
	key{"hours", oneOrMore(just(hoursShape)), false, `Hours of each day, for example "08:00-18:00"; hours past midnight belong to the day on which they began. Default: all.`},
	key{"timezone", text, true, "Whose clock: a time zone by its IANA name, for example Europe/Oslo."},
	key{"holidays", oneOrMore(shape{kind: holidayShape, object: holidayFileObject}), false, "Days on which no hours begin: dates, and {file: norway.ics} for a calendar beside this file."},
)

var ruleObject = newObject("a rule",
	key{"name", text, true, "Unique within the feed."},
	key{"per", text, false, "What the rule watches: client (each client by itself, the default), feed (all of it as one), or a label, for example cluster."},
	key{"match", matchList, false, `Which clients it is for, in Alertmanager's syntax, for example 'tier="enterprise"'; all must fit. The first client rule that fits governs.`},
	key{"stale_after", duration, false, "How long after an update the next may take. A rule has it, or expect, or takes the default."},
	key{"warn_after", duration, false, "When a client is late: shown, and no page. Less than stale_after."},
	key{"lag_over", duration, false, "How old the events may be that arrive. Default: stale_after."},
	key{"resolve_after", duration, false, "How long all must be well before an incident is over. Default: 5m."},
	key{"forget_after", duration, false, "After how long unseen a client is no longer watched. Default: never."},
	key{"expect", objectOf(expectObject), false, "A schedule of runs, in place of stale_after."},
	key{"active", objectOf(activeObject), false, "When silence counts: outside of these hours deadlines stand still, and nothing opens. Default: the feed's, else always."},
	key{"severity", severities, false, "Default: error."},
	key{"quorum", just(quorumShape), false, "How many of its clients must be stale before that pages: a number, or a share such as 10%. Before data is lost one pages by itself."},
	key{"min_updates", objectOf(minUpdatesObject), false, "How many updates must come in a time: fewer are a trickle, which pages as silence does."},
	key{"escalation", text, false, "Who is told. Default: the feed's."},
	key{"idle_ok", just(boolShape), false, "A heartbeat that brings no update counts as one. Default: false."},
).atMostOne("stale_after", "expect")

// What defaults may say, of a feed and of the whole set: the same for both but for
// what a feed says under its own keys.
var (
	defaultKeys = []key{
		{"stale_after", duration, false, "Of rules without stale_after and expect."},
		{"warn_after", duration, false, "Of rules without expect whose stale_after is longer."},
		{"lag_over", duration, false, "Of rules without expect."},
		{"resolve_after", duration, false, "How long all must be well before an incident is over."},
		{"forget_after", duration, false, "Of client rules that find a client stale sooner."},
		{"active", objectOf(activeObject), false, "When silence counts, for rules that do not say so themselves."},
		{"severity", severities, false, "Of rules that do not say theirs."},
	}
	feedDefaultsObject = newObject("defaults of a feed", defaultKeys...)
	setDefaultsObject  = newObject("defaults", append(defaultKeys,
		key{"retention", duration, false, "Of feeds that do not say theirs."},
		key{"escalation", text, false, "Of feeds that do not say theirs."},
	)...)
)

var clientObject = newObject("a client of the roster",
	key{"client", text, true, "Its name, as its heartbeats write it."},
	key{"labels", just(labelsShape), false, "For example {tier: enterprise, cluster: fsn1}."},
)

// clientList is a list of clients.
var clientList = listOf(shape{kind: clientShape, object: clientObject})

var rosterObject = newObject("a roster",
	key{"clients", clientList, false, "The clients themselves."},
	key{"file", text, false, "A file beside this one: clients.csv, a table with the header client and names of labels, or clients.txt, one client a line."},
).exactlyOne("clients", "file")

var ignoreObject = newObject("an ignore",
	key{"match", matchList, true, `Whom: matchers as in a rule, for example 'client="acme"'; all must fit.`},
	key{"reason", text, true, "Why nobody is to be told of them."},
	key{"until", just(dayShape), true, "From this day on they are watched again, for example 2026-12-31; it begins at 00:00 UTC."},
)

var feedObject = newObject("a feed",
	key{"name", text, true, "Letters, digits, '.', '_' and '-'."},
	key{"description", text, false, "A line for people."},
	key{"owner", text, false, "The team."},
	key{"runbook", just(linkShape), false, "A link to what to do."},
	key{"retention", duration, false, "How long the upstream queue keeps an update that nobody has read. With it feedwatch knows when data is lost."},
	key{"escalation", text, false, "Who is told: the name of one under escalations. Every feed has one, or the default."},
	key{"defaults", objectOf(feedDefaultsObject), false, "What its rules say where they say nothing."},
	key{"unmatched", word("ignore"), false, "What of clients that no rule fits: ignore. Without this, a feed ends with a rule that fits all."},
	key{"roster", shape{kind: rosterShape, of: clientList.of, object: rosterObject}, false, "The clients that are expected, seen or not."},
	key{"ignore", listOf(objectOf(ignoreObject)), false, "Clients that are not watched for a time, with a reason."},
	key{"renamed_from", text, false, "The name it had before: what is known of it goes on."},
	key{"depends_on", listOf(text), false, "Feeds that explain its silence: while one of them has been paged for, this one pages nobody."},
	key{"active", objectOf(activeObject), false, "When silence counts, for all its rules that do not say so themselves: as in its defaults. Default: the set's, else always."},
	key{"rules", listOf(objectOf(ruleObject)), true, "When it is silent."},
)

var stepObject = newObject("a step",
	key{"notify", listOf(just(targetShape)), true, "Whom: kind/name, for example slack/cdp-alerts."},
	key{"after", duration, false, "How long after the incident opened, if nobody has acknowledged. The first step needs none: at once."},
	key{"repeat", duration, false, "Again and again, this far apart: 1m at least."},
	key{"before_loss", just(leadShape), false, "How long before data is lost, for example 48h, or 50% of the retention. It waits for no acknowledgement."},
).atMostOne("after", "before_loss")

var escalationObject = newObject("an escalation",
	key{"name", text, true, "Unique in all files."},
	key{"steps", listOf(objectOf(stepObject)), true, "Who is told, and when."},
)

var scheduleObject = newObject("schedule",
	key{"cron", text, true, `When a window begins: minute hour day-of-month month day-of-week, for example "0 2 * * 0".`},
	key{"timezone", text, false, "The time zone of cron, by its IANA name. Default: UTC."},
	key{"duration", duration, true, "How long a window lasts."},
)

var maintenanceObject = newObject("a maintenance",
	key{"name", text, true, "Unique in all files."},
	key{"match", matchList, true, `What it is for: matchers on feed, client and labels, for example 'cluster="fsn1"'.`},
	key{"schedule", objectOf(scheduleObject), false, "When it is, again and again."},
	key{"from", just(timeShape), false, "When it begins, if it comes once, for example 2026-01-31T02:00:00Z."},
	key{"to", just(timeShape), false, "When it ends, if it comes once."},
).exactlyOne("schedule", "from")

var retiredObject = newObject("a retired feed",
	key{"name", text, true, "A feed that is no longer under feeds."},
	key{"reason", text, true, "Why it is no longer watched."},
)

var fileObject = newObject("a rule file",
	key{"feeds", listOf(objectOf(feedObject)), false, "What is watched."},
	key{"escalations", listOf(objectOf(escalationObject)), false, "By which steps people are told."},
	key{"maintenance", listOf(objectOf(maintenanceObject)), false, "Times known in advance in which silence needs no page."},
	key{"retired_feeds", listOf(objectOf(retiredObject)), false, "Feeds that are no longer watched, on purpose."},
	key{"defaults", objectOf(setDefaultsObject), false, "What rules and feeds of all files say where they say nothing. In one file only."},
)
