// Package deploy holds what runs feedwatch in production: container, systemd,
// Kubernetes, Prometheus, Grafana and example configuration. Its Go code only
// hands these files to the tests that hold them against the real tools; no
// service imports it.
package deploy

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"strings"
)

//go:embed grafana/feedwatch.json
var dashboard []byte

// Expression is one query of the Grafana dashboard, as Prometheus gets it: all
// variables stand for "everything".
type Expression struct {
	Panel string // the panel's title
	Query string
}

// Expressions are all queries of the dashboard, in the order of its panels.
func Expressions() ([]Expression, error) {
	var board struct {
		Panels []panel `json:"panels"`
	}
	if err := json.Unmarshal(dashboard, &board); err != nil {
		return nil, fmt.Errorf("read the dashboard: %w", err)
	}
	var all []Expression
	for _, p := range board.Panels {
		all = p.expressions(all)
	}
	return all, nil
}

// panel is the part of a Grafana panel that matters here; a collapsed row holds
// panels of its own.
type panel struct {
	Title   string  `json:"title"`
	Panels  []panel `json:"panels"`
	Targets []struct {
		Expr string `json:"expr"`
	} `json:"targets"`
}

func (p panel) expressions(all []Expression) []Expression {
	for _, t := range p.Targets {
		all = append(all, Expression{Panel: p.Title, Query: everything.Replace(t.Expr)})
	}
	for _, inner := range p.Panels {
		all = inner.expressions(all)
	}
	return all
}

// everything fills in Grafana's variables as an untouched dashboard would.
var everything = strings.NewReplacer(
	"$__rate_interval", "1m",
	"$job", ".*",
	"$instance", ".*",
	"$feed", ".*",
)
