package rules

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

func namesOf(files []File) []string {
	var names []string
	for _, f := range files {
		names = append(names, filepath.Base(f.Name)+"="+string(f.Data))
	}
	return names
}

func TestLoadFS(t *testing.T) {
	file := func(s string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(s)} }
	files, err := LoadFS(fstest.MapFS{
		"b.yaml": file("b"), "a.yml": file("a"), "C.YAML": file("c"), "dir.yaml/x.yaml": file("no"), "sub/x.yaml": file("no"),
		".hidden.yaml": file("no"), ".#b.yaml": file("no"), "#b.yaml": file("no"), "~b.yaml": file("no"), "b.yaml~": file("no"),
		"b.yaml.swp": file("no"), "b.yaml.bak": file("no"), "README.md": file("no"), "4913": file("no"),
	})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := namesOf(files), []string{"C.YAML=c", "a.yml=a", "b.yaml=b"}; !slices.Equal(got, want) {
		t.Errorf("files are %v, want %v", got, want)
	}
	if files, err := LoadFS(fstest.MapFS{}); err != nil || len(files) != 0 {
		t.Errorf("an empty directory gives %v, %v", files, err)
	}
}

func TestLoadFSTooMuch(t *testing.T) {
	big := fstest.MapFS{"a.yaml": {Data: make([]byte, 2*FileBytesMax)}}
	files, err := LoadFS(big)
	if err != nil || len(files[0].Data) != FileBytesMax+1 {
		t.Errorf("a big file gives %d bytes, %v", len(files[0].Data), err)
	}
	many := fstest.MapFS{}
	for i := range FilesMax + 1 {
		many[strings.Repeat("a", i%20+1)+string(rune('a'+i/20))+".yaml"] = &fstest.MapFile{}
	}
	if _, err := LoadFS(many); err == nil || !strings.Contains(err.Error(), "more than 1000 rule files") {
		t.Errorf("%d files give %v", len(many), err)
	}
	pipe := fstest.MapFS{"a.yaml": {Mode: fs.ModeNamedPipe}}
	if _, err := LoadFS(pipe); err == nil || !strings.Contains(err.Error(), "a.yaml is not a regular file") {
		t.Errorf("a pipe gives %v", err)
	}
}

// A mounted ConfigMap: names are links through ..data into a hidden directory.
func TestLoadDirConfigMap(t *testing.T) {
	dir := t.TempDir()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, v := range []string{"..1", "..2"} {
		must(os.Mkdir(filepath.Join(dir, v), 0o755))
		must(os.WriteFile(filepath.Join(dir, v, "a.yaml"), []byte("version "+v), 0o644))
	}
	must(os.Symlink("..1", filepath.Join(dir, "..data")))
	must(os.Symlink("..data/a.yaml", filepath.Join(dir, "a.yaml")))
	files, err := LoadDir(dir)
	must(err)
	if len(files) != 1 || string(files[0].Data) != "version ..1" || files[0].Name != filepath.Join(dir, "a.yaml") {
		t.Errorf("files are %+v", files)
	}
	must(os.Symlink("missing.yaml", filepath.Join(dir, "b.yaml")))
	if _, err := LoadDir(dir); err == nil || !strings.Contains(err.Error(), "b.yaml") {
		t.Errorf("a link to nothing gives %v", err)
	}
	if _, err := LoadDir(filepath.Join(dir, "none")); err == nil {
		t.Error("a directory that is not there gives no error")
	}
}

// swapping is a ConfigMap whose version changes when a file is opened, as often
// as swaps says.
type swapping struct {
	fstest.MapFS
	swaps *int
}

func (s swapping) Open(name string) (fs.File, error) {
	if strings.HasSuffix(name, "b.yaml") && *s.swaps > 0 {
		*s.swaps--
		s.MapFS["..data"] = &fstest.MapFile{Mode: fs.ModeSymlink, Data: []byte("..new" + strings.Repeat("x", *s.swaps))}
		s.MapFS["a.yaml"] = &fstest.MapFile{Data: []byte("new")}
		s.MapFS["b.yaml"] = &fstest.MapFile{Data: []byte("new")}
	}
	return s.MapFS.Open(name)
}

func (s swapping) ReadLink(name string) (string, error) { return s.MapFS.ReadLink(name) }

func (s swapping) Lstat(name string) (fs.FileInfo, error) { return s.MapFS.Lstat(name) }

func TestLoadFSReadsOneVersion(t *testing.T) {
	swaps := 1
	fsys := swapping{fstest.MapFS{
		"..data": {Mode: fs.ModeSymlink, Data: []byte("..old")},
		"..old":  {Mode: fs.ModeDir}, "..new": {Mode: fs.ModeDir},
		"a.yaml": {Data: []byte("old")}, "b.yaml": {Data: []byte("old")},
	}, &swaps}
	files, err := LoadFS(fsys)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := namesOf(files), []string{"a.yaml=new", "b.yaml=new"}; !slices.Equal(got, want) {
		t.Errorf("files are %v, want %v", got, want)
	}
	swaps = 1000
	if _, err := LoadFS(fsys); err == nil || !strings.Contains(err.Error(), "changes faster") {
		t.Errorf("a directory that never rests gives %v", err)
	}
}
