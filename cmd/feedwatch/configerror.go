package main

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/feedwatch/feedwatch/rules"
)

var (
	unknownField = regexp.MustCompile(`^field (\S+) not found in type`)
	lineAgain    = regexp.MustCompile(`^line \d+: `)
)

// explainYAML says every mistake that the YAML library found in a configuration
// as rule files do: file:line:col, the line, a caret, what is wrong.
func explainYAML(file string, data []byte, err error) error {
	var many *yaml.LoadErrors
	var one *yaml.LoadError
	var found []*yaml.LoadError
	switch {
	case errors.As(err, &many):
		found = many.Errors
	case errors.As(err, &one):
		found = []*yaml.LoadError{one}
	default:
		return fmt.Errorf("%s: %w", file, err)
	}
	lines := strings.Split(string(data), "\n")
	var all []error
	for _, e := range found {
		f := rules.Finding{Pos: rules.Pos{File: file, Line: e.Mark.Line, Col: max(e.Mark.Column, 1)}, Width: 1}
		f.Message = lineAgain.ReplaceAllString(e.Message, "")
		if m := unknownField.FindStringSubmatch(f.Message); m != nil {
			f.Message, f.Width = fmt.Sprintf("unknown key %q", m[1]), len(m[1])
		}
		if f.Line > 0 && f.Line <= len(lines) {
			f.Source = lines[f.Line-1]
			if at := strings.Index(f.Source, strings.Trim(strings.TrimPrefix(f.Message, "unknown key "), `"`)); at >= 0 {
				f.Col = at + 1
			}
		}
		all = append(all, errors.New(f.String()))
	}
	return errors.Join(all...)
}
