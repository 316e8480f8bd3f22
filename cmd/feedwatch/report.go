package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/feedwatch/feedwatch/notifiers"
	"github.com/feedwatch/feedwatch/watchdog"
	"github.com/feedwatch/feedwatch/watchdog/feed"
	"github.com/feedwatch/feedwatch/watchdog/report"
)

// newReportCommand drafts the root-cause document of an incident.
func newReportCommand() *cobra.Command {
	var format, measures, out string
	server := serverFlags{}
	cmd := &cobra.Command{
		Use:   "report INCIDENT",
		Short: "Draft the root-cause document of an incident",
		Long: `Drafts the root-cause document of an incident from what a running feedwatch
recorded: summary, times, what was lost, what came late, timeline, and corrective
measures to edit. INCIDENT is its id, the beginning of one, or "latest".

  feedwatch report latest --format html -o report.html

Without --measures some are drafted. A file of them is a YAML list:

  - what: Review all monitors and alerts
    owner: cdp-team
    status: in_progress      # open, in_progress or done
    due: 2026-01-31`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := checkReportFormat("--format", format); err != nil {
				return err
			}
			var listed []report.Measure
			if measures != "" {
				var err error
				if listed, err = readMeasures(measures); err != nil {
					return err
				}
			}
			client, err := server.client()
			if err != nil {
				return err
			}
			inc, err := client.incident(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			ledger, err := client.ledger(cmd.Context(), inc.ID)
			if err != nil {
				return err
			}
			if inc.Drill != nil {
				return fmt.Errorf("%s was a drill: nothing happened that could be reported", inc.ID)
			}
			r := report.New(inc, ledger, listed, feed.At(time.Now()), reportWords())
			return writeTo(cmd, out, func(w io.Writer) error { return writeReport(w, r, format) })
		},
	}
	cmd.Flags().StringVar(&format, "format", "markdown", "markdown, html or json")
	cmd.Flags().StringVar(&measures, "measures", "", "a YAML file with the corrective measures")
	cmd.Flags().StringVarP(&out, "output", "o", "", "write to this file instead of the terminal")
	server.add(cmd.Flags())
	return cmd
}

func checkReportFormat(flag, format string) error {
	switch format {
	case "markdown", "html", "json":
		return nil
	default:
		return fmt.Errorf("%s %q: write markdown, html or json", flag, format)
	}
}

func writeReport(w io.Writer, r *report.Report, format string) error {
	switch format {
	case "html":
		return r.HTML(w)
	case "json":
		return r.JSON(w)
	default:
		return r.Markdown(w)
	}
}

// writeTo writes to a file, which is there whole or not at all, or to the
// command's output.
func writeTo(cmd *cobra.Command, path string, write func(io.Writer) error) (err error) {
	if path == "" {
		return write(cmd.OutOrStdout())
	}
	part := path + ".part"
	f, err := os.OpenFile(part, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600) // clients are named in it
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(part))
		}
	}()
	if err := errors.Join(write(f), f.Close()); err != nil {
		return err
	}
	return os.Rename(part, path)
}

// reportWords lets a report speak as the notifiers do.
func reportWords() report.Words {
	return report.Words{
		Headline: notifiers.Headline,
		Affected: notifiers.Affected,
		Where:    notifiers.Where,
		Event: func(inc *watchdog.Incident, e *watchdog.Event) []string {
			return texts(notifiers.EventText(inc, e))
		},
		Again: notifiers.Again,
		Day:   notifiers.Day,
		Age:   notifiers.Age,
		Count: notifiers.Count,
		About: notifiers.About,
		Clean: notifiers.Clean,
		Link:  notifiers.SafeLink,
	}
}

func texts(lines []notifiers.Line) []string {
	all := make([]string, 0, len(lines))
	for _, l := range lines {
		all = append(all, l.String())
	}
	return all
}
