package rules

import (
	"path/filepath"
	"slices"
	"strings"
)

// fileKind is what a file of a set holds.
type fileKind uint8

const (
	holdsRules fileKind = iota // as does whatever is given by its name
	holdsClients
	holdsDays
)

// fileKinds are the files of a set, by how their names end.
var fileKinds = map[string]fileKind{
	".yaml": holdsRules, ".yml": holdsRules,
	".csv": holdsClients, ".txt": holdsClients,
	".ics": holdsDays,
}

// fileKindOf is what a file of that name holds; belongs says that it is part of a set
// where it lies in the directory of one. Hidden files (..data, .#lock, .x.yaml.swp) and
// the copies of editors (#x.yaml#, ~x.yaml; x.yaml~ and x.yaml.bak end otherwise) are
// not.
func fileKindOf(name string) (kind fileKind, belongs bool) {
	base := filepath.Base(name)
	if strings.ContainsRune(".~#", rune(base[0])) {
		return holdsRules, false
	}
	kind, belongs = fileKinds[strings.ToLower(filepath.Ext(base))]
	return kind, belongs
}

func holds(kind fileKind, name string) bool {
	k, _ := fileKindOf(name)
	return k == kind
}

// bytesMax is how large a file may be.
func (f File) bytesMax() int {
	if holds(holdsClients, f.Name) {
		return RosterBytesMax
	}
	return FileBytesMax
}

// besideFiles are files that rule files may name, by path.
type besideFiles[F any] map[string]F

// beside is the file of that name in the directory of a rule file, if there is one.
func (all besideFiles[F]) beside(ruleFile, name string) (f F, ok bool) {
	if name != filepath.Base(name) {
		return f, false
	}
	f, ok = all[filepath.Join(filepath.Dir(ruleFile), name)]
	return f, ok
}

// names are those in the directory of a rule file.
func (all besideFiles[F]) names(ruleFile string) []string {
	var names []string
	for path := range all {
		if filepath.Dir(path) == filepath.Clean(filepath.Dir(ruleFile)) {
			names = append(names, filepath.Base(path))
		}
	}
	slices.Sort(names)
	return names
}

// part puts aside what rule files may name, each kind by itself, and returns the rule
// files. Nothing is read yet: others are not ours.
func (r *reader) part(files []File) (ruleFiles []File) {
	r.rosters, r.icals = besideFiles[*roster]{}, besideFiles[*icalFile]{}
	for _, f := range files {
		switch kind, _ := fileKindOf(f.Name); kind {
		case holdsClients:
			r.rosters[filepath.Clean(f.Name)] = &roster{src: &source{name: f.Name}, file: f}
		case holdsDays:
			r.icals[filepath.Clean(f.Name)] = &icalFile{name: f.Name, data: f.Data}
		default:
			ruleFiles = append(ruleFiles, f)
		}
	}
	return ruleFiles
}
