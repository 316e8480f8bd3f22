package rules_test

import (
	"errors"
	"testing"

	"github.com/feedwatch/feedwatch/rules"
)

func TestBrief(t *testing.T) {
	wrong := rules.Finding{Pos: rules.Pos{File: "a.yaml", Line: 6, Col: 55}, Message: `unknown key "x"`, Source: "x: 1", Hint: "did you mean"}
	warning := rules.Finding{Pos: rules.Pos{File: "a.yaml", Line: 1, Col: 1}, Message: "odd", Level: rules.LevelWarning}
	for want, err := range map[string]error{
		`a.yaml:6:55: unknown key "x"`:            &rules.Findings{All: []rules.Finding{warning, wrong}},
		`a.yaml:6:55: unknown key "x" and 2 more`: &rules.Findings{All: []rules.Finding{wrong, warning, wrong, wrong}},
		"1 warning in 0 files":                    &rules.Findings{All: []rules.Finding{warning}},
		"read rules in rules: no such directory":  errors.New("read rules in rules: no such directory\nmore"),
	} {
		if got := rules.Brief(err); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
