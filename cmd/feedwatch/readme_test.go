package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/feedwatch/feedwatch/watchdog/sources/sourcetest"
)

// fence is one code block of the README.
type fence struct{ language, text string }

var fencePattern = regexp.MustCompile("(?ms)^```([a-z]*)\n(.*?)^```$")

func readmeFences(t *testing.T) []fence {
	t.Helper()
	data, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	var all []fence
	for _, m := range fencePattern.FindAllStringSubmatch(string(data), -1) {
		all = append(all, fence{m[1], m[2]})
	}
	if len(all) < 10 {
		t.Fatalf("only %d code blocks found in the README", len(all))
	}
	return all
}

// TestReadme does what the README says, in its order: it writes the files that
// are shown, runs every command and program, and follows `serve` with what is
// sent to it. Only `make test` is not run: it is what runs this.
func TestReadme(t *testing.T) {
	r := &readme{t: t, dir: t.TempDir(), address: sourcetest.FreeAddress(t)}
	for _, f := range readmeFences(t) {
		switch f.language {
		case "yaml", "csv":
			r.file(f.text)
		case "sh":
			r.shell(f.text)
		case "go":
			r.program("wire.go", f.text, "go", "run")
		case "python":
			r.program("wire.py", f.text, "python3")
		}
	}
	if r.commands < 12 || r.server == nil {
		t.Errorf("only %d commands of the README were run", r.commands)
	}
}

type readme struct {
	t        *testing.T
	dir      string
	address  string
	exports  []string
	server   *exec.Cmd
	log      lockedBuffer
	commands int
}

// here moves an example to this test's directory and port.
func (r *readme) here(text string) string {
	return strings.ReplaceAll(text, "127.0.0.1:8787", r.address)
}

// file writes a block that says its own name in its first line.
func (r *readme) file(text string) {
	name, ok := strings.CutPrefix(strings.SplitN(text, "\n", 2)[0], "# ")
	if !ok {
		return // a part of a file, for reading
	}
	path := filepath.Join(r.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		r.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(r.here(text)), 0o600); err != nil {
		r.t.Fatal(err)
	}
}

func (r *readme) shell(text string) {
	r.t.Helper()
	for _, command := range strings.Split(strings.ReplaceAll(text, "\\\n", " "), "\n") {
		command = strings.TrimSpace(command)
		switch {
		case command == "" || command == "make test":
		case strings.HasPrefix(command, "export "):
			r.exports = append(r.exports, strings.TrimPrefix(command, "export "))
		case command == "go run ./cmd/feedwatch demo":
			r.demo()
		case strings.HasPrefix(command, "./feedwatch serve"):
			r.serve(command)
		case strings.HasPrefix(command, "go "):
			// The output of a build lands where the rest of the README runs.
			r.run(repository, strings.Replace(command, "-o feedwatch", "-o "+filepath.Join(r.dir, "feedwatch"), 1))
		default:
			r.run(r.dir, r.here(command))
		}
	}
}

func (r *readme) command(dir, command string) *exec.Cmd {
	r.commands++
	cmd := exec.Command("bash", "-e", "-o", "pipefail", "-c", command)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), r.exports...)
	return cmd
}

func (r *readme) run(dir, command string) {
	r.t.Helper()
	if out, err := r.command(dir, command).CombinedOutput(); err != nil {
		r.t.Errorf("the README's command failed: %v\n%s\n%s", err, command, out)
	}
}

func (r *readme) program(name, text string, run ...string) {
	r.t.Helper()
	path := filepath.Join(r.dir, name)
	if err := os.WriteFile(path, []byte(r.here(text)), 0o600); err != nil {
		r.t.Fatal(err)
	}
	r.run(r.dir, strings.Join(append(run, path), " "))
}

func (r *readme) serve(command string) {
	r.t.Helper()
	r.server = r.command(r.dir, "exec "+command)
	r.server.Stdout, r.server.Stderr = &r.log, &r.log
	if err := r.server.Start(); err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() {
		_ = r.server.Process.Signal(os.Interrupt)
		if err := r.server.Wait(); err != nil {
			r.t.Errorf("serve ended with %v:\n%s", err, r.log.String())
		}
	})
	w := &world{t: r.t, address: r.address}
	w.eventually("serve is ready", 20*time.Second, func() bool { status, _ := w.get("/-/ready"); return status == 200 })
}

// demo runs the demo until it has paged, then presses Ctrl-C.
func (r *readme) demo() {
	r.t.Helper()
	temp := r.t.TempDir()
	path := buildBinary(r.t)
	cmd := r.command(r.dir, "exec "+path+" demo --listen "+sourcetest.FreeAddress(r.t))
	cmd.Env = append(cmd.Env, "TMPDIR="+temp)
	var out lockedBuffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		r.t.Fatal(err)
	}
	w := &world{t: r.t}
	w.eventually("the demo pages for a cluster", 60*time.Second, func() bool {
		return strings.Contains(out.String(), "silent for 100 of 300 clients: cluster fsn1")
	})
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		r.t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		r.t.Errorf("the demo ended with %v:\n%s", err, out.String())
	}
	if left, _ := os.ReadDir(temp); len(left) > 0 {
		r.t.Errorf("the demo left %d things behind: %v", len(left), left)
	}
}
