package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/feedwatch/feedwatch/rules"
)

// An editor's own language server, with the schema that the command prints.
func TestSchemaInAnEditor(t *testing.T) {
	text, err := rules.Schema()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "feedwatch.schema.json")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	modeline := "# yaml-language-server: $schema=file://" + path + "\n"
	s := startLanguageServer(t)

	paths, err := filepath.Glob("../../deploy/examples/rules/*.yaml")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no examples: %v", err)
	}
	for _, path := range append(paths, "../../rules/testdata/good/profiles.yaml", "demo/profiles.yaml") {
		example, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if said := s.open("file:///"+filepath.Base(filepath.Dir(path))+"/right.yaml", modeline+string(example)); len(said) > 0 {
			t.Errorf("%s: the editor complains: %q", path, said)
		}
	}

	for name, c := range map[string]struct{ file, want string }{
		"unknown":  {"feeds:\n  - name: a\n    escalation: b\n    rules:\n      - {name: c, stale_afer: 5m}\n", "Property stale_afer is not allowed"},
		"unit":     {"feeds:\n  - name: a\n    escalation: b\n    rules:\n      - name: c\n        stale_after: 5 min\n", "write for example 90s"},
		"type":     {"escalations:\n  - name: a\n    steps:\n      - notify: slack/alerts\n", `Expected "array"`},
		"missing":  {"escalations:\n  - name: a\n", `Missing property "steps"`},
		"severity": {"feeds:\n  - name: a\n    escalation: b\n    rules:\n      - {name: c, stale_after: 5m, severity: crit}\n", `"critical"`},
		"target":   {"escalations:\n  - name: a\n    steps:\n      - notify: [pagerduty]\n", "write for example slack/cdp-alerts"},
		"top":      {"feed: []\n", "Property feed is not allowed"},
	} {
		if said := s.open("file:///"+name+".yaml", modeline+c.file); !slices.ContainsFunc(said, func(line string) bool { return strings.Contains(line, c.want) }) {
			t.Errorf("%s: the editor says %q, want %q", name, said, c.want)
		}
	}

	const half = "feeds:\n  - name: a\n    escalation: b\n    rules:\n      - name: c\n        st\n"
	s.open("file:///half.yaml", modeline+half)
	at := func(line, character int) map[string]any {
		return map[string]any{
			"textDocument": map[string]any{"uri": "file:///half.yaml"}, "position": map[string]any{"line": line, "character": character},
		}
	}
	var completion struct {
		Items []struct{ Label string }
	}
	if err := json.Unmarshal(s.request("textDocument/completion", at(6, 10)), &completion); err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(completion.Items, func(i struct{ Label string }) bool { return i.Label == "stale_after" }) {
		t.Errorf("the editor completes st with %v", completion.Items)
	}
	if hover := string(s.request("textDocument/hover", at(3, 6))); !strings.Contains(hover, "Who is told") {
		t.Errorf("the editor explains escalation with %s", hover)
	}
}
