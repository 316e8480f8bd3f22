package rules

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
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
