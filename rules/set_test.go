package rules

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
)

const onCall = "escalations: [{name: e, steps: [{notify: [slack/alerts, pagerduty/cdp]}, {after: 5m, notify: [slack/alerts]}]}]\n"

func setOf(t *testing.T, extra string, names ...string) *Set {
	t.Helper()
	text := onCall + extra + "feeds:\n"
	for _, n := range names {
		text += "  - {name: " + n + ", escalation: e, " + everyone + "}\n"
	}
	return mustParse(t, text)
}

func TestCheckSuccessor(t *testing.T) {
	old := setOf(t, "", "a", "b", "c")
	for _, c := range []struct {
		name string
		next *Set
		lost []string
	}{
		{"the same", setOf(t, "", "c", "b", "a"), nil},
		{"one more", setOf(t, "", "a", "b", "c", "d"), nil},
		{"two lost", setOf(t, "", "b"), []string{"a", "c"}},
		{"retired", setOf(t, "retired_feeds: [{name: a, reason: sold}, {name: c, reason: sold}]\n", "b"), nil},
		{"one retired", setOf(t, "retired_feeds: [{name: a, reason: sold}]\n", "b"), []string{"c"}},
		{"renamed", mustParse(t, onCall+"feeds:\n  - {name: x, renamed_from: a, escalation: e, "+everyone+"}\n  - {name: b, escalation: e, "+everyone+
			"}\n  - {name: y, renamed_from: c, escalation: e, "+everyone+"}\n"), nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := old.CheckSuccessor(c.next)
			var lost *LostFeeds
			if errors.As(err, &lost); lost == nil && c.lost != nil || lost != nil && !slices.Equal(lost.Names, c.lost) || (err == nil) != (c.lost == nil) {
				t.Errorf("error is %v, want %v lost", err, c.lost)
			}
		})
	}
	err := old.CheckSuccessor(setOf(t, "", "b"))
	for _, want := range []string{`feeds "a" and "c"`, "retired_feeds:\n  - name: a\n    reason:", "renamed_from: a"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error %q does not say %q", err, want)
		}
	}
	renamed := mustParse(t, onCall+"retired_feeds: [{name: q, reason: sold}]\nfeeds:\n  - {name: x, renamed_from: a, escalation: e, "+everyone+"}\n")
	name := ""
	renamed.Renamed(func(old, now string) bool { name = old + " to " + now; return true })
	if name != "a to x" {
		t.Errorf("a is now %q", name)
	}
	if reason, ok := renamed.Retired("q"); !ok || reason != "sold" {
		t.Errorf("q is retired for %q", reason)
	}
}

func TestParseForNotifiers(t *testing.T) {
	files := []File{{"0.yaml", []byte(ladderWith("- notify: [slack/alerts]\n- {after: 5m, notify: [pagerduty/cdp, slack/alerts]}"))}}
	slack, pager := Target{"slack", "alerts"}, Target{"pagerduty", "cdp"}
	if _, err := ParseFor(files, []Target{pager, slack, {"console", "out"}}); err != nil {
		t.Error(err)
	}
	_, err := ParseFor(files, []Target{pager, {"slack", "alert"}})
	var found *Findings
	if !errors.As(err, &found) || len(found.All) != 2 {
		t.Fatalf("error is %v, want a finding for each mention", err)
	}
	f := found.All[0]
	if f.Pos != (Pos{"0.yaml", 4, 18}) || f.Width != len("slack/alerts") || f.Hint != `did you mean "slack/alert"?` || f.Message != `no notifier is called "slack/alerts"` {
		t.Errorf("finding is %+v", f)
	}
	if !strings.HasSuffix(err.Error(), "2 errors in 1 file.") {
		t.Errorf("error is %v", err)
	}
	if _, err := ParseFor(files, nil); err == nil || !strings.Contains(err.Error(), "no notifier is configured") {
		t.Errorf("error is %v", err)
	}
}

func TestFindingAsJSON(t *testing.T) {
	_, err := Parse([]File{{"a.yaml", []byte("fedes: []")}})
	got, jsonErr := json.Marshal(err)
	if jsonErr != nil {
		t.Fatal(jsonErr)
	}
	want := `{"findings":[{"file":"a.yaml","line":1,"col":1,"check":"unknown-key","level":"error","message":"unknown key \"fedes\"","hint":"did you mean \"feeds\"?","source":"fedes: []","width":5}],"files":1,"cut":false}`
	if string(got) != want {
		t.Errorf("JSON is\n%s, want\n%s", got, want)
	}
}

func TestSeverityAndTargetAsText(t *testing.T) {
	for _, s := range []Severity{Info, Warning, Error, Critical} {
		var back Severity
		text, err := s.MarshalText()
		if err != nil || back.UnmarshalText(text) != nil || back != s {
			t.Errorf("%s comes back as %s", text, back)
		}
	}
	var severity Severity
	if err := severity.UnmarshalText([]byte("fatal")); err == nil {
		t.Error("an unknown severity gives no error")
	}
	var target Target
	if err := target.UnmarshalText([]byte("slack/cdp-alerts")); err != nil || target.String() != "slack/cdp-alerts" {
		t.Errorf("target is %s, %v", target, err)
	}
	for _, wrong := range []string{"", "slack", "/x", "slack/", "slack/a/b", "slack/#a", "slack/a b", strings.Repeat("a", NameBytesMax+1) + "/x"} {
		if got, err := ParseTarget(wrong); err == nil {
			t.Errorf("%q is read as %v", wrong, got)
		}
	}
}
