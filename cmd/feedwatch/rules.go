package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"github.com/feedwatch/feedwatch/rules"
)

// newRulesCommand holds what the people who edit rule files need.
func newRulesCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "rules",
		Short: "Check rule files, and see what they mean",
		Args:  cobra.NoArgs,
	}
	cmd.AddCommand(newRulesCheckCommand(), newRulesSchemaCommand(), newRulesExplainCommand(), newRulesTestCommand(), newRulesCoverageCommand(), newRulesDiffCommand())
	return cmd
}

// rulesDirDefault is where rule files are looked for when nothing else says where.
const rulesDirDefault = "rules"

// loadRules reads directories and files as one set. Notifiers that a rule names
// must be among known, unless that is nil.
func loadRules(paths []string, known []rules.Target) (*rules.Set, error) {
	files, err := readRuleFiles(paths)
	if err != nil {
		return nil, err
	}
	if known == nil {
		return rules.Parse(files)
	}
	return rules.ParseFor(files, known)
}

func readRuleFiles(paths []string) ([]rules.File, error) {
	var all []rules.File
	var dirs []string // of files that are given alone
	for _, path := range paths {
		info, err := os.Stat(path)
		if err != nil {
			return nil, fmt.Errorf("read rule files: %w", err)
		}
		if info.IsDir() {
			files, err := rules.LoadDir(path)
			if err != nil {
				return nil, err
			}
			all = append(all, files...)
			continue
		}
		data, err := readBounded(path, rules.FileBytesMax+1)
		if err != nil {
			return nil, fmt.Errorf("read rule files: %w", err)
		}
		all = append(all, rules.File{Name: path, Data: data})
		dirs = append(dirs, filepath.Dir(path))
	}
	slices.Sort(dirs)
	for _, dir := range slices.Compact(dirs) {
		beside, err := rules.LoadBeside(dir)
		if err != nil {
			return nil, err
		}
		for _, f := range beside {
			all = slices.DeleteFunc(all, func(given rules.File) bool { return filepath.Clean(given.Name) == f.Name })
		}
		all = append(all, beside...)
	}
	seen := map[string]bool{} // a file may be named twice, or with its directory
	return slices.DeleteFunc(all, func(f rules.File) bool {
		name := filepath.Clean(f.Name)
		again := seen[name]
		seen[name] = true
		return again
	}), nil
}

// targets are the notifiers that a configuration names. Unlike destinations it
// needs none of their secrets.
func (c *config) targets() []rules.Target {
	all := []rules.Target{}
	add := func(kind, name string) { all = append(all, rules.Target{Kind: kind, Name: name}) }
	for _, n := range c.Notifiers.Slack {
		add("slack", n.Name)
	}
	for _, n := range c.Notifiers.PagerDuty {
		add("pagerduty", n.Name)
	}
	for _, n := range c.Notifiers.Webhook {
		add("webhook", n.Name)
	}
	for i := range c.Notifiers.Alertmanager {
		add("alertmanager", c.Notifiers.Alertmanager[i].Name)
	}
	for i := range c.Notifiers.Email {
		add("email", c.Notifiers.Email[i].Name)
	}
	for _, n := range c.Notifiers.Console {
		add("console", n.Name)
	}
	return all
}
