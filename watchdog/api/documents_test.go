package api

import (
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"go.yaml.in/yaml/v4"
)

func TestOpenAPIDescribesTheRouterAndNothingElse(t *testing.T) {
	var doc struct {
		OpenAPI string                    `yaml:"openapi"`
		Paths   map[string]map[string]any `yaml:"paths"`
	}
	if err := yaml.Unmarshal(openapiDocument, &doc); err != nil {
		t.Fatal(err)
	}
	var described []string
	for path, methods := range doc.Paths {
		for method := range methods {
			if method != "parameters" {
				described = append(described, strings.ToUpper(method)+" "+path)
			}
		}
	}
	slices.Sort(described)
	routed := methodsOf(newRig(t).api.routes())
	for i := range routed {
		routed[i] = strings.NewReplacer("...}", "}", "{$}", "").Replace(routed[i])
	}
	slices.Sort(routed)
	if !slices.Equal(routed, described) {
		t.Errorf("the router has\n%s\nthe document\n%s", strings.Join(routed, "\n"), strings.Join(described, "\n"))
	}
	if doc.OpenAPI != "3.1.0" {
		t.Errorf("OpenAPI %q", doc.OpenAPI)
	}
	// Every part that is referred to is there.
	var all any
	if err := yaml.Unmarshal(openapiDocument, &all); err != nil {
		t.Fatal(err)
	}
	for _, ref := range regexp.MustCompile(`#/components/[A-Za-z/]+`).FindAllString(string(openapiDocument), -1) {
		part := all
		for _, name := range strings.Split(strings.TrimPrefix(ref, "#/"), "/") {
			parent, _ := part.(map[string]any)
			part = parent[name]
		}
		if part == nil {
			t.Errorf("%s is referred to and not there", ref)
		}
	}
}

func TestDocsHaveTheSameOpenAPI(t *testing.T) {
	text, err := os.ReadFile("../../docs/openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if string(text) != string(openapiDocument) {
		t.Error("docs/openapi.yaml is not the document that is served")
	}
}

// scraped are the families of an endpoint.
func scraped(t *testing.T, r *rig, path string) map[string]*dto.MetricFamily {
	t.Helper()
	w := r.do("GET", path, "", "")
	want(t, w, http.StatusOK)
	if problems, err := promlint.New(strings.NewReader(w.Body.String())).Lint(); err != nil || len(problems) > 0 {
		t.Errorf("GET %s: %v, %v", path, problems, err)
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(w.Body)
	if err != nil {
		t.Fatal(err)
	}
	return families
}

// documented are the rows of the tables in docs/metrics.md under a heading:
// "type label,label" by name.
func documented(t *testing.T, headings ...string) map[string]string {
	t.Helper()
	text, err := os.ReadFile("../../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	row := regexp.MustCompile("^\\| `(feedwatch_[a-z_]+)` \\| (\\w+) \\| ?([^|]*) ?\\|")
	out := map[string]string{}
	heading := ""
	for line := range strings.Lines(string(text)) {
		if h, ok := strings.CutPrefix(line, "## "); ok {
			heading = strings.TrimSpace(h)
		}
		if m := row.FindStringSubmatch(line); m != nil && slices.Contains(headings, heading) {
			labels := strings.Split(strings.NewReplacer("`", "", " ", "").Replace(m[3]), ",")
			slices.Sort(labels)
			out[m[1]] = m[2] + " " + strings.Join(labels, ",")
		}
	}
	return out
}

func TestMetricsAreAsTheirDocumentSays(t *testing.T) {
	r := newRig(t, open)
	r.do("GET", "/", "", "") // so that something has been counted
	got := map[string]string{}
	for _, path := range []string{"/metrics", "/metrics/clients"} {
		for name, family := range scraped(t, r, path) {
			var labels []string
			for _, l := range family.GetMetric()[0].GetLabel() {
				labels = append(labels, l.GetName())
			}
			slices.Sort(labels)
			got[name] = strings.ToLower(family.GetType().String()) + " " + strings.Join(labels, ",")
		}
	}
	said := documented(t, "Feeds and incidents", "What feedwatch knows", "HTTP", "Clients one by one")
	for name, shape := range got {
		if said[name] != shape {
			t.Errorf("%s is %q, docs/metrics.md says %q", name, shape, said[name])
		}
	}
	for name := range said {
		if _, ok := got[name]; !ok {
			t.Errorf("docs/metrics.md has %s, which is not shown", name)
		}
	}
}
