package deploy_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The shipped configurations, each with its rule files, are what feedwatch
// itself takes: `feedwatch check` reads them as `feedwatch serve` would.
func TestFeedwatchTakesTheExamples(t *testing.T) {
	binary := filepath.Join(t.TempDir(), "feedwatch")
	run(t, "go", "build", "-o", binary, "../cmd/feedwatch")

	manifests := objects(t)
	inCluster := write(t, "feedwatch.yaml", manifests["ConfigMap/feedwatch-config"].Data["feedwatch.yaml"])
	for config, rules := range map[string]string{
		"examples/feedwatch.yaml": "examples/rules",
		inCluster:                 folder(t, manifests["ConfigMap/feedwatch-rules"].Data),
	} {
		t.Run(config, func(t *testing.T) {
			check := exec.CommandContext(t.Context(), binary, "check", "--config", config, rules)
			check.Env = append(os.Environ(), secrets(read(t, config))...)
			if said, err := check.CombinedOutput(); err != nil {
				t.Errorf("feedwatch check: %v\n%s", err, said)
			}

			text := strings.Replace(read(t, config), "listen:", "lissen:", 1)
			check = exec.CommandContext(t.Context(), binary, "check", "--config", write(t, "feedwatch.yaml", text), rules)
			check.Env = append(os.Environ(), secrets(text)...)
			if said, err := check.CombinedOutput(); err == nil || !strings.Contains(string(said), "lissen") {
				t.Errorf("feedwatch check takes an unknown key: %v\n%s", err, said)
			}
		})
	}
}

// The shipped tests pass with the shipped rules, and notice an edit.
func TestTheExamplesHaveTests(t *testing.T) {
	binary := filepath.Join(t.TempDir(), "feedwatch")
	run(t, "go", "build", "-o", binary, "../cmd/feedwatch")
	test := func(rules string) ([]byte, error) {
		return exec.CommandContext(t.Context(), binary, "rules", "test", "examples/tests/profiles.yaml", "--rules", rules).CombinedOutput()
	}
	if said, err := test("examples/rules"); err != nil {
		t.Errorf("feedwatch rules test: %v\n%s", err, said)
	}
	edited := folder(t, map[string]string{"profiles.yaml": strings.ReplaceAll(read(t, "examples/rules/profiles.yaml"), "stale_after: 5m", "stale_after: 10m")})
	if said, err := test(edited); err == nil || !strings.Contains(string(said), "+ {at: 19m, to: [slack/cdp-alerts]") {
		t.Errorf("feedwatch rules test takes an edited rule: %v\n%s", err, said)
	}
}

// folder puts files into a folder of their own.
func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		put(t, dir, name, text)
	}
	return dir
}

// secrets gives each environment variable that a configuration reads a value
// that its owner could have.
func secrets(config string) []string {
	var env []string
	for _, name := range secretNames(config) {
		value := "0123456789abcdef0123456789abcdef"
		switch {
		case name == "SLACK_APP_TOKEN":
			value = "xapp-" + value
		case strings.HasPrefix(name, "SLACK_"):
			value = "xoxb-" + value
		}
		if strings.HasSuffix(name, "_URL") {
			value = "https://hc-ping.com/" + value
		}
		env = append(env, name+"="+value)
	}
	return env
}
