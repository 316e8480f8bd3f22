package said_test

import (
	"bytes"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/feedwatch/feedwatch/watchdog/said"
)

// canary is looked for by .ci/secrets: where it is not found, neither would a token
// be.
const canary = "fwcanary"

// TestKept runs itself once more with a folder, where all that is said must be.
func TestKept(t *testing.T) {
	if os.Getenv("SAID_AGAIN") != "" {
		say(t)
		return
	}
	say(t)
	dir := t.TempDir()
	again := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestKept$")
	again.Env = append(os.Environ(), "SAID_AGAIN=1", "FEEDWATCH_SAID="+dir)
	if out, err := again.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(files) != 1 {
		t.Fatalf("files %q, error %v", files, err)
	}
	kept, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	for _, word := range []string{"a log line", "also " + canary, "an error", "an answer", "of a server", "X-Header", canary} {
		if !strings.Contains(string(kept), word) {
			t.Errorf("%q was not kept:\n%s", word, kept)
		}
	}
}

func say(t *testing.T) {
	said.Log().Debug("a log line")
	var b bytes.Buffer
	if _, err := said.Also(&b).Write([]byte("also " + canary + "\n")); err != nil || !strings.Contains(b.String(), canary) {
		t.Errorf("wrote %q, error %v", &b, err)
	}
	said.That(errors.New("an error"))
	w := httptest.NewRecorder()
	w.WriteString("an answer")
	said.Answer(w.Result())
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Header", "x")
		_, _ = w.Write([]byte("of a server"))
	}))
	defer server.Close()
	resp, err := (&http.Client{Transport: said.Transport(http.DefaultTransport)}).Get(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var body bytes.Buffer
	if _, err := body.ReadFrom(resp.Body); err != nil || body.String() != "of a server" {
		t.Errorf("read %q, error %v", &body, err)
	}
}
