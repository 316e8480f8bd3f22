package rules

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// LoadDir reads the rule files of a directory; see LoadFS. Their names are
// those under which they can be opened.
func LoadDir(dir string) ([]File, error) {
	return loadDir(dir, ofSets)
}

func loadDir(dir string, takes func(name string) bool) ([]File, error) {
	files, err := loadFS(os.DirFS(dir), takes)
	if err != nil {
		return nil, fmt.Errorf("read rule files in %s: %w", dir, err)
	}
	for i := range files {
		files[i].Name = filepath.Join(dir, files[i].Name)
	}
	return files, nil
}

// LoadFS reads *.yaml and *.yml of a directory, and what they may name beside them
// (rosters *.csv and *.txt, calendars *.ics), sorted by name, without those
// below it. Hidden files and what editors leave behind are passed over. Symbolic
// links are followed; in a Kubernetes ConfigMap all files are of one version. A
// file that cannot be read is an error: to leave it out could stop a watch.
func LoadFS(fsys fs.FS) ([]File, error) {
	return loadFS(fsys, ofSets)
}

// ofSets says that a file belongs to a set of rules.
func ofSets(name string) bool {
	_, belongs := fileKindOf(name)
	return belongs
}

func loadFS(fsys fs.FS, takes func(name string) bool) ([]File, error) {
	// Kubernetes puts a new version in place by pointing ..data at it, perhaps
	// while we are reading.
	const attempts = 5
	for range attempts {
		before := configMapVersion(fsys)
		files, err := loadOnce(fsys, takes)
		if configMapVersion(fsys) == before {
			return files, err
		}
	}
	return nil, errors.New("the directory changes faster than it can be read")
}

// configMapVersion is where Kubernetes' ..data points; "" elsewhere.
func configMapVersion(fsys fs.FS) string {
	target, err := fs.ReadLink(fsys, "..data")
	if err != nil {
		return ""
	}
	return target
}

func loadOnce(fsys fs.FS, takes func(name string) bool) ([]File, error) {
	entries, err := fs.ReadDir(fsys, ".")
	if err != nil {
		return nil, err
	}
	var files []File
	for _, entry := range entries {
		if !takes(entry.Name()) {
			continue
		}
		info, err := fs.Stat(fsys, entry.Name())
		if err != nil {
			return nil, err
		}
		if info.IsDir() {
			continue
		}
		if !info.Mode().IsRegular() {
			return nil, fmt.Errorf("%s is not a regular file", entry.Name())
		}
		if len(files) == FilesMax {
			return nil, fmt.Errorf("more than %d rule files; put several feeds into one", FilesMax)
		}
		data, err := readFile(fsys, entry.Name())
		if err != nil {
			return nil, err
		}
		files = append(files, File{Name: entry.Name(), Data: data})
	}
	return files, nil
}

// LoadBeside reads what rule files may name beside them in a directory, for whoever is
// given single rule files of it: files of clients, and calendars.
func LoadBeside(dir string) ([]File, error) {
	return loadDir(dir, isBeside)
}

func isBeside(name string) bool {
	kind, belongs := fileKindOf(name)
	return belongs && kind != holdsRules
}

// readFile reads one byte more than is allowed at most, so that Parse can tell.
func readFile(fsys fs.FS, name string) ([]byte, error) {
	f, err := fsys.Open(name)
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(io.LimitReader(f, int64(File{Name: name}.bytesMax())+1))
	if err != nil {
		err = fmt.Errorf("read %s: %w", name, err)
	}
	return data, errors.Join(err, f.Close())
}
