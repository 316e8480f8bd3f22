package rules

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

func withRoster(file string) string { return feedWith("roster: {file: " + file + "}\n" + everyone) }

func rosterOf(f *Feed) []string {
	var all []string
	for _, e := range f.Roster() {
		all = append(all, strings.TrimSpace(e.Key.Client()+" "+e.Labels.String()))
	}
	return all
}

func TestRosterFiles(t *testing.T) {
	for _, c := range []struct {
		name, file, text string
		want             []string
	}{
		{"a table", "clients.csv", "client,tier,cluster\nacme,enterprise,fsn1\nglobex,,hel1\n", []string{"acme cluster=fsn1, tier=enterprise", "globex cluster=hel1"}},
		{"as spreadsheets write it", "c.CSV", "\ufeffclient,tier\r\n\"a, b\",pro\r\n007,\r\n", []string{"a, b tier=pro", "007"}},
		{"names alone", "clients.csv", "client\nacme\n", []string{"acme"}},
		{"one a line", "clients.txt", "acme\r\n\nglobex, inc\n", []string{"acme", "globex, inc"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			set, err := Parse([]File{{"here/a.yaml", []byte(withRoster(c.file))}, {"here/" + c.file, []byte(c.text)}, {"else/" + c.file, []byte("x")}})
			if err != nil {
				t.Fatal(err)
			}
			if got := rosterOf(mustFeed(t, set, "profiles")); !slices.Equal(got, c.want) {
				t.Errorf("the roster is %q, want %q", got, c.want)
			}
		})
	}
}

// Two feeds may expect the same clients; the file belongs to the version of the set.
func TestRosterFileOfTwoFeeds(t *testing.T) {
	files := []File{
		{"a.yaml", []byte(feedWith("roster: {file: c.txt}\n"+everyone) + "\n  - {name: second, escalation: on-call, roster: {file: c.txt}, " + everyone + "}")},
		{"c.txt", []byte("acme\n")},
	}
	set, err := Parse(files)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"profiles", "second"} {
		if roster := mustFeed(t, set, name).Roster(); len(roster) != 1 || roster[0].Key.Feed() != name {
			t.Errorf("%s expects %v", name, roster)
		}
	}
	more := []File{files[0], {"c.txt", []byte("acme\nglobex\n")}}
	next, err := Parse(more)
	if err != nil || next.Version() == set.Version() {
		t.Errorf("a longer roster is version %s too, %v", set.Version(), err)
	}
	changes, _ := Changes(files, more)
	if len(changes) != 1 || !strings.HasPrefix(changes[0].String(), "roster c.txt: 2 clients (") || !strings.Contains(changes[0].String(), "was 1 client (") {
		t.Errorf("changes are %v", changes)
	}
}

func TestWrongRosterFiles(t *testing.T) {
	for _, c := range []struct{ name, file, text, want string }{
		{"missing", "client.csv", "", `a.yaml:6:20: there is no file "client.csv" beside this one [no-such-roster] -> did you mean "clients.csv"?`},
		{"elsewhere", "../clients.csv", "", `a.yaml:6:20: "../clients.csv" is no file of clients beside the rule files [wrong-name]`},
		{"of another kind", "clients.json", "", `a.yaml:6:20: "clients.json" is no file of clients beside the rule files [wrong-name]`},
		{"empty", "clients.csv", "", `clients.csv:1:1: the file is empty [wrong-roster]`},
		{"cut off", "clients.csv", "client,tier\nacme,pro\nglobex,p", `clients.csv:3:1: the last line has no end [wrong-roster]`},
		{"cut off within a row", "clients.csv", "client,tier\nacme,pro\nglobex\n", `clients.csv:3:1: a row that does not fit the header: wrong number of fields [wrong-roster]`},
		{"a header alone", "clients.csv", "client,tier\n", `clients.csv:1:1: the file names no client [wrong-roster]`},
		{"no header", "clients.csv", "acme,pro\n", `clients.csv:1:1: the first column is "acme" [wrong-roster]`},
		{"a column twice", "clients.csv", "client,tier,tier\na,b,c\n", `clients.csv:1:13: two columns are called "tier" [wrong-roster]`},
		{"a column of no label", "clients.csv", "client,the tier\na,b\n", `clients.csv:1:8: label "the tier"`},
		{"a quote", "clients.csv", "client\n\"acme\n", `clients.csv:`},
		{"a client twice", "clients.txt", "acme\nglobex\nacme\n", `clients.txt:3:1: client "acme" stands in the roster twice [duplicate-name]`},
		{"a wrong name", "clients.txt", " acme\n", `clients.txt:1:1: client " acme"`},
		{"not text", "clients.txt", "ac\xffme\n", `clients.txt:1:3: a byte that is not UTF-8 [not-yaml]`},
		{"too large", "clients.txt", strings.Repeat("a\n", RosterBytesMax/2+1), `clients.txt:1:1: the file has more than 16777216 bytes [too-much]`},
	} {
		t.Run(c.name, func(t *testing.T) {
			name := "clients" + filepath.Ext(c.file)
			_, err := Parse([]File{{"a.yaml", []byte(withRoster(c.file))}, {name, []byte(c.text)}})
			var found *Findings
			if !errors.As(err, &found) {
				t.Fatalf("taken: %v", err)
			}
			var all []string
			for _, f := range found.All {
				if f.Level == LevelError {
					all = append(all, fmt.Sprintf("%s: %s -> %s", f.Pos, f.title(), f.Hint))
				}
			}
			if len(all) != 1 || !strings.HasPrefix(all[0], c.want) {
				t.Errorf("found %q, want %q", all, c.want)
			}
		})
	}
}

var wrongRosters = []wrongFile{
	{"a roster of both kinds", feedWith("roster: {file: a.csv, clients: [a]}\n" + everyone), []string{
		`6:14: a roster has either clients or a file, this one has both -> write all of them into the file`,
	}},
	{"a roster of nobody", feedWith("roster: {}\n" + everyone), []string{
		`6:13: a roster without clients -> write clients: [acme, globex], or file: clients.csv`,
	}},
	{"a list of clients that is none", feedWith("roster: {clients: acme}\n" + everyone), []string{
		`6:23: clients is "acme", and must be a list -> write [acme, {client: globex, labels: {tier: enterprise}}]`,
	}},
}

func TestLoadWhatRuleFilesName(t *testing.T) {
	dir := fstest.MapFS{
		"a.yaml": {Data: []byte("a")}, "c.csv": {Data: make([]byte, 2*FileBytesMax)}, "d.txt": {Data: []byte("d\n")}, ".e.txt": {}, "c.csv~": {}, "x.tsv": {},
		"n.ICS": {Data: []byte("n")}, ".n.ics": {}, "#n.ics": {}, "n.ics.bak": {},
	}
	files, err := LoadFS(dir)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range files {
		got = append(got, fmt.Sprint(f.Name, " ", len(f.Data)))
	}
	if want := []string{"a.yaml 1", fmt.Sprint("c.csv ", 2*FileBytesMax), "d.txt 2", "n.ICS 1"}; !slices.Equal(got, want) {
		t.Errorf("files are %v, want %v", got, want)
	}
}

func TestLoadBeside(t *testing.T) {
	files, err := LoadBeside("testdata/good")
	if err != nil || len(files) != 1 || files[0].Name != filepath.Join("testdata", "good", "norway.ics") {
		t.Errorf("beside the rule files are %v, %v", files, err)
	}
	if _, err := LoadBeside("testdata/none"); err == nil {
		t.Error("a directory that is not there gives no error")
	}
}

func FuzzRosterFile(f *testing.F) {
	f.Add([]byte("client,tier\nacme,pro\n"), true)
	f.Add([]byte("acme\n\"\n"), false)
	f.Fuzz(func(t *testing.T, text []byte, table bool) {
		name := "c.txt"
		if table {
			name = "c.csv"
		}
		set, err := Parse([]File{{"a.yaml", []byte(withRoster(name))}, {name, text}})
		if err != nil {
			var found *Findings
			if !errors.As(err, &found) {
				t.Fatalf("error %v is no *Findings", err)
			}
			for _, finding := range found.All {
				if finding.File == name {
					checkFindings(t, text, &Findings{All: []Finding{finding}})
				}
			}
			return
		}
		if len(mustFeed(t, set, "profiles").Roster()) == 0 {
			t.Fatalf("%q is taken, and names nobody", text)
		}
	})
}
