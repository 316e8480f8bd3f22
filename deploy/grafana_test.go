package deploy_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/feedwatch/feedwatch/deploy"
)

// Every query of the dashboard parses: promtool reads each as a recording rule.
func TestPromtoolTakesEveryPanel(t *testing.T) {
	expressions, err := deploy.Expressions()
	if err != nil {
		t.Fatal(err)
	}
	if len(expressions) < 20 {
		t.Fatalf("only %d expressions", len(expressions))
	}
	var rules strings.Builder
	rules.WriteString("groups:\n  - name: dashboard\n    rules:\n")
	for i, e := range expressions {
		if strings.Contains(e.Query, "$") {
			t.Errorf("%s: a variable is left in %s", e.Panel, e.Query)
		}
		quoted, err := json.Marshal(e.Query)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&rules, "      - record: panel:%d\n        expr: %s\n", i, quoted)
	}
	run(t, "promtool", "check", "rules", write(t, "panels.yml", rules.String()))
}

// The board must open on any Grafana: its data source is a variable, and no
// panel shares a place or an id with another.
func TestDashboardIsWellFormed(t *testing.T) {
	type grid struct{ X, Y, W, H int }
	var board struct {
		UID, Title string
		Templating struct {
			List []struct{ Name, Type string }
		}
		Panels []struct {
			ID          int
			Type, Title string
			Description string
			Datasource  struct{ UID string }
			GridPos     grid
		}
	}
	if err := json.Unmarshal([]byte(read(t, "grafana/feedwatch.json")), &board); err != nil {
		t.Fatal(err)
	}
	if board.UID != "feedwatch" || board.Title == "" {
		t.Errorf("uid %q, title %q", board.UID, board.Title)
	}
	if len(board.Templating.List) == 0 || board.Templating.List[0].Type != "datasource" {
		t.Errorf("the first variable is no data source: %+v", board.Templating.List)
	}
	ids := map[int]string{}
	taken := map[[2]int]string{}
	for _, p := range board.Panels {
		if other, ok := ids[p.ID]; ok {
			t.Errorf("%q and %q share the id %d", p.Title, other, p.ID)
		}
		ids[p.ID] = p.Title
		if p.Type != "row" && (p.Datasource.UID != "${datasource}" || p.Description == "") {
			t.Errorf("%q: data source %q, description %q", p.Title, p.Datasource.UID, p.Description)
		}
		if p.GridPos.X+p.GridPos.W > 24 {
			t.Errorf("%q is wider than the board", p.Title)
		}
		for x := p.GridPos.X; x < p.GridPos.X+p.GridPos.W; x++ {
			for y := p.GridPos.Y; y < p.GridPos.Y+p.GridPos.H; y++ {
				if other, ok := taken[[2]int{x, y}]; ok {
					t.Fatalf("%q lies over %q", p.Title, other)
				}
				taken[[2]int{x, y}] = p.Title
			}
		}
	}
}
