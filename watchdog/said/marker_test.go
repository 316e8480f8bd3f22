package said_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/feedwatch/feedwatch/watchdog/said"
)

// madeSecret is a secret that a test makes of a literal. Short ones are refused as
// wrong, and URLs may hold none.
var madeSecret = regexp.MustCompile("NewSecret\\([\"`]([^\"`]{12,})[\"`]\\)|(?i:token|secret|password|key)\\w* +=? *[\"`]([^\"` ]{16,})[\"`]")

// TestTokensBearTheMarker: a token without it would be looked for in vain.
func TestTokensBearTheMarker(t *testing.T) {
	seen := 0
	err := filepath.WalkDir("../..", func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && (strings.HasPrefix(entry.Name(), ".") && len(entry.Name()) > 2 || entry.Name() == "deploy") {
			return filepath.SkipDir
		}
		test := strings.HasSuffix(path, "_test.go") || strings.Contains(path, "notifiertest")
		if !test || !strings.HasSuffix(path, ".go") || entry.Name() == "secret_test.go" {
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for _, m := range madeSecret.FindAllStringSubmatch(string(text), -1) {
			token := m[1] + m[2]
			if strings.Contains(token, said.Marker) {
				seen++
			} else if !strings.HasPrefix(token, "http") && !strings.HasPrefix(token, "fw/") { // an incident's key is none
				t.Errorf("%s: the token %q does not hold %q", path, token, said.Marker)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if seen < 20 {
		t.Errorf("only %d tokens were seen", seen)
	}
}
