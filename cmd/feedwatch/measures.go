package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"go.yaml.in/yaml/v4"

	"github.com/feedwatch/feedwatch/watchdog/report"
)

// measuresBytesMax bounds a file of measures.
const measuresBytesMax = 1 << 20

// measureFile is one item of a file of measures.
type measureFile struct {
	What   string        `yaml:"what"`
	Owner  string        `yaml:"owner"`
	Status measureStatus `yaml:"status"`
	Due    measureDate   `yaml:"due"`
}

type measureStatus report.Status

// UnmarshalYAML reads a status.
func (s *measureStatus) UnmarshalYAML(node *yaml.Node) error {
	status, err := report.ParseStatus(node.Value)
	*s = measureStatus(status)
	return err
}

type measureDate report.Date

// UnmarshalYAML reads a day as it is written, whatever YAML takes it for.
func (d *measureDate) UnmarshalYAML(node *yaml.Node) error {
	date, err := report.ParseDate(node.Value)
	*d = measureDate(date)
	return err
}

// readMeasures reads a list of corrective measures. An empty file is an empty
// list: nothing is drafted then.
func readMeasures(path string) ([]report.Measure, error) {
	data, err := readBounded(path, measuresBytesMax+1)
	if err != nil {
		return nil, fmt.Errorf("read measures: %w", err)
	}
	if len(data) > measuresBytesMax {
		return nil, fmt.Errorf("%s has more than %d bytes; leave something out", path, measuresBytesMax)
	}
	if err := checkMeasureList(path, data); err != nil {
		return nil, err
	}
	var listed []measureFile
	if err := loadMeasures(data, &listed); err != nil {
		return nil, explainYAML(path, data, err)
	}
	if len(listed) > report.MeasuresMax {
		return nil, fmt.Errorf("%s lists %d measures; at most %d are allowed", path, len(listed), report.MeasuresMax)
	}
	all := make([]report.Measure, 0, len(listed))
	var errs []error
	for i, f := range listed {
		m := report.Measure{What: f.What, Owner: f.Owner, Status: report.Status(f.Status), Due: report.Date(f.Due)}
		if m.Status == "" {
			m.Status = report.StatusOpen
		}
		if err := m.Check(); err != nil {
			errs = append(errs, fmt.Errorf("%s: measure %d: %w", path, i+1, err))
		}
		all = append(all, m)
	}
	return all, errors.Join(errs...)
}

// loadMeasures reads the document of a file into v; one without any leaves v.
func loadMeasures(data []byte, v any) error {
	loader, err := yaml.NewLoader(bytes.NewReader(data), yaml.WithKnownFields())
	if err != nil {
		return err
	}
	if err := loader.Load(v); !errors.Is(err, io.EOF) {
		return err
	}
	return nil
}

// checkMeasureList says in our words what YAML says in those of Go: that the file
// is a list of measures.
func checkMeasureList(path string, data []byte) error {
	var doc yaml.Node
	if err := loadMeasures(data, &doc); err != nil {
		return explainYAML(path, data, err)
	}
	if len(doc.Content) == 0 {
		return nil
	}
	const write = "write a list of measures: - what: Review all alerts"
	root := doc.Content[0]
	if root.Kind != yaml.SequenceNode {
		return fmt.Errorf("%s:%d:%d: the file is no list; %s", path, root.Line, root.Column, write)
	}
	var errs []error
	for _, item := range root.Content {
		if item.Kind != yaml.MappingNode {
			errs = append(errs, fmt.Errorf("%s:%d:%d: a measure is keys and values; %s", path, item.Line, item.Column, write))
		}
	}
	return errors.Join(errs...)
}
