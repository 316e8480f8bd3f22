package rules

import (
	"cmp"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files anew")

// mistakes is how many there are in the files of the corpus that have more than one.
var mistakes = map[string]int{
	"maintenance-in-local-time": 2, // from and to
	"maintenance-start-and-end": 2,
}

// Wrong files as a hurried person writes them, each with all that is said of it:
// each mistake once, at its place.
func TestWrittenInHaste(t *testing.T) {
	paths, err := filepath.Glob("testdata/wrong/[0-9][0-9][0-9]-*.yaml")
	if err != nil || len(paths) < 100 {
		t.Fatalf("%d files, %v", len(paths), err)
	}
	notifiers := []Target{{"slack", "cdp-alerts"}, {"slack", "incidents"}, {"pagerduty", "cdp"}, {"pagerduty", "infrastructure"}}
	seen := map[string]string{}
	for _, path := range paths {
		name := strings.TrimSuffix(filepath.Base(path), ".yaml")
		t.Run(name, func(t *testing.T) {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if other, twice := seen[string(text)]; twice {
				t.Errorf("it is %s again", other)
			}
			seen[string(text)] = name
			set, err := ParseFor([]File{{Name: filepath.Base(path), Data: text}}, notifiers)
			var found *Findings
			if !errors.As(err, &found) {
				found = set.Warnings()
			}
			if want := max(mistakes[name[len("000-"):]], 1); len(found.All) != want {
				t.Errorf("%d findings, want %d", len(found.All), want)
			}
			for _, f := range found.All {
				if f.Line < 1 || f.Col < 1 || f.Hint == "" {
					t.Errorf("a finding without a place, or without what to write: %v", f)
				}
			}
			golden := strings.TrimSuffix(path, ".yaml") + ".txt"
			got := found.Error() + "\n"
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("found\n%s\nwant\n%s", got, want)
			}
		})
	}
}

// A file that cannot be read does not make wrong what others refer to in it.
func TestOneFileThatIsWrong(t *testing.T) {
	feeds := []byte(feedWith("depends_on: [segments]\n" + everyone))
	feeds = feeds[strings.Index(string(feeds), "feeds:"):]
	maintenance := []byte("maintenance: [{name: x, match: ['feed=\"segments\"'], schedule: {cron: '0 2 * * 0', duration: 2h}}]")
	for _, wrong := range []string{
		"feeds:\n\t- name: segments", "- name: segments", "feeds: {segments: {}}\nescalations: {on-call: {}}", "feed: []\nescalation: []", "x: [",
	} {
		_, err := Parse([]File{{Name: "feeds.yaml", Data: feeds}, {Name: "maintenance.yaml", Data: maintenance}, {Name: "wrong.yaml", Data: []byte(wrong)}})
		var found *Findings
		if !errors.As(err, &found) {
			t.Fatalf("%q is taken", wrong)
		}
		for _, f := range found.All {
			if f.File != "wrong.yaml" {
				t.Errorf("%q makes another file wrong: %v", wrong, f)
			}
		}
	}
}

// Nor what goes by defaults that could not be read.
func TestDefaultsThatAreWrong(t *testing.T) {
	feeds := []byte("feeds: [{name: bare, rules: [{name: everyone, quorum: 3}]}]\nescalations: [{name: on-call, steps: [{notify: [pagerduty/a]}]}]\n")
	for _, wrong := range []string{
		"defaults: {stale_after: 1h", "- name: segments", "defaults: 30m", "defaults:", "default: {stale_after: 1h, escalation: on-call}",
		"defaults: {stale_afer: 1h, escalation: on-call, retention: 7d}", "defaults: {stale_after: 1, escalation: on-call, retention: 7d}",
		"defaults: {stale_after: 1h, escalation: [on-call], retention: 7d}", "defaults: {stale_after: 1h, escalation: on-call, retention: week}",
		"defaults: {what: 1h}", "defaults: [stale_after: 1h]",
	} {
		_, err := Parse([]File{{Name: "feeds.yaml", Data: feeds}, {Name: "wrong.yaml", Data: []byte(wrong)}})
		var found *Findings
		if !errors.As(err, &found) {
			t.Fatalf("%q is taken", wrong)
		}
		if len(found.All) != 1 || found.All[0].File != "wrong.yaml" {
			t.Errorf("%q makes another file wrong: %v", wrong, found)
		}
	}
}

// slips are what happens to a line while somebody types.
var slips = map[string]func(string) string{
	"indented more":     func(l string) string { return " " + l },
	"indented less":     func(l string) string { return strings.TrimPrefix(l, " ") },
	"indented too far":  func(l string) string { return "  " + l },
	"not indented":      func(l string) string { return strings.TrimPrefix(l, "  ") },
	"a tab":             func(l string) string { return strings.Replace(l, "  ", "\t", 1) },
	"no colon":          func(l string) string { return strings.Replace(l, ":", "", 1) },
	"no space":          func(l string) string { return strings.Replace(l, ": ", ":", 1) },
	"no dash":           func(l string) string { return strings.Replace(l, "- ", "  ", 1) },
	"no comma":          func(l string) string { return strings.Replace(l, ",", "", 1) },
	"no value":          func(l string) string { before, _, _ := strings.Cut(l, ": "); return before + ":" },
	"half a quote":      func(l string) string { return strings.Replace(l, `"`, "", 1) },
	"half single quote": func(l string) string { return strings.Replace(l, "'", "", 1) },
	"open brace":        func(l string) string { return strings.Replace(l, "}", "", 1) },
	"open bracket":      func(l string) string { return strings.Replace(l, "]", "", 1) },
	"closed bracket":    func(l string) string { return strings.Replace(l, "[", "", 1) },
	"a letter less": func(l string) string {
		if at := strings.Index(l, ":"); at > 2 {
			return l[:at-1] + l[at:]
		}
		return l
	},
}

// One slip anywhere in a right file is one finding, at that line or the next that
// it makes wrong, with what to write.
func TestOneSlipIsOneFinding(t *testing.T) {
	refused := 0
	for _, dir := range []string{"testdata/good", "testdata/language"} {
		files, err := LoadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		set, err := Parse(files)
		if err != nil || len(set.Warnings().All) > 0 {
			t.Fatal(err, set.Warnings())
		}
		refused += slipEverywhere(t, files)
	}
	if refused < 700 {
		t.Errorf("only %d slips were refused", refused)
	}
}

// slipEverywhere makes each slip on each line of the first rule file, and says how
// many were refused.
func slipEverywhere(t *testing.T, files []File) (refused int) {
	t.Helper()
	slices.SortStableFunc(files, func(a, b File) int { // rule files first
		return cmp.Compare(filepath.Ext(b.Name), filepath.Ext(a.Name))
	})
	lines := strings.Split(strings.TrimSpace(string(files[0].Data)), "\n")
	for name, slip := range slips {
		for i, line := range lines {
			if nothingThere.MatchString(line) {
				continue
			}
			wrong := slices.Clone(lines)
			wrong[i] = slip(line)
			_, err := Parse(append([]File{{Name: files[0].Name, Data: []byte(strings.Join(wrong, "\n"))}}, files[1:]...))
			var found *Findings
			if !errors.As(err, &found) {
				continue
			}
			refused++
			if f := found.All[0]; len(found.All) > 1 || f.Hint == "" || f.Line < i || f.Line > i+2 {
				t.Errorf("%s on line %d, %q:\n%v", name, i+1, wrong[i], found)
			}
		}
	}
	return refused
}
