package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const (
	module     = "github.com/feedwatch/feedwatch"
	repository = "../.."
	everything = "everything but test helpers"
)

// row is one line of the table of packages in docs/DESIGN.md.
type row struct {
	imports []string
	all     bool // may import everything but test helpers
	helper  bool // a test helper: only tests import it
}

// goPackage is what `go list` says of a package.
type goPackage struct {
	ImportPath, Dir  string
	GoFiles, Imports []string
}

func TestPackagesAreAsDesigned(t *testing.T) {
	table, err := parseTable(readDesign(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, fault := range faults(table, goPackages(t)) {
		t.Error(fault)
	}
	if cycle := findCycle(table); cycle != nil {
		t.Errorf("docs/DESIGN.md lets packages import each other in a circle: %s", strings.Join(cycle, " -> "))
	}
}

func TestTopLevelHasNoOtherFolder(t *testing.T) {
	entries, err := os.ReadDir(repository)
	if err != nil {
		t.Fatal(err)
	}
	var folders []string
	for _, e := range entries {
		if e.IsDir() {
			folders = append(folders, e.Name())
		}
	}
	for _, folder := range oddFolders(folders) {
		t.Errorf("the top level has a folder %s, which docs/DESIGN.md does not have", folder)
	}
}

// The core has no clock, goroutine, channel or log; the linter holds the rest.
func TestCoreIsPure(t *testing.T) {
	for _, dir := range []string{"rules", "watchdog", "watchdog/feed"} {
		paths, err := filepath.Glob(filepath.Join(repository, dir, "*.go"))
		if err != nil || len(paths) == 0 {
			t.Fatalf("no Go files in %s (%v)", dir, err)
		}
		for _, path := range paths {
			if strings.HasSuffix(path, "_test.go") {
				continue
			}
			source, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			for _, fault := range impurities(t, path, source) {
				t.Error(fault)
			}
		}
	}
}

// What calls synctest.Test itself crashes now and then under the race detector.
func TestBubblesAreSafe(t *testing.T) {
	for _, p := range goPackages(t) {
		paths, err := filepath.Glob(filepath.Join(p.Dir, "*_test.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range paths {
			source, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if bytes.Contains(source, []byte("synctest"+".Test(")) {
				t.Errorf("%s: use bubble.Test of %s/watchdog/bubble", path, module)
			}
		}
	}
}

// What holds the code must itself notice what is wrong.
func TestArchitectureTestNotices(t *testing.T) {
	pkg := func(path string, imports ...string) goPackage {
		p := goPackage{ImportPath: module + "/" + path, GoFiles: []string{"x.go"}}
		for _, i := range imports {
			p.Imports = append(p.Imports, module+"/"+i)
		}
		return p
	}
	table := map[string]row{
		"cmd/x": {all: true}, "a": {imports: []string{"b"}}, "b": {}, "help": {helper: true, imports: []string{"a"}},
	}
	good := []goPackage{pkg("cmd/x", "a", "b"), pkg("a", "b"), pkg("b"), pkg("help", "a")}
	if got := faults(table, good); len(got) != 0 {
		t.Errorf("faults in what is right: %q", got)
	}
	for name, wrong := range map[string]goPackage{
		"an import that the row does not allow": pkg("b", "a"),
		"a test helper in the service":          pkg("cmd/x", "help"),
		"a package without a row":               pkg("c"),
	} {
		others := slices.DeleteFunc(slices.Clone(good), func(p goPackage) bool { return p.ImportPath == wrong.ImportPath })
		if got := faults(table, append(others, wrong)); len(got) != 1 {
			t.Errorf("%s: %d faults %q, want 1", name, len(got), got)
		}
	}
	if got := faults(table, good[:3]); len(got) != 1 {
		t.Errorf("a row without a package: %d faults %q, want 1", len(got), got)
	}
	if cycle := findCycle(table); cycle != nil {
		t.Errorf("a cycle where there is none: %q", cycle)
	}
	if findCycle(map[string]row{"a": {imports: []string{"b"}}, "b": {imports: []string{"a"}}}) == nil {
		t.Error("a cycle is not seen")
	}
	if got := oddFolders([]string{".ci", "cmd", "util", "watchdog"}); !slices.Equal(got, []string{"util"}) {
		t.Errorf("odd folders: %q", got)
	}
	impure := "package x\nimport \"time\"\nfunc f() { go f(); _ = time.Now() }\n"
	if got := impurities(t, "x.go", []byte(impure)); len(got) != 2 {
		t.Errorf("impurities: %q", got)
	}
}

func readDesign(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(repository, "docs", "DESIGN.md"))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// parseTable reads the table under "## Packages".
func parseTable(design string) (map[string]row, error) {
	_, section, ok := strings.Cut(design, "\n## Packages\n")
	if !ok {
		return nil, errors.New("docs/DESIGN.md has no section Packages")
	}
	section, _, _ = strings.Cut(section, "\n## ")
	quoted := regexp.MustCompile("`([^`]+)`")
	table := map[string]row{}
	for line := range strings.SplitSeq(section, "\n") {
		cells := strings.Split(line, "|")
		if len(cells) != 5 || !strings.Contains(cells[1], "`") {
			continue
		}
		name := quoted.FindStringSubmatch(cells[1])[1]
		if _, twice := table[name]; twice {
			return nil, fmt.Errorf("docs/DESIGN.md has two rows for %s", name)
		}
		r := row{all: strings.TrimSpace(cells[3]) == everything, helper: strings.Contains(cells[2], "test helper")}
		for _, m := range quoted.FindAllStringSubmatch(cells[3], -1) {
			r.imports = append(r.imports, m[1])
		}
		table[name] = r
	}
	if len(table) == 0 {
		return nil, errors.New("docs/DESIGN.md has no table of packages")
	}
	return table, nil
}

// goPackages are the module's packages, tests left aside.
func goPackages(t *testing.T) []goPackage {
	t.Helper()
	list := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Dir,GoFiles,Imports", "./...")
	list.Dir = repository
	out, err := list.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var all []goPackage
	for decoder := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p goPackage
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatalf("go list: %v", err)
		}
		all = append(all, p)
	}
}

// faults says where the packages and the table differ.
func faults(table map[string]row, packages []goPackage) []string {
	var found []string
	there := map[string]bool{}
	for _, p := range packages {
		name := strings.TrimPrefix(p.ImportPath, module+"/")
		if len(p.GoFiles) == 0 {
			continue // tests alone
		}
		there[name] = true
		r, ok := table[name]
		if !ok {
			found = append(found, fmt.Sprintf("the package %s has no row in docs/DESIGN.md", name))
			continue
		}
		for _, path := range p.Imports {
			imported, inside := strings.CutPrefix(path, module+"/")
			if !inside {
				continue
			}
			if allowed := slices.Contains(r.imports, imported) || r.all && !table[imported].helper; !allowed {
				found = append(found, fmt.Sprintf("%s imports %s, which its row in docs/DESIGN.md does not allow", name, imported))
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(table)) {
		if !there[name] {
			found = append(found, fmt.Sprintf("docs/DESIGN.md has a row for %s, which is no package", name))
		}
	}
	return found
}

// findCycle is a way through the table that comes back to where it began, or nil.
func findCycle(table map[string]row) []string {
	const (
		onTheWay = 1
		done     = 2
	)
	state := map[string]int{}
	var visit func(name string, way []string) []string
	visit = func(name string, way []string) []string {
		way = append(way, name)
		switch state[name] {
		case onTheWay:
			return way
		case done:
			return nil
		}
		state[name] = onTheWay
		for _, next := range table[name].imports {
			if cycle := visit(next, way); cycle != nil {
				return cycle
			}
		}
		state[name] = done
		return nil
	}
	for _, name := range slices.Sorted(maps.Keys(table)) {
		if cycle := visit(name, nil); cycle != nil {
			return cycle
		}
	}
	return nil
}

// oddFolders are the top-level folders that the layout does not have. Hidden
// ones, and those that .gitignore names, are the business of each checkout.
func oddFolders(folders []string) []string {
	known := []string{"cmd", "watchdog", "notifiers", "rules", "deploy", "docs", "bin", "node_modules"}
	return slices.DeleteFunc(slices.Clone(folders), func(folder string) bool {
		return slices.Contains(known, folder) || strings.HasPrefix(folder, ".")
	})
}

// impurities are the places in a file of the core that start a goroutine, use a
// channel, ask the clock, or log.
func impurities(t *testing.T, path string, source []byte) []string {
	t.Helper()
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, path, source, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	clock := []string{"Now", "Since", "Until", "After", "AfterFunc", "Sleep", "Tick", "NewTimer", "NewTicker"}
	var found []string
	ast.Inspect(file, func(node ast.Node) bool {
		what := ""
		switch n := node.(type) {
		case *ast.GoStmt:
			what = "starts a goroutine"
		case *ast.ChanType, *ast.SelectStmt:
			what = "uses a channel"
		case *ast.SelectorExpr:
			name, _ := n.X.(*ast.Ident)
			switch {
			case name == nil:
			case name.Name == "time" && slices.Contains(clock, n.Sel.Name):
				what = "asks the clock"
			case name.Name == "slog" || name.Name == "log":
				what = "logs"
			case name.Name == "rand":
				what = "is random"
			}
		}
		if what != "" {
			found = append(found, fmt.Sprintf("%s: the core %s", cmp.Or(files.Position(node.Pos()).String(), path), what))
		}
		return true
	})
	return found
}
