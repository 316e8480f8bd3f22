package rules

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/feedwatch/feedwatch/watchdog/feed"
)

const pagesDir = "../docs/rules"

var yamlFence = regexp.MustCompile("(?ms)^([^\n]*):\n\n```yaml\n(.*?)^```$")

const meant = "Where it is meant, say why, on that line or on one of its own before it"

// Each kind of finding has a page: its first example has that finding and no other,
// its second is a set about which there is nothing to say; a comment that allows it
// does so in the first.
func TestEachCheckHasItsPage(t *testing.T) {
	index, err := os.ReadFile(filepath.Join(pagesDir, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, check := range Checks() {
		t.Run(string(check), func(t *testing.T) {
			page, err := os.ReadFile(filepath.Join(pagesDir, string(check)+".md"))
			if err != nil {
				t.Fatal(err)
			}
			heading := "# " + string(check) + "\n\n**" + map[Level]string{LevelError: "Error", LevelWarning: "Warning"}[check.Level()] + ".** "
			if !strings.HasPrefix(string(page), heading) {
				t.Errorf("the page does not begin with %q", heading)
			}
			if !strings.Contains(string(index), "| ["+string(check)+"]("+string(check)+".md) | ") {
				t.Error("README.md does not list it")
			}
			examples := yamlFence.FindAllStringSubmatch(string(page), -1)
			if len(examples) < 2 || len(examples) > 3 || examples[0][1] != "Wrong" || examples[1][1] != "Right" || strings.Count(string(page), "```yaml") != len(examples) {
				t.Fatalf("the page has %d examples, want Wrong, Right, and how to allow it", len(examples))
			}
			wrong := exampleFindings(examples[0][2])
			if check == allowWithoutReason { // what it does not allow is found too
				wrong = slices.DeleteFunc(wrong, func(f Finding) bool { return f.Check == noPagingNotifier })
			}
			if len(wrong) != 1 || wrong[0].Check != check || wrong[0].Level != check.Level() {
				t.Fatalf("the wrong example has not that finding alone: %v", wrong)
			}
			if right := exampleFindings(examples[1][2]); len(right) > 0 {
				t.Errorf("the right example has findings: %v", right)
			}
			if len(examples) == 3 {
				lines := strings.SplitAfter(examples[0][2], "\n")
				allowed := strings.Join(slices.Insert(lines, wrong[0].Line-1, examples[2][2]), "")
				if found := exampleFindings(allowed); examples[2][1] != meant || len(found) > 0 {
					t.Errorf("the comment under %q does not allow it: %v", examples[2][1], found)
				}
			} else if check.allowable() && !strings.Contains(examples[1][2], "feedwatch: allow ") {
				t.Error("the page does not say how to allow it")
			}
		})
	}
}

var anyFence = regexp.MustCompile("(?ms)^```yaml\n(.*?)^```$")

// The examples of the language's page are sets about which there is nothing to say.
func TestExamplesOfTheLanguage(t *testing.T) {
	page, err := os.ReadFile("../docs/rule-language.md")
	if err != nil {
		t.Fatal(err)
	}
	examples := anyFence.FindAllStringSubmatch(string(page), -1)
	if len(examples) < languageExamples {
		t.Errorf("the page has %d examples", len(examples))
	}
	for _, example := range examples {
		if found := exampleFindings(example[1]); len(found) > 0 {
			t.Errorf("%v\nin\n%s", found, example[1])
		}
	}
}

// languageExamples is how many sections of that page have one.
const languageExamples = 5

// pagesDay is when the pages are read.
var pagesDay = feed.At(time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC))

// pageRosters are the files that the pages' rosters name.
var pageRosters = []File{
	{Name: "clients.csv", Data: []byte("client,tier,cluster\nacme,enterprise,fsn1\nglobex,,hel1\n")},
	{Name: "half.csv", Data: []byte("client,tier,cluster\nacme,enterprise,fsn1\nglobex,,he")},
}

// exampleFindings is all that is said about a set of one file, for a service that
// has the notifiers of the pages.
func exampleFindings(text string) []Finding {
	files := append([]File{{Name: "rules.yaml", Data: []byte(text)}}, pageRosters...)
	set, err := ParseFor(files, []Target{{"slack", "alerts"}, {"pagerduty", "on-call"}})
	var found *Findings
	if errors.As(err, &found) {
		return found.All
	}
	return set.WarningsAt(pagesDay).All
}

// What README.md shows of rules is right.
func TestIndexExamples(t *testing.T) {
	index, err := os.ReadFile(filepath.Join(pagesDir, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	examples := regexp.MustCompile("(?ms)^```yaml\n(.*?)^```$").FindAllStringSubmatch(string(index), -1)
	if len(examples) == 0 {
		t.Fatal("no example")
	}
	for _, m := range examples {
		if found := exampleFindings(m[1]); len(found) > 0 || !strings.Contains(m[1], "feedwatch: allow ") {
			t.Errorf("the example allows nothing, or has findings: %v", found)
		}
	}
}

func TestEachPageHasItsCheck(t *testing.T) {
	paths, err := filepath.Glob(filepath.Join(pagesDir, "*.md"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no pages: %v", err)
	}
	for _, path := range paths {
		name := strings.TrimSuffix(filepath.Base(path), ".md")
		if name != "README" && !slices.Contains(Checks(), Check(name)) {
			t.Errorf("%s is about no check", path)
		}
	}
}

// Every finding that the tests know of has a name that is listed.
func TestEachFindingHasAName(t *testing.T) {
	seen := map[Check]bool{}
	for _, c := range allWrongFiles() {
		for _, f := range exampleFindings(c.file) {
			if !slices.Contains(Checks(), f.Check) {
				t.Errorf("%s: a finding of no known kind: %v", c.name, f)
			}
			seen[f.Check] = true
		}
	}
	if len(seen) < 30 {
		t.Errorf("only %d kinds of finding were seen", len(seen))
	}
}

func TestChecksAreSorted(t *testing.T) {
	for _, list := range [][]Check{errorChecks[:], warningChecks[:]} {
		if !slices.IsSorted(list) {
			t.Errorf("not in alphabetical order: %v", list)
		}
	}
	if all := Checks(); len(slices.Compact(all)) != len(errorChecks)+len(warningChecks) {
		t.Error("a check stands there twice")
	}
}
