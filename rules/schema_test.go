package rules

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v4"
)

func compiledSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	text, err := Schema()
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("rules.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("rules.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// instance is a YAML text as a schema sees it; not ok where it is no YAML.
func instance(text string) (v any, ok bool) {
	if text == "" {
		return nil, true
	}
	if yaml.Load([]byte(text), &v) != nil {
		return nil, false
	}
	return timesAsText(v), true
}

// timesAsText undoes what only YAML 1.1 makes of a time.
func timesAsText(v any) any {
	switch v := v.(type) {
	case time.Time:
		if v.Equal(v.Truncate(24 * time.Hour)) {
			return v.Format(time.DateOnly) // no example has a midnight
		}
		return v.Format(time.RFC3339)
	case map[string]any:
		for k := range v {
			v[k] = timesAsText(v[k])
		}
	case []any:
		for i := range v {
			v[i] = timesAsText(v[i])
		}
	}
	return v
}

// What the parser takes, the schema takes.
func TestSchemaTakesWhatTheParserTakes(t *testing.T) {
	s := compiledSchema(t)
	paths, err := filepath.Glob("testdata/[gl]*/*.yaml") // good, language
	if err != nil {
		t.Fatal(err)
	}
	more, err := filepath.Glob("../deploy/examples/rules/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	warned, err := filepath.Glob("testdata/warn/*/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	texts := map[string]string{"empty": "", "merged": mergedRules}
	for _, path := range slices.Concat(paths, more, warned) {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		texts[path] = string(text)
	}
	for _, check := range Checks() {
		page, err := os.ReadFile(filepath.Join(pagesDir, string(check)+".md"))
		if err != nil {
			t.Fatal(err)
		}
		texts[string(check)] = yamlFence.FindAllStringSubmatch(string(page), -1)[1][2]
	}
	beside := append(slices.Clone(pageRosters), File{"norway.ics", []byte(norway)})
	for name, text := range texts {
		if text != "" && name != "empty" {
			if _, err := Parse(append([]File{{"rules.yaml", []byte(text)}}, beside...)); err != nil {
				t.Fatal(err)
			}
		}
		v, ok := instance(text)
		if !ok {
			t.Fatalf("%s is no YAML", name)
		}
		if err := s.Validate(v); err != nil {
			t.Errorf("%s is taken by the parser, and not by the schema: %v", name, err)
		}
	}
}

// mergedRules has what YAML allows besides the plain way of writing.
const mergedRules = `
feeds:
  - &first
    name: 007
    escalation: on-call
    roster: [1, yes, {client: 2, labels: {tier: 3, vip: true}}]
    rules:
      - {name: whole, per: feed, stale_after: 1d2h3m4s5ms, severity: info, idle_ok: TRUE}
      - {name: rest, stale_after: 90s}
  - {<<: *first, name: second, depends_on: [007], active: {days: [MON-wed, sun], hours: [8:00-12:00, '13:00 - 24:00'], holidays: 2026-12-24, timezone: UTC}}
escalations:
  - name: on-call
    steps: [{notify: [pagerduty/on-call]}, {after: 0s, notify: [a.b/c_d]}]
maintenance:
  - {name: once, match: ['feed="second"'], from: 2026-01-31T02:00:00+01:00, to: "2026-01-31T04:00:00.5Z"}
`

// The keys of the language are those of the schema, everywhere.
func TestSchemaHasEveryKey(t *testing.T) {
	w := schemaWriter{defs: map[string]any{}}
	defs := map[string]any{"a rule file": w.object(fileObject)}
	seen := map[*object]bool{}
	var walk func(o *object)
	var look func(s shape)
	look = func(s shape) {
		if s.of != nil {
			look(*s.of)
		}
		if s.object != nil {
			walk(s.object)
		}
	}
	walk = func(o *object) {
		if seen[o] {
			return
		}
		seen[o] = true
		def, _ := w.defs[definitionName(o)].(schema)
		if o == fileObject {
			def, _ = defs["a rule file"].(schema)
		}
		properties, _ := def["properties"].(schema)
		if len(properties) != len(o.names) || def["additionalProperties"] != false {
			t.Errorf("%s has %d keys, and its schema %d", o.what, len(o.names), len(properties))
		}
		for _, k := range o.keys {
			p, _ := properties[k.name].(schema)
			if p == nil || p["description"] == "" {
				t.Errorf("%s: the schema does not have or describe %q", o.what, k.name)
			}
			look(k.takes)
		}
	}
	walk(fileObject)
	if len(seen) != len(w.defs)+1 || len(seen) < 10 {
		t.Errorf("%d objects, and %d definitions", len(seen), len(w.defs))
	}
}

// What a schema can see, it refuses: of the wrong files, those with these findings.
func TestSchemaRefusesWhatIsWrong(t *testing.T) {
	s := compiledSchema(t)
	visible := []Check{unknownKey, wrongType, wrongValue, wrongTime}
	refused := map[Check]int{}
	for _, c := range allWrongFiles() {
		v, ok := instance(c.file)
		if !ok {
			continue
		}
		err := s.Validate(v)
		for _, f := range exampleFindings(c.file) {
			if err != nil {
				refused[f.Check]++
			} else if slices.Contains(visible, f.Check) && f.Message != "a label's name must be plain text" {
				t.Errorf("%s: the schema takes what is %s: %s", c.name, f.Check, f.Message)
			}
		}
	}
	for _, check := range append(visible, missingKey, wrongDuration, conflictingKeys) {
		if refused[check] == 0 {
			t.Errorf("the schema refuses nothing that is %s", check)
		}
	}
}
