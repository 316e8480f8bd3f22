package deploy_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"

	"github.com/feedwatch/feedwatch/deploy"
)

func TestPromtoolTakesTheAlerts(t *testing.T) {
	run(t, "promtool", "check", "rules", "--lint=all", "--lint-fatal", "prometheus/feedwatch-alerts.yml")
	run(t, "promtool", "check", "config", "prometheus/prometheus.yml")
}

func TestAlertsFireWhenTheyShould(t *testing.T) {
	run(t, "promtool", "test", "rules", "prometheus/feedwatch-alerts_test.yml")
}

// The unit tests notice each alert that cannot fire any more, and one that
// fires when all is well.
func TestAlertTestsNoticeEveryAlert(t *testing.T) {
	alerts := read(t, "prometheus/feedwatch-alerts.yml")
	expressions := alertExpressions(t)
	changed := map[string]string{"always": withExpression(t, alerts, expressions[0].Panel, "vector(1)")}
	for _, e := range expressions {
		changed[e.Panel] = withExpression(t, alerts, e.Panel, "vector(1) > 2")
	}
	for name, text := range changed {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			put(t, dir, "feedwatch-alerts.yml", text)
			put(t, dir, "feedwatch-alerts_test.yml", read(t, "prometheus/feedwatch-alerts_test.yml"))
			refuses(t, "promtool", "test", "rules", filepath.Join(dir, "feedwatch-alerts_test.yml"))
		})
	}
}

// Every metric of feedwatch that an alert or a panel reads is one that the
// documentation promises.
func TestAlertsAndPanelsReadDocumentedMetrics(t *testing.T) {
	docs := read(t, "../docs/metrics.md")
	documented := map[string]bool{}
	for _, m := range regexp.MustCompile("`(feedwatch_[a-z0-9_]+)").FindAllStringSubmatch(docs, -1) {
		documented[m[1]] = true
	}
	metric := regexp.MustCompile(`\bfeedwatch_[a-z0-9_]+`)
	check := func(where, query string) {
		for _, name := range metric.FindAllString(query, -1) {
			for _, suffix := range []string{"_bucket", "_sum", "_count"} {
				name = strings.TrimSuffix(name, suffix)
			}
			if !documented[name] {
				t.Errorf("%s reads %s, which docs/metrics.md does not name", where, name)
			}
		}
	}
	for _, alert := range alertExpressions(t) {
		check("the alert "+alert.Panel, alert.Query)
	}
	expressions, err := deploy.Expressions()
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range expressions {
		check("the panel "+e.Panel, e.Query)
	}
}

func alertExpressions(t *testing.T) []deploy.Expression {
	t.Helper()
	var file struct {
		Groups []struct {
			Rules []struct{ Alert, Expr string }
		}
	}
	if err := yaml.Unmarshal([]byte(read(t, "prometheus/feedwatch-alerts.yml")), &file); err != nil {
		t.Fatal(err)
	}
	var all []deploy.Expression
	for _, g := range file.Groups {
		for _, r := range g.Rules {
			all = append(all, deploy.Expression{Panel: r.Alert, Query: r.Expr})
		}
	}
	if len(all) == 0 {
		t.Fatal("no alerts")
	}
	return all
}

// withExpression is the alert file with one alert's expression replaced.
func withExpression(t *testing.T, alerts, name, expr string) string {
	t.Helper()
	old := regexp.MustCompile(`(?s)(- alert: ` + name + `\n +expr: ).*?(\n +(?:for|labels):)`)
	changed := old.ReplaceAllString(alerts, "${1}"+expr+"${2}")
	if changed == alerts {
		t.Fatalf("found no expression of %s", name)
	}
	return changed
}

func put(t *testing.T, dir, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
