package rules

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/feedwatch/feedwatch/watchdog/feed"
)

// rosterRow is one client of a roster file, with the labels its columns say.
type rosterRow struct {
	client string
	labels feed.Labels
	at     Pos
}

// roster is a file of clients, as far as it was read.
type roster struct {
	src   *source
	file  File
	read  bool
	wrong bool
	rows  []rosterRow
}

// readRoster reads the clients that are expected: a list, or a mapping that has one
// or names a file of them. It says whether all of them are known.
func (r *reader) readRoster(f *Feed, n *yaml.Node) bool {
	if n == nil {
		return true
	}
	before := len(r.found.All)
	if n.Kind == yaml.ScalarNode && holds(holdsClients, n.Value) {
		r.fail(n, wrongType, fmt.Sprintf("roster is %s, and must be a list or name a file", kindOf(n)), "write roster: {file: "+shortened(n.Value)+"}")
		return false
	}
	if n.Kind != yaml.MappingNode {
		r.readClients(f, n, "roster")
		return len(r.found.All) == before
	}
	m, ok := r.mapping(n, rosterObject)
	switch {
	case !ok:
	case m.has("file") && m.has("clients"):
		r.fail(m.key("file"), conflictingKeys, "a roster has either clients or a file, this one has both", "write all of them into the file")
	case m.has("clients"):
		r.readClients(f, m.get("clients"), "clients")
	case m.has("file"):
		return r.readRosterFile(f, m.get("file")) && len(r.found.All) == before
	case !m.strange:
		r.fail(m.node, missingKey, "a roster without clients", "write clients: [acme, globex], or file: clients.csv")
	}
	return len(r.found.All) == before
}

// readRosterFile says whether all clients of the file are known.
func (r *reader) readRosterFile(f *Feed, n *yaml.Node) bool {
	name, ok := r.name(n, "file")
	if !ok {
		return false
	}
	if !holds(holdsClients, name) || strings.ContainsAny(name, `/\`) {
		r.fail(n, wrongName, fmt.Sprintf("%s is no file of clients beside the rule files", quoted(name)),
			"write file: clients.csv (a table whose header is client and names of labels), or clients.txt (one client a line)")
		return false
	}
	list, ok := r.rosters.beside(r.src.name, name)
	if !ok {
		r.fail(n, noSuchRoster, fmt.Sprintf("there is no file %s beside this one", quoted(name)),
			didYouMean(name, r.rosters.names(r.src.name), "put it there: without it nobody would be expected"))
		return false
	}
	if !list.read {
		before := len(r.found.All)
		r.readList(list)
		list.read, list.wrong = true, len(r.found.All) > before
	}
	for _, row := range list.rows {
		if key, err := feed.ParseKey(f.name, row.client); err != nil {
			r.found.add(spot{src: list.src, pos: row.at}, wrongName, plain(err).Error(), "write the name as the client's heartbeats do")
		} else {
			f.roster = append(f.roster, Expected{Key: key, Labels: row.labels})
		}
	}
	return !list.wrong
}

// readList reads a roster file. One that may be half of one is refused as a whole:
// who is missing from it would no longer be watched.
func (r *reader) readList(list *roster) {
	text := strings.TrimPrefix(string(list.file.Data), "\ufeff")
	list.src.text = text
	fail := func(line, col int, message, hint string) {
		r.found.add(spot{src: list.src, pos: Pos{Line: line, Col: col}}, wrongRoster, message, hint)
	}
	switch {
	case len(list.file.Data) > RosterBytesMax:
		list.src.text = ""
		r.found.add(spot{src: list.src, pos: Pos{Line: 1, Col: 1}}, tooMuch, fmt.Sprintf("the file has more than %d bytes", RosterBytesMax), "split it, with a feed for each")
		return
	case !readable(list.src, r.found):
		return
	case text == "":
		fail(1, 1, "the file is empty", "is it still being written? write it under another name, then rename it")
		return
	case !strings.HasSuffix(text, "\n"):
		fail(strings.Count(text, "\n")+1, 1, "the last line has no end", "is the file still being written? end each line with a line break")
		return
	}
	if strings.HasSuffix(strings.ToLower(list.src.name), ".txt") {
		for i, line := range strings.Split(text, "\n") {
			if client := strings.TrimSuffix(line, "\r"); client != "" {
				list.rows = append(list.rows, rosterRow{client: client, at: Pos{Line: i + 1, Col: 1}})
			}
		}
	} else {
		r.readTable(list, fail)
	}
	seen := make(map[string]bool, len(list.rows))
	for _, row := range list.rows {
		if seen[row.client] {
			r.found.add(spot{src: list.src, pos: row.at}, duplicateName, fmt.Sprintf("client %q stands in the roster twice", shortened(row.client)), "keep one of them")
		}
		seen[row.client] = true
	}
	if len(list.rows) == 0 && r.found.err() == nil {
		fail(1, 1, "the file names no client", "is it still being written? to expect nobody leave roster out")
	}
}

// readTable reads a CSV whose header is "client" and the names of labels. An empty
// cell is no label.
func (r *reader) readTable(list *roster, fail func(line, col int, message, hint string)) {
	in := csv.NewReader(strings.NewReader(list.src.text))
	in.ReuseRecord = true
	header, err := in.Read()
	if err == nil && header[0] != ClientLabel {
		fail(1, 1, fmt.Sprintf("the first column is %s", quoted(header[0])), "write a header: client, then names of labels, as in client,tier,cluster")
		return
	}
	names := slices.Clone(header)
	for i := 1; i < len(names); i++ {
		if err := feed.CheckLabelName(names[i]); err != nil {
			line, col := in.FieldPos(i)
			fail(line, col, plain(err).Error(), "write a header: client, then names of labels, as in client,tier,cluster")
			return
		}
		if slices.Contains(names[:i], names[i]) {
			line, col := in.FieldPos(i)
			fail(line, col, fmt.Sprintf("two columns are called %q", names[i]), "rename one of them")
			return
		}
	}
	known := map[string]feed.Labels{} // many clients share theirs
	for {
		row, err := in.Read()
		if errors.Is(err, io.EOF) {
			return
		}
		if wrong := (*csv.ParseError)(nil); errors.As(err, &wrong) {
			fail(wrong.Line, 1, fmt.Sprintf("a row that does not fit the header: %s", wrong.Err), fmt.Sprintf("write %s; put text with a comma or a quote in quotes", counted(len(names), "value")))
			return
		}
		line, _ := in.FieldPos(0)
		key := strings.Join(row[1:], "\x00")
		labels, met := known[key]
		if !met {
			pairs := map[string]string{}
			for i, value := range row[1:] {
				if value != "" {
					pairs[names[i+1]] = value
				}
			}
			if labels, err = feed.ParseLabels(pairs); err != nil {
				fail(line, 1, plain(err).Error(), "write a shorter value, without control characters")
				continue
			}
			known[key] = labels
		}
		list.rows = append(list.rows, rosterRow{strings.Clone(row[0]), labels, Pos{Line: line, Col: 1}})
	}
}

// clientsIn is how many clients a roster file names, for people.
func clientsIn(f File) int {
	lines := strings.Count(string(f.Data), "\n")
	if strings.HasSuffix(strings.ToLower(f.Name), ".csv") {
		lines--
	}
	return max(lines, 0)
}
