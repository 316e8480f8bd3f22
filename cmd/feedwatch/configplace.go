package main

import (
	"errors"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/feedwatch/feedwatch/rules"
)

// places says where in a configuration file something stands. The zero places
// knows nothing, and errors stay as they are.
type places struct {
	file  string
	lines []string
	root  *yaml.Node
}

// newPlaces reads a file that is known to be YAML.
func newPlaces(file string, data []byte) places {
	var document yaml.Node
	if yaml.Unmarshal(data, &document) != nil || len(document.Content) == 0 {
		return places{}
	}
	return places{file, strings.Split(string(data), "\n"), document.Content[0]}
}

// fault is err as rule files say it: file:line:col, the line, a caret. path leads
// there by keys and numbers; what does not stand in the file is said where the
// nearest thing above it stands.
func (p places) fault(err error, path ...any) error {
	if err == nil || p.root == nil {
		return err
	}
	at := p.root
	for _, step := range path {
		next := child(at, step)
		if next == nil {
			break
		}
		at = next
	}
	f := rules.Finding{Pos: rules.Pos{File: p.file, Line: at.Line, Col: max(at.Column, 1)}, Width: 1, Message: err.Error()}
	if at.Kind == yaml.ScalarNode {
		f.Width = max(len([]rune(at.Value)), 1)
	}
	if at.Line > 0 && at.Line <= len(p.lines) {
		f.Source = p.lines[at.Line-1]
	}
	return errors.New(f.String())
}

func child(of *yaml.Node, step any) *yaml.Node {
	for of.Kind == yaml.AliasNode {
		of = of.Alias
	}
	switch step := step.(type) {
	case int:
		if of.Kind == yaml.SequenceNode && step < len(of.Content) {
			return of.Content[step]
		}
	case string:
		for i := 0; of.Kind == yaml.MappingNode && i+1 < len(of.Content); i += 2 {
			if of.Content[i].Value == step {
				return of.Content[i+1]
			}
		}
	}
	return nil
}
