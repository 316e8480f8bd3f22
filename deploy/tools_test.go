package deploy_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// tool finds a program that `make test` installs: in .tools, else on the PATH.
func tool(t *testing.T, name string) string {
	t.Helper()
	for _, dir := range []string{"bin", "npm/node_modules/.bin"} {
		path, err := filepath.Abs(filepath.Join("..", ".tools", dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(path); err == nil {
			return path
		}
	}
	path, err := exec.LookPath(name)
	if err != nil {
		t.Fatalf("%s is not installed; `make test` installs it", name)
	}
	return path
}

// run runs a tool and returns all that it printed; a failure of the tool fails the test.
func run(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), tool(t, name), args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %q: %v\n%s", name, args, err, out)
	}
	return string(out)
}

// refuses runs a tool on something that is wrong, to be sure that the tool would tell.
func refuses(t *testing.T, name string, args ...string) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), tool(t, name), args...).CombinedOutput()
	if err == nil {
		t.Errorf("%s %q finds nothing wrong, so it checks nothing here:\n%s", name, args, out)
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// write puts text into a new folder under a name and returns its path.
func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
