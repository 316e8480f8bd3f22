package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/feedwatch/feedwatch/rules"
	"github.com/feedwatch/feedwatch/watchdog/feed"
)

// The exit statuses of rules check.
const (
	statusErrors   = 1
	statusNotRead  = 2
	statusWarnings = 3
)

func newRulesCheckCommand() *cobra.Command {
	var format, config string
	cmd := &cobra.Command{
		Use:   "check [DIR|FILE...]",
		Short: "Tell everything that is wrong with rule files, at once",
		Long: `Reads the rule files of a directory (rules, if none is named) or those that are
named, as one set, and tells all that it finds: where, the line with a caret, and
what to write instead. Says nothing when all is well.

With --config, the service's configuration, rules may name only the notifiers
that stand there, and its directory of rules is the default; no secret is needed.

Each finding has a name in brackets, and a page docs/rules/NAME.md. Warnings do
not refuse a set, and one that is meant can say so, on its line or the one before:

  # feedwatch: allow NAME reason

Exit status: 0 nothing to say, 1 the set would be refused, 2 nothing was checked
(a file cannot be read, a wrong flag), 3 there are warnings only.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			write, ok := map[string]func(io.Writer, *rules.Findings) error{"text": writeText, "json": writeJSON, "github": writeGitHub}[format]
			if !ok {
				return &exit{statusNotRead, fmt.Errorf("--format %q: write text, json or github", format)}
			}
			found, err := checkRules(args, config)
			if err != nil {
				return &exit{statusNotRead, err}
			}
			if err := write(cmd.OutOrStdout(), found); err != nil {
				return &exit{statusNotRead, err}
			}
			switch warnings := found.Warnings(); {
			case len(found.All) > warnings:
				return &exit{status: statusErrors}
			case warnings > 0:
				return &exit{status: statusWarnings}
			}
			return nil
		},
	}
	cmd.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return &exit{statusNotRead, err} })
	cmd.Flags().StringVar(&format, "format", "text", "text, json or github (annotations of a workflow)")
	cmd.Flags().StringVar(&config, "config", "", "the service's configuration, for the notifiers that exist")
	return cmd
}

// checkRules is all that is found in rule files; the error says that they could
// not be read.
func checkRules(paths []string, config string) (*rules.Findings, error) {
	var known []rules.Target
	dir := rulesDirDefault
	if config != "" {
		cfg, err := readConfig(config)
		if err != nil {
			return nil, err
		}
		known, dir = cfg.targets(), cfg.Rules
	}
	if len(paths) == 0 {
		paths = []string{dir}
	}
	set, err := loadRules(paths, known)
	var found *rules.Findings
	switch {
	case errors.As(err, &found):
		return found, nil
	case err != nil:
		return nil, err
	default:
		return set.WarningsAt(feed.At(time.Now())), nil
	}
}

func writeText(w io.Writer, found *rules.Findings) error {
	if len(found.All) == 0 {
		return nil
	}
	for _, f := range found.All {
		if _, err := fmt.Fprint(w, f, "\n\n"); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintln(w, found.Summary())
	return err
}

func writeJSON(w io.Writer, found *rules.Findings) error {
	all := found.All
	if all == nil {
		all = []rules.Finding{}
	}
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(struct {
		Errors   int             `json:"errors"`
		Warnings int             `json:"warnings"`
		Files    int             `json:"files"`
		Cut      bool            `json:"cut"` // there are more
		Findings []rules.Finding `json:"findings"`
	}{len(all) - found.Warnings(), found.Warnings(), found.Files, found.Cut, all})
}

// writeGitHub writes workflow commands, which GitHub shows at the lines of a pull
// request.
func writeGitHub(w io.Writer, found *rules.Findings) error {
	for _, f := range found.All {
		place := ""
		if f.File != "" {
			place = fmt.Sprintf("file=%s,line=%d,col=%d,endColumn=%d,", githubProperty(f.File), f.Line, f.Col, f.Col+f.Width)
		}
		text := f.Message
		if f.Hint != "" {
			text += "\n" + f.Hint
		}
		if _, err := fmt.Fprintf(w, "::%s %stitle=%s::%s\n", f.Level, place, f.Check, githubText(text)); err != nil {
			return err
		}
	}
	return nil
}

func githubText(s string) string {
	return strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A").Replace(s)
}

func githubProperty(s string) string {
	return strings.NewReplacer(":", "%3A", ",", "%2C").Replace(githubText(s))
}
