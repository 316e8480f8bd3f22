package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/feedwatch/feedwatch/notifiers"
	"github.com/feedwatch/feedwatch/rules"
	"github.com/feedwatch/feedwatch/watchdog/api"
	"github.com/feedwatch/feedwatch/watchdog/feed"
)

// notifierViews is how each notifier is doing, for the API.
func (s *service) notifierViews() []api.NotifierView {
	var all []api.NotifierView
	for _, t := range s.delivery.Status() {
		all = append(all, api.NotifierView{
			Name: t.Target.String(), Pending: t.Pending, Refuses: t.Parked, GivenUp: t.Dead, GivenUpWhy: t.DeadReason,
			LastSuccess: t.LastSuccess, LastError: t.LastError, FailingSince: t.FailingSince,
		})
	}
	return all
}

// notifiersAnswer is what the API says of them.
type notifiersAnswer struct {
	Now       feed.Instant       `json:"now"`
	Notifiers []api.NotifierView `json:"notifiers"`
}

func newNotifiersStatusCommand() *cobra.Command {
	var server serverFlags
	var format string
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Say how each notifier of a running feedwatch is doing",
		Long: `Asks a running feedwatch what waits for each notifier, which of them refuse it, and
why. It ends with an error where one refuses it, or refused a message for good.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := server.client()
			if err != nil {
				return err
			}
			var said notifiersAnswer
			if err := c.get(cmd.Context(), "/api/v1/notifiers", nil, &said); err != nil {
				return err
			}
			return said.print(cmd.OutOrStdout(), format)
		},
	}
	server.add(cmd.Flags())
	cmd.Flags().StringVar(&format, "format", "text", "text or json")
	return cmd
}

func newNotifiersRetryCommand() *cobra.Command {
	var server serverFlags
	cmd := &cobra.Command{
		Use:   "retry KIND/NAME",
		Short: "Try at once what waits for a notifier, and what it refused",
		Long: `For after its token, channel or settings were mended. A notifier that refuses
feedwatch is tried every 5 minutes anyway; what it refused in any form is not.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			target, err := rules.ParseTarget(args[0])
			if err != nil {
				return err
			}
			c, err := server.client()
			if err != nil {
				return err
			}
			path := "/api/v1/notifiers/" + url.PathEscape(target.Kind) + "/" + url.PathEscape(target.Name) + "/retry"
			if err := c.post(cmd.Context(), path, new(notifiersAnswer)); err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%s is tried again; notifiers status says what comes of it\n", target)
			return nil
		},
	}
	server.add(cmd.Flags())
	return cmd
}

// print writes it down; the error counts those through which pages do not get.
func (said *notifiersAnswer) print(out io.Writer, format string) error {
	switch format {
	case "json":
		enc := json.NewEncoder(out)
		enc.SetIndent("", "  ")
		if err := enc.Encode(said); err != nil {
			return err
		}
	case "text":
		table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
		fmt.Fprintln(table, "NOTIFIER\tSTATE\tWAITING\tLAST SUCCESS\tWHY")
		for i := range said.Notifiers {
			n := &said.Notifiers[i]
			state, why := stateOf(n)
			last := "none since the start"
			if !n.LastSuccess.IsZero() {
				last = notifiers.Age(max(said.Now.Sub(n.LastSuccess), time.Second)) + " ago"
			}
			fmt.Fprintf(table, "%s\t%s\t%d\t%s\t%s\n", n.Name, state, n.Pending, last, notifiers.Clean(why, 200))
		}
		if err := table.Flush(); err != nil {
			return err
		}
	default:
		return fmt.Errorf("--format %q: write text or json", format)
	}
	bad := 0
	for i := range said.Notifiers {
		if n := &said.Notifiers[i]; n.Refuses != "" || n.GivenUp > 0 {
			bad++
		}
	}
	if bad > 0 {
		return fmt.Errorf("%d of %d notifiers refuse pages; mend what is wrong, then: feedwatch notifiers retry KIND/NAME", bad, len(said.Notifiers))
	}
	return nil
}

func stateOf(n *api.NotifierView) (state, why string) {
	switch {
	case n.Refuses != "":
		return "refuses us", n.Refuses
	case n.GivenUp > 0:
		return fmt.Sprintf("refused %d messages", n.GivenUp), n.GivenUpWhy
	case !n.FailingSince.IsZero() && n.Pending > 0:
		return "failing", n.LastError
	}
	return "ok", ""
}
