package main

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/feedwatch/feedwatch/rules"
	"github.com/feedwatch/feedwatch/watchdog/ruletest"
)

func newRulesTestCommand() *cobra.Command {
	var dir, junit string
	cmd := &cobra.Command{
		Use:   "test FILE...",
		Short: "Run unit tests of rule files",
		Long: `Runs the tests in the files, each a story of heartbeats and what is expected of it,
in virtual time and with the same code that pages people. Nobody is told.

  rules: ../rules
  tests:
    - name: an enterprise client falls silent
      feed: external-profiles
      from: 2026-11-24T00:00:00Z
      heartbeats:
        - {client: acme, labels: {tier: enterprise}, beats: "x10 _20 x10"}
        - {client: other, count: 9, beats: "x40"}
      expect:
        - {at: 14m, clients: {acme: stale, other-1: fresh}}
      pages:
        - {at: 14m, to: [slack/cdp-alerts], reason: opened}
        - {at: 19m, to: [pagerduty/cdp]}
      resolves:
        - {at: 35m}

beats has a place for each interval (1m): x is a heartbeat, _ is none, and a number
repeats. Times count from the beginning. pages and resolves are all that there are.

Exit status: 0 every test passed, 1 something differs, 2 a test cannot be run.`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			results, err := runRuleTests(args, dir)
			if err != nil {
				return &exit{statusNotRead, err}
			}
			if junit != "" {
				if err := writeTo(cmd, junit, func(w io.Writer) error { return writeJUnit(w, results) }); err != nil {
					return &exit{statusNotRead, fmt.Errorf("write %s: %w", junit, err)}
				}
			}
			return tellRuleTests(cmd.OutOrStdout(), results)
		},
	}
	cmd.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return &exit{statusNotRead, err} })
	cmd.Flags().StringVar(&dir, "rules", "", "a directory of rule files in place of the tests' own")
	cmd.Flags().StringVar(&junit, "junit", "", "write the results to this file, as JUnit XML")
	return cmd
}

// ruleTestFile is what came of one file of tests.
type ruleTestFile struct {
	name  string
	tests []ruleTestResult
}

type ruleTestResult struct {
	name        string
	differences []ruletest.Difference
	took        time.Duration
}

// runRuleTests runs all tests of all files; the error says which cannot be run.
func runRuleTests(paths []string, dir string) ([]ruleTestFile, error) {
	var all []ruleTestFile
	sets := map[string]*rules.Set{}
	for _, path := range paths {
		data, err := readBounded(path, ruletest.FileBytesMax+1)
		if err != nil {
			return nil, fmt.Errorf("read tests: %w", err)
		}
		suite, err := ruletest.Parse(path, data)
		if err != nil {
			return nil, err
		}
		from := dir
		if from == "" {
			from = relativeTo(path, suite.Rules)
		}
		set := sets[from]
		if set == nil {
			if set, err = loadRules([]string{from}, nil); err != nil {
				return nil, err
			}
			sets[from] = set
		}
		file := ruleTestFile{name: path}
		for i := range suite.Tests {
			t := &suite.Tests[i]
			began := time.Now()
			differences, err := t.Run(set)
			if err != nil {
				return nil, fmt.Errorf("%s:%d: test %q: %w", path, t.Line, t.Name, err)
			}
			file.tests = append(file.tests, ruleTestResult{t.Name, differences, time.Since(began)})
		}
		all = append(all, file)
	}
	return all, nil
}

// tellRuleTests prints what differs, and a line that says how many passed.
func tellRuleTests(w io.Writer, results []ruleTestFile) error {
	passed, failed := 0, 0
	for _, file := range results {
		for _, t := range file.tests {
			if len(t.differences) == 0 {
				passed++
				continue
			}
			failed++
			fmt.Fprintf(w, "%s: %s\n%s\n", file.name, t.name, differencesText(file.name, t.differences))
		}
	}
	if failed > 0 {
		fmt.Fprintf(w, "%d passed, %d failed\n", passed, failed)
		return &exit{status: statusErrors}
	}
	_, err := fmt.Fprintf(w, "%s passed\n", plural(passed, "test"))
	return err
}

func differencesText(file string, all []ruletest.Difference) string {
	var b strings.Builder
	for _, d := range all {
		fmt.Fprintf(&b, "  %s:%d: %s\n", file, d.Line, strings.ReplaceAll(d.Text, "\n", "\n    "))
	}
	return b.String()
}

type junitSuites struct {
	XMLName struct{}     `xml:"testsuites"`
	Suites  []junitSuite `xml:"testsuite"`
}

type junitSuite struct {
	Name     string      `xml:"name,attr"`
	Tests    int         `xml:"tests,attr"`
	Failures int         `xml:"failures,attr"`
	Seconds  string      `xml:"time,attr"`
	Cases    []junitCase `xml:"testcase"`
}

type junitCase struct {
	Class   string        `xml:"classname,attr"`
	Name    string        `xml:"name,attr"`
	Seconds string        `xml:"time,attr"`
	Failure *junitFailure `xml:"failure"`
}

type junitFailure struct {
	Message string `xml:"message,attr"`
	Text    string `xml:",chardata"`
}

// writeJUnit writes the results in the form that CI systems read.
func writeJUnit(w io.Writer, results []ruleTestFile) error {
	seconds := func(d time.Duration) string { return fmt.Sprintf("%.3f", d.Seconds()) }
	doc := junitSuites{}
	for _, file := range results {
		suite := junitSuite{Name: file.name, Tests: len(file.tests)}
		took := time.Duration(0)
		for _, t := range file.tests {
			took += t.took
			c := junitCase{Class: file.name, Name: t.name, Seconds: seconds(t.took)}
			if n := len(t.differences); n > 0 {
				suite.Failures++
				c.Failure = &junitFailure{plural(n, "difference"), differencesText(file.name, t.differences)}
			}
			suite.Cases = append(suite.Cases, c)
		}
		suite.Seconds = seconds(took)
		doc.Suites = append(doc.Suites, suite)
	}
	enc := xml.NewEncoder(w)
	enc.Indent("", "  ")
	_, begun := io.WriteString(w, xml.Header)
	err := errors.Join(begun, enc.Encode(doc), enc.Close())
	_, ended := io.WriteString(w, "\n")
	return errors.Join(err, ended)
}
