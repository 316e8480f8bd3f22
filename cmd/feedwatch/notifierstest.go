package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/feedwatch/feedwatch/notifiers"
	"github.com/feedwatch/feedwatch/rules"
	"github.com/feedwatch/feedwatch/watchdog/delivery"
)

func newNotifiersCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "notifiers",
		Short: "Look after the ways to tell people",
		Args:  cobra.NoArgs,
	}
	cmd.AddCommand(newNotifiersTestCommand(), newNotifiersStatusCommand(), newNotifiersRetryCommand())
	return cmd
}

// checkTimeout bounds the test of one notifier.
const checkTimeout = time.Minute

func newNotifiersTestCommand() *cobra.Command {
	var path string
	var post bool
	cmd := &cobra.Command{
		Use:   "test [KIND/NAME ...] --config FILE",
		Short: "Test that notifiers are set up right, and say what is missing",
		Long: `Looks at each notifier, or at those that are named, all the way to the service
behind it: for Slack at the token, its scopes, the channel, and how presses come
back; for e-mail at TLS, the account, the sender and each recipient. With --post
it also sends a test message, and takes it back but for e-mail, which cannot be.
It ends with an error where a page would not get through.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			cfg, err := readConfig(path)
			if err != nil {
				return err
			}
			all, err := cfg.destinations(notifiers.NewTerminal(io.Discard, false))
			if all, err = named(all, args, err); err != nil {
				return err
			}
			failed := 0
			for _, d := range all {
				if !testNotifier(cmd.Context(), cmd.OutOrStdout(), d, post) {
					failed++
				}
			}
			if failed > 0 {
				return fmt.Errorf("pages would not get through %d of %d notifiers", failed, len(all))
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&path, "config", "feedwatch.yaml", "the service's configuration file")
	cmd.Flags().BoolVar(&post, "post", false, "send a test message too, and take it back where that is possible")
	return cmd
}

// named are the destinations that args name, or all. What is wrong with others
// (wrong) matters only where one that is meant is not there.
func named(all []delivery.Destination, args []string, wrong error) ([]delivery.Destination, error) {
	if len(args) == 0 {
		return all, wrong
	}
	var found []delivery.Destination
	for _, arg := range args {
		target, err := rules.ParseTarget(arg)
		if err != nil {
			return nil, err
		}
		n := len(found)
		var known []string
		for _, d := range all {
			known = append(known, d.Target.String())
			if d.Target == target {
				found = append(found, d)
			}
		}
		if len(found) == n {
			return nil, errors.Join(fmt.Errorf("no notifier %s is configured; there are %s", arg, strings.Join(known, ", ")), wrong)
		}
	}
	return found, nil
}

// testNotifier prints what it finds; false where a page would not get through.
func testNotifier(ctx context.Context, out io.Writer, d delivery.Destination, post bool) bool {
	fmt.Fprintln(out, d.Target)
	checker, ok := d.Notifier.(notifiers.Checker)
	if !ok {
		fmt.Fprintln(out, "  --    its configuration is sound; more cannot be tested from here")
		return true
	}
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	pages := true
	for _, f := range checker.Check(ctx, post) {
		switch {
		case f.OK():
			fmt.Fprintf(out, "  ok    %s: %s\n", f.What, f.Found)
			continue
		case f.Pages:
			fmt.Fprintf(out, "  note  %s: %s\n", f.What, f.Found)
		default:
			pages = false
			fmt.Fprintf(out, "  FAIL  %s: %s\n", f.What, f.Found)
		}
		fmt.Fprintf(out, "        %s\n", f.Mend)
	}
	return pages
}
