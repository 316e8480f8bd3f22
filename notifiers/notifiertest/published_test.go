package notifiertest_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// published is an API's description by those who run it. None of them is in this
// repository: PagerDuty states no licence, and Slack's is a megabyte of 2021. With
// the path of one in the variable it is read; an excerpt that we wrote ourselves
// stands in for it otherwise, which nobody but us is to blame for.
type published struct {
	name     string
	variable string
	where    string
	excerpt  string
	loose    bool // it forbids further fields, and is older than some that there are
}

var (
	pagerDutyEvents = published{
		name: "PagerDuty's Events API v2", variable: "PAGERDUTY_EVENTS_OPENAPI",
		where: "reference/events-v2/openapiv3.json of github.com/PagerDuty/api-schema", excerpt: "pagerduty-events.json",
	}
	pagerDutyREST = published{
		name: "PagerDuty's REST API", variable: "PAGERDUTY_REST_OPENAPI",
		where: "reference/REST/openapiv3.json of github.com/PagerDuty/api-schema", excerpt: "pagerduty-rest.json",
	}
	slackWeb = published{
		name: "Slack's Web API", variable: "SLACK_WEB_OPENAPI",
		where: "web-api/slack_web_openapi_v2_without_examples.json of github.com/slackapi/slack-api-specs (MIT, archived 2021)", excerpt: "slack-web.json", loose: true,
	}
)

// document is one that was read.
type document struct {
	published
	root     map[string]any
	compiler *jsonschema.Compiler
}

// open reads a document, and says so where it is our excerpt: .ci/test repeats
// such lines at its end.
func (p published) open(t *testing.T) *document {
	t.Helper()
	path := os.Getenv(p.variable)
	if path == "" {
		path = filepath.Join("testdata", "published", p.excerpt)
		t.Logf("NOT HELD AGAINST %s as published, only against our excerpt: set %s to the path of %s", p.name, p.variable, p.where)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	root, err := jsonschema.UnmarshalJSON(strings.NewReader(string(data)))
	if err != nil {
		t.Fatal(err)
	}
	d := &document{published: p, root: root.(map[string]any), compiler: jsonschema.NewCompiler()}
	d.asSchema(d.root)
	d.compiler.DefaultDraft(jsonschema.Draft4) // what Swagger 2 and OpenAPI 3.0 are built on
	if err := d.compiler.AddResource("file:///published.json", d.root); err != nil {
		t.Fatal(err)
	}
	return d
}

// asSchema turns what OpenAPI says in its own way into JSON Schema.
func (d *document) asSchema(v any) {
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			d.asSchema(e)
		}
	case map[string]any:
		if kind, ok := v["type"].(string); ok && v["nullable"] == true {
			v["type"] = []any{kind, "null"}
		}
		if d.loose && v["additionalProperties"] == false {
			delete(v, "additionalProperties")
		}
		if blocks, ok := v["blocks"].(map[string]any); ok && d.loose && blocks["type"] == "object" {
			blocks["type"] = "array" // it is mistaken in one place, and right in the others
		}
		for _, e := range v {
			d.asSchema(e)
		}
	}
}

// at is what a path of keys leads to, through references; nil where there is nothing.
func (d *document) at(from any, keys ...string) (found map[string]any, pointer string) {
	at, _ := from.(map[string]any)
	for _, key := range append(keys, "") {
		if ref, ok := at["$ref"].(string); ok {
			pointer = strings.TrimPrefix(ref, "#")
			at = d.root
			for step := range strings.SplitSeq(strings.TrimPrefix(pointer, "/"), "/") {
				at, _ = at[unescapedStep(step)].(map[string]any)
			}
		}
		if key == "" || at == nil {
			return at, pointer
		}
		at, _ = at[key].(map[string]any)
		pointer += "/" + strings.NewReplacer("~", "~0", "/", "~1", "{", "%7B", "}", "%7D").Replace(key)
	}
	return at, pointer
}

func unescapedStep(s string) string { return strings.NewReplacer("~1", "/", "~0", "~").Replace(s) }

// operation is what the document has for a path. Slack takes a POST wherever its
// document says GET.
func (d *document) operation(method, path string) (op map[string]any, pointer string) {
	item, _ := d.at(d.root, "paths", path)
	for _, m := range []string{strings.ToLower(method), "get"} {
		if _, ok := item[m]; ok {
			return d.at(d.root, "paths", path, m)
		}
	}
	return nil, ""
}

// valid holds a value against the schema at a pointer.
func (d *document) valid(pointer string, value []byte) error {
	schema, err := d.compiler.Compile("file:///published.json#" + pointer)
	if err != nil {
		return err
	}
	v, err := jsonschema.UnmarshalJSON(strings.NewReader(string(value)))
	if err != nil {
		return err
	}
	return schema.Validate(v)
}

// exchange is a request of ours and a fake's answer to it.
type exchange struct {
	method, path string
	header       http.Header
	query        url.Values
	body         []byte
	status       int
	answer       []byte
}

// request says what of an exchange's request the document does not have. newer are
// parameters that the API took up after the document was written.
func (d *document) request(x exchange, newer []string) []string {
	op, pointer := d.operation(x.method, x.path)
	if op == nil {
		return []string{"there is no " + x.method + " " + x.path}
	}
	if schema, at := d.at(op, "requestBody", "content", "application/json", "schema"); schema != nil {
		if !strings.HasPrefix(at, "/components") {
			at = pointer + at
		}
		if err := d.valid(at, x.body); err != nil {
			return []string{err.Error()}
		}
		return nil
	}
	given := x.query
	if strings.HasPrefix(x.header.Get("Content-Type"), "application/x-www-form-urlencoded") {
		form, err := url.ParseQuery(string(x.body))
		if err != nil {
			return []string{err.Error()}
		}
		given = form
	}
	return d.parameters(op, given, newer)
}

func (d *document) parameters(op map[string]any, given url.Values, newer []string) (wrong []string) {
	known := map[string]bool{}
	all, _ := op["parameters"].([]any)
	for _, raw := range all {
		p, _ := d.at(raw)
		name, _ := p["name"].(string)
		known[name] = true
		kind, allowed := parameterType(p)
		switch values := given[name]; {
		case p["in"] == "header" || name == "token": // slack-go may put it into the form
		case p["required"] == true && len(values) == 0:
			wrong = append(wrong, name+" is missing")
		case kind == "integer" && slices.ContainsFunc(values, func(v string) bool { _, err := strconv.Atoi(v); return err != nil }),
			kind == "number" && slices.ContainsFunc(values, func(v string) bool { _, err := strconv.ParseFloat(v, 64); return err != nil }),
			kind == "boolean" && slices.ContainsFunc(values, func(v string) bool { _, err := strconv.ParseBool(v); return err != nil }):
			wrong = append(wrong, fmt.Sprintf("%s=%q is no %s", name, values, kind))
		case len(allowed) > 0 && slices.ContainsFunc(values, func(v string) bool { return !slices.Contains(allowed, any(v)) }):
			wrong = append(wrong, fmt.Sprintf("%s=%q is none of %v", name, values, allowed))
		}
	}
	for name := range given {
		if !known[name] && name != "token" && !slices.Contains(newer, name) {
			wrong = append(wrong, "it knows no "+name)
		}
	}
	slices.Sort(wrong)
	return wrong
}

func parameterType(p map[string]any) (kind string, allowed []any) {
	if schema, ok := p["schema"].(map[string]any); ok {
		p = schema
	}
	kind, _ = p["type"].(string)
	allowed, _ = p["enum"].([]any)
	return kind, allowed
}

// answered says what of an exchange's answer the document does not have. held is
// false where it says nothing about such an answer.
func (d *document) answered(x exchange) (held bool, err error) {
	op, pointer := d.operation(x.method, x.path)
	status := strconv.Itoa(x.status)
	var slack struct {
		OK *bool `json:"ok"`
	}
	if json.Unmarshal(x.answer, &slack) == nil && slack.OK != nil && !*slack.OK {
		status = "default" // Slack's errors are 200s
	}
	for _, keys := range [][]string{{"responses", status, "content", "application/json", "schema"}, {"responses", status, "schema"}} {
		if schema, at := d.at(op, keys...); schema != nil {
			if !strings.HasPrefix(at, "/components") && !strings.HasPrefix(at, "/definitions") {
				at = pointer + at
			}
			return true, d.valid(at, x.answer)
		}
	}
	return false, nil
}
