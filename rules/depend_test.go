package rules

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// feedsOf is a right file but for what its feeds depend on: one feed a line,
// "name: a, b", from line 3 on.
func feedsOf(lines ...string) string {
	text := onCall + "feeds:\n"
	for _, line := range lines {
		name, on, _ := strings.Cut(line, ":")
		text += "  - {name: " + name + ", escalation: e, depends_on: [" + strings.TrimSpace(on) + "], " + everyone + "}\n"
	}
	return text
}

var wrongDependencies = []wrongFile{
	{"depends on a feed that is not there", feedsOf("profiles:", "segments: profile, else"), []string{
		`4:50: no feed is called "profile" -> did you mean "profiles"?`,
		`4:59: no feed is called "else" -> known: profiles and segments`,
	}},
	{"depends on itself", feedsOf("profiles: profiles"), []string{
		`3:50: feed "profiles" depends on itself -> remove it`,
	}},
	{"a circle of two", feedsOf("a: b", "b: a"), []string{
		`4:43: feeds depend on each other in a circle: a -> b -> a -> remove one of them`,
	}},
	{"a circle that is reached from outside", feedsOf("a: b", "b: c", "c: d", "d: b"), []string{
		`6:43: feeds depend on each other in a circle: b -> c -> d -> b -> remove one of them`,
	}},
	{"two circles", feedsOf("a: b, c", "b: a", "c: a"), []string{
		`4:43: feeds depend on each other in a circle: a -> b -> a -> remove one of them`,
		`5:43: feeds depend on each other in a circle: a -> c -> a -> remove one of them`,
	}},
	{"depends on one feed twice", feedsOf("a: ' b '", "b: c, c", "c:"), []string{
		`3:43: a feed of depends_on has white space at an end or a line break -> remove it`,
		`4:46: depends_on names "c" twice -> keep one of them`,
	}},
	{"depends_on is text", feedWith("depends_on: other\n" + everyone), []string{
		`6:17: depends_on is "other", and must be a list -> write depends_on: [upstream-feed]`,
	}},
	{"depends on too many", feedsOf("a: " + strings.Join(numbered(DependsOnMax+1), ", ")), []string{
		`3:42: depends_on names more than 16 feeds -> name those that the others depend on`,
	}},
	{"depends on a feed by its old name", onCall + "feeds:\n  - {name: a, escalation: e, depends_on: [old, gone], " + everyone + "}\n" +
		"  - {name: new, renamed_from: old, escalation: e, " + everyone + "}\nretired_feeds: [{name: gone, reason: sold}]\n", []string{
		`3:43: no feed is called "old" -> it is called "new" now`,
		`3:48: no feed is called "gone" -> it is retired: remove it here too`,
	}},
}

func numbered(n int) []string {
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprintf("f%d", i)
	}
	return names
}

func TestDependsOn(t *testing.T) {
	// c is reached twice, which is no circle.
	set := mustParse(t, feedsOf("a: b, c", "b: c", "c:", "d: a"))
	for name, want := range map[string][]string{"a": {"b", "c"}, "b": {"c"}, "c": nil, "d": {"a"}} {
		if got := mustFeed(t, set, name).DependsOn(); !slices.Equal(got, want) {
			t.Errorf("%s depends on %q, want %q", name, got, want)
		}
	}
}

// A long circle is told in short.
func TestLongCircle(t *testing.T) {
	const feeds = 5000
	lines := make([]string, feeds)
	for i := range lines {
		lines[i] = fmt.Sprintf("f%d: f%d", i, (i+1)%feeds)
	}
	got := findingsOf(t, feedsOf(lines...))
	if len(got) != 1 || !strings.Contains(got[0], "f8 -> f9 -> ... -> f0 ->") || len(got[0]) > 200 {
		t.Errorf("found %.500q", got)
	}
}
